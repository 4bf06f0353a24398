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
            self.deliver_some(count, case).await;
        }
    }

    /// Delivers a batch of this number of events.
    pub(super) async fn deliver_some(&self, count: usize, case: &Case) {
        let batch = self.batch(count);
        let records = batch.records().len();
        let sink = self.sink.clone();
        let report = tokio::spawn(async move { sink.deliver(batch).await }).await;
        let report = report.unwrap_or_else(|_| panic!("{}: {}: the sink panicked", self.name, case.name));
        self.report(report, records, case);
    }

    pub(super) fn report(&self, report: Report, records: usize, case: &Case) {
        let (ticket, verdict) = report.into_parts();
        let place = format!("{}: {}", self.name, case.name);
        assert_eq!(ticket, 1, "{place}: the report is about another batch");
        match verdict {
            Verdict::Settled(outcomes) => {
                assert_eq!(outcomes.len(), records, "{place}: outcomes");
                for (index, outcome) in outcomes.iter().enumerate() {
                    let wanted = match case.wanted {
                        Wanted::RejectedAt(at) if at != index => Wanted::Delivered,
                        wanted => wanted,
                    };
                    self.outcome(outcome, wanted, &place);
                }
            }
            Verdict::All(outcome) => self.outcome(&outcome, case.wanted, &place),
            Verdict::Culprit { index, reason } => {
                let expected = match case.wanted {
                    Wanted::CulpritAt(at) => at == index,
                    wanted => matches!(wanted, Wanted::NotDelivered | Wanted::Refused),
                };
                assert!(
                    expected && index < records,
                    "{place}: named record {index}: {reason}"
                );
                self.discreet(&reason, &place);
            }
            Verdict::Hold(reason) => {
                let expected = matches!(case.wanted, Wanted::NotDelivered | Wanted::Held | Wanted::Unclear);
                assert!(expected, "{place}: held for {reason}");
                self.discreet(&reason, &place);
            }
            Verdict::Isolate(reason) | Verdict::Reencode(reason) => {
                let expected = matches!(case.wanted, Wanted::NotDelivered | Wanted::Refused);
                assert!(expected, "{place}: wanted another verdict than {reason}");
                self.discreet(&reason, &place);
            }
        }
    }

    fn outcome(&self, outcome: &Outcome, wanted: Wanted, place: &str) {
        match outcome {
            Outcome::Delivered { warning } => {
                assert_eq!(
                    wanted,
                    Wanted::Delivered,
                    "{place}: delivered, though the destination never said so"
                );
                if let Some(warning) = warning {
                    self.discreet(warning, place);
                }
            }
            Outcome::Rejected(reason) => {
                self.discreet(reason, place);
                assert!(
                    matches!(
                        wanted,
                        Wanted::NotDelivered | Wanted::Refused | Wanted::RejectedAt(_)
                    ),
                    "{place}: rejected, though nobody refused it: {reason}"
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
                    Wanted::MaybeWritten | Wanted::Unclear => {
                        assert!(maybe_written, "{place}: may have been written")
                    }
                    Wanted::Retry | Wanted::NotDelivered => {}
                    Wanted::Delivered
                    | Wanted::RejectedAt(_)
                    | Wanted::CulpritAt(_)
                    | Wanted::Refused
                    | Wanted::Held => {
                        panic!("{place}: wanted {wanted:?}, not another attempt for {reason}")
                    }
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

    /// The probe must say yes.
    pub(super) async fn probe_passes(&self, case: &str) {
        let result = self.sink.probe().await;
        assert!(result.is_ok(), "{}: {case}: {result:?}", self.name);
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
