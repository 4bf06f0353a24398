//! The usual spellings of e-mail addresses, phone numbers and ids, each brought to one form for comparison.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// Digits of the shortest number that is taken for a phone number.
const SHORTEST: usize = 7;
/// Digits of the longest one, with an access code.
const LONGEST: usize = 18;
/// Digits of the longest country code.
pub(super) const COUNTRY_CODE: usize = 3;

/// Returns an e-mail address in lower case without blanks around it; `None` if the text is none.
pub(super) fn email(text: &str) -> Option<String> {
    let text = text.trim_matches(is_around).replace('＠', "@");
    let (name, domain) = text.rsplit_once('@')?;
    let is_part = |part: &str| !part.is_empty() && !part.contains(is_between);
    (is_part(name) && is_part(domain)).then(|| text.to_lowercase())
}

/// Returns true if one of the e-mail addresses in a text passes a test: the text itself, an item of a list, the address
/// between angle brackets, the value of a URL's parameter.
pub(super) fn any_email(text: &str, test: &mut dyn FnMut(&str) -> bool) -> bool {
    let decoded = percent_decoded(text).replace('＠', "@");
    let mut parts = decoded.split(is_between).filter(|part| part.contains('@'));
    parts.any(|part| email(part).is_some_and(|email| test(&email)))
}

/// True for characters that stand between e-mail addresses, or between one and other text.
fn is_between(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(
            c,
            ',' | ';'
                | ':'
                | '<'
                | '>'
                | '('
                | ')'
                | '['
                | ']'
                | '"'
                | '?'
                | '&'
                | '='
                | '#'
                | '/'
                | '\\'
                | '|'
        )
}

/// True for characters around an e-mail address that are no part of it.
fn is_around(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(
            c,
            '<' | '>'
                | '{'
                | '}'
                | '"'
                | '\''
                | '`'
                | '“'
                | '”'
                | '„'
                | '‘'
                | '’'
                | '«'
                | '»'
                | '*'
                | '!'
                | '.'
                | ','
                | ';'
                | '\u{200b}'
                | '\u{feff}'
        )
}

/// Decodes percent escapes, also those of a URL inside a URL.
fn percent_decoded(text: &str) -> Cow<'_, str> {
    /// The most layers that are taken off.
    const LAYERS: usize = 3;
    let mut decoded = Cow::Borrowed(text);
    for _ in 0..LAYERS {
        if !decoded.contains('%') {
            break;
        }
        let once = percent_decode_str(&decoded).decode_utf8_lossy().into_owned();
        decoded = Cow::Owned(once);
    }
    decoded
}

/// A phone number for comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Phone {
    /// Its digits without zeros in front.
    pub(super) digits: String,
    /// True if it was written with its country code: `+` or `00`.
    pub(super) international: bool,
}

/// Reads a phone number with any separators; `None` if the text is none.
pub(super) fn phone(text: &str) -> Option<Phone> {
    // Few texts of an event begin like a number and are short enough.
    if text.len() > 64 {
        return None;
    }
    let text = without_label(text).trim();
    let number = without_extension(text).replace("(0)", "");
    let mut digits = String::with_capacity(LONGEST);
    let mut plus = false;
    for c in number.chars() {
        match decimal(c) {
            Some(digit) => digits.push(digit),
            None if matches!(c, '+' | '＋') && digits.is_empty() => plus = true,
            None if is_in_phone(c) => {}
            None => return None,
        }
        if digits.len() > LONGEST {
            return None;
        }
    }
    let international = plus || digits.starts_with("00");
    let significant = digits.trim_start_matches('0');
    (significant.len() >= SHORTEST).then(|| Phone {
        digits: significant.to_owned(),
        international,
    })
}

/// Returns true if a phone number in a text passes a test: the text itself, an item of a list, a step or a parameter of a
/// URL, or a number with a plus sign among words.
pub(super) fn any_phone(text: &str, test: &mut dyn FnMut(&Phone) -> bool) -> bool {
    let mut passes = |text: &str| phone(text).is_some_and(|phone| test(&phone));
    if passes(text) {
        return true;
    }
    let decoded = percent_decoded(text);
    let between = [',', ';', '|', '/', '\n', '?', '&', '=', '#'];
    if decoded.contains(between) && decoded.split(between).any(&mut passes) {
        return true;
    }
    let mut signs = decoded.match_indices(['+', '＋']);
    signs.any(|(at, sign)| {
        let (_, digits) = decoded.split_at(at + sign.len());
        let number = &digits[..digits.find(|c| !may_be_in_phone(c)).unwrap_or(digits.len())];
        // Digits of the text may follow those of the number.
        let ends = number
            .match_indices(' ')
            .map(|(end, _)| end)
            .chain([number.len()]);
        ends.take(MOST_GROUPS)
            .any(|end| passes(&format!("+{}", &number[..end])))
    })
}

/// Most groups of digits of a number among words.
const MOST_GROUPS: usize = 8;

/// True for digits, and for signs between them.
fn may_be_in_phone(c: char) -> bool {
    decimal(c).is_some() || is_in_phone(c)
}

