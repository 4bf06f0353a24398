//! Filters of Base64 and hashes.

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::engine::{DecodePaddingMode, general_purpose};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::super::item::Item;
use super::call::Named;
use crate::value::Value;

pub(super) const FILTERS: &[Named] = &[
    ("base64_encode", |call| {
        call.made(&general_purpose::STANDARD.encode(call.text()))
    }),
    ("base64_decode", |call| call.made(&decoded(call.text()))),
    ("sha256", |call| call.made(&hex(&Sha256::digest(call.text())))),
    ("hmac_sha256", |call| {
        // A key of any length is valid.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(call.text_of(0).as_bytes()) else {
            return Ok(Item::from(Value::Undefined));
        };
        mac.update(call.text().as_bytes());
        call.made(&hex(&mac.finalize().into_bytes()))
    }),
];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Decodes as Node does: both alphabets, padding or none, other characters passed over.
fn decoded(text: &str) -> String {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireNone)
        .with_decode_allow_trailing_bits(true);
    let standard = |c: char| match c {
        '-' => '+',
        '_' => '/',
        other => other,
    };
    let digits = text.chars().take_while(|c| *c != '=').map(standard);
    let mut digits: String = digits
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/'))
        .collect();
    // A single digit at the end is less than a byte.
    if digits.len() % 4 == 1 {
        digits.pop();
    }
    let engine = GeneralPurpose::new(&STANDARD, config);
    String::from_utf8_lossy(&engine.decode(digits).unwrap_or_default()).into_owned()
}
