//! The state of a pipeline at one moment, for `/status`, for `signalbox status` and for the demo's table.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use signalbox_history::{Health, History};
use signalbox_journal::{LetterCounts, Node, SOURCE, Sealing, SinkState};
use signalbox_runtime::hold::HoldCause;
use signalbox_runtime::ledger::{DrivenBy, Ledger, SinkLedger, SourceLedger, UNOPENED};
use signalbox_runtime::operate::StatusSource;
use signalbox_runtime::telemetry::{VERSION, oldest_pending_age, warning_key};
use signalbox_runtime::undriven;

use crate::alerts::AlertStatus;
use crate::audit::AuditStatus;
use crate::nodes::{self, NodeStatus};

/// The start of a pipeline: a time for people, and one by the monotonic clock.
#[derive(Clone, Copy, Debug)]
pub struct Started {
    at: Timestamp,
    clock: Instant,
}

impl Started {
    /// Notes the present moment.
    #[must_use]
    pub fn now() -> Started {
        Started {
            at: Timestamp::now(),
            clock: Instant::now(),
        }
    }
}

/// All numbers of a pipeline. Counts are events, and survive restarts as far as the journal keeps them; counts of
/// records and requests begin with the process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    /// The version of Signalbox.
    pub version: String,
    /// When the pipeline started, as RFC 3339 in UTC.
    pub started_at: String,
    /// Seconds since the start.
    pub uptime_seconds: u64,
    /// True if every source accepts events.
    pub ready: bool,
    /// The reason why not.
    pub not_ready: Option<String>,
    /// True if all sums below close. A source's sums do not close for a moment between receiving and settling; they
    /// must close when the pipeline is idle.
    pub sums_close: bool,
    /// The journal.
    pub journal: JournalStatus,
    /// The history; none if the router keeps none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<Health>,
    /// The audit log of the admin address; none if the router keeps none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit: Option<AuditStatus>,
    /// The webhook of `[alerts]`; none if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alerts: Option<AlertStatus>,
    /// The routers that share the journal; none if no other router can share it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<NodeStatus>,
    /// Sinks that are no longer configured but still hold unsettled events.
    pub orphans: Vec<OrphanStatus>,
    /// The age of `orphans` in seconds; none if the journal has not answered yet.
    #[serde(default)]
    pub orphans_age_seconds: Option<u64>,
    /// By name.
    pub sources: BTreeMap<String, SourceStatus>,
    /// By name.
    pub sinks: BTreeMap<String, SinkStatus>,
}

/// One source: received = refused + duplicate + filtered + rejected + journalled.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceStatus {
    /// Events received, valid or not.
    pub received: u64,
    /// Events accepted into the journal.
    pub journalled: u64,
    /// Events with an id that was known already.
    pub duplicate: u64,
    /// Events filtered before the journal, by reason code.
    pub filtered: BTreeMap<String, u64>,
    /// Unusable events, by reason code.
    pub rejected: BTreeMap<String, u64>,
    /// Events refused, by reason code.
    pub refused: BTreeMap<String, u64>,
    /// Values that look personal and that the source's hashing transform left plain, by kind and path, of this process.
    #[serde(default)]
    pub plain_values: BTreeMap<String, u64>,
    /// Events received and not settled yet.
    pub unaccounted: i64,
    /// True if nothing is unaccounted for.
    pub sums_close: bool,
    /// The name of the one router that runs the source, if it is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs_on: Option<String>,
    /// Notes of the source for the operator, such as a proxy that is not trusted.
    #[serde(default)]
    pub notes: Vec<String>,
    /// Dead letters kept.
    pub dead_letters: u64,
    /// Dead letters dropped to make room for newer ones or for their age, over all time.
    #[serde(default)]
    pub dead_letters_dropped: u64,
}

