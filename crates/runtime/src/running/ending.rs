//! The state of a pipeline that comes to its end.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use signalbox_core::StartError;
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;

/// The progress of a pipeline towards its end.
#[derive(Default)]
pub(super) struct Ending {
    /// True once the sources have ended: the intakes refuse everything. They must not refuse while sources end, since some
    /// clients could not send the accepted events again.
    pub(super) closed: Arc<AtomicBool>,
    /// Makes the drivers give up.
    pub(super) abort: CancellationToken,
    /// True if a source ended by an error.
    pub(super) failed: bool,
    /// True if the journal takes no more events, since every source has ended.
    pub(super) draining: bool,
    /// True once the pipeline stops: no sink gets a driver any more.
    pub(super) stopping: bool,
}

/// Notes that a source has ended, and how.
pub(super) fn ended(source: Result<(Arc<str>, Result<(), StartError>), JoinError>, ending: &mut Ending) {
    match source {
        Ok((_, Ok(()))) => {}
        Ok((name, Err(error))) => {
            ending.failed = true;
            tracing::error!(source = %name, "the source ended: {error}");
        }
        Err(_) => {
            ending.failed = true;
            tracing::error!("a source panicked and has ended; the line above tells where");
        }
    }
}
