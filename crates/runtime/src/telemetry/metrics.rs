//! The table of all metrics: name, kind, unit, labels, meaning, and the source of the value.
//!
//! `docs/operations.md` has the same list; a test holds both equal. Labels are component names, stable codes, and paths
//! without indices, never keys, URLs or ids, whose number is unbounded.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;

use signalbox_core::RefusedCause;
use signalbox_journal::LetterCounts;

use super::paths::Paths;
use crate::hold::HoldCause;
use crate::ledger::{ByCode, LetterLedger, SinkLedger, SourceLedger};

/// One metric and the way to read it.
pub(super) struct Metric {
    /// The OpenTelemetry name. On `/metrics` dots are underscores, and unit and `_total` are added.
    pub(super) name: &'static str,
    pub(super) kind: MetricKind,
    /// UCUM code, as OpenTelemetry requires; empty for plain counts.
    pub(super) unit: &'static str,
    pub(super) help: &'static str,
    pub(super) read: Reading,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MetricKind {
    Counter,
    Gauge,
    Histogram,
}

/// Receives a value with the labels that follow the component's.
pub(super) type Emit<'a> = dyn FnMut(u64, &[(&'static str, &str)]) + 'a;

pub(super) enum Reading {
    Process(fn(&Process, &mut Emit<'_>)),
    Source(fn(&SourceLedger, &mut Emit<'_>)),
    Sink(fn(&SinkView<'_>, &mut Emit<'_>)),
    /// Reads the counts of a source's dead letters.
    SourceLetters(fn(&LetterCounts) -> u64),
    /// Reads the counts of a sink's dead letters.
    SinkLetters(fn(&LetterCounts) -> u64),
    /// Recorded as it happens, into buckets with these upper bounds.
    Recorded(&'static [f64]),
}

/// Values of the process as a whole.
#[derive(Debug, Default)]
pub(super) struct Process {
    /// Unix seconds.
    pub(super) started: u64,
    pub(super) exported: crate::ledger::Count,
    pub(super) exports_failed: crate::ledger::Count,
    pub(super) journal: LetterLedger,
}

/// The sources of a sink's metrics.
pub(super) struct SinkView<'a> {
    pub(super) ledger: &'a SinkLedger,
    pub(super) paths: &'a Paths,
    /// Unix milliseconds.
    pub(super) now: i64,
}

/// Reason shown from the start where only plugins know the reasons, so that the metric exists before the first event.
const OTHER: &str = "other";

/// The request latency.
pub(super) const REQUEST_DURATION: &str = "signalbox.sink.request.duration";
/// The event age at delivery.
pub(super) const EVENT_AGE: &str = "signalbox.sink.event.age";

const fn metric(name: &'static str, kind: MetricKind, help: &'static str, read: Reading) -> Metric {
    Metric {
        name,
        kind,
        unit: "",
        help,
        read,
    }
}

/// All metrics.
pub(super) static METRICS: &[Metric] = &[
    Metric {
        unit: "s",
        ..metric(
            "signalbox.start_time",
            MetricKind::Gauge,
            "When the process started, in Unix seconds.",
            Reading::Process(|process, emit| emit(process.started, &[])),
        )
    },
    metric(
        "signalbox.telemetry.exports",
        MetricKind::Counter,
        "OTLP exports by outcome (success, failure).",
        Reading::Process(|process, emit| {
            emit(process.exported.get(), &[("outcome", "success")]);
            emit(process.exports_failed.get(), &[("outcome", "failure")]);
        }),
    ),
    metric(
        "signalbox.journal.events",
        MetricKind::Gauge,
        "Events in the journal that some sink has not settled.",
        Reading::Process(|process, emit| emit(process.journal.usage().events, &[])),
    ),
    Metric {
        unit: "By",
        ..metric(
            "signalbox.journal.size",
            MetricKind::Gauge,
            "Bytes of events that some sink has not settled.",
            Reading::Process(|process, emit| emit(process.journal.usage().bytes, &[])),
        )
    },
    Metric {
        unit: "By",
        ..metric(
            "signalbox.journal.max_size",
            MetricKind::Gauge,
            "Bytes of unsettled events from which on sources refuse.",
            Reading::Process(|process, emit| emit(process.journal.usage().max_bytes, &[])),
        )
    },
    metric(
        "signalbox.source.events.received",
        MetricKind::Counter,
        "Everything that reached the source and was, or should have been, an event.",
        Reading::Source(|source, emit| emit(source.received.of_this_process(), &[])),
    ),
    metric(
        "signalbox.source.events.journalled",
        MetricKind::Counter,
        "Events accepted into the journal.",
        Reading::Source(|source, emit| emit(source.journalled.of_this_process(), &[])),
    ),
    metric(
        "signalbox.source.events.duplicate",
        MetricKind::Counter,
        "Events whose id was known already.",
        Reading::Source(|source, emit| emit(source.duplicate.of_this_process(), &[])),
    ),
    metric(
        "signalbox.source.events.filtered",
        MetricKind::Counter,
        "Events filtered before the journal.",
        Reading::Source(|source, emit| by_reason(&source.filtered, &[OTHER], emit)),
    ),
    metric(
        "signalbox.source.events.rejected",
        MetricKind::Counter,
        "Unusable events; each is a dead letter.",
        Reading::Source(|source, emit| by_reason(&source.rejected, &[OTHER], emit)),
    ),
    metric(
        "signalbox.source.events.refused",
        MetricKind::Counter,
        "Events refused; the client was told to come again or to give up.",
        Reading::Source(|source, emit| {
            by_reason(&source.refused, &RefusedCause::ALL.map(RefusedCause::code), emit)
        }),
    ),
    metric(
        "signalbox.source.dead_letters",
        MetricKind::Counter,
        "Events that became dead letters: those rejected, over all reasons.",
        Reading::Source(|source, emit| emit(of_all_reasons(&source.rejected), &[])),
    ),
    Metric {
        unit: "s",
        ..metric(
            "signalbox.source.certificate.expiry",
            MetricKind::Gauge,
            "When the certificate in use expires, in Unix seconds; only for sources with TLS.",
            Reading::Source(|source, emit| {
                if let Some(at) = source.vitals.certificate_expiry() {
                    emit(u64::try_from(at).unwrap_or(0), &[]);
                }
            }),
        )
    },
    metric(
        "signalbox.sink.events.journalled",
        MetricKind::Counter,
        "Events in the journal for this sink, read or not.",
        Reading::Sink(|sink, emit| emit(sink.ledger.journalled.of_this_process(), &[])),
    ),
    metric(
        "signalbox.sink.events.delivered",
        MetricKind::Counter,
        "Events all of whose records were delivered.",
        Reading::Sink(|sink, emit| emit(sink.ledger.delivered.of_this_process(), &[])),
    ),
    metric(
        "signalbox.sink.events.filtered",
        MetricKind::Counter,
        "Events that this sink does not want.",
        Reading::Sink(|sink, emit| {
            by_reason(
                &sink.ledger.filtered,
                &["integrations_excluded", "no_consent"],
                emit,
            )
        }),
    ),
    metric(
        "signalbox.sink.events.rejected",
        MetricKind::Counter,
        "Events with a record that the destination will never take; each is a dead letter.",
        Reading::Sink(|sink, emit| {
            by_reason(
                &sink.ledger.rejected,
                &["journal_file_missing", "journal_full", "journal_unreadable"],
                emit,
            )
        }),
    ),
    metric(
        "signalbox.sink.events.expired",
        MetricKind::Counter,
        "Events with a record that was retried for too long, by its last failure; each is a dead letter.",
        Reading::Sink(|sink, emit| by_reason(&sink.ledger.expired, &["timed_out"], emit)),
    ),
    metric(
        "signalbox.sink.dead_letters",
        MetricKind::Counter,
        "Events that became dead letters, over all reasons: rejected or expired.",
        Reading::Sink(|sink, emit| {
            emit(of_all_reasons(&sink.ledger.rejected), &[("outcome", "rejected")]);
            emit(of_all_reasons(&sink.ledger.expired), &[("outcome", "expired")]);
        }),
    ),
    metric(
        "signalbox.sink.events.pending",
        MetricKind::Gauge,
        "Events not settled yet: the queue depth.",
        Reading::Sink(|sink, emit| emit(sink.ledger.pending(), &[])),
    ),
    Metric {
        unit: "s",
        ..metric(
            "signalbox.sink.oldest_pending_age",
            MetricKind::Gauge,
            "Time since the oldest unsettled event arrived, in seconds; 0 if there is none.",
            Reading::Sink(|sink, emit| emit(oldest_pending_age(sink.ledger, sink.now).unwrap_or(0), &[])),
        )
    },
    metric(
        "signalbox.sink.held",
        MetricKind::Gauge,
        "1 while the sink is on hold by this cause, else 0.",
        Reading::Sink(|sink, emit| {
            let held = |cause| u64::from(sink.ledger.held.by(cause));
            by_cause(held, emit);
        }),
    ),
    metric(
        "signalbox.sink.holds",
        MetricKind::Counter,
        "How often the sink was put on hold by this cause.",
        Reading::Sink(|sink, emit| by_cause(|cause| sink.ledger.held.begun(cause), emit)),
    ),
    metric(
        "signalbox.source.dead_letters.kept",
        MetricKind::Gauge,
        "Dead letters of the source that are kept.",
        Reading::SourceLetters(|letters| letters.kept),
    ),
    metric(
        "signalbox.source.dead_letters.dropped",
        MetricKind::Counter,
        "Dead letters of the source that were dropped to make room for newer ones, over all time.",
        Reading::SourceLetters(|letters| letters.dropped),
    ),
    metric(
        "signalbox.sink.dead_letters.kept",
        MetricKind::Gauge,
        "Dead letters of the sink that are kept.",
        Reading::SinkLetters(|letters| letters.kept),
    ),
    Metric {
        unit: "By",
        ..metric(
            "signalbox.sink.dead_letters.size",
            MetricKind::Gauge,
            "Bytes that the dead letters of the sink take.",
            Reading::SinkLetters(|letters| letters.bytes),
        )
    },
    Metric {
        unit: "By",
        ..metric(
            "signalbox.sink.dead_letters.limit",
            MetricKind::Gauge,
            "Bytes that the dead letters of the sink may take.",
            Reading::SinkLetters(|letters| letters.max_bytes),
        )
    },
    metric(
        "signalbox.sink.dead_letters.dropped",
        MetricKind::Counter,
        "Dead letters of the sink that were dropped to make room for newer ones, over all time.",
        Reading::SinkLetters(|letters| letters.dropped),
    ),
    metric(
        "signalbox.sink.attempts",
        MetricKind::Counter,
        "Requests made, retries and bisected halves included.",
        Reading::Sink(|sink, emit| emit(sink.ledger.attempts.get(), &[])),
    ),
    metric(
        "signalbox.sink.requests.in_flight",
        MetricKind::Gauge,
        "Requests under way.",
        Reading::Sink(|sink, emit| emit(sink.ledger.in_flight.get(), &[])),
    ),
    Metric {
        unit: "s",
        ..metric(
            REQUEST_DURATION,
            MetricKind::Histogram,
            "Time of one request, by what came of it.",
            Reading::Recorded(&[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0]),
        )
    },
    metric(
        "signalbox.sink.records.delivered",
        MetricKind::Counter,
        "Records delivered.",
        Reading::Sink(|sink, emit| emit(sink.ledger.records.delivered.get(), &[])),
    ),
    Metric {
        unit: "By",
        ..metric(
            "signalbox.sink.delivered",
            MetricKind::Counter,
            "Bytes of delivered records.",
            Reading::Sink(|sink, emit| emit(sink.ledger.records.bytes_delivered.get(), &[])),
        )
    },
    metric(
        "signalbox.sink.records.duplicate",
        MetricKind::Counter,
        "Records not sent, since the destination has one with their key already.",
        Reading::Sink(|sink, emit| emit(sink.ledger.records.duplicate.get(), &[])),
    ),
    metric(
        "signalbox.sink.records.rejected",
        MetricKind::Counter,
        "Records that the destination will never take.",
        Reading::Sink(|sink, emit| by_reason(&sink.ledger.records.rejected, &["maybe_written"], emit)),
    ),
    metric(
        "signalbox.sink.records.retried",
        MetricKind::Counter,
        "Records sent back to wait.",
        Reading::Sink(|sink, emit| by_reason(&sink.ledger.records.retried, &["timed_out"], emit)),
    ),
    metric(
        "signalbox.sink.records.late",
        MetricKind::Counter,
        "Delivered records whose event was more than an hour old.",
        Reading::Sink(|sink, emit| emit(sink.ledger.records.late.get(), &[])),
    ),
    Metric {
        unit: "s",
        ..metric(
            EVENT_AGE,
            MetricKind::Histogram,
            "Age of the event when its record was delivered.",
            Reading::Recorded(&[
                0.1, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 21_600.0, 86_400.0, 604_800.0,
            ]),
        )
    },
    metric(
        "signalbox.sink.warnings",
        MetricKind::Counter,
        "What was left out of delivered records or is in doubt, by code and field.",
        Reading::Sink(|sink, emit| warnings(&sink.ledger.records.warnings, sink.paths, emit)),
    ),
];

/// Returns the seconds since the oldest unsettled event arrived; `None` if there is none. A clock set back gives 0.
pub fn oldest_pending_age(sink: &SinkLedger, now: i64) -> Option<u64> {
    match sink.oldest_pending.load(Relaxed) {
        0 => None,
        arrived => Some(u64::try_from(now.saturating_sub(arrived)).unwrap_or(0) / 1000),
    }
}

fn by_cause(value: impl Fn(HoldCause) -> u64, emit: &mut Emit<'_>) {
    for cause in HoldCause::ALL {
        emit(value(cause), &[("cause", cause.code())]);
    }
}

fn of_all_reasons(counts: &ByCode) -> u64 {
    counts.of_this_process().values().sum()
}

/// Emits counts by reason. Reasons that the runtime knows beforehand appear from the start.
fn by_reason(counts: &ByCode, known: &[&str], emit: &mut Emit<'_>) {
    let counts = counts.of_this_process();
    for reason in known.iter().filter(|reason| !counts.contains_key(**reason)) {
        emit(0, &[("reason", reason)]);
    }
    for (reason, count) in counts {
        emit(count, &[("reason", &reason)]);
    }
}

/// Sums the counts of ledger keys with the same labels.
fn warnings(counts: &ByCode, paths: &Paths, emit: &mut Emit<'_>) {
    let none = ((OTHER.to_owned(), OTHER.to_owned()), 0);
    let mut sums: BTreeMap<(String, String), u64> = BTreeMap::from([none]);
    for (key, count) in counts.snapshot() {
        *sums.entry(paths.labels(&key)).or_default() += count;
    }
    for ((code, path), sum) in sums {
        emit(sum, &[("code", &code), ("path", &path)]);
    }
}
