//! Records of the history as lines for people.

use std::fmt::Write as _;

use jiff::Timestamp;
use signalbox_core::escape::{plain_json, plain_lines};
use signalbox_history::{Entry, WarningEntry};
use signalbox_runtime::life;
use signalbox_runtime::quality::warning_in_words;

use crate::commands::numbers::thousands;

/// Writes the records. Reasons quote destinations, and names come from events: neither may command the terminal.
pub(super) fn show(entries: &[Entry], json: bool) -> Result<String, String> {
    let mut out = String::new();
    if json {
        for entry in entries {
            let line = serde_json::to_string(entry).map_err(|error| error.to_string())?;
            out.push_str(&plain_json(&line));
            out.push('\n');
        }
        return Ok(out);
    }
    for (index, entry) in entries.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        out.push_str(&record(entry));
    }
    Ok(plain_lines(&out).into_owned())
}

/// Tells the life of one record.
fn record(entry: &Entry) -> String {
    let mut out = format!("{} at {}\n", entry.event, entry.sink);
    let position = entry
        .position
        .map(|position| format!("journal position {position}"));
    line(
        &mut out,
        "received",
        &joined([
            Some(time(entry.received_at)),
            Some(format!("from {}", entry.source)),
            entry.library.as_ref().map(|library| format!("by {library}")),
            id("messageId", entry.message_id.as_ref()),
            position,
        ]),
    );
    happened(&mut out, entry.happened_at, entry.received_at);
    end(&mut out, entry, &life::outcome(entry));
    out
}

/// Adds the line about the event's own time, if that is another than the time of its receipt.
pub(super) fn happened(out: &mut String, happened_at: i64, received_at: i64) {
    if happened_at != received_at {
        let age = span(received_at - happened_at);
        line(out, "happened", &format!("{}, {age}", time(happened_at)));
    }
}

/// Adds the lines about a record's making, its attempts and its outcome, which `told` puts into a sentence.
pub(super) fn end(out: &mut String, entry: &Entry, told: &str) {
    if let Some(mapping) = &entry.mapping {
        let keys =
            (!entry.match_keys.is_empty()).then(|| format!("match keys {}", entry.match_keys.join(", ")));
        let parameters = entry.parameters.as_ref().filter(|list| !list.is_empty());
        let parameters = parameters.map(|list| format!("parameters {}", list.join(", ")));
        let bytes = (entry.bytes > 0).then(|| format!("{} bytes", thousands(entry.bytes.into())));
        line(
            out,
            "mapped",
            &joined([
                Some(format!("by {mapping}")),
                entry.event_name.as_ref().map(|name| format!("to {name}")),
                entry.action_source.clone(),
                worth(entry),
                id("order", entry.order_id.as_ref()),
                id("event_id", entry.event_id.as_ref()),
                keys,
                parameters,
                bytes,
            ]),
        );
    }
    for warning in &entry.warnings {
        warned(out, warning);
    }
    for (number, attempt) in entry.attempts.iter().enumerate() {
        let status = attempt
            .status
            .map_or("no answer".to_owned(), |status| status.to_string());
        let text = format!(
            "{}, attempt {}: {status} after {} ms, {}",
            time(attempt.at),
            number + 1,
            attempt.millis,
            attempt.result
        );
        line(out, "sent", &text);
    }
    let ended = joined([
        Some(time(entry.ended_at)),
        id("request", entry.request_id.as_ref()),
    ]);
    line(out, &entry.outcome, &format!("{ended}: {told}"));
}

/// Adds the line of a warning.
pub(super) fn warned(out: &mut String, warning: &WarningEntry) {
    let WarningEntry { code, path } = warning;
    let words = warning_in_words(code).map(|words| format!(": {words}"));
    line(
        out,
        "warning",
        &format!("{code} {path}{}", words.unwrap_or_default()),
    );
}

/// Adds a line.
pub(super) fn line(out: &mut String, what: &str, text: &str) {
    // A String takes everything.
    let _ = writeln!(out, "  {what:<10} {text}");
}

