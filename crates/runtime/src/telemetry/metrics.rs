//! The table of all metrics: name, kind, unit, labels, meaning, and the source of the value.
//!
//! `docs/operations.md` has the same list; a test holds both equal. Labels are component names, stable codes, and paths
//! without indices, never keys, URLs or ids, whose number is unbounded.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;

use signalbox_core::RefusedCause;
use signalbox_history::{Health, History};
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
    /// Reads a value that belongs to the router that drives the sink. Other routers leave it out, so that sums over all of
    /// them are right.
    SinkDriven(fn(&SinkView<'_>, &mut Emit<'_>)),
    /// Reads the counts of a source's dead letters.
    SourceLetters(fn(&LetterCounts) -> u64),
    /// Reads the counts of a sink's dead letters, at the router that drives the sink.
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
    pub(super) history: Option<History>,
}

impl Process {
    /// The state of the history; zero without one.
    fn history(&self) -> Health {
        self.history.as_ref().map(History::health).unwrap_or_default()
    }
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

const fn counter(name: &'static str, help: &'static str, read: Reading) -> Metric {
    Metric::new(name, MetricKind::Counter, help, read)
}

const fn gauge(name: &'static str, help: &'static str, read: Reading) -> Metric {
    Metric::new(name, MetricKind::Gauge, help, read)
}

const fn histogram(name: &'static str, help: &'static str, bounds: &'static [f64]) -> Metric {
    Metric::new(name, MetricKind::Histogram, help, Reading::Recorded(bounds))
}

impl Metric {
    const fn new(name: &'static str, kind: MetricKind, help: &'static str, read: Reading) -> Metric {
        Metric {
            name,
            kind,
            unit: "",
            help,
            read,
        }
    }