/// One sink: journalled = filtered + delivered + rejected + expired + pending.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkStatus {
    /// Events in the journal for this sink.
    pub journalled: u64,
    /// Events all of whose records were delivered.
    pub delivered: u64,
    /// Events without a record for this sink, by reason code.
    pub filtered: BTreeMap<String, u64>,
    /// Track events that no mapping listens to, by name: at most 100 names, of this process. Further names, and names that
    /// look personal, count as `…`.
    #[serde(default)]
    pub unheard: BTreeMap<String, u64>,
    /// Events with a rejected record, by reason code.
    pub rejected: BTreeMap<String, u64>,
    /// Events with a record that was retried for too long, by the code of the last failure.
    pub expired: BTreeMap<String, u64>,
    /// Events not settled yet.
    pub pending: u64,
    /// True if the sink is disabled (`enabled = false`): it keeps its pending events and gets no new ones.
    #[serde(default)]
    pub disabled: bool,
    /// True unless this router drives the sink. Then another router does, or none for the moment, and the counts are those
    /// that the journal held some seconds ago.
    #[serde(default, skip_serializing_if = "is_false")]
    pub elsewhere: bool,
    /// The name of the other router that drives the sink, if it has said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub driven_by: Option<String>,
    /// Pending events of sources that `inputs` no longer names, by source. They were acknowledged for this sink.
    #[serde(default)]
    pub removed_inputs: BTreeMap<String, u64>,
    /// True if no more events were settled than journalled; the difference is pending.
    pub sums_close: bool,
    /// Seconds since the oldest unsettled event arrived, if there is one.
    pub oldest_pending_age_seconds: Option<u64>,
    /// The hold, if the sink is on hold.
    pub held: Option<HoldStatus>,
    /// Number of holds so far.
    pub holds: u64,
    /// Its requests.
    #[serde(flatten)]
    pub requests: RequestStatus,
    /// Its records.
    #[serde(flatten)]
    pub records: RecordStatus,
    /// Notes of the plugin, such as properties that it leaves out.
    pub notes: Vec<String>,
    /// Its dead letters.
    #[serde(flatten)]
    pub letters: LetterStatus,
}

/// The requests of a sink.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestStatus {
    /// Requests made.
    pub attempts: u64,
    /// Requests under way.
    pub in_flight: u64,
}

/// The records of a sink.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordStatus {
    /// Records delivered.
    #[serde(rename = "records_delivered")]
    pub delivered: u64,
    /// Records not sent, since the destination has one with their key already.
    #[serde(rename = "records_duplicate")]
    pub duplicate: u64,
    /// Bytes of delivered records.
    pub bytes_delivered: u64,
    /// Records rejected, by reason code.
    #[serde(rename = "records_rejected")]
    pub rejected: BTreeMap<String, u64>,
    /// Records sent back to wait, by reason code.
    #[serde(rename = "records_retried")]
    pub retried: BTreeMap<String, u64>,
    /// Delivered records of events so old that the destination values them less.
    #[serde(rename = "records_late")]
    pub late: u64,
    /// Delivered records of events so old that the destination no longer attributes them.
    #[serde(rename = "records_unattributed", default)]
    pub unattributed: u64,
    /// Warnings by code and path, joined by a space; the path without array indices.
    pub warnings: BTreeMap<String, u64>,
}

/// The dead letters of a sink.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LetterStatus {
    /// Dead letters kept.
    #[serde(rename = "dead_letters")]
    pub kept: u64,
    /// Bytes of the kept dead letters.
    #[serde(rename = "dead_letter_bytes", default)]
    pub bytes: u64,
    /// The most bytes of dead letters that are kept.
    #[serde(rename = "dead_letter_max_bytes", default)]
    pub max_bytes: u64,
    /// Dead letters dropped to make room for newer ones or for their age, over all time.
    #[serde(rename = "dead_letters_dropped", default)]
    pub dropped: u64,
}

impl From<LetterCounts> for LetterStatus {
    fn from(counts: LetterCounts) -> LetterStatus {
        LetterStatus {
            kept: counts.kept,
            bytes: counts.bytes,
            max_bytes: counts.max_bytes,
            dropped: counts.dropped,
        }
    }
}

