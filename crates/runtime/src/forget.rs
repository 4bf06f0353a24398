//! Forgets pending events that the pipeline file no longer mentions.

use serde::{Deserialize, Serialize};
use signalbox_journal::{Journal, SinkState};

use crate::debts::Listeners;

/// The events to forget: pending events of a source, or all pending events of a sink.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forget {
    /// Restricts the choice to events of this source.
    pub source: Option<String>,
    /// Restricts the choice to events for this sink.
    pub sink: Option<String>,
}

/// The result of forgetting, or the forecast of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Forgotten {
    /// The sink.
    pub sink: String,
    /// Number of events.
    pub events: u64,
}

/// Lists the sinks that a journal knows, those whose state cannot be read included.
///
/// # Errors
/// A sentence if they cannot be read.
pub async fn known_sinks(journal: &dyn Journal) -> Result<Vec<SinkState>, String> {
    let mut known = journal.sinks().await.map_err(|error| error.to_string())?;
    let unreadable = journal.unreadable().into_iter();
    known.extend(unreadable.map(|name| SinkState {
        name,
        unreadable: true,
        ..SinkState::default()
    }));
    Ok(known)
}

impl Forget {
    /// Names the sinks concerned. Events that the pipeline file still mentions are not forgotten.
    ///
    /// # Errors
    /// A sentence that says why nothing is forgotten.
    pub fn sinks(&self, known: &[SinkState], listeners: &Listeners) -> Result<Vec<String>, String> {
        if let Some(sink) = &self.sink
            && !known.iter().any(|state| state.name == *sink)
        {
            let names: Vec<&str> = known.iter().map(|state| state.name.as_str()).collect();
            return Err(format!(
                "the journal knows no sink '{sink}'; it knows {}",
                names.join(", ")
            ));
        }
        if let Some(sink) = self.unreadable(known) {
            return match &self.source {
                None => Ok(vec![sink.to_owned()]),
                Some(_) => Err(format!(
                    "the state of the sink '{sink}' cannot be read, so its events cannot be told apart by their source: leave the \
                     source out"
                )),
            };
        }
        let chosen = known
            .iter()
            .filter(|state| self.sink.as_ref().is_none_or(|sink| *sink == state.name));
        match (&self.source, &self.sink) {
            (None, None) => Err("name a source, a sink or both".to_owned()),
            (None, Some(sink)) if listeners.sink(sink).is_some() => Err(format!(
                "the sink '{sink}' is in the pipeline file, so what is pending is delivered; take it out of the file \
                 first, or name a source that it no longer listens to"
            )),
            (None, Some(sink)) => Ok(vec![sink.clone()]),
            (Some(source), _) => {
                let mut sinks = Vec::new();
                for state in chosen {
                    match listeners.sink(&state.name) {
                        Some((name, sink)) if listeners.listens(sink, state, source) => {
                            return Err(format!(
                                "the sink '{name}' still listens to '{source}' (or to what it was renamed to), so what \
                                 is pending is delivered; take it out of its inputs first, or name another sink"
                            ));
                        }
                        _ => {}
                    }
                    if state.parked > 0 || state.unread.iter().any(|(name, _)| name == source) {
                        sinks.push(state.name.clone());
                    }
                }
                Ok(sinks)
            }
        }
    }

    /// Returns the sink to which the choice is restricted, if its state cannot be read. Nothing is delivered to it, so it may be
    /// given up although a file has it.
    #[must_use]
    pub fn unreadable(&self, known: &[SinkState]) -> Option<&str> {
        let sink = self.sink.as_deref()?;
        let mut unreadable = known.iter().filter(|state| state.unreadable);
        unreadable.any(|state| state.name == sink).then_some(sink)
    }

    /// Forgets the events of a sink that has no reader.
    ///
    /// # Errors
    /// A sentence if the journal cannot be written.
    pub async fn apply(&self, journal: &dyn Journal, sink: &str) -> Result<Forgotten, String> {
        let events = journal.forget(sink, self.source.as_deref()).await;
        let events = events.map_err(|error| error.to_string())?;
        if events > 0 {
            let source = self.source.as_deref().unwrap_or("all");
            tracing::warn!(sink, source, events, "pending events are forgotten, as asked");
        }
        Ok(Forgotten {
            sink: sink.to_owned(),
            events,
        })
    }
}
