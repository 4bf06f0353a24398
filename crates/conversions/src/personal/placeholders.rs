//! Texts that cannot be an identity. Hashed, they would make one person of thousands of users.

use signalbox_segment::placeholder::{HashOf, Placeholder, hash_of, is_value, is_zero_id, of_word};

use super::field::Field;

/// Returns true if a cleaned text (no white space, lower case) is a placeholder.
///
/// Three kinds: words that programs write where a value is missing; ids of zeros (the advertising id of devices that limit
/// tracking, nil UUIDs, user 0); no letter or digit at all (`-`, `***`).
#[inline]
pub(super) fn is_junk(field: Field, cleaned: &str) -> bool {
    if field != Field::MobileAdId && is_value(cleaned) {
        return false;
    }
    of_word(cleaned).is_some_and(|meaning| counts(field, meaning))
        || is_zero_id(cleaned)
        || field == Field::MobileAdId && !may_be_device_id(cleaned)
        || !cleaned.chars().any(char::is_alphanumeric)
}

/// Returns true for a text with a digit, or of 32 hexadecimal digits: an SDK writes words where a device gives no id.
fn may_be_device_id(cleaned: &str) -> bool {
    let hex = || cleaned.bytes().filter(u8::is_ascii_hexdigit).count();
    cleaned.bytes().any(|byte| byte.is_ascii_digit()) || hex() == 32
}

/// Returns true if a SHA-256 is the hash of a placeholder or of a blank text.
pub(super) fn is_hash_of_junk(field: Field, digits: &str) -> bool {
    match hash_of(digits) {
        None => false,
        Some(HashOf::ZeroId) => true,
        Some(HashOf::Placeholder(meaning)) => counts(field, meaning),
    }
}

/// People are called Null, None and Guest; they lose one optional field here, which is cheaper than every missing value of
/// a site becoming one of them. The short words are common names and the code of Namibia, and are junk only where no name
/// can stand.
fn counts(field: Field, meaning: Placeholder) -> bool {
    match meaning {
        Placeholder::Always | Placeholder::Identity => true,
        Placeholder::Short => !matches!(
            field,
            Field::FirstName | Field::LastName | Field::City | Field::Country | Field::Street | Field::Email
        ),
    }
}

/// Returns true if a cleaned text looks like a hash other than SHA-256 (MD5, SHA-1, SHA-512, or a damaged one): 32 or
/// more hexadecimal digits, a letter among them.
///
/// Such a value was meant to be sent as it is, but destinations match SHA-256 only; hashing it again makes a value that
/// looks right and never matches. An external id may be any text, so this means nothing there, and an
/// advertising id of 32 digits is a UUID without its dashes.
pub(super) fn is_foreign_hash(field: Field, cleaned: &str) -> bool {
    let long = match field {
        Field::ExternalId | Field::Street => false,
        Field::MobileAdId => cleaned.len() > 32,
        _ => cleaned.len() >= 32,
    };
    long && cleaned.bytes().all(|b| b.is_ascii_hexdigit()) && cleaned.bytes().any(|b| b.is_ascii_alphabetic())
}