pub(super) fn id(name: &str, id: Option<&String>) -> Option<String> {
    id.map(|id| format!("{name} {id}"))
}

pub(super) fn joined<const N: usize>(parts: [Option<String>; N]) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn worth(entry: &Entry) -> Option<String> {
    let amount = amount(entry.value_millionths?);
    let currency = entry.currency.as_deref().unwrap_or_default();
    Some(format!("{amount} {currency}").trim_end().to_owned())
}

/// Writes millionths of a currency as an amount with at least two digits behind the point.
pub(in crate::commands) fn amount(value: i64) -> String {
    const UNIT: u64 = 1_000_000;
    let sign = if value < 0 { "-" } else { "" };
    let (whole, rest) = (value.unsigned_abs() / UNIT, value.unsigned_abs() % UNIT);
    let digits = format!("{rest:06}");
    let cut = digits.trim_end_matches('0').len().max(2);
    format!("{sign}{whole}.{}", &digits[..cut])
}

pub(super) fn time(at: i64) -> String {
    Timestamp::from_millisecond(at).unwrap_or_default().to_string()
}

/// Tells how long before its receipt an event happened.
fn span(millis: i64) -> String {
    if millis < 0 {
        return "after its receipt by this machine's clock".to_owned();
    }
    match millis / 1_000 {
        seconds @ 0..120 => format!("{seconds} s before"),
        seconds @ 120..7_200 => format!("{} min before", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h before", seconds / 3_600),
        seconds => format!("{} days before", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        serde_json::from_value(serde_json::json!({
            "place": "rows-2026-11-29.db:7", "ended_at": 1_795_953_602_000_i64, "received_at": 1_795_953_601_000_i64,
            "happened_at": 1_795_953_540_000_i64, "source": "web", "library": "analytics.js 2.1", "position": 7, "sink": "ads",
            "mapping": "Checkout", "event": "Order \u{1b}[31mCompleted", "event_name": "checkout", "action_source": "web",
            "outcome": "delivered", "reason": null, "message": null,
            "attempts": [{"at": 1_795_953_601_900_i64, "millis": 95, "status": 200, "result": "delivered"}],
            "request_id": "r-1", "warnings": [{"code": "late", "path": "x"}], "match_keys": ["email"],
            "parameters": ["value", "currency"], "value_millionths": 72_050_000, "currency": "EUR", "batch": 3, "batch_records": 2, "bytes": 640, "late": false,
            "message_id": "m-7", "event_id": "e-7", "order_id": "A-7"
        }))
        .unwrap()
    }

    #[test]
    fn the_life_of_a_record_is_told_in_its_order_and_commands_no_terminal() {
        let told = show(&[entry()], false).unwrap();
        assert!(!told.contains('\u{1b}'), "{told}");
        let words = [
            "at ads",
            "received   2026-11-29T12:00:01Z, from web, by analytics.js 2.1, messageId m-7, journal position 7",
            "happened   2026-11-29T11:59:00Z, 61 s before",
            "mapped     by Checkout, to checkout, web, 72.05 EUR, order A-7, event_id e-7, match keys email, parameters value, currency, 640 bytes",
            "warning    late x",
            "attempt 1: 200 after 95 ms, delivered",
            "delivered  2026-11-29T12:00:02Z, request r-1",
        ];
        let places: Vec<_> = words
            .iter()
            .map(|word| told.find(word).unwrap_or_else(|| panic!("{word}: {told}")))
            .collect();
        assert!(places.is_sorted(), "{told}");
    }

    #[test]
    fn amounts_are_shown_with_their_digits() {
        for (value, expected) in [
            (72_050_000, "72.05"),
            (-500_000, "-0.50"),
            (1_234_567, "1.234567"),
            (0, "0.00"),
        ] {
            let entry = Entry {
                value_millionths: Some(value),
                currency: None,
                ..entry()
            };
            assert_eq!(worth(&entry).as_deref(), Some(expected));
        }
    }
}