/// The size of the journal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalStatus {
    /// The id that tells this journal from others; none in memory.
    #[serde(default)]
    pub id: Option<String>,
    /// Events that some sink has not settled.
    pub events: u64,
    /// Bytes of these events.
    pub bytes: u64,
    /// The most bytes of events.
    pub max_bytes: u64,
    /// Seconds for which a change of the state has been waiting to be written; the counts of dead letters are as old.
    #[serde(default)]
    pub behind_seconds: u64,
    /// Events that may come again, by sink; set if the journal lost its state about sinks and rebuilt it since the last
    /// clean start.
    #[serde(default)]
    pub may_come_again: Option<BTreeMap<String, u64>>,
    /// Erasures that still hold: frames from before are left.
    #[serde(default)]
    pub erasures: u64,
    /// The encryption of its files; none in memory.
    #[serde(default)]
    pub seal: Option<SealStatus>,
}

/// The encryption of a journal's files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealStatus {
    /// True if all that is written now and can hold personal data is encrypted.
    pub sealed: bool,
    /// Bytes of events in plain. In a sealed journal they are from before, and go with their files.
    pub plain_event_bytes: u64,
    /// Bytes of ids in plain.
    pub plain_id_bytes: u64,
    /// Bytes of dead letters in plain.
    pub plain_dead_letter_bytes: u64,
    /// Bytes of unreadable files that the journal has set aside (`*.corrupt`), encrypted or not.
    pub set_aside_bytes: u64,
    /// The operator's keys that files need, by their public id.
    pub keys: BTreeMap<String, KeyStatus>,
    /// Files under another key than the newest. They leave with their events; until then the older key must stay listed.
    #[serde(default)]
    pub older_key_files: u64,
    /// The listed keys that no file needs, by their public id; files that are set aside are not looked at.
    #[serde(default)]
    pub unneeded_keys: Vec<String>,
}

/// The files that need a key of the operator.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyStatus {
    /// Their number, `keys.bin` included.
    pub files: u64,
    /// Bytes of events in them.
    pub event_bytes: u64,
}

impl From<Sealing> for SealStatus {
    fn from(sealing: Sealing) -> SealStatus {
        let older_key_files = sealing.older_key_files();
        let keys = sealing.keys.into_iter().map(|(key, used)| {
            let used = KeyStatus {
                files: used.files,
                event_bytes: used.bytes,
            };
            (key.to_string(), used)
        });
        let unneeded = sealing.unneeded.iter().map(ToString::to_string);
        SealStatus {
            sealed: sealing.sealed,
            plain_event_bytes: sealing.plain_bytes,
            plain_id_bytes: sealing.plain_id_bytes,
            plain_dead_letter_bytes: sealing.plain_letter_bytes,
            set_aside_bytes: sealing.set_aside_bytes,
            keys: keys.collect(),
            older_key_files,
            unneeded_keys: unneeded.collect(),
        }
    }
}

/// A sink that is no longer configured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrphanStatus {
    /// Its name.
    pub name: String,
    /// Events it has not settled.
    pub pending: u64,
    /// When it was last configured, as RFC 3339 in UTC.
    pub last_opened: String,
}

impl From<&SinkState> for OrphanStatus {
    fn from(sink: &SinkState) -> OrphanStatus {
        OrphanStatus {
            name: sink.name.clone(),
            pending: sink.pending(),
            last_opened: Timestamp::from_millisecond(sink.last_opened)
                .map(|at| at.to_string())
                .unwrap_or_default(),
        }
    }
}

/// A hold, for people and machines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldStatus {
    /// The cause, which tells what ends the hold.
    #[serde(default)]
    pub cause: HoldCause,
    /// The stable code.
    pub code: String,
    /// The sentence.
    pub message: String,
}

