//! The numbers that alerts look at. Read from memory, however slow the disk is.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use jiff::Timestamp;
use signalbox_core::Vitals;
use signalbox_history::{History, Loss};
use signalbox_journal::{LetterCounts, Usage};
use signalbox_runtime::hold::HoldCause;
use signalbox_runtime::ledger::{Ledger, SinkLedger};
use signalbox_runtime::operate::StatusSource;
use signalbox_runtime::telemetry::oldest_pending_age;

/// The state of a pipeline, as far as alerts look at it.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    pub(super) sinks: Vec<SinkFacts>,
    pub(super) sources: Vec<SourceFacts>,
    pub(super) journal: Usage,
    /// True while the journal cannot be written.
    pub(super) unwritable: bool,
    /// True while the history cannot be written.
    pub(super) history_failing: bool,
    /// The latest files that the history lost, within a day.
    pub(super) history_lost: Vec<Loss>,
    /// True while the audit log cannot be written.
    pub(super) audit_failing: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct SinkFacts {
    pub(super) name: Arc<str>,
    pub(super) disabled: bool,
    /// True unless this router drives the sink: alerts about it come from the router that does.
    pub(super) elsewhere: bool,
    /// The cause of the hold and the code of its reason.
    pub(super) held: Option<(HoldCause, String)>,
    /// Seconds since the oldest pending event arrived.
    pub(super) lag: Option<u64>,
    pub(super) pending: u64,
    /// Events journalled for the sink by this process.
    pub(super) journalled: u64,
    /// Events rejected by this process.
    pub(super) rejected: u64,
    pub(super) letters: LetterCounts,
}

#[derive(Clone, Debug, Default)]
pub(super) struct SourceFacts {
    pub(super) name: Arc<str>,
    /// Seconds until the certificate expires; negative after it, `None` while none is known.
    pub(super) certificate: Option<i64>,
}

impl Facts {
    /// Reads the facts but that of the audit log. `admin` knows the certificate of the admin address.
    pub(super) fn read(ledger: &Ledger, source: &dyn StatusSource, admin: &Vitals) -> Facts {
        let (now, journal) = (Timestamp::now(), source.journal());
        let left = |vitals: &Vitals| {
            let expires = vitals.certificate_expiry()?;
            Some(expires.saturating_sub(now.as_second()))
        };
        let sinks = ledger.sinks.iter().map(|(name, sink)| SinkFacts {
            letters: journal.letters_of(name),
            ..SinkFacts::read(name, sink, now)
        });
        let sources = ledger.sources.iter().map(|(name, source)| SourceFacts {
            name: name.clone(),
            certificate: left(&source.vitals),
        });
        // No source can have this name.
        let admin = left(admin).map(|left| SourceFacts {
            name: "[admin]".into(),
            certificate: Some(left),
        });
        let history = ledger.history.as_ref().map(History::health);
        Facts {
            sinks: sinks.collect(),
            sources: sources.chain(admin).collect(),
            journal: journal.usage(),
            unwritable: journal.refusing().is_some(),
            history_failing: history.as_ref().is_some_and(|health| health.failing.is_some()),
            history_lost: history.map_or_else(Vec::new, |health| health.recent_losses().to_vec()),
            audit_failing: false,
        }
    }
}

impl SinkFacts {
    fn read(name: &Arc<str>, sink: &SinkLedger, now: Timestamp) -> SinkFacts {
        let held = sink.held.first();
        SinkFacts {
            name: name.clone(),
            disabled: sink.disabled.load(Relaxed),
            elsewhere: !sink.is_driven_here(),
            held: held.map(|(cause, reason)| (cause, reason.code().to_owned())),
            lag: oldest_pending_age(sink, now.as_millisecond()),
            pending: sink.pending(),
            // Read before the total, so that no share is above one.
            rejected: sink.rejected.of_this_process().values().sum(),
            journalled: sink.journalled.of_this_process(),
            letters: LetterCounts::default(),
        }
    }
}
