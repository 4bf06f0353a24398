//! The way of events to a sink, with what fell out at each step and why.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::Serialize;
use signalbox_admin::{SinkStatus, SourceStatus, Status};
use signalbox_history::{Outcome, Sum};

use super::sums::is;
use crate::rows::rows;

/// The code of events that no mapping listens to.
const UNMAPPED: [&str; 2] = ["no_mapping_matched", "no_trigger_matched"];

/// The way of events to a sink. All numbers are events since the journal began, and the outs of a step are the difference to
/// the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Funnel {
    /// The sink.
    pub(super) sink: String,
    /// True if the sink is disabled.
    pub(super) disabled: bool,
    /// The name of another router that drives the sink, empty while none does; `None` if this router drives it.
    pub(super) driven_by: Option<String>,
    /// Why the sink is on hold; `None` if it is not.
    pub(super) held: Option<String>,
    /// Seconds since the oldest pending event arrived.
    pub(super) oldest_pending_seconds: Option<u64>,
    /// Dead letters kept.
    pub(super) dead_letters: u64,
    /// Events that were journalled for it again, since their dead letters were retried.
    pub(super) returned: u64,
    /// Records of this process that were not sent, since the destination has them. Their events count as accepted.
    pub(super) not_sent_again: u64,
    /// Address of the rows of such records; empty if none are kept.
    pub(super) not_sent_again_rows: String,
    /// The steps: `received`, `journalled`, `meant`, `mapped`, `sent`, `accepted`.
    pub(super) steps: Vec<Step>,
}

/// A step, and what did not come further.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Step {
    /// Name of the step.
    pub(super) name: &'static str,
    /// Events that came so far.
    pub(super) events: u64,
    /// Address of the rows behind the number; empty if none are kept, or if no filter chooses those of this step.
    pub(super) rows: String,
    /// Events that came no further, by reason; those that still wait have the reason `pending`.
    pub(super) out: Vec<Out>,
}

/// Events that came no further.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Out {
    /// The outcome: `refused`, `duplicate`, `filtered`, `rejected`, `expired`, `pending`, or `not owed` for events that arrived
    /// while the sink was disabled or not there yet.
    pub(super) outcome: &'static str,
    /// Code of the reason; empty for duplicates and pending events.
    pub(super) reason: String,
    /// Events.
    pub(super) events: u64,
    /// Address of the rows behind the number; empty if none are kept.
    pub(super) rows: String,
}

/// The sources that each sink listens to.
pub(super) type Inputs = BTreeMap<String, BTreeSet<String>>;

/// Codes by which records are rejected before they are sent, for those that the history no longer knows.
const OURS: [&str; 12] = [
    "bad_field",
    "delivery_panicked",
    "mapping_failed",
    "mapping_gone",
    "mapping_too_deep",
    "missing_field",
    "no_identifier",
    "not_for_this_sink",
    "property_stripped",
    "record_too_large",
    "segment_validation",
    "unreadable_time",
];

/// Makes the funnels of all sinks. `failed` are sums by sink, outcome and reason: a reason without a single attempt is one by
/// which records were rejected before they were sent.
pub(super) fn all(status: &Status, inputs: &Inputs, failed: &[Sum]) -> Vec<Funnel> {
    let unsent = unsent(failed);
    let kept = status.history.as_ref().map_or("off", |history| &history.events);
    let funnel = |(name, sink): (&String, &SinkStatus)| {
        let mut received = received(&status.sources, inputs.get(name), kept);
        let arrived = received
            .events
            .saturating_sub(received.out.iter().map(|out| out.events).sum());
        if let Some(events) = arrived.checked_sub(sink.journalled).filter(|events| *events > 0) {
            received.out.push(Out {
                outcome: "not owed",
                reason: if sink.disabled {
                    "disabled"
                } else {
                    "before_this_sink"
                }
                .to_owned(),
                events,
                rows: String::new(),
            });
        }
        let steps = steps(name, sink, received, (&unsent, kept));
        Funnel {
            sink: name.clone(),
            disabled: sink.disabled,
            driven_by: sink.elsewhere.then(|| sink.driven_by.clone().unwrap_or_default()),
            held: sink.held.as_ref().map(|held| held.message.clone()),
            oldest_pending_seconds: sink.oldest_pending_age_seconds,
            dead_letters: sink.letters.kept,
            returned: sink.journalled.saturating_sub(arrived),
            not_sent_again: sink.records.duplicate,
            not_sent_again_rows: rows(kept, "duplicate", &[("sink", name)]),
            steps,
        }
    };
    status.sinks.iter().map(funnel).collect()
}

