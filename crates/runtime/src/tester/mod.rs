//! The tester: takes one event through the running pipeline without the journal, and tells at each step what happened and
//! why. Nothing is delivered and nothing is counted, except that [`Tester::send`] sends one record as a test event.
//!
//! | file | task |
//! |---|---|
//! | `trial` | the results, for people and for JSON |
//! | `leaves` | the values of an event or record, and events without some of them |
//! | `provenance` | the values of an event that a field of a record comes from |
//! | `mask` | hides personal values from callers who may not see them |
//! | `parts` | the components that take part in a test |
//! | `steps` | an event's way through transforms and routing |
//! | `records` | the records that a sink makes, field by field |

mod leaves;
mod mask;
mod parts;
mod provenance;
mod records;
mod steps;
#[cfg(test)]
mod tests;
mod trial;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use signalbox_core::{
    Event, MappingOutline, Prepared, Record, RejectedInput, TestFailure, TestMode, TestReply,
};
use tokio::time::Instant;

use self::mask::Mask;
pub(crate) use self::parts::{TestedSink, TestedSource};
use self::steps::Walk;
pub use self::trial::{
    Change, Changed, How, Origin, Remark, Step, StepOutcome, Told, Trial, TrialField, TrialOutcome,
    TrialRecord,
};
use crate::delivery::{Staged, guard};

/// Longest wait of a test event for the sink's rate limit.
const LONGEST_WAIT: Duration = Duration::from_secs(15);

/// The components of a running pipeline at one moment.
#[derive(Clone, Default)]
pub struct Tester {
    pub(crate) sinks: BTreeMap<Arc<str>, TestedSink>,
    pub(crate) sources: BTreeMap<Arc<str>, TestedSource>,
}

/// The event of a test.
pub enum Input<'a> {
    /// A text that a client might send. The function reads it as the source of the name would.
    Sent {
        /// The source; `None` means the first input of each sink.
        source: Option<&'a str>,
        /// Reads the text.
        read: &'a (dyn Fn(&Arc<str>) -> Result<Event, RejectedInput> + Sync),
    },
    /// An event from the journal, which its source has transformed already.
    Stored(Arc<Event>),
}

/// A test event to send.
pub struct TestSend<'a> {
    /// The sink.
    pub sink: &'a str,
    /// The mapping whose record is sent; `None` if there is only one.
    pub mapping: Option<&'a str>,
    /// The code that the destination's test tool shows.
    pub code: Option<&'a str>,
    /// The operator has confirmed that the destination counts the event.
    pub counts_confirmed: bool,
}

/// An event before a sink sees it, and the steps that it took.
struct Entered {
    source: Arc<str>,
    walk: Walk,
}

impl Tester {
    /// Lists the names of the sources.
    pub fn sources(&self) -> impl Iterator<Item = &str> {
        self.sources.keys().map(|name| &**name)
    }

    /// Lists the names of the sinks, with their destinations' treatment of test events.
    pub fn sinks(&self) -> impl Iterator<Item = (&str, Option<TestMode>)> {
        let sinks = self.sinks.iter();
        sinks.map(|(name, tested)| (&**name, tested.stage.sink.test_mode()))
    }

    /// Describes the mappings of a sink; none if it does not run, or has none.
    pub fn mappings(&self, sink: &str) -> Vec<MappingOutline> {
        let tested = self.sinks.get(sink);
        tested
            .map(|tested| tested.stage.sink.mappings())
            .unwrap_or_default()
    }

    /// Takes the event to each sink, or to the one of the name. With `plain`, values are shown as they are; otherwise
    /// personal ones are hashed or hidden. It may take some hundred milliseconds for a large event: not for a thread that
    /// drives deliveries.
    ///
    /// # Errors
    /// A sentence if there is no such sink or source, or if no sink listens to the source.
    pub fn run(&self, input: &Input<'_>, sink: Option<&str>, plain: bool) -> Result<Vec<Trial>, String> {
        let mut trials = Vec::new();
        for (name, tested) in self.chosen(input, sink)? {
            trials.push(match self.enter(input, tested)? {
                Some(entered) => trial(name, tested, entered, plain),
                None => continue,
            });
        }
        match trials.is_empty() {
            true => Err("no sink listens to the event's source".to_owned()),
            false => Ok(trials),
        }
    }

    /// Sends the record that a sink makes of the event as a test event. It waits for the sink's rate limit, and for the answer
    /// at most the sink's timeout.
    ///
    /// # Errors
    /// A sentence with the reason why nothing was sent, or why there is no answer.
    pub async fn send(&self, input: &Input<'_>, what: &TestSend<'_>) -> Result<TestReply, String> {
        let name = what.sink;
        let tested = self.sinks.get(name);
        let tested = tested.ok_or_else(|| format!("there is no running sink '{name}'"))?;
        let mode = tested.stage.sink.test_mode();
        let mode = mode.ok_or_else(|| format!("the destination of '{name}' knows no test events"))?;
        if mode.counts && !what.counts_confirmed {
            return Err(format!(
                "the destination of '{name}' counts test events like any other; confirm that this is meant"
            ));
        }
        let record = Arc::new(self.record(input, tested, what)?);
        self.pass(tested).await?;
        let timeout = tested.options.requests.timeout;
        let answer = tokio::time::timeout(timeout, tested.stage.sink.send_test(record, what.code)).await;
        match answer {
            Ok(Ok(reply)) => Ok(reply),
            Ok(Err(TestFailure::NoTestMode)) => {
                Err(format!("the destination of '{name}' knows no test events"))
            }
            Ok(Err(TestFailure::NeedsCode)) => {
                Err("give the code that the destination shows in its test tool".to_owned())
            }
            Ok(Err(TestFailure::Failed(reason))) => Err(format!("there is no answer: {reason}")),
            Err(_) => Err(format!("there is no answer within {timeout:?}")),
        }
    }

