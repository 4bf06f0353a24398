//! Search texts and titles without personal data.

use super::forms::{find_email, is_written_phone, phone_at};
use super::removed::{Removed, Scrubbed};
use super::url::{found_in_value, is_plain};

/// Takes the words of a text out that hold an e-mail address, a secret of a recognised form, or a phone number in
/// international form or with an area code in parentheses. A text that is a phone number as a whole goes as a whole.
/// `None` if there is nothing to take out.
///
/// ```
/// use signalbox_core::privacy::scrub_text;
///
/// let scrubbed = scrub_text("order of ada@example.com lamp").unwrap();
/// assert_eq!(scrubbed.text, "order of lamp");
/// assert_eq!(scrub_text("rote Schuhe 42"), None);
/// ```
pub fn scrub_text(text: &str) -> Option<Scrubbed> {
    let bytes = text.as_bytes();
    if memchr::memchr3(b'@', b'%', 0xef, bytes).is_none()
        && memchr::memchr3(b'+', b'(', b'=', bytes).is_none()
        && !bytes.iter().any(u8::is_ascii_digit)
        && memchr::memchr2(b'_', b'[', bytes).is_none()
    {
        return None;
    }
    if is_written_phone(text) {
        return Some(Scrubbed {
            text: String::new(),
            removed: Removed::PHONE,
        });
    }
    // Ids, names and most searches.
    if text.split_whitespace().all(|word| is_plain(word.as_bytes())) {
        return None;
    }
    // `ada @ example.com`
    if text.contains('@') && find_email(text).is_none() && find_email(&text.replace(" @ ", "@")).is_some() {
        return Some(Scrubbed {
            text: String::new(),
            removed: Removed::EMAIL,
        });
    }
    let mut removed = Removed::NONE;
    let mut kept: Vec<&str> = Vec::new();
    let words: Vec<&str> = text.split_inclusive(char::is_whitespace).collect();
    let mut at = 0;
    while let Some(word) = words.get(at) {
        if let Some(kind) = found_in_word(word.trim()) {
            removed.add(kind);
            at += 1;
        } else if let Some(count) = phone_at(words.get(at..).unwrap_or_default()) {
            removed.add(Removed::PHONE);
            at += count;
        } else {
            kept.push(word);
            at += 1;
        }
    }
    (!removed.is_empty()).then(|| Scrubbed {
        text: kept.concat().trim().to_owned(),
        removed,
    })
}

fn found_in_word(word: &str) -> Option<Removed> {
    if is_plain(word.as_bytes()) {
        return None;
    }
    let lower = word.to_lowercase();
    let is_spelt_out = ["(at)", "[at]"]
        .iter()
        .any(|at| find_email(&lower.replace(at, "@")).is_some());
    if is_spelt_out {
        return Some(Removed::EMAIL);
    }
    // `tel:+14155550100`
    let after = word.split_once(':').and_then(|(_, after)| found_in_value(after));
    after.or_else(|| found_in_value(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searches_lose_addresses_and_phones() {
        for (text, expected) in [
            ("ada@example.com", Some("")),
            (" Ada.Lovelace@example.co.uk ", Some("")),
            ("ada%40example.com", Some("")),
            ("order ada@example.com status", Some("order status")),
            ("from:ada@example.com lamp", Some("lamp")),
            ("+14155550100", Some("")),
            ("(415) 555-0100", Some("")),
            ("06 12 34 56 78", Some("")),
            ("call +44 20 7946 0123 now", Some("call now")),
            ("call (415) 555-0100, please", Some("call please")),
            ("?q=ada%40example.com", Some("")),
            ("tel:+14155550100", Some("")),
            ("lamp ada(at)example.com", Some("lamp")),
            ("lamp ada[at]example.com", Some("lamp")),
            ("ada @ example.com", Some("")),
            ("lamp (atelier)", None),
            ("rote Schuhe 42", None),
            ("lamp 2026-11-28", None),
            ("order 1234567890", None),
            ("iphone 15 pro (256 GB)", None),
            ("c++ book", None),
            ("50% off", None),
            ("@ada", None),
            ("", None),
        ] {
            let scrubbed = scrub_text(text).map(|scrubbed| scrubbed.text);
            assert_eq!(scrubbed.as_deref(), expected, "{text}");
        }
    }
}
