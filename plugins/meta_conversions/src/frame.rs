//! The body of a request around its events, in which a test code stands.

use signalbox_conversions::{Refusal, Root, reasons};

use crate::options::Meta;

/// Bytes that a test code may have.
pub(crate) const TEST_CODE_LENGTH: usize = 64;
/// Bytes that a test code adds to a request, escapes included.
pub(crate) const TEST_CODE_ROOM: usize = 6 * TEST_CODE_LENGTH + 22;

/// Returns the members beside the events.
pub(crate) fn root<'t>(test_code: Option<&'t str>, partner_agent: Option<&'t str>) -> Root<'t, 2> {
    [("test_event_code", test_code), ("partner_agent", partner_agent)]
}

impl Meta {
    /// Returns the key of requests with the test code of a mapping. An empty one leaves the code to the setting.
    pub(crate) fn batch_key(&self, test_code: &str) -> Result<u16, Refusal> {
        if test_code.is_empty() {
            return Ok(0);
        } else if test_code.len() > TEST_CODE_LENGTH {
            return Err(reasons::too_many_test_codes().into());
        }
        let root = root(Some(test_code), self.partner_agent.as_deref());
        Ok(self.frames.key(&root)?)
    }
}
