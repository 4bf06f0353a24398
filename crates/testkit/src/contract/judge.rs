//! Judges the reports of a sink.

use std::fmt::Debug;
use std::sync::Arc;

use signalbox_core::{Batch, Event, Outcome, Reason, Report, Scalar, Sink, Verdict};

use super::case::{Case, Wanted};
use super::sample::{PERSONAL, SECRET};

pub(super) struct Judge {
    pub(super) name: String,
    pub(super) sink: Arc<dyn Sink>,
    event: Option<Event>,
}

impl Judge {
    pub(super) fn new(name: &str, sink: Arc<dyn Sink>, event: &Event) -> Judge {
        Judge {
            event: Some(event.clone()),
            ..Judge::of(name, sink)
        }
    }

    /// Without an event: for probes only.
    pub(super) fn of(name: &str, sink: Arc<dyn Sink>) -> Judge {
        Judge {
            name: name.to_owned(),
            sink,
            event: None,
        }
    }

    /// Returns copies of the event with separate ids.
    pub(super) fn batch(&self, count: usize) -> Batch {
        let path = "messageId".parse().expect("a path");
        let events: Vec<Event> = (0..count)
            .map(|n| {
                let mut event = self.event.clone().expect("an event");
                event.set(&path, Scalar::String(&format!("contract-{n}")));
                event
            })
            .collect();
        let batch = crate::batch(&*self.sink, &events);
        assert!(
            !batch.records().is_empty(),
            "{}: the event makes no record",
            self.name
        );
        batch
    }

    pub(super) async fn deliver(&self, case: &Case) {
        for count in [1, 3] {
            let batch = self.batch(count);
            let records = batch.records().len();
            let sink = self.sink.clone();
            let report = tokio::spawn(async move { sink.deliver(batch).await }).await;
            let report = report.unwrap_or_else(|_| panic!("{}: {}: the sink panicked", self.name, case.name));
            self.report(report, records, case);
        }
    }

    pub(super) fn report(&self, report: Report, records: usize, case: &Case) {
        let (ticket, verdict) = report.into_parts();
        let place = format!("{}: {}", self.name, case.name);
        assert_eq!(ticket, 1, "{place}: the report is about another batch");
        match verdict {
            Verdict::Settled(outcomes) => {
                assert_eq!(outcomes.len(), records, "{place}: outcomes");
                for outcome in &outcomes {
                    self.outcome(outcome, case.wanted, &place);
                }
            }
            Verdict::All(outcome) => self.outcome(&outcome, case.wanted, &place),
            Verdict::Isolate(reason)
            | Verdict::Culprit { reason, .. }
            | Verdict::Hold(reason)
            | Verdict::Reencode(reason) => {
                assert_eq!(
                    case.wanted,
                    Wanted::NotDelivered,
                    "{place}: wanted another verdict than {reason}"
                );
                self.discreet(&reason, &place);
            }
        }
    }

    fn outcome(&self, outcome: &Outcome, wanted: Wanted, place: &str) {
        match outcome {
            Outcome::Delivered { .. } => panic!("{place}: delivered, though the destination never said so"),
            Outcome::Rejected(reason) => {
                self.discreet(reason, place);
                assert_eq!(
                    wanted,
                    Wanted::NotDelivered,
                    "{place}: rejected, though nobody refused it"
                );
            }
            Outcome::Retry {
                reason,
                maybe_written,
                ..
            } => {
                self.discreet(reason, place);
                match wanted {
                    Wanted::NotWritten => assert!(!maybe_written, "{place}: cannot have been written"),
                    Wanted::MaybeWritten => assert!(maybe_written, "{place}: may have been written"),
                    Wanted::Retry | Wanted::NotDelivered => {}
                }
            }
        }
    }

    /// The probe must say no.
    pub(super) async fn probe(&self, case: &str) {
        let place = format!("{}: {case}", self.name);
        match self.sink.probe().await {
            Ok(()) => panic!(
                "{place}: the probe says that deliveries can work. It needs a request (probe) and must return an error for \
                 this reply (interpret_probe)"
            ),
            Err(reason) => self.discreet(&reason, &place),
        }
    }

    /// No reason shows a secret or personal data, and each has a code that can be a label.
    fn discreet(&self, reason: &Reason, place: &str) {
        let code = reason.code();
        assert!(
            !code.is_empty()
                && code
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'),
            "{place}: '{code}' is no code"
        );
        assert!(!reason.message().is_empty(), "{place}: {code} says nothing");
        self.shows_nothing(reason, place);
        for note in self.sink.notes() {
            self.shows_nothing(&note, place);
        }
    }

    fn shows_nothing(&self, shown: &impl Debug, place: &str) {
        let text = format!("{shown:?}").to_lowercase();
        for private in PERSONAL.iter().chain([&SECRET]) {
            assert!(
                !text.contains(&private.to_lowercase()),
                "{place}: shows {private}: {text}"
            );
        }
    }
}
