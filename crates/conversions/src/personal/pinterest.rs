//! Pinterest's own rules, as its API description and developer pages publish them.

use signalbox_core::Sha256Hex;
use signalbox_segment::value::{is_js_space, js_trim};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::geo;
use super::text::{self, ascii_digit};
use super::{Dropped, Field, Form, birthday, gender, placeholders};

pub(super) fn normalise(field: Field, text: &str, out: &mut String) -> Result<Form, Dropped> {
    // Most phones: too short to be a hash of any kind, and nothing to clean but what is no digit.
    if field == Field::Phone && text.len() < 32 && text.is_ascii() && !js_trim(text).is_empty() {
        return phone(text, out).map(|()| Form::Plain);
    }
    text::clean(text, out);
    if out.is_empty() {
        return Err(Dropped::Empty);
    }
    if is_sha256(out) {
        return Ok(Form::Hashed);
    }
    if placeholders::is_foreign_hash(field, out) {
        return Err(Dropped::ForeignHash);
    }
    // A date is not looked up as a word, and a phone is only digits: both have an error of their own.
    if !matches!(field, Field::Phone | Field::DateOfBirth) && placeholders::is_junk(field, out) {
        return Err(Dropped::Junk);
    }
    match field {
        Field::Email => email(out)?,
        Field::Phone => phone(text, out)?,
        Field::Gender => gender::code(out)?,
        Field::DateOfBirth => birthday::compact(text, out)?,
        Field::City => city(out)?,
        Field::State => {
            if let Some(code) = geo::state_in(out) {
                replace_lower(code, out);
            }
        }
        Field::Zip => zip(text, out)?,
        Field::Country => {
            if let Some(code) = geo::country_in(out) {
                replace_lower(code, out);
            }
        }
        Field::FirstName | Field::LastName | Field::ExternalId | Field::MobileAdId | Field::Street => {}
    }
    // A hash may have been written with something between its digits; it must not be hashed again either.
    Ok(if is_sha256(out) { Form::Hashed } else { Form::Plain })
}

fn is_sha256(cleaned: &str) -> bool {
    cleaned.len() == 64 && Sha256Hex::are_digits(cleaned.as_bytes())
}

fn replace_lower(code: &str, out: &mut String) {
    out.clear();
    out.push_str(code);
    out.make_ascii_lowercase();
}

/// One `@` with something on both sides. More is not asked: what can be delivered to is not ours to judge.
fn email(cleaned: &str) -> Result<(), Dropped> {
    let bytes = cleaned.as_bytes();
    let at = memchr::memchr(b'@', bytes).ok_or(Dropped::NotAnEmail)?;
    let domain = &bytes[at + 1..];
    if memchr::memchr(b'@', domain).is_some() {
        let list = cleaned.contains([',', ';', '|', '/']);
        return Err(if list {
            Dropped::SeveralValues
        } else {
            Dropped::NotAnEmail
        });
    }
    let bracketed = memchr::memchr2(b'<', b'>', bytes).is_some();
    if at == 0 || domain.is_empty() || bracketed {
        Err(Dropped::NotAnEmail)
    } else {
        Ok(())
    }
}

/// Digits only, without leading zeros; no country code is invented.
fn phone(text: &str, out: &mut String) -> Result<(), Dropped> {
    out.clear();
    text::push_digits(text, out);
    let zeros = out.len() - out.trim_start_matches('0').len();
    out.drain(..zeros);
    if out.is_empty() {
        Err(Dropped::NoDigits)
    } else {
        Ok(())
    }
}

/// Letters and digits of any script; accents and vowel signs are part of letters.
fn city(out: &mut String) -> Result<(), Dropped> {
    let stays = |c: char| c.is_alphanumeric() || is_combining_mark(c);
    if out.is_ascii() {
        retain_alphanumeric(out);
    } else if !out.chars().all(stays) {
        // Composed again, since what stood between a letter and an accent may be gone.
        *out = out.chars().filter(|&c| stays(c)).nfc().collect();
    }
    check_again(Field::City, out)
}

fn retain_alphanumeric(out: &mut String) {
    if !out.bytes().all(|b| b.is_ascii_alphanumeric()) {
        out.retain(|c| c.is_ascii_alphanumeric());
    }
}

/// Digits where there is no letter, ZIP+4 cut to its first five; with letters, the letters and digits.
fn zip(text: &str, out: &mut String) -> Result<(), Dropped> {
    if out.is_ascii() {
        retain_alphanumeric(out);
    } else {
        let kept = out
            .chars()
            .filter(|&c| c.is_alphanumeric() || is_combining_mark(c));
        *out = kept.map(|c| ascii_digit(c).unwrap_or(c)).nfc().collect();
    }
    if out.len() == 9 && is_zip_plus_four(text) {
        out.truncate(5);
    }
    check_again(Field::Zip, out)
}

/// Five digits, then blanks, dashes or a plus, then four digits.
fn is_zip_plus_four(text: &str) -> bool {
    let (mut first, mut between, mut last) = (0, 0, 0);
    for c in js_trim(text).chars() {
        let digit = ascii_digit(c).is_some();
        match (digit, between) {
            (true, 0) => first += 1,
            (true, _) => last += 1,
            (false, _) if last == 0 && is_zip_separator(c) => between += 1,
            (false, _) => return false,
        }
    }
    first == 5 && last == 4
}

fn is_zip_separator(c: char) -> bool {
    is_js_space(c) || matches!(c, '-' | '+' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// Taking punctuation out may have laid bare a placeholder or a hash; deciding now keeps normalising idempotent.
fn check_again(field: Field, out: &str) -> Result<(), Dropped> {
    if out.is_empty() {
        Err(Dropped::Empty)
    } else if placeholders::is_junk(field, out) {
        Err(Dropped::Junk)
    } else if placeholders::is_foreign_hash(field, out) {
        Err(Dropped::ForeignHash)
    } else {
        Ok(())
    }
}