    const fn unit(self, unit: &'static str) -> Metric {
        Metric { unit, ..self }
    }
}

/// All metrics.
pub(super) static METRICS: &[Metric] = &[
    gauge(
        "signalbox.start_time",
        "When the process started, in Unix seconds.",
        Reading::Process(|process, emit| emit(process.started, &[])),
    )
    .unit("s"),
    counter(
        "signalbox.telemetry.exports",
        "OTLP exports by outcome (success, failure).",
        Reading::Process(|process, emit| {
            emit(process.exported.get(), &[("outcome", "success")]);
            emit(process.exports_failed.get(), &[("outcome", "failure")]);
        }),
    ),
    gauge(
        "signalbox.journal.events",
        "Events in the journal that some sink has not settled.",
        Reading::Process(|process, emit| emit(process.journal.usage().events, &[])),
    ),
    gauge(
        "signalbox.journal.size",
        "Bytes of events that some sink has not settled.",
        Reading::Process(|process, emit| emit(process.journal.usage().bytes, &[])),
    )
    .unit("By"),
    gauge(
        "signalbox.journal.max_size",
        "Bytes of unsettled events from which on sources refuse.",
        Reading::Process(|process, emit| emit(process.journal.usage().max_bytes, &[])),
    )
    .unit("By"),
    gauge(
        "signalbox.journal.plain",
        "Bytes of events, ids and dead letters on disk that are not encrypted.",
        Reading::Process(|process, emit| {
            let sealing = process.journal.sealing().unwrap_or_default();
            emit(sealing.all_plain_bytes(), &[]);
        }),
    )
    .unit("By"),
    gauge(
        "signalbox.history.failing",
        "1 while the history cannot be written, else 0.",
        Reading::Process(|process, emit| emit(process.history().failing.is_some().into(), &[])),
    ),
    counter(
        "signalbox.history.lost",
        "Records that are missing in the history, by cause (queue_full, not_written, file_lost).",
        Reading::Process(|process, emit| {
            let health = process.history();
            emit(health.dropped, &[("cause", "queue_full")]);
            emit(health.lost, &[("cause", "not_written")]);
            emit(health.gone, &[("cause", "file_lost")]);
        }),
    ),
    gauge(
        "signalbox.history.file.lost",
        "1 for a day after a file of the history was deleted, overwritten or found damaged, else 0.",
        Reading::Process(|process, emit| emit((!process.history().recent_losses().is_empty()).into(), &[])),
    ),
    gauge(
        "signalbox.history.size",
        "Bytes of the history's files.",
        Reading::Process(|process, emit| emit(process.history().bytes, &[])),
    )
    .unit("By"),
    counter(
        "signalbox.source.events.received",
        "Everything that reached the source and was, or should have been, an event.",
        Reading::Source(|source, emit| emit(source.received.of_this_process(), &[])),
    ),
    counter(
        "signalbox.source.events.journalled",
        "Events accepted into the journal.",
        Reading::Source(|source, emit| emit(source.journalled.of_this_process(), &[])),
    ),
    counter(
        "signalbox.source.events.duplicate",
        "Events whose id was known already.",
        Reading::Source(|source, emit| emit(source.duplicate.of_this_process(), &[])),
    ),
    counter(
        "signalbox.source.events.filtered",
        "Events filtered before the journal.",
        Reading::Source(|source, emit| by_reason(&source.filtered, &[OTHER], emit)),
    ),
    counter(
        "signalbox.source.events.rejected",
        "Unusable events; each is a dead letter.",
        Reading::Source(|source, emit| by_reason(&source.rejected, &[OTHER], emit)),
    ),
    counter(
        "signalbox.source.events.refused",
        "Events refused; the client was told to come again or to give up.",
        Reading::Source(|source, emit| {
            by_reason(&source.refused, &RefusedCause::ALL.map(RefusedCause::code), emit)
        }),
    ),
    counter(
        "signalbox.source.dead_letters",
        "Events that became dead letters: those rejected, over all reasons.",
        Reading::Source(|source, emit| emit(of_all_reasons(&source.rejected), &[])),
    ),
    counter(
        "signalbox.source.plain_values",
        "Values that look like an e-mail address or a phone number and that the source's hashing transform left plain.",
        Reading::Source(|source, emit| {
            let mut counts = source.plain.snapshot();
            // The metric exists before the first value.
            counts.entry(format!("email {OTHER}")).or_default();
            for (key, count) in counts {
                let (kind, path) = key.split_once(' ').unwrap_or((&key, ""));
                emit(count, &[("kind", kind), ("path", path)]);
            }
        }),
    ),
    gauge(
        "signalbox.source.certificate.expiry",
        "When the certificate in use expires, in Unix seconds; only for sources with TLS.",
        Reading::Source(|source, emit| {
            if let Some(at) = source.vitals.certificate_expiry() {
                emit(u64::try_from(at).unwrap_or(0), &[]);
            }
        }),
    )
    .unit("s"),
    counter(
        "signalbox.sink.events.journalled",
        "Events in the journal for this sink, read or not.",
        Reading::Sink(|sink, emit| emit(sink.ledger.journalled.of_this_process(), &[])),
    ),
    counter(
        "signalbox.sink.events.delivered",
        "Events all of whose records were delivered.",
        Reading::Sink(|sink, emit| emit(sink.ledger.delivered.of_this_process(), &[])),
    ),
    counter(
        "signalbox.sink.events.filtered",
        "Events that this sink does not want.",
        Reading::Sink(|sink, emit| {
            by_reason(
                &sink.ledger.filtered,
                &["integrations_excluded", "no_consent"],
                emit,
            )
        }),
    ),
    // Without the names, which people choose and which may hold personal data: those are in the status.
    counter(
        "signalbox.sink.events.unheard",
        "Track events that no mapping of this sink listens to.",
        Reading::Sink(|sink, emit| emit(sink.ledger.unheard.total(), &[])),
    ),
    counter(
        "signalbox.sink.events.rejected",
        "Events with a record that the destination will never take; each is a dead letter.",
        Reading::Sink(|sink, emit| {
            by_reason(
                &sink.ledger.rejected,
                &["journal_file_missing", "journal_full", "journal_unreadable"],
                emit,
            )
        }),
    ),
    counter(
        "signalbox.sink.events.expired",
        "Events with a record that was retried for too long, by its last failure; each is a dead letter.",
        Reading::Sink(|sink, emit| by_reason(&sink.ledger.expired, &["timed_out"], emit)),
    ),
    counter(
        "signalbox.sink.dead_letters",
        "Events that became dead letters, over all reasons: rejected or expired.",
        Reading::Sink(|sink, emit| {
            emit(of_all_reasons(&sink.ledger.rejected), &[("outcome", "rejected")]);
            emit(of_all_reasons(&sink.ledger.expired), &[("outcome", "expired")]);
        }),
    ),
    gauge(
        "signalbox.sink.events.pending",
        "Events not settled yet: the queue depth.",
        Reading::SinkDriven(|sink, emit| emit(sink.ledger.pending(), &[])),
    ),
    gauge(
        "signalbox.sink.oldest_pending_age",
        "Time since the oldest unsettled event arrived, in seconds; 0 if there is none, or the sink is disabled.",
        Reading::SinkDriven(|sink, emit| {
            let age = oldest_pending_age(sink.ledger, sink.now).filter(|_| !is_disabled(sink));
            emit(age.unwrap_or(0), &[]);
        }),
    )
    .unit("s"),
    gauge(
        "signalbox.sink.disabled",
        "1 while the sink is disabled by its settings, else 0.",
        Reading::Sink(|sink, emit| emit(u64::from(is_disabled(sink)), &[])),
    ),
    gauge(
        "signalbox.sink.driven",
        "1 while this router drives the sink, 0 while another one that shares the journal may.",
        Reading::Sink(|sink, emit| emit(u64::from(sink.ledger.is_driven_here()), &[])),
    ),
    gauge(
        "signalbox.sink.held",
        "1 while the sink is on hold by this cause, else 0.",
        Reading::SinkDriven(|sink, emit| {
            let held = |cause| u64::from(sink.ledger.held.by(cause));
            by_cause(held, emit);
        }),
    ),
    counter(
        "signalbox.sink.holds",
        "How often the sink was put on hold by this cause.",
        Reading::Sink(|sink, emit| by_cause(|cause| sink.ledger.held.begun(cause), emit)),
    ),
    gauge(
        "signalbox.source.dead_letters.kept",
        "Dead letters of the source that are kept.",
        Reading::SourceLetters(|letters| letters.kept),
    ),
    counter(
        "signalbox.source.dead_letters.dropped",
        "Dead letters of the source that were dropped to make room for newer ones or for their age, over all time.",
        Reading::SourceLetters(|letters| letters.dropped),
    ),
    gauge(
        "signalbox.sink.dead_letters.kept",
        "Dead letters of the sink that are kept.",
        Reading::SinkLetters(|letters| letters.kept),
    ),
    gauge(
        "signalbox.sink.dead_letters.size",
        "Bytes that the dead letters of the sink take.",
        Reading::SinkLetters(|letters| letters.bytes),
    )
    .unit("By"),
    gauge(
        "signalbox.sink.dead_letters.limit",
        "Bytes that the dead letters of the sink may take.",
        Reading::SinkLetters(|letters| letters.max_bytes),
    )
    .unit("By"),
    counter(
        "signalbox.sink.dead_letters.dropped",
        "Dead letters of the sink that were dropped to make room for newer ones or for their age, over all time.",
        Reading::SinkLetters(|letters| letters.dropped),
    ),
    counter(
        "signalbox.sink.attempts",
        "Requests made, retries and bisected halves included.",
        Reading::Sink(|sink, emit| emit(sink.ledger.attempts.get(), &[])),
    ),
    gauge(
        "signalbox.sink.requests.in_flight",
        "Requests under way.",
        Reading::Sink(|sink, emit| emit(sink.ledger.in_flight.get(), &[])),
    ),
    histogram(
        REQUEST_DURATION,
        "Time of one request, by what came of it.",
        &[0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0],
    )
    .unit("s"),
    counter(
        "signalbox.sink.records.delivered",
        "Records delivered.",
        Reading::Sink(|sink, emit| emit(sink.ledger.records.delivered.get(), &[])),
    ),
    counter(
        "signalbox.sink.delivered",
        "Bytes of delivered records.",
        Reading::Sink(|sink, emit| emit(sink.ledger.records.bytes_delivered.get(), &[])),
    )
    .unit("By"),
    counter(
        "signalbox.sink.records.duplicate",
        "Records not sent, since the destination has one with their key already.",
        Reading::Sink(|sink, emit| emit(sink.ledger.records.duplicate.get(), &[])),
    ),
    counter(
        "signalbox.sink.records.rejected",
        "Records that the destination will never take.",
        Reading::Sink(|sink, emit| by_reason(&sink.ledger.records.rejected, &["maybe_written"], emit)),
    ),
    counter(
        "signalbox.sink.records.retried",
        "Records sent back to wait.",
        Reading::Sink(|sink, emit| by_reason(&sink.ledger.records.retried, &["timed_out"], emit)),
    ),
    counter(
        "signalbox.sink.records.late",
        "Delivered records of events so old that the destination values them less.",
        Reading::Sink(|sink, emit| emit(sink.ledger.records.late.of_this_process(), &[])),
    ),
    counter(
        "signalbox.sink.records.unattributed",
        "Delivered records of events so old that the destination no longer attributes them.",
        Reading::Sink(|sink, emit| emit(sink.ledger.records.unattributed.of_this_process(), &[])),
    ),
    histogram(
        EVENT_AGE,
        "Age of the event when its record was delivered.",
        &[
            0.1, 0.5, 1.0, 2.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3_600.0, 21_600.0, 86_400.0, 604_800.0,
        ],
    )
    .unit("s"),
    counter(
        "signalbox.sink.warnings",
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

fn is_disabled(sink: &SinkView<'_>) -> bool {
    sink.ledger.disabled.load(Relaxed)
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
