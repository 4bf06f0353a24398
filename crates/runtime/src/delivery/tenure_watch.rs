//! Watches the right under which a driver delivers, beside the driver's loop: the way of an event pays nothing for it.

use signalbox_journal::Tenure;
use tokio_util::task::AbortOnDropHandle;

use super::driver::Stop;

/// Stops a driver by the changes of its right, until the handle is dropped. When the right ends, the driver gives up at
/// once. While another router should have it, the driver finishes the attempts under way and leaves the rest.
pub(super) fn start(tenure: Tenure, stop: Stop) -> Option<AbortOnDropHandle<()>> {
    tenure.until()?;
    let watch = async move {
        tokio::select! {
            () = tenure.ended() => return stop.abort.cancel(),
            () = tenure.wanted() => stop.leave.cancel(),
        }
        tenure.ended().await;
        stop.abort.cancel();
    };
    Some(AbortOnDropHandle::new(tokio::spawn(watch)))
}
