//! SHA-256 values, the only form in which personal fields leave for an advertising platform.

use std::fmt;

use sha2::block_api::compress256;
use sha2::{Digest, Sha256};

use crate::json::copy;

/// The lower-case hexadecimal SHA-256 of a text: 64 ASCII characters, stored inline.
///
/// There are two ways to make one: hash a text ([`Sha256Hex::of`]), or accept one that is hashed already
/// ([`Sha256Hex::from_prehashed`]). A field of this type therefore cannot hold plain text.
// Aligned, so that vector loads and stores of the digits split at the same offsets after every move: a load over
// several smaller stores defeats store forwarding.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(align(32))]
pub struct Sha256Hex([u8; 64]);

impl Sha256Hex {
    /// Hashes the UTF-8 bytes of a text as they are; normalise before.
    pub fn of(text: &str) -> Sha256Hex {
        match short_digest(text.as_bytes()) {
            Some(digest) => digits(&digest),
            None => digits(&Sha256::digest(text.as_bytes()).into()),
        }
    }

    /// Accepts a text of exactly 64 hexadecimal digits in either case, lower-cased; trim before.
    pub fn from_prehashed(text: &str) -> Option<Sha256Hex> {
        let mut hex: [u8; 64] = text.as_bytes().try_into().ok()?;
        if !Sha256Hex::are_digits(&hex) {
            return None;
        }
        hex.make_ascii_lowercase();
        Some(Sha256Hex(hex))
    }

    /// Returns true if all bytes are hexadecimal digits in either case. Looks at all of them without a branch for each,
    /// so that the compiler vectorises the loop.
    pub fn are_digits(bytes: &[u8]) -> bool {
        bytes
            .iter()
            .fold(true, |all, byte| all & byte.is_ascii_hexdigit())
    }

    /// Returns the 64 digits as ASCII bytes.
    pub fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }

    /// Returns the 64 digits.
    pub fn as_str(&self) -> &str {
        // Only ASCII digits are stored.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

/// Formats a digest. Without branches or a table, so that the compiler vectorises it; a library would detect the
/// processor's features at each call.
#[inline]
fn digits(digest: &[u8; 32]) -> Sha256Hex {
    let digit = |half: u8| half + if half < 10 { b'0' } else { b'a' - 10 };
    let mut hex = [0; 64];
    for (at, byte) in digest.iter().enumerate() {
        hex[2 * at] = digit(byte >> 4);
        hex[2 * at + 1] = digit(byte & 0xf);
    }
    Sha256Hex(hex)
}

/// Hashes a text that fits one block, as nearly all personal values do; `None` for longer ones. The library's general
/// path, for messages of any length in any pieces, costs as much again as the block.
fn short_digest(text: &[u8]) -> Option<[u8; 32]> {
    /// The initial hash value (FIPS 180-4, 5.3.3).
    const START: [u32; 8] = [
        0x6a09_e667,
        0xbb67_ae85,
        0x3c6e_f372,
        0xa54f_f53a,
        0x510e_527f,
        0x9b05_688c,
        0x1f83_d9ab,
        0x5be0_cd19,
    ];
    // The padding after the text is a one, zeros, and the text's length in bits (5.1.1).
    let mut block = [0; 64];
    let (padded, length) = block.split_at_mut(56);
    *padded.get_mut(text.len())? = 0x80;
    // Copies pieces of constant length: for so few bytes a call to memcpy takes as long as the copy.
    copy(text, padded);
    length.copy_from_slice(&(text.len() as u64 * 8).to_be_bytes());
    let mut state = START;
    compress256(&mut state, std::slice::from_ref(&block));
    state.map(u32::to_be_bytes).as_flattened().try_into().ok()
}

impl fmt::Display for Sha256Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Sha256Hex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256Hex({}…)", &self.as_str()[..8])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_texts_hash_as_all_texts_do() {
        for length in 0..200 {
            let text = "aé".repeat(length);
            let text = &text.as_bytes()[..length];
            let short = short_digest(text);
            assert_eq!(short.is_some(), length < 56);
            assert!(
                short.is_none_or(|digest| digest == *Sha256::digest(text)),
                "{length}"
            );
        }
    }

    #[test]
    fn hashes_and_recognises() {
        let hash = Sha256Hex::of("abc");
        assert_eq!(
            hash.as_str(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            Sha256Hex::from_prehashed(&hash.as_str().to_uppercase()),
            Some(hash)
        );
        assert_eq!(Sha256Hex::from_prehashed(&hash.as_str()[1..]), None);
        assert_eq!(Sha256Hex::from_prehashed(&"g".repeat(64)), None);
        assert_eq!(Sha256Hex::from_prehashed(&"é".repeat(32)), None);
    }
}
