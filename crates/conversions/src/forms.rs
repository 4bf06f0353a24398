//! Forms of values that vendors want as they are.

/// Returns true for a language and further parts of letters and digits, as in `en`, `pt-BR` or `zh_Hant_TW`.
pub fn is_language_tag(text: &str) -> bool {
    let mut parts = text.split(['-', '_']);
    let language = parts.next().unwrap_or_default();
    let is_part =
        |part: &str| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric());
    (2..=8).contains(&language.len())
        && language.bytes().all(|b| b.is_ascii_alphabetic())
        && parts.all(is_part)
}

/// Returns true for 32 hexadecimal digits in five groups, the form of advertising ids.
pub fn is_uuid(text: &str) -> bool {
    let groups = text.split('-').map(str::len);
    groups.eq([8, 4, 4, 4, 12]) && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales_are_language_tags() {
        for (text, tag) in [
            ("en", true),
            ("en-US", true),
            ("pt_BR", true),
            ("zh-Hant-TW", true),
            ("e", false),
            ("12", false),
            ("en-", false),
            ("English (US)", false),
        ] {
            assert_eq!(is_language_tag(text), tag, "{text}");
        }
    }

    #[test]
    fn advertising_ids_have_a_form() {
        assert!(is_uuid("EA7583CD-A667-48BC-B806-42ECB2B48606"));
        for text in [
            "EA7583CDA66748BCB80642ECB2B48606",
            "EA7583CD-A667-48BC-B806-42ECB2B4860Z",
            "",
        ] {
            assert!(!is_uuid(text), "{text}");
        }
    }
}
