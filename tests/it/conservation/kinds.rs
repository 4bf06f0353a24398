//! The vendors under test, with the form that each expects.

use std::path::Path;

use serde_json::Value;
use signalbox_sandbox::Vendor;

use super::events::{same_at_meta, same_at_pinterest, same_at_tiktok};
use super::tally::Tally;

/// A sink under test.
pub(super) struct Kind {
    /// The vendor, whose name is the sink's.
    pub(super) vendor: Vendor,
    /// True for an event in the form of this vendor.
    is_its: fn(&Value) -> bool,
    /// Asserts that the vendor has an event as it was sent.
    same: fn(u64, &Value),
}

/// The sinks under test.
pub(super) const KINDS: [Kind; 3] = [
    Kind {
        vendor: Vendor::Pinterest,
        is_its: |event| event["event_name"] == "checkout",
        same: same_at_pinterest,
    },
    Kind {
        vendor: Vendor::Meta,
        is_its: |event| event["event_name"] == "Purchase",
        same: same_at_meta,
    },
    Kind {
        vendor: Vendor::TikTok,
        is_its: |event| event.get("event").is_some(),
        same: same_at_tiktok,
    },
];

impl Kind {
    /// Returns the sink's name.
    pub(super) fn sink(&self) -> &'static str {
        self.vendor.name()
    }

    /// Returns an empty tally of this vendor's events in the file that the sandbox writes.
    pub(super) fn tally(&self, capture: &Path) -> Tally {
        Tally::new(capture.to_owned(), "event_id", self.same).only(self.is_its)
    }
}