impl HoldStatus {
    /// Describes the hold at the router that drives the sink, which tells the others no more than its code; `None` if there is
    /// none.
    fn elsewhere(nodes: &[Node], sink: &str) -> Option<HoldStatus> {
        let code = Node::driving(nodes, sink)?.report.held.get(sink)?;
        let message = if code == UNOPENED {
            "the router that may drive the sink cannot read its state from the journal, and tries again; its log has the reason"
        } else {
            "the router that drives the sink has it on hold; its status has the reason"
        };
        Some(HoldStatus {
            code: code.clone(),
            message: message.to_owned(),
            ..HoldStatus::default()
        })
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

impl Status {
    /// Reads everything. The numbers are read one after another while work goes on, settled ones before the total, so
    /// that a sum never settles more events than came in.
    #[must_use]
    pub fn read(ledger: &Ledger, source: &dyn StatusSource, started: Started) -> Status {
        let now = Timestamp::now();
        let nodes = source.journal().nodes();
        let sinks: BTreeMap<String, SinkStatus> = ledger
            .sinks
            .iter()
            .map(|(name, sink)| {
                let mut status = SinkStatus::read(sink, now);
                status.notes = source.sink_notes(name);
                status.letters = source.journal().letters_of(name).into();
                if status.elsewhere {
                    status.held = HoldStatus::elsewhere(&nodes, name);
                    status.notes.extend(undriven::told(&nodes, name));
                }
                (name.to_string(), status)
            })
            .collect();
        let sources: BTreeMap<String, SourceStatus> = ledger
            .sources
            .iter()
            .map(|(name, ledger)| {
                let mut status = SourceStatus::read(ledger);
                status.notes = ledger.vitals.notes();
                let counts = source.journal().letters_of(&format!("{SOURCE}{name}"));
                (status.dead_letters, status.dead_letters_dropped) = (counts.kept, counts.dropped);
                (name.to_string(), status)
            })
            .collect();
        let not_ready = source.ready().err();
        let usage = source.journal().usage();
        Status {
            journal: JournalStatus {
                id: source.journal().id(),
                events: usage.events,
                bytes: usage.bytes,
                max_bytes: usage.max_bytes,
                behind_seconds: source.journal().behind().as_secs(),
                may_come_again: source.journal().rebuilt(),
                erasures: source.journal().erasures().list().len() as u64,
                seal: source.journal().sealing().map(SealStatus::from),
            },
            history: ledger.history.as_ref().map(History::health),
            audit: None,
            alerts: None,
            nodes: nodes::nodes(source.journal()),
            orphans: Vec::new(),
            orphans_age_seconds: None,
            version: VERSION.to_owned(),
            started_at: started.at.to_string(),
            uptime_seconds: started.clock.elapsed().as_secs(),
            ready: not_ready.is_none(),
            not_ready,
            sums_close: sources.values().all(|one| one.sums_close)
                && sinks.values().all(|one| one.sums_close),
            sources,
            sinks,
        }
    }
}

impl SourceStatus {
    fn read(source: &SourceLedger) -> SourceStatus {
        let mut status = SourceStatus {
            journalled: source.journalled.get(),
            duplicate: source.duplicate.get(),
            filtered: source.filtered.snapshot(),
            rejected: source.rejected.snapshot(),
            refused: source.refused.snapshot(),
            runs_on: source.runs_on().map(|node| node.to_string()),
            plain_values: source.plain.snapshot(),
            ..SourceStatus::default()
        };
        status.received = source.received.get();
        let settled = status.journalled
            + status.duplicate
            + sum(&status.filtered)
            + sum(&status.rejected)
            + sum(&status.refused);
        status.unaccounted =
            i64::try_from(i128::from(status.received) - i128::from(settled)).unwrap_or(i64::MAX);
        status.sums_close = status.unaccounted == 0;
        status
    }
}

impl SinkStatus {
    fn read(sink: &SinkLedger, now: Timestamp) -> SinkStatus {
        let mut status = SinkStatus {
            delivered: sink.delivered.get(),
            filtered: sink.filtered.snapshot(),
            unheard: sink.unheard.snapshot(),
            rejected: sink.rejected.snapshot(),
            expired: sink.expired.snapshot(),
            oldest_pending_age_seconds: oldest_pending_age(sink, now.as_millisecond()),
            held: sink.held.first().map(|(cause, reason)| HoldStatus {
                cause,
                code: reason.code().to_owned(),
                message: reason.message().to_owned(),
            }),
            holds: sink.held.total(),
            requests: RequestStatus {
                attempts: sink.attempts.get(),
                in_flight: sink.in_flight.get(),
            },
            records: RecordStatus {
                delivered: sink.records.delivered.get(),
                duplicate: sink.records.duplicate.get(),
                bytes_delivered: sink.records.bytes_delivered.get(),
                rejected: sink.records.rejected.snapshot(),
                retried: sink.records.retried.snapshot(),
                late: sink.records.late.get(),
                unattributed: sink.records.unattributed.get(),
                warnings: warnings(sink),
            },
            removed_inputs: sink.debts(),
            elsewhere: !sink.is_driven_here(),
            driven_by: match sink.driven_by() {
                DrivenBy::Another(node) => Some(node.to_string()),
                DrivenBy::ThisRouter | DrivenBy::Unknown => None,
            },
            disabled: sink.disabled.load(Relaxed),
            ..SinkStatus::default()
        };
        status.journalled = sink.journalled.get();
        let settled = status.delivered + sum(&status.filtered) + sum(&status.rejected) + sum(&status.expired);
        status.pending = status.journalled.saturating_sub(settled);
        status.sums_close = status.journalled == settled + status.pending;
        status
    }
}

fn warnings(sink: &SinkLedger) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for (key, count) in sink.records.warnings.snapshot() {
        let (code, path) = key.split_once(' ').unwrap_or((&key, ""));
        *sums.entry(warning_key(code, path)).or_default() += count;
    }
    sums
}

pub(crate) fn sum(counts: &BTreeMap<String, u64>) -> u64 {
    counts.values().sum()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use signalbox_journal::MemoryJournal;

    use super::*;
    use signalbox_runtime::operate::Stopped;

    #[test]
    fn a_hold_at_the_router_that_drives_the_sink_is_shown_with_its_code() {
        let node = |drives: &[&str], held: &[(&str, &str)]| {
            let mut node = Node {
                groups: [("account".to_owned(), vec!["ads".to_owned(), "web".to_owned()])].into(),
                drives: drives.iter().map(|group| (*group).to_owned()).collect(),
                ..Node::default()
            };
            let held = held
                .iter()
                .map(|(sink, code)| ((*sink).to_owned(), (*code).to_owned()));
            node.report.held = held.collect();
            node
        };
        let nodes = [
            node(&[], &[("ads", "stale")]),
            node(&["account"], &[("ads", "unauthorized"), ("web", UNOPENED)]),
        ];
        let held = |sink: &str| HoldStatus::elsewhere(&nodes, sink);
        let ads = held("ads").unwrap();
        assert!(ads.code == "unauthorized" && ads.message.contains("its status has the reason"));
        let web = held("web").unwrap();
        assert!(web.code == "state_unreadable" && web.message.contains("its log has the reason"));
        assert_eq!(held("other"), None);
        assert_eq!(HoldStatus::elsewhere(&nodes[..1], "ads"), None);
    }

    #[test]
    fn the_uptime_does_not_follow_a_clock_that_is_set() {
        let source = Stopped::new(Arc::new(MemoryJournal::new(1 << 20)), Vec::new());
        for set in [Timestamp::UNIX_EPOCH, Timestamp::MAX] {
            let started = Started {
                at: set,
                clock: Instant::now(),
            };
            let status = Status::read(&Ledger::default(), &source, started);
            assert!(status.uptime_seconds < 60, "{}", status.uptime_seconds);
            assert_eq!(status.started_at, set.to_string());
        }
    }
}
