//! Words that programs write where a value is missing.

/// Longest placeholder, in bytes; longer texts need no look.
const MAX_BYTES: usize = 40;

/// Returns true for a text that stands for no value: blank, one of the words that programs and people write in place of a
/// missing value, nothing but zeros, dashes and braces (the nil UUID), or no letter or digit at all. Letter case and white
/// space do not matter.
///
/// For ids, not for names: people are called Null and None.
pub fn is_placeholder(text: &str) -> bool {
    let text = text.trim();
    if text.len() > MAX_BYTES {
        return false;
    }
    if text.bytes().all(|byte| matches!(byte, b'0' | b'-' | b'{' | b'}')) {
        return true;
    }
    if !text.chars().any(char::is_alphanumeric) {
        return true;
    }
    let word: String = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .flat_map(char::to_lowercase)
        .collect();
    is_word(&word)
}

/// Returns true for one of the words, in lower case and without white space.
fn is_word(word: &str) -> bool {
    let bare = word.trim_matches(['(', ')', '<', '>', '[', ']', '{', '}', '"', '\'', '#']);
    matches!(
        bare,
        "undefined"
            | "null"
            | "none"
            | "nil"
            | "nan"
            | "na"
            | "n/a"
            | "n.a."
            | "n\\a"
            | "false"
            | "true"
            | "unknown"
            | "anonymous"
            | "empty"
            | "missing"
            | "notset"
            | "not_set"
            | "notavailable"
            | "notprovided"
            | "notapplicable"
            | "nullnull"
            | "undefinedundefined"
            | "objectobject"
            | "redacted"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_a_missing_value_are_no_ids() {
        for text in [
            "",
            "  ",
            "undefined",
            "UNDEFINED",
            " null ",
            "None",
            "nil",
            "NaN",
            "n/a",
            "(null)",
            "(not set)",
            "[object Object]",
            "#N/A",
            "'null'",
            "0",
            "000",
            "00000000-0000-0000-0000-000000000000",
            "{00000000-0000-0000-0000-000000000000}",
            "-",
            "***",
            "\u{a0}",
        ] {
            assert!(is_placeholder(text), "{text}");
        }
        for text in [
            "1",
            "a",
            "m-0",
            "nullable-1",
            "undefined-7",
            "ajs-next-1700000000000-0f3a",
            "00000000-0000-0000-0000-000000000001",
            "漢字",
            &"0".repeat(41),
        ] {
            assert!(!is_placeholder(text), "{text}");
        }
    }
}
