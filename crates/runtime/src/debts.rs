//! Events that sinks are still owed and that the pipeline file no longer mentions, or holds back. Each start, each reload and
//! `validate --against-journal` report them.

use std::collections::BTreeMap;
use std::fmt;

use signalbox_journal::{Journal, Named, Roster, SinkState};

/// Pending events that the pipeline file no longer mentions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Debt {
    /// Events of a source that the sink no longer listens to.
    Source {
        /// The sink.
        sink: String,
        /// The source.
        source: String,
        /// Number of pending events.
        events: u64,
        /// True if the events are not delivered (`inputs_removed = "filter"`).
        filtered: bool,
    },
    /// Events for a sink that is disabled.
    Disabled {
        /// The sink.
        sink: String,
        /// Number of pending events.
        events: u64,
    },
    /// Events for a sink that is no longer in the file.
    Sink {
        /// The sink.
        sink: String,
        /// Number of pending events.
        events: u64,
    },
}

impl fmt::Display for Debt {
    /// Writes the count, and the operator's choices.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Debt::Source {
                sink,
                source,
                events,
                filtered,
            } => {
                let become_of = if *filtered {
                    "filtered (input_removed)"
                } else {
                    "delivered"
                };
                write!(
                    f,
                    "{events} pending events of the source '{source}' are for the sink '{sink}', whose inputs no longer \
                     name it; they will be {become_of}. If the source was renamed, set was = \"{source}\" in it; to let \
                     go of them: signalbox forget --source {source} --sink {sink}"
                )
            }
            Debt::Disabled { sink, events } => write!(
                f,
                "{events} pending events are for the sink '{sink}', which is disabled; they stay in the journal until it is \
                 enabled. To let go of them: signalbox forget --sink {sink}"
            ),
            Debt::Sink { sink, events } => write!(
                f,
                "{events} pending events are for the sink '{sink}', which is no longer in the file; they stay in the \
                 journal. If the sink was renamed, set was = \"{sink}\" in it; to let go of them: signalbox forget \
                 --sink {sink}"
            ),
        }
    }
}

/// True if another router that shares the journal has a sink in its file, and delivers to it.
#[must_use]
pub fn others_have(journal: &dyn Journal, sink: &str) -> bool {
    let nodes = journal.nodes();
    nodes.iter().any(|node| !node.own && node.has_sink(sink))
}

/// Finds the debts of sinks that the journal knows and this pipeline does not deliver to: removed and disabled ones, unless
/// another router delivers to them.
///
/// # Errors
/// A sentence if the journal cannot be read.
pub async fn of_idle_sinks(journal: &dyn Journal, roster: &Roster) -> Result<Vec<Debt>, String> {
    let known = journal.sinks().await.map_err(|error| error.to_string())?;
    let idle = known
        .iter()
        .filter(|sink| !roster.has_sink(&sink.name) && !others_have(journal, &sink.name));
    Ok(idle.filter_map(|sink| of_idle(sink, roster)).collect())
}

/// Returns the debt of a sink that is not delivered to, under the name that the roster gives it.
fn of_idle(state: &SinkState, roster: &Roster) -> Option<Debt> {
    let events = state.pending();
    let same = |named: &&Named| named.is_of(&state.name);
    let debt = match roster.disabled.iter().find(same) {
        Some(Named { name: sink, .. }) => Debt::Disabled {
            sink: sink.clone(),
            events,
        },
        None => Debt::Sink {
            sink: state.name.clone(),
            events,
        },
    };
    (events > 0).then_some(debt)
}

/// The enabled sinks of a pipeline file and their inputs, under present and former names.
#[derive(Debug, Clone, Default)]
pub struct Listeners {
    /// The present and former names.
    pub roster: Roster,
    /// The file's enabled sinks by name.
    pub sinks: BTreeMap<String, Listening>,
}

/// One sink of [`Listeners`].
#[derive(Debug, Clone, Default)]
pub struct Listening {
    /// The sink's inputs.
    pub inputs: Vec<String>,
    /// True if the sink filters pending events of sources that are no longer its inputs.
    pub filters: bool,
}

impl Listeners {
    /// Finds the present name and inputs of a sink that the journal knows, if the file still has it enabled.
    pub fn sink(&self, known: &str) -> Option<(&str, &Listening)> {
        let same = |named: &&Named| named.is_of(known);
        let named = self.roster.sinks.iter().find(same)?;
        let sink = self.sinks.get(&named.name)?;
        Some((&named.name, sink))
    }

    /// True if a source is an input of a sink, under any name that the source has had since.
    pub fn listens(&self, sink: &Listening, state: &SinkState, source: &str) -> bool {
        let mut names = vec![source];
        // If another source has this name now, renames of the old one do not concern it.
        if !self.roster.has_source(source) {
            names.extend(state.renamed.get(source).map(String::as_str));
            let renamed = |one: &&Named| one.was.as_deref().is_some_and(|was| names.contains(&was));
            let later = self.roster.sources.iter().find(renamed);
            names.extend(later.map(|later| later.name.as_str()));
        }
        names
            .iter()
            .any(|name| sink.inputs.iter().any(|input| input == name))
    }

    /// Lists the debts that would arise if the file were used with the journal's present content. Parked events of
    /// sinks that stay are not examined.
    pub fn debts(&self, known: &[SinkState]) -> Vec<Debt> {
        let mut debts = Vec::new();
        for state in known {
            let Some((name, sink)) = self.sink(&state.name) else {
                debts.extend(of_idle(state, &self.roster));
                continue;
            };
            let removed = state
                .unread
                .iter()
                .filter(|(source, _)| !self.listens(sink, state, source));
            debts.extend(removed.map(|(source, events)| Debt::Source {
                sink: name.to_owned(),
                source: source.clone(),
                events: *events,
                filtered: sink.filters,
            }));
        }
        debts
    }
}
