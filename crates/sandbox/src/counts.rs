//! The counts of a sandbox.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Everything counted since the start or the last reset, as `GET /_sandbox/counts` answers it.
///
/// Two sums always close once no request is under way: `requests` = all of `by_status` + `faults["reset"]` +
/// `abandoned`, and `received` = `accepted` + `failed` + `refused` + `unrecorded` + `test_events`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Requests to the destination's paths (requests under `/_sandbox` are not counted).
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
    /// Events refused one by one, in a 200 or 422.
    pub failed: u64,
    /// Events refused together with their request, in a 400.
    pub refused: u64,
    /// Good events not recorded, because the answer was to break off first or the capture file failed.
    pub unrecorded: u64,
    /// Requests with `?test=true`.
    pub test_requests: u64,
    /// Events in requests with `?test=true`, accepted or not.
    pub test_events: u64,
    /// Accepted events whose `event_name` and `event_id`, both non-empty, an earlier accepted event had too, offline
    /// events left out: those Pinterest may drop. The last million pairs are remembered.
    pub duplicates: u64,
    /// Accepted events that got a `warning_message`.
    pub warned: u64,
    /// Accepted events flagged for Limited Data Processing with state and country, as Pinterest demands.
    pub ldp_complete: u64,
    /// Accepted events flagged for Limited Data Processing without state or country: Pinterest ignores the flag.
    pub ldp_incomplete: u64,
    /// Faults injected, by the name of their field in [`crate::Faults`].
    pub faults: BTreeMap<String, u64>,
}

impl Counts {
    pub(crate) fn fault(&mut self, name: &str) {
        *self.faults.entry(name.to_owned()).or_default() += 1;
    }
}
