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

/// Returns the text behind the events; an empty test code is none, and so is an empty partner.
pub(crate) fn closing(test_code: &str, partner_agent: &str) -> String {
    let mut closing = JsonWriter::default();
    closing.byte(b']');
    for (key, text) in [
        (",\"test_event_code\":", test_code),
        (",\"partner_agent\":", partner_agent),
    ] {
        if !text.is_empty() {
            closing.short(key.as_bytes());
            closing.string(text);
        }
    }
    closing.byte(b'}');
    String::from_utf8_lossy(closing.as_bytes()).into_owned()
}

impl Meta {
    /// Returns the key of requests with the test code of a mapping. An empty one leaves the code to the setting.
    pub(crate) fn batch_key(&self, test_code: &str) -> Result<u16, Refusal> {
        if test_code.is_empty() {
            return Ok(0);
        }
        let key = match test_code.len() {
            ..=TEST_CODE_LENGTH => self.frames.key(OPEN, &closing(test_code, &self.partner_agent)),
            _ => None,
        };
        key.ok_or_else(|| reasons::test_codes().into())
    }
}
