//! Texts that cannot be an identity. Hashed, they would make one person of thousands of users.

use super::field::Field;

/// Returns true if a cleaned text (no white space, lower case) is a placeholder.
///
/// Three kinds: words that programs write where a value is missing; nothing but zeros, dashes and braces (the
/// advertising id of devices that limit tracking, nil UUIDs, user 0); no letter or digit at all (`-`, `***`).
pub(super) fn is_junk(field: Field, cleaned: &str) -> bool {
    is_placeholder(field, cleaned)
        || cleaned.bytes().all(|b| matches!(b, b'0' | b'-' | b'{' | b'}'))
        || !cleaned.chars().any(char::is_alphanumeric)
}

/// People are called Null, None and True; they lose one optional field here, which is cheaper than every missing
/// value of a site becoming one of them. The three shorter words are common names and the code of Namibia, and are
/// junk only where no name can stand.
fn is_placeholder(field: Field, cleaned: &str) -> bool {
    match cleaned {
        "false" | "true" | "null" | "undefined" | "none" | "unknown" | "anonymous" | "redacted" => true,
        "n/a" | "n.a." | "n\\a" | "#n/a" | "(null)" | "<null>" | "(none)" | "<none>" | "[null]"
        | "nullnull" => true,
        "notset" | "(notset)" | "notavailable" | "notprovided" | "notapplicable" | "undefinedundefined" => {
            true
        }
        "[objectobject]" | "[redacted]" => true,
        "na" | "nan" | "nil" => !matches!(
            field,
            Field::FirstName | Field::LastName | Field::City | Field::Country | Field::Street | Field::Email
        ),
        _ => false,
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
