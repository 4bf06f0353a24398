//! Every reason this transform gives.

use signalbox_core::Reason;

/// `filter`: the operator does not want this event here.
pub(crate) fn filtered(name: &str, invert: bool) -> Reason {
    let does = if invert { "matches" } else { "does not match" };
    Reason::new("filter", format!("the event {does} the trigger of '{name}'"))
}
