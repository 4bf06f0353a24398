//! Personal data and secrets recognised by their form alone.

use std::ops::Range;

/// At signs: the ASCII one, the full-width and the small one.
const AT_SIGNS: [char; 3] = ['@', '\u{ff20}', '\u{fe6b}'];

/// Digits of a phone number in international form, by ITU-T E.164: at most 15; the shortest in use have 7.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// The kind of personal data that a text looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Look {
    /// An e-mail address is part of the text.
    Email,
    /// The text is a phone number.
    Phone,
}

impl Look {
    /// Returns the name for metrics and messages: `email` or `phone`.
    pub fn name(self) -> &'static str {
        match self {
            Look::Email => "email",
            Look::Phone => "phone",
        }
    }
}

/// Returns the kind that a text looks like, under any key. A number counts as a phone only in a form that order numbers
/// and ids do not have: a plus sign before it, or an area code in parentheses.
#[inline]
pub fn looks_like(text: &str) -> Option<Look> {
    let bytes = text.as_bytes();
    if memchr::memchr3(b'@', b'%', 0xef, bytes).is_some() && has_email(text) {
        return Some(Look::Email);
    }
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace());
    let may_be_phone = matches!(first, Some(b'+' | b'(')) && bytes.len() <= 40;
    (may_be_phone && is_phone(text)).then_some(Look::Phone)
}

/// Returns true for a text that is a phone number if its key says so: 7 to 15 digits with the usual signs between them.
pub fn looks_like_phone_number(text: &str) -> bool {
    let digits = text.chars().filter(|c| c.is_numeric()).count();
    let fits = |c: char| c.is_numeric() || c.is_whitespace() || "+-–().,/x#".contains(c);
    PHONE_DIGITS.contains(&digits) && text.chars().all(fits)
}

/// Returns true if an e-mail address is part of the text, percent-encoded up to three times or not at all.
fn has_email(text: &str) -> bool {
    if find_email(text).is_some() {
        return true;
    }
    let mut decoded = super::decode::decoded(text);
    for _ in 1..super::decode::ROUNDS {
        let Some(text) = decoded else { return false };
        if find_email(&text).is_some() {
            return true;
        }
        decoded = super::decode::decoded(&text);
    }
    decoded.is_some_and(|text| find_email(&text).is_some())
}

/// Finds an e-mail address in a text: a name, an at sign, and a domain with a top-level domain of letters.
pub(super) fn find_email(text: &str) -> Option<Range<usize>> {
    // A byte of an at sign, before characters are looked at.
    memchr::memchr2(b'@', 0xef, text.as_bytes())?;
    let signs = text.match_indices(AT_SIGNS);
    signs.into_iter().find_map(|(at, sign)| {
        let (before, behind) = (&text[..at], &text[at + sign.len()..]);
        let name = before
            .char_indices()
            .rev()
            .take_while(|(_, c)| c.is_alphanumeric() || "._%+-'&!#$*/=^`{|}~\u{fffd}".contains(*c))
            .last()
            .map(|(start, _)| start)?;
        let has_letter = before[name..].contains(char::is_alphanumeric);
        let length = domain(behind)?;
        has_letter.then(|| name..at + sign.len() + length)
    })
}

/// Returns the length of the domain that a text begins with; `None` if it is none.
fn domain(text: &str) -> Option<usize> {
    let end = text
        .find(|c: char| !(c.is_alphanumeric() || c == '-' || c == '.' || c == '。'))
        .unwrap_or(text.len());
    let whole = text[..end].trim_end_matches(['.', '-', '。']);
    let (labels, top) = whole.rsplit_once(['.', '。'])?;
    let is_top = top.chars().count() >= 2 && top.chars().all(char::is_alphabetic) || top.starts_with("xn--");
    // Images for dense screens are named so: `logo@2x.png`.
    let is_scale = labels.strip_suffix('x').is_some_and(|n| n.parse::<f32>().is_ok());
    (is_top && !is_scale && !labels.is_empty()).then_some(whole.len())
}

/// Returns true if the whole text is a phone number with `+` or an area code in parentheses before the
/// digits.
pub(super) fn is_phone(text: &str) -> bool {
    let text = text.trim();
    let marked = text.starts_with('+') && !text.starts_with("++") || has_area_code(text);
    marked && looks_like_phone_number(text)
}

/// Most words of a phone number, such as `+44 (0) 20 7946 0123`.
const PHONE_WORDS: usize = 6;