/// True for signs between the digits of a number.
fn is_in_phone(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '-' | '.' | '(' | ')' | '/' | '–' | '‐' | '‑' | '\u{200e}' | '\u{202a}' | '\u{202c}'
        )
}

/// Cuts off a label: `tel:`, `Mobile: `.
fn without_label(text: &str) -> &str {
    match text.split_once(':') {
        Some((label, number)) if label.chars().all(|c| c.is_alphabetic() || matches!(c, ' ' | '.')) => number,
        _ => text,
    }
}

/// Cuts off an extension: `ext. 12`, `x12`, `#12`, `;ext=12`.
fn without_extension(text: &str) -> &str {
    let end = text.find(['x', 'X', 'e', 'E', '#', ';', ',']);
    end.map_or(text, |end| &text[..end])
}

/// Returns a decimal digit of the scripts in which phone numbers are written as an ASCII digit.
fn decimal(c: char) -> Option<char> {
    const ZEROS: [u32; 6] = [0x30, 0x0660, 0x06F0, 0x0966, 0x09E6, 0xFF10];
    let code = u32::from(c);
    let zero = ZEROS
        .into_iter()
        .find(|zero| (*zero..*zero + 10).contains(&code))?;
    char::from_digit(code - zero, 10)
}

/// Returns true if one of the texts of 64 hexadecimal digits in a text passes a test, which gets them in lower case.
pub(super) fn any_hash(text: &str, test: &mut dyn FnMut(&str) -> bool) -> bool {
    const DIGITS: usize = 64;
    if text.len() < DIGITS {
        return false;
    }
    let mut parts = text
        .split(|c: char| !c.is_ascii_hexdigit())
        .filter(|part| part.len() == DIGITS);
    parts.any(|part| test(&part.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn emails(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        any_email(text, &mut |email| {
            found.push(email.to_owned());
            false
        });
        found
    }

    fn phones(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        any_phone(text, &mut |phone| {
            let plus = if phone.international { "+" } else { "" };
            found.push(format!("{plus}{}", phone.digits));
            false
        });
        found
    }

    #[test]
    fn emails_are_found_in_their_usual_spellings() {
        for text in [
            "ann@shop.example",
            " Ann@Shop.Example\n",
            "mailto:ANN@shop.example",
            "Ann Lee <ann@shop.example>",
            "https://shop.example/thanks?mail=ann%40shop.example&x=1",
            "https://shop.example/?next=%2Fthanks%3Fmail%3Dann%2540shop.example",
            "https://shop.example/#ann@shop.example",
            "ann＠shop.example",
            "Write to ann@shop.example.",
            "{mail: ann@shop.example}",
            "“ann@shop.example”",
            "*ann@shop.example*!",
            "\u{feff}ann@shop.example\u{200b}",
        ] {
            assert_eq!(emails(text), ["ann@shop.example"], "{text}");
        }
        assert_eq!(emails("a@b.c;D@e.f, g@h.i"), ["a@b.c", "d@e.f", "g@h.i"]);
        for text in ["", "@", "a@", "@b", "no address", "50 % off"] {
            assert!(emails(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn phones_are_found_in_their_usual_spellings() {
        for (text, found) in [
            ("+1 (555) 010-0199", "+15550100199"),
            ("0015550100199", "+15550100199"),
            ("15550100199", "15550100199"),
            ("tel:+1-555-010-0199;ext=7", "+15550100199"),
            ("+49 (0) 151 2345678", "+491512345678"),
            ("0151/2345678", "1512345678"),
            ("+1.555.010.0199 ext. 12", "+15550100199"),
            ("+١ ٥٥٥ ٠١٠ ٠١٩٩", "+15550100199"),
            ("https://x.example/?tel=%2B15550100199&a=b", "+15550100199"),
            ("https://x.example/call/%2B15550100199", "+15550100199"),
            ("Tel.: +1 555 010 0199", "+15550100199"),
            ("whatsapp:+15550100199", "+15550100199"),
            ("Call me at +1 (555) 010-0199.", "+15550100199"),
        ] {
            assert_eq!(phones(text).first().map(String::as_str), Some(found), "{text}");
        }
        for text in [
            "+4915112345678, +15550100199",
            "4915112345678;15550100199",
            "+4915112345678 / +1 555 010 0199",
            "+49 151 12345678 or +1 555 010 0199, 2 pieces",
            "2 to +1 555 010 0199 3 times",
        ] {
            assert!(
                any_phone(text, &mut |phone| phone.digits == "15550100199"),
                "{text}"
            );
        }
        for text in [
            "",
            "123456",
            "12.5",
            "2026-11-29T10:00:00Z",
            "order 15550100199",
            "1234567890123456789012",
        ] {
            assert!(phones(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn hashes_are_found_alone_and_in_urls() {
        let hash = "ab".repeat(32);
        for text in [
            hash.clone(),
            hash.to_uppercase(),
            format!("https://x.example/?em={hash}&b=1"),
        ] {
            assert!(any_hash(&text, &mut |found| found == hash), "{text}");
        }
        assert!(!any_hash(&format!("{hash}0"), &mut |_| true));
        assert!(!any_hash("", &mut |_| true));
    }
}
