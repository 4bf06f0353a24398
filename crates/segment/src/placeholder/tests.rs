use signalbox_core::Sha256Hex;

use super::hashes::SPACED;
use super::*;

#[test]
#[rustfmt::skip]
fn missing_values_have_many_spellings() {
    for text in [
        "undefined", "NULL", " n/a ", "N/A", "(not set)", "[object Object]", "\u{a0}Not Available", "-", "--", "***", "?",
        "{{user.email}}", "Hi {{ name }}", "${email}", "%%EMAIL%%", "%USER_ID%", "__CALLBACK_PARAM__", "{gclid}", "*|EMAIL|*",
        "<%= id %>", "{% id %}", "[[id]]", "[REDACTED]", "#N/A", "{}", "[]", "\"\"", "n\u{200b}ull",
    ] {
        assert_eq!(placeholder(text), Some(Placeholder::Always), "{text}");
    }
    for text in [
        "guest", "Guest", "None", "unknown", "Anonymous", "-1", "true", "FALSE", "opt-out", "AdId not available",
    ] {
        assert_eq!(placeholder(text), Some(Placeholder::Identity), "{text}");
    }
    for text in ["NA", "NaN", "nil"] {
        assert_eq!(placeholder(text), Some(Placeholder::Short), "{text}");
    }
    for text in [
        "", "ada@example.com", "Nullabor", "O'Neill", "1001", "0", "Ada", "{6D92078A-8246-4BA4-AE5B-76104861E7DC}", "C++",
        "50% off", "a_b", "__x", "undefined behaviour", "東京", "Ünal", "{1}", "Guest House Berlin", "100%", "%20%", "[2]",
    ] {
        assert_eq!(placeholder(text), None, "{text}");
    }
}

#[test]
#[rustfmt::skip]
fn words_for_a_missing_value_are_no_ids() {
    for text in [
        "", "  ", "undefined", "UNDEFINED", " null ", "None", "nil", "NaN", "n/a", "(null)", "(not set)", "[object Object]",
        "#N/A", "'null'", "0", "000", "00000000-0000-0000-0000-000000000000", "{00000000-0000-0000-0000-000000000000}", "-",
        "***", "\u{a0}", "empty", "missing", "{{id}}",
    ] {
        assert!(is_placeholder(text), "{text}");
    }
    for text in [
        "1", "a", "m-0", "nullable-1", "undefined-7", "ajs-next-1700000000000-0f3a", "00000000-0000-0000-0000-000000000001",
        "漢字", "01J9Z0", "0-0",
    ] {
        assert!(!is_placeholder(text), "{text}");
    }
}

#[test]
#[rustfmt::skip]
fn blanks_of_every_script_are_blank() {
    for text in [
        "", " ", "\t\r\n", "\u{a0}", "\u{200b}", "\u{feff}", "\u{3000}", "\u{2060} \u{ad}", "\u{85}", "\u{2800}",
    ] {
        assert!(is_blank(text), "{text:?}");
        assert_eq!(trim(text), "", "{text:?}");
    }
    assert!(!is_blank("\u{200b}a") && !is_blank("é"));
    assert_eq!(trim(" \u{200b}1001\u{a0}"), "1001");
    assert_eq!(trim("a"), "a");
}

#[test]
#[rustfmt::skip]
fn ids_of_zeros_are_none() {
    for id in [
        "0", "000", "0-0", "00000000-0000-0000-0000-000000000000", "{00000000-0000-0000-0000-000000000000}",
        "00000000000000000000000000000000", "00000000-0000-0000-0000-000000000001",
    ] {
        assert!(is_zero_id(id), "{id}");
    }
    for id in [
        "1", "01", "10", "0a", "00000000-0000-0000-0000-00000000000a", "0001",
    ] {
        assert!(!is_zero_id(id), "{id}");
    }
}

#[test]
#[rustfmt::skip]
fn hashes_of_placeholders_are_known() {
    let of = |text: &str| hash_of(Sha256Hex::of(text).as_str());
    for text in [
        "", " ", "null", "NULL", "Null", "undefined", "n/a", "N/A", "(not set)", "(Not Set)", "[object Object]", "-",
    ] {
        assert_eq!(of(text), Some(HashOf::Placeholder(Placeholder::Always)), "{text}");
    }
    for text in ["guest", "Guest", "Guest User", "none", "unknown", "false"] {
        assert_eq!(
            of(text),
            Some(HashOf::Placeholder(Placeholder::Identity)),
            "{text}"
        );
    }
    assert_eq!(of("na"), Some(HashOf::Placeholder(Placeholder::Short)));
    assert_eq!(of("00000000-0000-0000-0000-000000000000"), Some(HashOf::ZeroId));
    assert_eq!(of("ada@example.com"), None);
    assert_eq!(hash_of("abc"), None);
}

#[test]
#[rustfmt::skip]
fn words_are_in_their_form_and_begin_as_the_quick_test_expects() {
    for (word, _) in words() {
        assert!(word.len() <= LONGEST, "{word}");
        assert_eq!(word.to_ascii_lowercase().replace(' ', ""), word);
        assert!(!Bytes::of(word).are_of_value(word, 0), "{word}");
    }
    for (joined, spaced) in SPACED {
        assert_eq!(spaced.replace(' ', ""), *joined);
        assert!(words().any(|(word, _)| word == *joined), "{joined}");
    }
}
