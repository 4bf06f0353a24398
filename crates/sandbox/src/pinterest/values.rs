//! Checks of texts that Pinterest alone demands.

use crate::judge::values::Finding;

/// Checks the shape of an ISO-639-1 code, in any case.
pub(crate) fn language(value: &str) -> Option<Finding> {
    let shaped = value.len() == 2 && value.bytes().all(|byte| byte.is_ascii_alphabetic());
    (!shaped).then_some(Finding::Error("is not a two-letter ISO-639-1 language code"))
}

/// Checks for `ss-<name>`, lowercase.
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

    #[test]
    fn languages_and_partners() {
        assert_eq!(language("en"), None);
        assert_eq!(language("EN"), None);
        for bad in ["", "e", "en-US", "eng", "12", "é"] {
            assert!(error(language(bad)), "{bad}");
        }
        assert_eq!(partner_name("ss-signalbox"), None);
        for bad in ["", "ss-", "segment", "ss-Segment", "SS-segment", "ss-a b"] {
            assert!(error(partner_name(bad)), "{bad}");
        }
    }
}
