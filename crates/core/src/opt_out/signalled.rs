//! The decision of a signal.

use crate::Node;

/// Longest string that is decoded, in bytes. Strings with European sections reach a few kilobytes.
const MAX_BYTES: usize = 16 * 1024;

/// The decision of a signal about an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signalled {
    /// The event carries no such signal, or the signal does not apply.
    Nothing,
    /// The user did not opt out.
    No,
    /// The user opted out.
    OptedOut,
    /// The signal is there and cannot be read.
    Unreadable {
        /// Path of the signal.
        path: String,
        /// The reason, without the value.
        why: String,
    },
}

/// Returns a string that is not blank; `None` for null and blank.
pub(super) fn text(node: Node<'_>) -> Result<Option<&str>, String> {
    match node.as_str().map(str::trim) {
        Some("") => Ok(None),
        Some(text) if text.len() > MAX_BYTES => Err("it is too long".to_owned()),
        Some(text) => Ok(Some(text)),
        None if node.is_null() => Ok(None),
        None => Err(format!("it is {}, not a text", node.kind().with_article())),
    }
}
