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
    pub(super) kind: Kind,
    /// UCUM code, as OpenTelemetry requires; empty for plain counts.
    pub(super) unit: &'static str,
    pub(super) help: &'static str,
    pub(super) read: Read,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// Receives a value with the labels that follow the component's.
pub(super) type Emit<'a> = dyn FnMut(u64, &[(&'static str, &str)]) + 'a;

pub(super) enum Read {
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

const fn metric(name: &'static str, kind: Kind, help: &'static str, read: Read) -> Metric {
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
            Kind::Gauge,
            "When the process started, in Unix seconds.",
            Read::Process(|process, emit| emit(process.started, &[])),
        )
    },
    metric(
        "signalbox.telemetry.exports",
        Kind::Counter,
        "OTLP exports by outcome (success, failure).",
        Read::Process(|process, emit| {
            emit(process.exported.get(), &[("outcome", "success")]);
            emit(process.exports_failed.get(), &[("outcome", "failure")]);
        }),
    ),
    metric(
        "signalbox.journal.events",
        Kind::Gauge,
        "Events in the journal that some sink has not settled.",
        Read::Process(|process, emit| emit(process.journal.usage().events, &[])),
    ),
    Metric {
        unit: "By",
        ..metric(
            "signalbox.journal.size",
            Kind::Gauge,
            "Bytes of events that some sink has not settled.",
            Read::Process(|process, emit| emit(process.journal.usage().bytes, &[])),
        )
    },
    Metric {
        unit: "By",
        ..metric(
            "signalbox.journal.max_size",
            Kind::Gauge,
            "Bytes of unsettled events from which on sources refuse.",
            Read::Process(|process, emit| emit(process.journal.usage().max_bytes, &[])),
        )
    },
    metric(
        "signalbox.source.events.received",
        Kind::Counter,
        "Everything that reached the source and was, or should have been, an event.",
        Read::Source(|source, emit| emit(source.received.of_this_process(), &[])),
    ),
    metric(
        "signalbox.source.events.journalled",
        Kind::Counter,
        "Events accepted into the journal.",
        Read::Source(|source, emit| emit(source.journalled.of_this_process(), &[])),
    ),
    metric(
        "signalbox.source.events.duplicate",
        Kind::Counter,
        "Events whose id was known already.",
        Read::Source(|source, emit| emit(source.duplicate.of_this_process(), &[])),
    ),
    metric(
        "signalbox.source.events.filtered",
        Kind::Counter,
        "Events filtered before the journal.",
        Read::Source(|source, emit| by_reason(&source.filtered, &[OTHER], emit)),
    ),
    metric(
        "signalbox.source.events.rejected",
        Kind::Counter,
        "Unusable events; each is a dead letter.",
        Read::Source(|source, emit| by_reason(&source.rejected, &[OTHER], emit)),
    ),
    metric(
        "signalbox.source.events.refused",
        Kind::Counter,
        "Events refused; the client was told to come again or to give up.",
        Read::Source(|source, emit| {
            by_reason(&source.refused, &RefusedCause::ALL.map(RefusedCause::code), emit)
        }),
    ),
    metric(
        "signalbox.source.dead_letters",
        Kind::Counter,
        "Events that became dead letters: those rejected, over all reasons.",
        Read::Source(|source, emit| emit(of_all_reasons(&source.rejected), &[])),
    ),
    Metric {
        unit: "s",
        ..metric(
            "signalbox.source.certificate.expiry",
            Kind::Gauge,
            "When the certificate in use expires, in Unix seconds; only for sources with TLS.",
            Read::Source(|source, emit| {
                if let Some(at) = source.vitals.certificate_expiry() {
                    emit(u64::try_from(at).unwrap_or(0), &[]);
                }
            }),
        )
    },
    metric(
        "signalbox.sink.events.journalled",
        Kind::Counter,
        "Events in the journal for this sink, read or not.",
        Read::Sink(|sink, emit| emit(sink.ledger.journalled.of_this_process(), &[])),
    ),
    metric(
        "signalbox.sink.events.delivered",
        Kind::Counter,
        "Events all of whose records were delivered.",
        Read::Sink(|sink, emit| emit(sink.ledger.delivered.of_this_process(), &[])),
    ),
    metric(
        "signalbox.sink.events.filtered",
        Kind::Counter,
        "Events that this sink does not want.",
        Read::Sink(|sink, emit| {
            by_reason(
                &sink.ledger.filtered,
                &["integrations_excluded", "no_consent"],
                emit,
            )
        }),
    ),
    metric(
        "signalbox.sink.events.rejected",
        Kind::Counter,
        "Events with a record that the destination will never take; each is a dead letter.",
        Read::Sink(|sink, emit| {
            by_reason(
                &sink.ledger.rejected,
                &["journal_file_missing", "journal_full", "journal_unreadable"],
                emit,
            )
        }),
    ),
    metric(
        "signalbox.sink.events.expired",
        Kind::Counter,
        "Events with a record that was retried for too long, by its last failure; each is a dead letter.",
        Read::Sink(|sink, emit| by_reason(&sink.ledger.expired, &["timed_out"], emit)),
    ),
    metric(
        "signalbox.sink.dead_letters",
        Kind::Counter,
        "Events that became dead letters, over all reasons: rejected or expired.",
        Read::Sink(|sink, emit| {
            emit(of_all_reasons(&sink.ledger.rejected), &[("outcome", "rejected")]);
            emit(of_all_reasons(&sink.ledger.expired), &[("outcome", "expired")]);
        }),
    ),
    metric(
        "signalbox.sink.events.pending",
        Kind::Gauge,
        "Events not settled yet: the queue depth.",
        Read::Sink(|sink, emit| emit(sink.ledger.pending(), &[])),
    ),
    Metric {
        unit: "s",
        ..metric(
            "signalbox.sink.oldest_pending_age",
            Kind::Gauge,
            "Time since the oldest unsettled event arrived, in seconds; 0 if there is none.",
            Read::Sink(|sink, emit| emit(oldest_pending_age(sink.ledger, sink.now).unwrap_or(0), &[])),
        )
    },
    metric(
        "signalbox.sink.held",
        Kind::Gauge,
        "1 while the sink is on hold by this cause, else 0.",
        Read::Sink(|sink, emit| {
            let held = |cause| u64::from(sink.ledger.held.by(cause));
            by_cause(held, emit);
        }),
    ),
    metric(
        "signalbox.sink.holds",
        Kind::Counter,
        "How often the sink was put on hold by this cause.",
        Read::Sink(|sink, emit| by_cause(|cause| sink.ledger.held.begun(cause), emit)),
    ),
    metric(
        "signalbox.source.dead_letters.kept",
        Kind::Gauge,
        "Dead letters of the source that are kept.",
        Read::SourceLetters(|letters| letters.kept),
    ),
    metric(
        "signalbox.source.dead_letters.dropped",
        Kind::Counter,
        "Dead letters of the source that were dropped to make room for newer ones, over all time.",
        Read::SourceLetters(|letters| letters.dropped),
    ),
    metric(
        "signalbox.sink.dead_letters.kept",
        Kind::Gauge,
        "Dead letters of the sink that are kept.",
        Read::SinkLetters(|letters| letters.kept),
    ),
    Metric {
        unit: "By",
        ..metric(
            "signalbox.sink.dead_letters.size",
            Kind::Gauge,
            "Bytes that the dead letters of the sink take.",
            Read::SinkLetters(|letters| letters.bytes),
        )
    },
    Metric {
        unit: "By",
        ..metric(
            "signalbox.sink.dead_letters.limit",
            Kind::Gauge,
            "Bytes that the dead letters of the sink may take.",
            Read::SinkLetters(|letters| letters.max_bytes),
        )
    },
    metric(
        "signalbox.sink.dead_letters.dropped",
        Kind::Counter,
        "Dead letters of the sink that were dropped to make room for newer ones, over all time.",
        Read::SinkLetters(|letters| letters.dropped),
    ),
    metric(
        "signalbox.sink.attempts",
        Kind::Counter,
        "Requests made, retries and bisected halves included.",
        Read::Sink(|sink, emit| emit(sink.ledger.attempts.get(), &[])),
    ),
    metric(
        "signalbox.sink.requests.in_flight",
        Kind::Gauge,
        "Requests under way.",
        Read::Sink(|sink, emit| emit(sink.ledger.in_flight.get(), &[])),
    ),
    Metric {
        unit: "s",
        ..metric(
            REQUEST_DURATION,
            Kind::Histogram,
            "Time of one request, by what came of it.",
            Read::Recorded(&[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0]),
        )
    },
    metric(
        "signalbox.sink.records.delivered",
        Kind::Counter,
        "Records delivered.",
        Read::Sink(|sink, emit| emit(sink.ledger.records.delivered.get(), &[])),
    ),
    Metric {
        unit: "By",
        ..metric(
            "signalbox.sink.delivered",
            Kind::Counter,
            "Bytes of delivered records.",
            Read::Sink(|sink, emit| emit(sink.ledger.records.bytes_delivered.get(), &[])),
        )
    },
    metric(
        "signalbox.sink.records.duplicate",
        Kind::Counter,
        "Records not sent, since the destination has one with their key already.",
        Read::Sink(|sink, emit| emit(sink.ledger.records.duplicate.get(), &[])),
    ),
    metric(
        "signalbox.sink.records.rejected",
        Kind::Counter,
        "Records that the destination will never take.",
        Read::Sink(|sink, emit| by_reason(&sink.ledger.records.rejected, &["maybe_written"], emit)),
    ),
    metric(
        "signalbox.sink.records.retried",
        Kind::Counter,
        "Records sent back to wait.",
        Read::Sink(|sink, emit| by_reason(&sink.ledger.records.retried, &["timed_out"], emit)),
    ),
    metric(
        "signalbox.sink.records.late",
        Kind::Counter,
        "Delivered records whose event was more than an hour old.",
        Read::Sink(|sink, emit| emit(sink.ledger.records.late.get(), &[])),
    ),
    Metric {
        unit: "s",
        ..metric(
            EVENT_AGE,
            Kind::Histogram,
            "Age of the event when its record was delivered.",
            Read::Recorded(&[
                0.1, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 21_600.0, 86_400.0, 604_800.0,
            ]),
        )
    },
    metric(
        "signalbox.sink.warnings",
        Kind::Counter,
        "What was left out of delivered records or is in doubt, by code and field.",
        Read::Sink(|sink, emit| warnings(&sink.ledger.records.warnings, sink.paths, emit)),
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
