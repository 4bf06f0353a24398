//! Batches, which go to a sink, and reports, which come back.

use std::sync::Arc;
use std::time::Duration;

use crate::{Reason, Record};

/// Records handed to [`crate::Sink::deliver`]. Consuming the batch is the only way to make a report.
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
/// This compiles:
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
    /// Creates the batch of an attempt; for the runtime and for tests. The ticket comes back in the report, which
    /// reveals a report on another batch.
    pub fn new(ticket: u64, records: Vec<Arc<Record>>) -> Batch {
        Batch { ticket, records }
    }

    /// Returns the records in the order of sending.
    pub fn records(&self) -> &[Arc<Record>] {
        &self.records
    }

    /// Settles the batch by a verdict. [`Verdict::All`] becomes an outcome for each record, and a wrong number of
    /// outcomes retries all records, as with [`Batch::settle_each`].
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

    /// Settles each record by its index. A wrong number of outcomes counts as an unreadable reply: every record is
    /// retried, and none is taken for delivered.
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

    /// Reports that the destination refused the batch without naming the culprit. The runtime sends halves until the
    /// culprit is alone. A record that is refused alone is rejected.
    pub fn isolate(self, reason: Reason) -> Report {
        self.report(Verdict::Isolate(reason))
    }

    /// Reports that the destination refused the batch over the record at `index` and took none of the others. The runtime
    /// sends the others again at once, and this record alone: the index may be wrong, so only a record that is refused
    /// alone is rejected. An index outside of the batch counts as [`Batch::isolate`], and so does any index after several
    /// records that were refused alone with none accepted in between.
    pub fn culprit(self, index: usize, reason: Reason) -> Report {
        self.report(Verdict::Culprit { index, reason })
    }

    /// Reports that no record is at fault and the operator must act (wrong token, wrong account). The runtime keeps all
    /// records, probes now and then, and continues by itself.
    pub fn hold(self, reason: Reason) -> Report {
        self.report(Verdict::Hold(reason))
    }

    /// Reports that the sink has learnt a change of its encoding: the runtime prepares the same events again and
    /// resends. Tried once for each distinct reason; after that the batch is isolated.
    pub fn reencode(self, reason: Reason) -> Report {
        self.report(Verdict::Reencode(reason))
    }

    fn report(self, verdict: Verdict) -> Report {
        Report {
            ticket: self.ticket,
            verdict,
            response: None,
        }
    }
}

/// The facts about a destination's response that are about the request as a whole, for the history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// The id that the destination gave the request, for questions to its support.
    pub request_id: Option<Box<str>>,
}

/// A sink's report on one [`Batch`]; made only by consuming the batch.
#[derive(Debug)]
#[must_use]
pub struct Report {
    ticket: u64,
    verdict: Verdict,
    response: Option<Response>,
}

impl Report {
    /// Adds the destination's response.
    pub fn with_response(self, response: Response) -> Report {
        Report {
            response: Some(response),
            ..self
        }
    }

    /// Takes the destination's response, if there was one; for the runtime.
    pub fn take_response(&mut self) -> Option<Response> {
        self.response.take()
    }

    /// Returns the batch's ticket and the sink's verdict; for the runtime.
    pub fn into_parts(self) -> (u64, Verdict) {
        (self.ticket, self.verdict)
    }
}

/// The result of an attempt to deliver a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// An outcome for each record, in order. A wrong number of outcomes retries all.
    Settled(Vec<Outcome>),
    /// One outcome for all records.
    All(Outcome),
    /// The verdict of [`Batch::isolate`].
    Isolate(Reason),
    /// The verdict of [`Batch::culprit`].
    Culprit {
        /// The place of the record in the batch, from 0.
        index: usize,
        /// The destination's reason.
        reason: Reason,
    },
    /// The verdict of [`Batch::hold`].
    Hold(Reason),
    /// The verdict of [`Batch::reencode`].
    Reencode(Reason),
}

impl Verdict {
    /// Sends all records again: they may have been taken, but the reply does not say so.
    pub fn unclear(reason: Reason) -> Verdict {
        Verdict::All(Outcome::Retry {
            reason,
            after: None,
            maybe_written: true,
        })
    }

    /// Returns the outcome of the record at `index`, if the verdict has one for it.
    pub fn outcome(&self, index: usize) -> Option<&Outcome> {
        match self {
            Verdict::Settled(outcomes) => outcomes.get(index),
            Verdict::All(outcome) => Some(outcome),
            Verdict::Isolate(_) | Verdict::Culprit { .. } | Verdict::Hold(_) | Verdict::Reencode(_) => None,
        }
    }
}

/// The result of delivering one record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The destination accepted the record.
    Delivered {
        /// The destination's warning about it, if any.
        warning: Option<Reason>,
    },
    /// The destination will never accept the record. Becomes a dead letter.
    Rejected(Reason),
    /// A later attempt may succeed.
    Retry {
        /// Reason of the retry.
        reason: Reason,
        /// Minimum time to wait, if the destination gave one.
        after: Option<Duration>,
        /// True if the request was, or may have been, written, so that the destination may have the record already.
        maybe_written: bool,
    },
}

impl Outcome {
    /// Returns a delivery without a warning.
    pub fn delivered() -> Outcome {
        Outcome::Delivered { warning: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_number_of_outcomes_is_never_success() {
        let record = || Arc::new(Record::new("m", Vec::new()));
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
