//! Checks of strings for which Pinterest publishes a form.

use std::net::IpAddr;

/// A fault that a check found in a value of the right type.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// The event is refused: the text completes `'path' …`.
    Error(&'static str),
    /// The event is taken, with a warning: the text completes `'path' …`.
    Warning(&'static str),
}

/// SHA-256 of the empty text: its sender hashed an empty value.
const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// 64 lowercase hex digits. Pinterest takes the event and warns, so the sandbox does too.
pub(crate) fn hash(value: &str) -> Option<Finding> {
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if value.len() != 64 || !value.bytes().all(hex) {
        Some(Finding::Warning("is not in sha256 hashed format"))
    } else if value == EMPTY_SHA256 {
        Some(Finding::Warning("is the sha256 hash of an empty value"))
    } else {
        None
    }
}

/// A string that holds a finite decimal number: `12`, `-3.50`, `1e3`.
pub(crate) fn number(value: &str) -> Option<Finding> {
    let shaped = value
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E'));
    match value.parse::<f64>() {
        Ok(parsed) if shaped && parsed.is_finite() => None,
        _ => Some(Finding::Error("does not hold a number")),
    }
}

/// The shape of an ISO-4217 code; whether the currency exists is not looked up.
pub(crate) fn currency(value: &str) -> Option<Finding> {
    if value.len() != 3 || !value.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        Some(Finding::Error("is not an ISO-4217 currency code"))
    } else if value.bytes().any(|byte| byte.is_ascii_lowercase()) {
        Some(Finding::Warning(
            "is an ISO-4217 currency code not written in capitals",
        ))
    } else {
        None
    }
}

/// The shape of an ISO-639-1 code, in any case.
pub(crate) fn language(value: &str) -> Option<Finding> {
    let shaped = value.len() == 2 && value.bytes().all(|byte| byte.is_ascii_alphabetic());
    (!shaped).then_some(Finding::Error("is not a two-letter ISO-639-1 language code"))
}

/// An IPv4 or IPv6 address.
pub(crate) fn ip_address(value: &str) -> Option<Finding> {
    value
        .parse::<IpAddr>()
        .is_err()
        .then_some(Finding::Error("is not an IPv4 or IPv6 address"))
}

/// `ss-<name>`, lowercase.
pub(crate) fn partner_name(value: &str) -> Option<Finding> {
    let shaped = value
        .strip_prefix("ss-")
        .is_some_and(|name| !name.is_empty() && !name.chars().any(|c| c.is_uppercase() || c.is_whitespace()));
    (!shaped).then_some(Finding::Error("is not a lowercase name of the form ss-<name>"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(found: Option<Finding>) -> bool {
        matches!(found, Some(Finding::Error(_)))
    }

    fn warning(found: Option<Finding>) -> bool {
        matches!(found, Some(Finding::Warning(_)))
    }

    #[test]
    fn hashes() {
        let good = "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9";
        assert_eq!(hash(good), None);
        for bad in [
            &good.to_uppercase(),
            &good[1..],
            "a@example.com",
            "",
            &format!(" {good}"),
            EMPTY_SHA256,
        ] {
            assert!(warning(hash(bad)), "{bad}");
        }
    }

    #[test]
    fn numbers() {
        for good in [
            "0",
            "12",
            "-3.50",
            "1e3",
            "1E-3",
            "129.5",
            ".5",
            "9999999999999999999999",
        ] {
            assert_eq!(number(good), None, "{good}");
        }
        for bad in [
            "",
            " 1",
            "1 ",
            "1,5",
            "NaN",
            "inf",
            "-infinity",
            "1e400",
            "$3",
            "0x10",
            "1.2.3",
            "e",
            "-",
        ] {
            assert!(error(number(bad)), "{bad}");
        }
    }

    #[test]
    fn currencies_and_languages() {
        assert_eq!(currency("USD"), None);
        assert!(warning(currency("usd")));
        for bad in ["", "US", "840", "DOLLAR", "$", "€"] {
            assert!(error(currency(bad)), "{bad}");
        }
        assert_eq!(language("en"), None);
        assert_eq!(language("EN"), None);
        for bad in ["", "e", "en-US", "eng", "12", "é"] {
            assert!(error(language(bad)), "{bad}");
        }
    }

    #[test]
    fn addresses_and_partners() {
        for good in ["203.0.113.7", "2001:db8::1", "::ffff:203.0.113.7"] {
            assert_eq!(ip_address(good), None, "{good}");
        }
        for bad in ["", "203.0.113", "203.0.113.7:80", "localhost", "[::1]"] {
            assert!(error(ip_address(bad)), "{bad}");
        }
        assert_eq!(partner_name("ss-signalbox"), None);
        for bad in ["", "ss-", "segment", "ss-Segment", "SS-segment", "ss-a b"] {
            assert!(error(partner_name(bad)), "{bad}");
        }
    }
}
