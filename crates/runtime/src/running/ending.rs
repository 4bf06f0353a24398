//! The state of a pipeline that comes to its end.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

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
}
