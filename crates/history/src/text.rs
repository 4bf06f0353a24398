//! Lists of a record, as the columns of a row keep them: JSON.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::record::{Attempt, Warned};

/// A warning in a row: its code and its path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WarningEntry {
    /// The stable code.
    pub code: String,
    /// The path of the field concerned.
    pub path: String,
}

/// An attempt in a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AttemptEntry {
    /// The moment of sending, Unix milliseconds.
    pub at: i64,
    /// Time until the answer in milliseconds.
    pub millis: u32,
    /// HTTP status of the answer, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// `delivered`, or the code of the reason why not.
    pub result: String,
}

/// Writes warnings; nothing for none.
pub(crate) fn warnings(warnings: &[Warned<'_>], into: &mut String) {
    list(warnings, into, |warned, into| {
        into.push_str("{\"code\":");
        push_text(&warned.code, into);
        into.push_str(",\"path\":");
        push_text(&warned.path, into);
    });
}

/// Writes attempts; nothing for none.
pub(crate) fn attempts(attempts: &[Attempt<'_>], into: &mut String) {
    list(attempts, into, |attempt, into| {
        // A String takes everything.
        let _ = write!(into, "{{\"at\":{},\"millis\":{}", attempt.at, attempt.millis);
        if let Some(status) = attempt.status {
            let _ = write!(into, ",\"status\":{status}");
        }
        into.push_str(",\"result\":");
        push_text(&attempt.result, into);
    });
}

/// Writes a list of objects, each of which `write` opens.
fn list<T>(items: &[T], into: &mut String, write: impl Fn(&T, &mut String)) {
    for (index, item) in items.iter().enumerate() {
        into.push(if index == 0 { '[' } else { ',' });
        write(item, into);
        into.push('}');
    }
    if !items.is_empty() {
        into.push(']');
    }
}

fn push_text(text: &str, into: &mut String) {
    let is_plain = |byte: u8| byte >= b' ' && !matches!(byte, b'"' | b'\\');
    if text.bytes().all(is_plain) {
        into.push('"');
        into.push_str(text);
        into.push('"');
    } else {
        // A text always has a JSON form.
        into.push_str(&serde_json::to_string(text).unwrap_or_default());
    }
}

/// Reads a column; a text of another version counts as empty.
pub(crate) fn read<T: for<'de> Deserialize<'de>>(text: Option<&str>) -> Vec<T> {
    text.and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_as_they_were_written() {
        let mut text = String::new();
        attempts(&[], &mut text);
        warnings(&[], &mut text);
        assert_eq!(text, "");
        let attempt = |status, result: &'static str| Attempt {
            at: -5,
            millis: 95,
            status,
            result: result.into(),
        };
        attempts(
            &[attempt(Some(503), "busy"), attempt(None, "a \"b\"\n")],
            &mut text,
        );
        let found: Vec<AttemptEntry> = read(Some(&text));
        assert_eq!(found[0].status, Some(503));
        assert_eq!((found[1].at, found[1].millis, found[1].status), (-5, 95, None));
        assert_eq!((&*found[0].result, &*found[1].result), ("busy", "a \"b\"\n"));
        text.clear();
        let warned = Warned {
            code: "phone_without_country".into(),
            path: "user_data.ph".into(),
        };
        warnings(&[warned.clone(), warned], &mut text);
        // The filter by code searches for this form.
        assert!(text.contains("\"code\":\"phone_without_country\","));
        let found: Vec<WarningEntry> = read(Some(&text));
        assert_eq!((found.len(), &*found[1].path), (2, "user_data.ph"));
    }
}
