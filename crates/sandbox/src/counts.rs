//! The counts of a sandbox.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::vendor::Vendor;

/// Everything counted since the start or the last reset, as `GET /_sandbox/counts` answers it.
///
/// The totals of all vendors, and in `by_vendor` the same for each.
///
/// Two sums always close once no request is under way: `requests` = all of `by_status` + `faults["reset"]` +
/// `abandoned`, and `received` = `accepted` + `failed` + `refused` + `unrecorded` + `test_events`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Requests to the vendors' paths, and to unknown ones (requests under `/_sandbox` are not counted).
    pub requests: u64,
    /// Answers by status.
    pub by_status: BTreeMap<u16, u64>,
    /// Requests whose client hung up before the answer was ready.
    pub abandoned: u64,
    /// Bytes of the bodies of `requests`.
    pub bytes: u64,
    /// Events in requests that were read as far as their list of events. A request turned away before
    /// (a 401, a 429, broken JSON) adds none.
    pub received: u64,
    /// Events taken and captured.
    pub accepted: u64,
    /// Events refused one by one, in a 200 or 422: at Pinterest only.
    pub failed: u64,
    /// Events refused together with their request.
    pub refused: u64,
    /// Good events not recorded, because the answer was to break off first or the capture file failed.
    pub unrecorded: u64,
    /// Test requests: `?test=true` at Pinterest, a `test_event_code` at TikTok. Meta has none, since its test events count.
    pub test_requests: u64,
    /// Events in test requests, accepted or not.
    pub test_events: u64,
    /// Accepted events that the vendor may drop, since an earlier accepted event had the same name and id: at Meta for
    /// the same dataset, at TikTok for the same event source. Events without an id, and Pinterest's offline events, are
    /// left out. The last million keys are remembered.
    pub duplicates: u64,
    /// Accepted events with a warning. Pinterest's answer holds it, as `warning_message`.
    pub warned: u64,
    /// Accepted events flagged for limited data processing with all that the vendor demands: state and country at
    /// Pinterest; country and state codes, or an IP address, at Meta; nothing more at TikTok.
    pub ldp_complete: u64,
    /// Accepted events flagged for limited data processing without it: the vendor ignores the flag.
    pub ldp_incomplete: u64,
    /// Faults injected, by the name of their field in [`crate::Faults`].
    pub faults: BTreeMap<String, u64>,
    /// The counts of each vendor that was called; empty inside of these.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub by_vendor: BTreeMap<Vendor, Counts>,
}

impl Counts {
    /// Returns the counts of one vendor, all zero if it was never called.
    pub fn of(&self, vendor: Vendor) -> Counts {
        self.by_vendor.get(&vendor).cloned().unwrap_or_default()
    }

    pub(crate) fn fault(&mut self, name: &str) {
        *self.faults.entry(name.to_owned()).or_default() += 1;
    }
}
