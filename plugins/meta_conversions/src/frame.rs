//! The body of a request around its events, in which a test code stands.

use signalbox_conversions::{Refusal, opening};

use crate::options::Meta;
use crate::reasons;

/// The text behind the events.
pub(crate) const CLOSE: &str = "]}";
/// Bytes that a test code may have.
pub(crate) const TEST_CODE_LENGTH: usize = 64;
/// Bytes that a test code adds to a request, escapes included.
pub(crate) const TEST_CODE_ROOM: usize = 6 * TEST_CODE_LENGTH + 22;

/// Returns the text before the events.
pub(crate) fn open(test_code: Option<&str>, partner_agent: Option<&str>) -> String {
    let root = [("test_event_code", test_code), ("partner_agent", partner_agent)];
    opening(&root, "data")
}

impl Meta {
    /// Returns the key of requests with the test code of a mapping. An empty one leaves the code to the setting.
    pub(crate) fn batch_key(&self, test_code: &str) -> Result<u16, Refusal> {
        if test_code.is_empty() {
            return Ok(0);
        }
        let open = open(Some(test_code), self.partner_agent.as_deref());
        let key = self.frames.key(&open, CLOSE);
        key.filter(|_| test_code.len() <= TEST_CODE_LENGTH)
            .ok_or_else(|| reasons::test_codes().into())
    }
}
