//! Batches go to a sink, reports come back.

use std::sync::Arc;
use std::time::Duration;

use crate::{Reason, Record};

/// Records handed to [`crate::Sink::deliver`]. The only way to answer is to consume it.
///
/// Forgetting a record, settling it twice or leaving in the middle with `?` do not compile:
///
/// ```compile_fail
/// # use signalbox_core::{Batch, Outcome, Report};
/// async fn twice(batch: Batch) -> Report {
///     let first = batch.settle_all(|_| Outcome::delivered());
///     batch.settle_all(|_| Outcome::delivered()) // the batch is gone
/// }
/// ```
/// ```compile_fail
/// # use signalbox_core::{Batch, Report};
/// async fn forgotten(batch: Batch) -> Report {
///     let count = batch.records().len(); // no report can be made without the batch
/// }
/// ```
/// ```compile_fail
/// # use signalbox_core::{Batch, Outcome, Report};
/// async fn question_mark(batch: Batch) -> Report {
///     let text = std::fs::read_to_string("reply")?; // a report is no Result
///     batch.settle_all(|_| Outcome::delivered())
/// }
/// ```
/// ```compile_fail
/// # use signalbox_core::{Report, Verdict};
/// let forged = Report { ticket: 1, verdict: Verdict::Settled(Vec::new()) }; // fields are private
/// ```
/// What does compile:
/// ```
/// # use signalbox_core::{Batch, Outcome, Report};
/// async fn fine(batch: Batch) -> Report {
///     batch.settle_all(|_| Outcome::delivered())
/// }
/// ```
#[derive(Debug)]
pub struct Batch {
    ticket: u64,
    records: Vec<Arc<Record>>,
}

impl Batch {
    /// Made by the runtime for each attempt (and by tests). The ticket comes back in the report, so that a
    /// report on another batch is noticed.
    pub fn new(ticket: u64, records: Vec<Arc<Record>>) -> Batch {
        Batch { ticket, records }
    }

    /// The records, in the order in which they are to be sent.
    pub fn records(&self) -> &[Arc<Record>] {
        &self.records
    }

    /// Settles the batch by a verdict. [`Verdict::All`] becomes an outcome for each record, and a wrong number of
    /// outcomes retries all, as with [`Batch::settle_each`].
    pub fn settle(self, verdict: Verdict) -> Report {
        match verdict {
            Verdict::Settled(outcomes) => self.settle_each(outcomes),
            Verdict::All(outcome) => self.settle_all(|_| outcome.clone()),
            other => self.report(other),
        }
    }

    /// Settles every record by the same rule.
    pub fn settle_all(self, mut outcome: impl FnMut(&Record) -> Outcome) -> Report {
        let outcomes = self.records.iter().map(|record| outcome(record)).collect();
        self.report(Verdict::Settled(outcomes))
    }

    /// Settles each record by its place. Too few outcomes and too many count as an unreadable reply: every
    /// record is retried, none is taken for delivered.
    pub fn settle_each(self, outcomes: Vec<Outcome>) -> Report {
        if outcomes.len() == self.records.len() {
            return self.report(Verdict::Settled(outcomes));
        }
        let reason = Reason::new(
            "short_reply",
            format!(
                "{} outcomes came back for {} records",
                outcomes.len(),
                self.records.len()
            ),
        );
        self.settle_all(|_| Outcome::Retry {
            reason: reason.clone(),
            after: None,
            maybe_written: true,
        })
    }

    /// The destination refused the batch without naming the culprit: the runtime sends halves until it is
    /// alone. A record refused alone is rejected.
    pub fn isolate(self, reason: Reason) -> Report {
        self.report(Verdict::Isolate(reason))
    }

    /// No record is at fault, the operator must act (wrong token, wrong account): the runtime keeps
    /// everything, probes now and then and goes on by itself.
    pub fn hold(self, reason: Reason) -> Report {
        self.report(Verdict::Hold(reason))
    }

    /// The sink has learnt something that changes how it encodes: prepare the same events again and resend.
    /// Tried once for each distinct reason; after that the batch is isolated.
    pub fn reencode(self, reason: Reason) -> Report {
        self.report(Verdict::Reencode(reason))
    }

    fn report(self, verdict: Verdict) -> Report {
        Report {
            ticket: self.ticket,
            verdict,
        }
    }
}

/// A sink's answer about one [`Batch`]; made only by consuming it.
#[derive(Debug)]
#[must_use]
pub struct Report {
    ticket: u64,
    verdict: Verdict,
}

impl Report {
    /// The batch's ticket and what the sink says; for the runtime.
    pub fn into_parts(self) -> (u64, Verdict) {
        (self.ticket, self.verdict)
    }
}

/// The result of an attempt to deliver a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// An outcome for each record, in order. A wrong number of them retries all.
    Settled(Vec<Outcome>),
    /// One outcome for all records.
    All(Outcome),
    /// See [`Batch::isolate`].
    Isolate(Reason),
    /// See [`Batch::hold`].
    Hold(Reason),
    /// See [`Batch::reencode`].
    Reencode(Reason),
}

impl Verdict {
    /// Returns the outcome of the record at `index`, if the verdict has one for it.
    pub fn outcome(&self, index: usize) -> Option<&Outcome> {
        match self {
            Verdict::Settled(outcomes) => outcomes.get(index),
            Verdict::All(outcome) => Some(outcome),
            Verdict::Isolate(_) | Verdict::Hold(_) | Verdict::Reencode(_) => None,
        }
    }
}

/// The result of delivering one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The destination has it.
    Delivered {
        /// What it said about it all the same.
        warning: Option<Reason>,
    },
    /// The destination will never take it: a dead letter.
    Rejected(Reason),
    /// Try again later.
    Retry {
        /// Why.
        reason: Reason,
        /// Not before this long from now, if the destination said so.
        after: Option<Duration>,
        /// The destination may have it already: the request was (or may have been) written.
        maybe_written: bool,
    },
}

impl Outcome {
    /// Delivered, nothing to add.
    pub fn delivered() -> Outcome {
        Outcome::Delivered { warning: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_number_of_outcomes_is_never_success() {
        let record = || {
            Arc::new(Record {
                mapping: "m".into(),
                dedup_key: None,
                bytes: Default::default(),
                warnings: Vec::new(),
                resend: Default::default(),
            })
        };
        for outcomes in [0, 1, 3] {
            let batch = Batch::new(7, vec![record(), record()]);
            let (ticket, verdict) = batch
                .settle_each(vec![Outcome::delivered(); outcomes])
                .into_parts();
            assert_eq!(ticket, 7);
            let Verdict::Settled(settled) = verdict else {
                panic!()
            };
            assert_eq!(settled.len(), 2);
            assert!(settled.iter().all(|o| matches!(
                o,
                Outcome::Retry {
                    maybe_written: true,
                    ..
                }
            )));
        }
    }
}
