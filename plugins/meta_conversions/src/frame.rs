//! The body of a request around its events, in which a test code stands.

use signalbox_conversions::Refusal;
use signalbox_core::json::JsonWriter;

use crate::options::Meta;
use crate::reasons;

/// The text before the events.
pub(crate) const OPEN: &str = "{\"data\":[";
/// Bytes that a test code may have.
pub(crate) const TEST_CODE_LENGTH: usize = 64;
/// Bytes that a test code adds to a request, escapes included.
pub(crate) const TEST_CODE_ROOM: usize = 6 * TEST_CODE_LENGTH + 22;

/// Returns the text behind the events; an empty test code is none.
pub(crate) fn closing(test_code: &str) -> String {
    if test_code.is_empty() {
        return "]}".to_owned();
    }
    let mut code = JsonWriter::default();
    code.string(test_code);
    format!(
        "],\"test_event_code\":{}}}",
        String::from_utf8_lossy(code.as_bytes())
    )
}

impl Meta {
    /// Returns the key of requests with the test code of a mapping. An empty one leaves the code to the setting.
    pub(crate) fn batch_key(&self, test_code: &str) -> Result<u16, Refusal> {
        if test_code.is_empty() {
            return Ok(0);
        }
        let key = match test_code.len() {
            ..=TEST_CODE_LENGTH => self.frames.key(OPEN, &closing(test_code)),
            _ => None,
        };
        key.ok_or_else(|| reasons::test_codes().into())
    }
}