    /// Waits for the sink's rate limit.
    async fn pass(&self, tested: &TestedSink) -> Result<(), String> {
        let until = Instant::now() + LONGEST_WAIT;
        while let Err(wait) = tested.rate_group.take() {
            if Instant::now() + wait > until {
                let seconds = wait.as_secs() + 1;
                return Err(format!(
                    "the sink's rate limit is used up; try again in {seconds} s"
                ));
            }
            // A wait shorter than the timer's resolution would make the loop spin.
            tokio::time::sleep(wait.max(Duration::from_millis(1))).await;
        }
        Ok(())
    }

    /// Returns the record to send.
    fn record(&self, input: &Input<'_>, tested: &TestedSink, what: &TestSend<'_>) -> Result<Record, String> {
        let entered = self.enter(input, tested)?;
        let entered = entered.ok_or_else(|| format!("'{}' does not listen to that source", what.sink))?;
        let filtered = |told: Option<Told>| {
            let told = told.map(|told| told.message).unwrap_or_default();
            format!("the event makes no record for '{}': {told}", what.sink)
        };
        let walk = steps::through_sink(entered.walk, &tested.options, &tested.stage);
        let Some(event) = walk.event else {
            return Err(filtered(walk.end));
        };
        let prepared = guard("mapping_panicked", || tested.stage.sink.prepare(&event));
        let results = match prepared {
            Ok(Prepared::Mapped(results)) => results,
            Ok(Prepared::Filtered(reason) | Prepared::Rejected(reason)) | Err(reason) => {
                return Err(filtered(Some(Told::of(&reason))));
            }
        };
        let is_wanted = |mapping: &str| what.mapping.is_none_or(|wanted| wanted == mapping);
        let mut wanted = results.into_iter().filter(|result| match result {
            Ok(record) => is_wanted(&record.mapping),
            Err(rejection) => is_wanted(&rejection.mapping),
        });
        match (wanted.next(), wanted.next()) {
            (Some(_), Some(_)) => Err("several mappings make a record; name one".to_owned()),
            (Some(Ok(record)), None) => Ok(record),
            (Some(Err(rejection)), None) => Err(filtered(Some(Told::of(&rejection.reason)))),
            (None, _) => Err("that mapping makes no record of the event".to_owned()),
        }
    }

    fn chosen(&self, input: &Input<'_>, sink: Option<&str>) -> Result<Vec<(&Arc<str>, &TestedSink)>, String> {
        if let Input::Sent {
            source: Some(source), ..
        } = input
            && !self.sources.contains_key(*source)
        {
            return Err(format!("there is no running source '{source}'"));
        }
        match sink {
            None => Ok(self.sinks.iter().collect()),
            Some(name) => {
                let found = self.sinks.get_key_value(name);
                Ok(vec![
                    found.ok_or_else(|| format!("there is no running sink '{name}'"))?,
                ])
            }
        }
    }

    /// Takes the event through the source; `None` if the sink does not listen to it.
    fn enter(&self, input: &Input<'_>, tested: &TestedSink) -> Result<Option<Entered>, String> {
        let inputs = &tested.options.inputs;
        match input {
            Input::Stored(event) => {
                let source = &event.receipt().source;
                let listens = inputs.contains(source);
                Ok(listens.then(|| Entered {
                    source: source.clone(),
                    walk: Walk::of(event.clone()),
                }))
            }
            Input::Sent { source, read } => {
                let wanted = match source {
                    Some(source) => inputs.iter().find(|name| &***name == *source),
                    None => inputs.iter().find(|name| self.sources.contains_key(*name)),
                };
                let Some(source) = wanted.and_then(|name| self.sources.get(name)) else {
                    return Ok(None);
                };
                let name = source.intake.name.clone();
                let walk = match read(&name) {
                    Ok(event) => steps::through_source(event, source),
                    Err(input) => Walk::refused(&input.reason),
                };
                Ok(Some(Entered { source: name, walk }))
            }
        }
    }
}

/// Takes an event through a sink.
fn trial(name: &Arc<str>, tested: &TestedSink, entered: Entered, plain: bool) -> Trial {
    let sink = &*tested.stage.sink;
    let walk = steps::through_sink(entered.walk, &tested.options, &tested.stage);
    let mut trial = Trial {
        sink: name.to_string(),
        source: entered.source.to_string(),
        outcome: TrialOutcome::Filtered,
        reason: None,
        steps: walk.told(plain),
        mappings: Vec::new(),
        records: Vec::new(),
        test: sink.test_mode(),
    };
    let Some(event) = walk.event else {
        (trial.outcome, trial.reason) = (walk.outcome, walk.end);
        return trial;
    };
    let mask = Mask::of(&event, plain);
    trial.mappings = mask.firings(sink, &event);
    (trial.outcome, trial.reason, trial.records) = match tested.stage.map(event) {
        Staged::Filtered(reason) => (TrialOutcome::Filtered, Some(Told::of(&reason)), Vec::new()),
        Staged::Rejected(reason) => (TrialOutcome::Rejected, Some(Told::of(&reason)), Vec::new()),
        // Only transforms let events wait, and the event has passed them.
        Staged::Wait { .. } => (TrialOutcome::Filtered, None, Vec::new()),
        Staged::Mapped { event, results } => {
            let records = records::records(sink, &event, results, &mask);
            let is_made = records.iter().any(|record| record.reason.is_none());
            let outcome = if is_made {
                TrialOutcome::Mapped
            } else {
                TrialOutcome::Rejected
            };
            (outcome, None, records)
        }
    };
    trial
}
