//! Checks of texts that more than one vendor demands.

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

pub(crate) const NOT_A_HASH: &str = "is not in sha256 hashed format";

/// Takes any text.
pub(crate) fn anything(_: &str) -> Option<Finding> {
    None
}

/// Checks for 64 lowercase hex digits, and warns of anything else.
pub(crate) fn hash(value: &str) -> Option<Finding> {
    if !is_lower_hex(value, 64) {
        Some(Finding::Warning(NOT_A_HASH))
    } else if value == EMPTY_SHA256 {
        Some(Finding::Warning("is the sha256 hash of an empty value"))
    } else {
        None
    }
}

/// Returns true for this many lowercase hex digits.
pub(crate) fn is_lower_hex(value: &str, digits: usize) -> bool {
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    value.len() == digits && value.bytes().all(hex)
}

/// Checks for a finite decimal number: `12`, `-3.50`, `1e3`.
pub(crate) fn number(value: &str) -> Option<Finding> {
    let shaped = value
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E'));
    match value.parse::<f64>() {
        Ok(parsed) if shaped && parsed.is_finite() => None,
        _ => Some(Finding::Error("does not hold a number")),
    }
}

/// Checks the shape of an ISO-4217 code; whether the currency exists is not looked up.
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

/// Checks for an IPv4 or IPv6 address.
pub(crate) fn ip_address(value: &str) -> Option<Finding> {
    value
        .parse::<IpAddr>()
        .is_err()
        .then_some(Finding::Error("is not an IPv4 or IPv6 address"))
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
    fn currencies_and_addresses() {
        assert_eq!(currency("USD"), None);
        assert!(warning(currency("usd")));
        for bad in ["", "US", "840", "DOLLAR", "$", "€"] {
            assert!(error(currency(bad)), "{bad}");
        }
        for good in ["203.0.113.7", "2001:db8::1", "::ffff:203.0.113.7"] {
            assert_eq!(ip_address(good), None, "{good}");
        }
        for bad in ["", "203.0.113", "203.0.113.7:80", "localhost", "[::1]"] {
            assert!(error(ip_address(bad)), "{bad}");
        }
    }
}
