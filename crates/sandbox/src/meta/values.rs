//! Checks of texts that Meta alone demands.

use crate::judge::values::{Finding, NOT_A_HASH, hash, is_lower_hex, number};

/// Checks for 64 hex digits, with or without the suffix of 2 or 8 characters that Meta's parameter builder appends.
/// Upper case and MD5 are warned about; a value that is no hash at all is refused.
pub(crate) fn identifier(value: &str) -> Option<Finding> {
    let lower = value.to_ascii_lowercase();
    let (digest, suffix) = lower.split_once('.').unwrap_or((&lower, ""));
    let suffixed = matches!(suffix.len(), 0 | 2 | 8);
    if is_lower_hex(digest, 64) && suffixed {
        // Judged as it was written: upper case is warned about.
        return hash(value.get(..64).unwrap_or(value));
    }
    if is_lower_hex(&lower, 32) {
        return Some(Finding::Warning(NOT_A_HASH));
    }
    Some(Finding::Error(NOT_A_HASH))
}

/// Checks the shape of an ISO-4217 code in any case.
pub(crate) fn currency(value: &str) -> Option<Finding> {
    let shaped = value.len() == 3 && value.bytes().all(|byte| byte.is_ascii_alphabetic());
    (!shaped).then_some(Finding::Error("is not an ISO-4217 currency code"))
}

/// Checks for `http` or `https`.
pub(crate) fn web_address(value: &str) -> Option<Finding> {
    let lower = value.to_ascii_lowercase();
    let rest = lower
        .strip_prefix("https://")
        .or_else(|| lower.strip_prefix("http://"));
    let host = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
    (!host).then_some(Finding::Error("is not an http or https URL"))
}

/// Checks for `fb.{subdomain index}.{milliseconds}.{value}`, the form of `fbc` and `fbp`.
pub(crate) fn cookie(value: &str) -> Option<Finding> {
    let mut parts = value.splitn(4, '.');
    let mut digits = || {
        let part = parts.next().unwrap_or_default();
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let shaped = value.starts_with("fb.");
    let _ = digits();
    let numbers = digits() && digits();
    let rest = parts.next().is_some_and(|rest| !rest.is_empty());
    (!(shaped && numbers && rest)).then_some(Finding::Error("is not of the form fb.index.milliseconds.value"))
}

/// Checks for fewer than 23 characters, two of them letters.
pub(crate) fn partner_agent(value: &str) -> Option<Finding> {
    let letters = value.chars().filter(|c| c.is_alphabetic()).count();
    let shaped = value.chars().count() < 23 && letters >= 2;
    (!shaped).then_some(Finding::Error(
        "needs fewer than 23 characters, two of them letters",
    ))
}

/// Checks for `LDU`.
pub(crate) fn processing_option(value: &str) -> Option<Finding> {
    (value != "LDU").then_some(Finding::Error("is not LDU"))
}

/// Returns true for a JSON number, or a JSON string that holds one.
pub(crate) fn is_number(raw: &str) -> bool {
    number(raw.trim_matches('"')).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers() {
        let good = "62a14e44f765419d10fea99367361a727c12365e2520f32218d505ed9aa0f62f";
        for fine in [good.to_owned(), format!("{good}.AQ"), format!("{good}.AQYBAQIA")] {
            assert_eq!(identifier(&fine), None, "{fine}");
        }
        for warned in [good.to_uppercase(), good[..32].to_owned()] {
            assert!(
                matches!(identifier(&warned), Some(Finding::Warning(_))),
                "{warned}"
            );
        }
        for bad in [
            "",
            "ivy@example.com",
            &good[1..],
            &format!("{good}.AQY"),
            &format!(" {good}"),
        ] {
            assert!(matches!(identifier(bad), Some(Finding::Error(_))), "{bad}");
        }
    }

    #[test]
    fn forms() {
        type Check = fn(&str) -> Option<Finding>;
        let cases: [(Check, &[&str], &[&str]); 4] = [
            (currency, &["USD", "eur"], &["", "€", "US", "840"]),
            (
                web_address,
                &["https://shop.example/?a=b", "HTTP://shop.example"],
                &["", "shop.example", "https://", "app://x", "https:///x"],
            ),
            (
                cookie,
                &["fb.1.1554763741205.AbCd", "fb.2.1.a.b"],
                &["", "AbCd", "fb.1.x.AbCd", "fb..1.a", "fb.1.1.", "fc.1.1.a"],
            ),
            (
                partner_agent,
                &["signalbox", "a1b2"],
                &["", "1a", "abcdefghijklmnopqrstuvw"],
            ),
        ];
        for (check, good, bad) in cases {
            for text in good {
                assert_eq!(check(text), None, "{text}");
            }
            for text in bad {
                assert!(check(text).is_some(), "{text}");
            }
        }
    }
}
