//! Numbers, times and links as the page shows them.

use jiff::Timestamp;
use maud::{Markup, html};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The wall clock in Unix milliseconds.
pub(crate) fn now() -> i64 {
    Timestamp::now().as_millisecond()
}

/// Shows a moment, Unix milliseconds, in UTC. The page's module adds the reader's own time.
pub(crate) fn time(millis: i64) -> Markup {
    let Ok(at) = Timestamp::from_millisecond(millis) else {
        return html! { "an unknown time" };
    };
    let shown = at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    html! { time datetime=(at.to_string()) { (shown) } }
}

/// Writes a moment as `14:00` or `2026-11-29`, in UTC.
pub(crate) fn short(millis: i64, format: &str) -> String {
    Timestamp::from_millisecond(millis)
        .map(|at| at.strftime(format).to_string())
        .unwrap_or_default()
}

/// Writes a whole number with spaces between thousands, which no locale reads as a decimal point.
pub(crate) fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut shown = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            // A thin space that does not break.
            shown.push('\u{202f}');
        }
        shown.push(digit);
    }
    shown
}

/// Writes `1 event`, `2 events`.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{} {}", number(count), if count == 1 { one } else { many })
}

/// Writes a share as `41 %`; a share that is not zero is never shown as `0 %`, and one that is not whole never as `100 %`.
pub(crate) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let rounded = (u128::from(part) * 100 + u128::from(whole) / 2) / u128::from(whole);
    match rounded {
        0 if part > 0 => "< 1 %".to_owned(),
        100 if part < whole => "> 99 %".to_owned(),
        rounded => format!("{rounded} %"),
    }
}

/// Writes a time span of seconds in its largest units: `45 s`, `12 min`, `3 h 20 min`, `2 d 4 h`.
pub(crate) fn span(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    let pair = |large: u64, unit: &str, small: u64, small_unit: &str| match small {
        0 => format!("{large} {unit}"),
        small => format!("{large} {unit} {small} {small_unit}"),
    };
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{minutes} min"),
        3_600..86_400 => pair(hours, "h", minutes % 60, "min"),
        _ => pair(days, "d", hours % 24, "h"),
    }
}

/// Writes a number of bytes: `812 B`, `4.2 kB`, `1.3 GB`.
pub(crate) fn bytes(bytes: u64) -> String {
    let mut scaled = bytes as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if scaled < 1_000.0 {
            return if unit == "B" {
                format!("{bytes} B")
            } else {
                format!("{scaled:.1} {unit}")
            };
        }
        scaled /= 1_000.0;
    }
    format!("{scaled:.1} TB")
}

/// Writes an amount of millionths of a currency: `1 234.50 EUR`.
pub(crate) fn money(millionths: i64, currency: &str) -> String {
    let cents = (i128::from(millionths).unsigned_abs() + 5_000) / 10_000;
    let whole = number(u64::try_from(cents / 100).unwrap_or(u64::MAX));
    let sign = if millionths < 0 { "−" } else { "" };
    format!("{sign}{whole}.{:02} {currency}", cents % 100)
}

/// The characters of a query that stand for themselves.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// Writes the address of a view with a query, of which pairs with an empty value are left out.
pub(crate) fn link(view: &str, query: &[(&str, &str)]) -> String {
    let given = query.iter().map(|(key, value)| (*key, Some(*value)));
    whole_link(view, given.filter(|(_, value)| *value != Some("")))
}

/// Writes the address of a view with a query, of which pairs without a value are left out. An empty value is one.
pub(crate) fn whole_link<'q>(
    view: &str,
    query: impl IntoIterator<Item = (&'q str, Option<&'q str>)>,
) -> String {
    let pair =
        |(key, value): (&str, Option<&str>)| Some(format!("{key}={}", utf8_percent_encode(value?, PLAIN)));
    let pairs: Vec<String> = query.into_iter().filter_map(pair).collect();
    match pairs.is_empty() {
        true => format!("/ui/{view}"),
        false => format!("/ui/{view}?{}", pairs.join("&")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(number(0), "0");
        assert_eq!(number(999), "999");
        assert_eq!(number(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(counted(1, "event", "events"), "1 event");
        assert_eq!(counted(0, "event", "events"), "0 events");
    }

    #[test]
    fn shares_do_not_hide_what_is_there() {
        assert_eq!(percent(0, 0), "–");
        assert_eq!(percent(0, 5), "0 %");
        assert_eq!(percent(1, 5_000), "< 1 %");
        assert_eq!(percent(4_999, 5_000), "> 99 %");
        assert_eq!(percent(u64::MAX, u64::MAX), "100 %");
        assert_eq!(percent(41, 100), "41 %");
    }

    #[test]
    fn spans_bytes_and_money_are_short() {
        let spans = [0, 59, 60, 3_599, 3_600, 12_000, 90_000, 172_800].map(span);
        let wanted = [
            "0 s",
            "59 s",
            "1 min",
            "59 min",
            "1 h",
            "3 h 20 min",
            "1 d 1 h",
            "2 d",
        ];
        assert_eq!(spans, wanted);
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1_260_000), "1.3 MB");
        assert_eq!(bytes(u64::MAX), "18446744.1 TB");
        assert_eq!(money(1_234_500_000, "EUR"), "1\u{202f}234.50 EUR");
        assert_eq!(money(-5_000, "USD"), "−0.01 USD");
    }

    #[test]
    fn links_are_encoded() {
        assert_eq!(link("events", &[]), "/ui/events");
        let query = [("sink", "a&b"), ("reason", ""), ("event_name", "Order Completed")];
        assert_eq!(
            link("events", &query),
            "/ui/events?sink=a%26b&event_name=Order%20Completed"
        );
        let query = [("sink", Some("a")), ("reason", None), ("mapping", Some(""))];
        assert_eq!(whole_link("failures", query), "/ui/failures?sink=a&mapping=");
    }
}