/// Makes the first step, of the sources that the sink listens to; of all sources if that is not known.
fn received(sources: &BTreeMap<String, SourceStatus>, inputs: Option<&BTreeSet<String>>, kept: &str) -> Step {
    let listens = |name: &String| inputs.is_none_or(|inputs| inputs.contains(name));
    let sources: Vec<_> = sources.iter().filter(|(name, _)| listens(name)).collect();
    let mut step = Step {
        name: "received",
        events: 0,
        rows: match &*sources {
            [(name, _)] => rows(kept, "", &[("source", name)]),
            _ => String::new(),
        },
        out: Vec::new(),
    };
    for (name, source) in sources {
        let component = format!("{}{name}", signalbox_journal::SOURCE);
        step.events += source.received;
        // The history has no rows of refused requests.
        step.out
            .extend(outs("refused", &source.refused, |_| String::new()));
        if source.duplicate > 0 {
            step.out.push(Out {
                outcome: "duplicate",
                reason: String::new(),
                events: source.duplicate,
                rows: rows(kept, "duplicate", &[("sink", &component)]),
            });
        }
        for (outcome, counts) in [("filtered", &source.filtered), ("rejected", &source.rejected)] {
            step.out.extend(outs(outcome, counts, |code| {
                rows(kept, outcome, &[("sink", &component), ("reason", code)])
            }));
        }
    }
    step
}

fn outs(outcome: &'static str, counts: &BTreeMap<String, u64>, rows: impl Fn(&str) -> String) -> Vec<Out> {
    let outs = counts
        .iter()
        .filter(|(_, events)| **events > 0)
        .map(|(code, events)| Out {
            outcome,
            reason: code.clone(),
            events: *events,
            rows: rows(code),
        });
    outs.collect()
}

/// Tells for reasons of rejections, with their sinks, whether the records were rejected without an attempt.
fn unsent(failed: &[Sum]) -> BTreeMap<(String, String), bool> {
    let mut attempts: BTreeMap<(String, String), i64> = BTreeMap::new();
    for sum in failed {
        if let [sink, outcome, reason] = &*sum.group
            && is(Outcome::Rejected, outcome)
        {
            *attempts.entry((sink.clone(), reason.clone())).or_default() += sum.attempts;
        }
    }
    let without = attempts
        .into_iter()
        .map(|(reason, attempts)| (reason, attempts == 0));
    without.collect()
}