/// Returns the number of words of a phone number that these words, each with the blanks behind it, begin with: the most that
/// make one.
pub(super) fn phone_at(words: &[&str]) -> Option<usize> {
    let first = words.first()?;
    if !first.starts_with(['+', '(']) {
        return None;
    }
    let most = words.len().min(PHONE_WORDS);
    (1..=most).rev().find(|count| {
        let text = words.get(..*count).unwrap_or_default().concat();
        is_phone(text.trim_end_matches(|c: char| c.is_whitespace() || ".,;!?".contains(c)))
    })
}

/// Returns true if a phone number is part of the text.
pub(super) fn has_phone(text: &str) -> bool {
    if !text.contains(['+', '(']) {
        return false;
    }
    let words: Vec<&str> = text.split_inclusive(char::is_whitespace).collect();
    (0..words.len()).any(|at| phone_at(words.get(at..).unwrap_or_default()).is_some())
}

/// Returns true for a text that begins with digits in parentheses.
fn has_area_code(text: &str) -> bool {
    let inner = text
        .strip_prefix('(')
        .and_then(|rest| rest.split_once(')'))
        .map(|(inner, _)| inner);
    inner.is_some_and(|inner| {
        (2..=5).contains(&inner.len()) && inner.bytes().all(|b| b.is_ascii_digit() || b == b'+')
    })
}

/// Returns true if the whole text is a phone number as people write one: marked as such, or in groups that no date,
/// price or size has: `415-555-0100`, `06 12 34 56 78`.
pub(super) fn is_written_phone(text: &str) -> bool {
    if is_phone(text) {
        return true;
    }
    let text = text.trim();
    let lengths = || text.split([' ', '-', '.', '/']).map(str::len);
    let in_groups = text.bytes().all(|b| b.is_ascii_digit() || b" -./".contains(&b))
        && lengths().all(|length| length > 0);
    let trunk =
        || text.starts_with('0') && lengths().count() >= 3 && (9..=12).contains(&lengths().sum::<usize>());
    in_groups && (lengths().eq([3, 3, 4]) || trunk())
}

/// Returns true for a JSON Web Token: parts of base64url joined by dots, of which the first begins with `{"` encoded.
pub(super) fn is_token(text: &str) -> bool {
    let part = |part: &str| {
        part.bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_=".contains(&b))
    };
    text.starts_with("eyJ") && text.len() >= 20 && text.split('.').count() >= 2 && text.split('.').all(part)
}

/// Length from which on a text may count as made by chance.
pub(super) const SHORTEST_RANDOM: usize = 16;

/// Returns true for a text that looks made by chance: 16 or more characters of an identifier, letters and digits mixed.
pub(super) fn is_random(text: &str) -> bool {
    text.len() >= SHORTEST_RANDOM
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.~".contains(&b))
        && text.bytes().any(|b| b.is_ascii_digit())
        && text.bytes().any(|b| b.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_phones_have_a_form() {
        for (text, expected) in [
            ("ada@example.com", Some(Look::Email)),
            ("write to Ada+tag@mail.example.co.uk, please", Some(Look::Email)),
            ("ada%40example.com", Some(Look::Email)),
            ("ada%2540example.com", Some(Look::Email)),
            ("ada%252540example.com", Some(Look::Email)),
            ("ada\u{ff20}example.com", Some(Look::Email)),
            ("用户@例え.テスト", Some(Look::Email)),
            ("+14155550100", Some(Look::Phone)),
            (" +44 20 7946 0123 ", Some(Look::Phone)),
            ("(415) 555-0100", Some(Look::Phone)),
            ("https://social.example/@ada/1", None),
            ("react@18.2.0/dist", None),
            ("logo@2x.png", None),
            ("ada@localhost", None),
            ("@example.com", None),
            ("2026-11-28T10:00:00+01:00", None),
            ("1234567890123", None),
            ("+1", None),
            ("+10% off", None),
            ("100%", None),
            ("(12 pieces)", None),
            ("", None),
        ] {
            assert_eq!(looks_like(text), expected, "{text}");
        }
    }

    #[test]
    fn people_write_phones_in_groups() {
        for (text, expected) in [
            ("415-555-0100", true),
            ("06 12 34 56 78", true),
            ("030 1234 5678", true),
            ("2026-11-28", false),
            ("978-3-16-148410-0", false),
            ("1234567890", false),
            ("size 42", false),
            ("01.12.2026", false),
        ] {
            assert_eq!(is_written_phone(text), expected, "{text}");
        }
    }
}
