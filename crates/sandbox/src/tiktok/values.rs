//! Checks of texts that TikTok alone demands.

use crate::judge::values::{self, Finding, NOT_A_HASH, hash, is_lower_hex};

/// Checks for SHA-256 in 64 hex digits. Empty texts and upper case are warned about, a value that is no hash is refused.
pub(crate) fn hashed(value: &str) -> Option<Finding> {
    if value.is_empty() {
        return Some(Finding::Warning("is empty"));
    }
    if is_lower_hex(&value.to_ascii_lowercase(), 64) {
        return hash(value);
    }
    Some(Finding::Error(NOT_A_HASH))
}

/// Warns of a hash where TikTok wants the text itself.
pub(crate) fn normalised(value: &str) -> Option<Finding> {
    if value.is_empty() {
        return Some(Finding::Warning("is empty"));
    }
    is_lower_hex(&value.to_ascii_lowercase(), 64)
        .then_some(Finding::Warning("is hashed, but wanted as it is"))
}

/// Checks for at most 1,000 characters.
pub(crate) fn click_id(value: &str) -> Option<Finding> {
    if value.is_empty() {
        return Some(Finding::Warning("is empty"));
    }
    (value.chars().count() > 1000).then_some(Finding::Error("is longer than 1000 characters"))
}

/// Currencies of ISO 4217 that TikTok's list leaves out.
const UNSUPPORTED: [&str; 4] = ["BGN", "HRK", "LKR", "RSD"];

/// Checks the shape of an ISO-4217 code, and that TikTok does not leave it out.
pub(crate) fn currency(value: &str) -> Option<Finding> {
    if UNSUPPORTED.contains(&value) {
        return Some(Finding::Error("is a currency that TikTok does not support"));
    }
    values::currency(value)
}

/// Checks for a number from 0 to 1.
pub(crate) fn share(value: f64) -> Option<Finding> {
    (!(0.0..=1.0).contains(&value)).then_some(Finding::Error("is not between 0 and 1"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts() {
        let hash = "848a771458438fc2ec420560d769fb9b9b86851ee338ec56517baabd79d3bb4f";
        let long = "E.C.P.".repeat(200);
        let upper = hash.to_uppercase();
        type Case<'a> = (
            fn(&str) -> Option<Finding>,
            &'a [&'a str],
            &'a [&'a str],
            &'a [&'a str],
        );
        let cases: [Case<'_>; 4] = [
            (hashed, &[hash], &["", &upper], &["ivy@example.com", &hash[1..]]),
            (normalised, &["berlin", "de", "köln"], &["", hash, &upper], &[]),
            (click_id, &["E.C.P.AbCd"], &[""], &[&long]),
            (currency, &["USD", "AED"], &["usd"], &["BGN", "€", ""]),
        ];
        for (check, good, warned, bad) in cases {
            for text in good {
                assert_eq!(check(text), None, "{text}");
            }
            for text in warned {
                assert!(matches!(check(text), Some(Finding::Warning(_))), "{text}");
            }
            for text in bad {
                assert!(matches!(check(text), Some(Finding::Error(_))), "{text}");
            }
        }
    }
}
