//! Language codes.

/// Returns the two-letter code of a language or locale: `en` of `en`, `EN`, `en-US` and `en_US`.
#[inline]
pub fn code(text: &str) -> Option<[u8; 2]> {
    let tag = text.trim();
    let language = tag.split(['-', '_']).next()?;
    let mut code: [u8; 2] = language.as_bytes().try_into().ok()?;
    code.make_ascii_lowercase();
    code.iter().all(u8::is_ascii_lowercase).then_some(code)
}

/// Returns the code as text.
#[inline]
pub fn as_str(code: &[u8; 2]) -> &str {
    // Two ASCII letters.
    std::str::from_utf8(code).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locales_have_a_language() {
        for (text, found) in [
            ("en", Some(*b"en")),
            (" DE ", Some(*b"de")),
            ("pt-BR", Some(*b"pt")),
            ("zh_Hans_CN", Some(*b"zh")),
        ] {
            assert_eq!(code(text), found, "{text}");
        }
        for text in ["", "e", "eng", "12", "german", "é", "-US"] {
            assert_eq!(code(text), None, "{text}");
        }
    }
}