fn steps(
    name: &str,
    sink: &SinkStatus,
    received: Step,
    (unsent, kept): (&BTreeMap<(String, String), bool>, &str),
) -> Vec<Step> {
    let rows_of =
        |outcome: &'static str| move |code: &str| rows(kept, outcome, &[("sink", name), ("reason", code)]);
    let filtered = outs("filtered", &sink.filtered, rows_of("filtered"));
    let (unmapped, unmeant): (Vec<Out>, Vec<Out>) = filtered
        .into_iter()
        .partition(|out| UNMAPPED.contains(&&*out.reason));
    let rejected = outs("rejected", &sink.rejected, rows_of("rejected"));
    let (mut waiting, mut refused): (Vec<Out>, Vec<Out>) = rejected.into_iter().partition(|out| match unsent
        .get(&(name.to_owned(), out.reason.clone()))
    {
        Some(unsent) => *unsent,
        None => OURS.contains(&&*out.reason),
    });
    if sink.pending > 0 {
        waiting.push(Out {
            outcome: "pending",
            reason: String::new(),
            events: sink.pending,
            rows: rows_of("pending")(""),
        });
    }
    refused.extend(outs("expired", &sink.expired, rows_of("expired")));
    let mut steps = vec![received];
    let mut events = sink.journalled;
    // What a step between the first and the last passed on ended in several ways.
    let parts = [
        ("journalled", unmeant, rows_of("")("")),
        ("meant", unmapped, String::new()),
        ("mapped", waiting, String::new()),
        ("sent", refused, String::new()),
        ("accepted", Vec::new(), rows_of("delivered")("")),
    ];
    for (name, out, rows) in parts {
        let lost: u64 = out.iter().map(|out| out.events).sum();
        steps.push(Step {
            name,
            events,
            rows,
            out,
        });
        events = events.saturating_sub(lost);
    }
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_is_the_one_before_without_its_outs() {
        let counts = |pairs: &[(&str, u64)]| {
            pairs
                .iter()
                .map(|(code, count)| ((*code).to_owned(), *count))
                .collect()
        };
        let sink = SinkStatus {
            journalled: 100,
            delivered: 60,
            filtered: counts(&[("no_consent", 5), ("no_mapping_matched", 10)]),
            rejected: counts(&[("missing_field", 4), ("bad_request", 3)]),
            expired: counts(&[("timed_out", 2)]),
            pending: 16,
            ..SinkStatus::default()
        };
        let status = Status {
            sources: [(
                "web".to_owned(),
                SourceStatus {
                    received: 120,
                    journalled: 110,
                    duplicate: 10,
                    ..SourceStatus::default()
                },
            )]
            .into(),
            sinks: [("pin".to_owned(), sink)].into(),
            ..status()
        };
        let failed = |reason: &str, attempts| Sum {
            group: vec!["pin".to_owned(), "rejected".to_owned(), reason.to_owned()],
            attempts,
            ..Sum::default()
        };
        let sums = [failed("missing_field", 0), failed("bad_request", 3)];
        let funnels = all(&status, &Inputs::new(), &sums);
        let events: Vec<(&str, u64)> = funnels[0]
            .steps
            .iter()
            .map(|step| (step.name, step.events))
            .collect();
        let wanted = [
            ("received", 120),
            ("journalled", 100),
            ("meant", 95),
            ("mapped", 85),
            ("sent", 65),
            ("accepted", 60),
        ];
        assert_eq!(events, wanted);
        assert_eq!(funnels[0].driven_by, None);
        assert_eq!(
            funnels[0].steps[1].out[0].rows,
            "/ui/events?sink=pin&reason=no_consent&outcome=filtered"
        );
        let steps: Vec<&str> = funnels[0].steps.iter().map(|step| &*step.rows).collect();
        let wanted = [
            "/ui/events?source=web",
            "/ui/events?sink=pin",
            "",
            "",
            "",
            "/ui/events?sink=pin&outcome=delivered",
        ];
        assert_eq!(steps, wanted);
    }

    #[test]
    fn a_sink_receives_from_its_inputs_alone() {
        let source = |received| SourceStatus {
            received,
            ..SourceStatus::default()
        };
        let status = Status {
            sources: [("web".to_owned(), source(5)), ("app".to_owned(), source(7))].into(),
            sinks: [("pin".to_owned(), SinkStatus::default())].into(),
            ..status()
        };
        let inputs = [("pin".to_owned(), ["app".to_owned()].into())].into();
        let mut elsewhere = status.clone();
        for (driven_by, shown) in [(Some("router-2"), "router-2"), (None, "")] {
            let sink = SinkStatus {
                elsewhere: true,
                driven_by: driven_by.map(str::to_owned),
                ..SinkStatus::default()
            };
            elsewhere.sinks.insert("pin".to_owned(), sink);
            assert_eq!(all(&elsewhere, &inputs, &[])[0].driven_by.as_deref(), Some(shown));
        }
        assert_eq!(all(&status, &inputs, &[])[0].steps[0].events, 7);
        assert_eq!(all(&status, &Inputs::new(), &[])[0].steps[0].events, 12);
    }

    fn status() -> Status {
        serde_json::from_value(serde_json::json!({
            "version": "", "started_at": "", "uptime_seconds": 0, "ready": true, "not_ready": null, "sums_close": true,
            "journal": { "events": 0, "bytes": 0, "max_bytes": 1 }, "orphans": [], "sources": {}, "sinks": {},
            "history": { "rows": 0, "dropped": 0, "lost": 0, "queued": 0, "files": 0, "bytes": 0, "events": "all" },
        }))
        .unwrap()
    }
}
