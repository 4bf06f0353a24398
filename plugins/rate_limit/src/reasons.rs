//! Every reason this transform gives. None of them tells the key: it may name a person.

use signalbox_core::Reason;

/// More than the quota, and `on_exceeded = "drop"`.
pub(crate) fn rate_limited() -> Reason {
    Reason::new(
        "rate_limited",
        "more events than the rate limit lets through, and it is set to drop what is too much",
    )
}
