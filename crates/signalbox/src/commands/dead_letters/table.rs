//! Dead letters for people. Text that came with an event is shown so that it cannot command the terminal.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::Value;
use signalbox_admin::LetterSummary;
use signalbox_core::Size;
use signalbox_core::escape::plain;

use super::super::numbers::{about, thousands};

/// Formats a letter as one line.
pub(super) fn row(letter: &Value) -> String {
    let text = |key: &str| -> Cow<'_, str> { plain(letter[key].as_str().unwrap_or_default()) };
    format!(
        "{:>6}  {}  {:<14} {:<22} {:<18} {}  {}\n",
        letter["id"].to_string(),
        text("last_at").get(..19).unwrap_or_default(),
        text("sink"),
        text("reason"),
        text("mapping"),
        text("message_id"),
        text("message"),
    )
}

/// Formats the counts, the largest first, then the kept letters of each component.
pub(super) fn summary(summary: &LetterSummary) -> String {
    if summary.groups.is_empty() {
        return "no dead letters match\n".to_owned();
    }
    let mut out = format!(
        "{:>10}  {:>9}  {:<14} {:<22} {:<18} {:<19}  newest\n",
        "letters", "size", "sink", "reason", "mapping", "oldest"
    );
    let time = |millis: i64| {
        let at = jiff::Timestamp::from_millisecond(millis);
        let text = at.map(|at| at.to_string()).unwrap_or_default();
        text.get(..19).unwrap_or_default().to_owned()
    };
    for group in &summary.groups {
        let _ = writeln!(
            out,
            "{:>10}  {:>9}  {:<14} {:<22} {:<18} {:<19}  {}",
            thousands(group.count),
            about(group.bytes),
            plain(&group.component),
            plain(&group.reason),
            plain(&group.mapping),
            time(group.oldest),
            time(group.newest),
        );
    }
    out.push('\n');
    for (name, counts) in &summary.kept {
        let _ = write!(
            out,
            "{}: {} kept, {} of {}",
            plain(name),
            thousands(counts.kept),
            about(counts.bytes),
            Size(counts.max_bytes)
        );
        if counts.dropped > 0 {
            let _ = write!(
                out,
                "; {} were dropped to make room or for their age",
                thousands(counts.dropped)
            );
        }
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_cannot_command_the_terminal() {
        let letter = serde_json::json!({
            "id": 1,
            "message_id": "\u{1b}]0;owned\u{7}\r\u{202e}",
            "message": "two\nlines",
        });
        let row = row(&letter);
        assert_eq!(
            row.trim_end_matches('\n')
                .chars()
                .filter(|c| c.is_control())
                .count(),
            0,
            "{row:?}"
        );
        assert!(
            row.contains("\\u{1b}]0;owned\\u{7}\\r\\u{202e}") && row.contains("two\\nlines"),
            "{row:?}"
        );
    }
}
