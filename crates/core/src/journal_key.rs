//! The operator's key of a sealed journal, and its text form.
//!
//! The text is `sbx1_` and 48 characters of base64url: the 32 bytes of the key, and 4 bytes of checksum, which reveal a typing
//! error.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// The beginning of each key's text.
const PREFIX: &str = "sbx1_";
const KEY: usize = 32;
const CHECKSUM: usize = 4;
/// The characters after the prefix.
const TEXT: usize = (KEY + CHECKSUM) / 3 * 4;

/// A key of 256 bits that seals the keys of a journal's files. It has no `Display`, and `Debug` prints `JournalKey(…)`.
#[derive(Clone, PartialEq, Eq)]
pub struct JournalKey([u8; KEY]);

/// The reason why a text is no key. It never shows the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// The text is empty, as that of an empty file.
    #[error("is empty: 'signalbox keygen' makes a key")]
    Empty,
    /// The text does not begin as a key does.
    #[error("is no key of a journal: such a key begins with {PREFIX}; 'signalbox keygen' makes one")]
    Prefix,
    /// The text has too few or too many characters, or some that no key has.
    #[error("is a key cut short, or with characters too many: {PREFIX} and {TEXT} characters are expected")]
    Length,
    /// The checksum in the text is wrong.
    #[error("has a typing error: the checksum in the key is wrong; copy the key again")]
    Checksum,
}

impl JournalKey {
    /// Makes a key of random bytes.
    #[must_use]
    pub fn new(bytes: [u8; KEY]) -> JournalKey {
        JournalKey(bytes)
    }

    /// Reads a key from its text; white space around it does not count.
    ///
    /// # Errors
    /// [`KeyFault`]
    pub fn parse(text: &str) -> Result<JournalKey, KeyFault> {
        let text = text.trim();
        if text.is_empty() {
            return Err(KeyFault::Empty);
        }
        let text = text.strip_prefix(PREFIX).ok_or(KeyFault::Prefix)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| KeyFault::Length)?;
        let whole: [u8; KEY + CHECKSUM] = bytes.try_into().map_err(|_| KeyFault::Length)?;
        let (Some(key), Some(given)) = (whole.first_chunk::<KEY>(), whole.last_chunk::<CHECKSUM>()) else {
            return Err(KeyFault::Length);
        };
        if *given != checksum(key) {
            return Err(KeyFault::Checksum);
        }
        Ok(JournalKey(*key))
    }

    /// Returns the text of the key, for the file that keeps it.
    #[must_use]
    pub fn to_text(&self) -> String {
        let bytes = [&self.0[..], &checksum(&self.0)].concat();
        format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Returns the bytes of the key, for the cipher.
    #[must_use]
    pub fn expose(&self) -> &[u8; KEY] {
        &self.0
    }
}

impl fmt::Debug for JournalKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JournalKey(…)")
    }
}

fn checksum(key: &[u8; KEY]) -> [u8; CHECKSUM] {
    let digest = Sha256::new()
        .chain_update(b"signalbox journal key, checksum\0")
        .chain_update(key)
        .finalize();
    digest.first_chunk().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_from_its_text() {
        let key = JournalKey::new(std::array::from_fn(|i| i as u8 * 7));
        let text = key.to_text();
        assert_eq!(text.len(), PREFIX.len() + TEXT);
        assert_eq!(JournalKey::parse(&text), Ok(key.clone()));
        assert_eq!(JournalKey::parse(&format!(" {text}\r\n")), Ok(key.clone()));
        assert_eq!(format!("{key:?}"), "JournalKey(…)");
    }

    #[test]
    fn a_text_that_is_no_key_is_told_why_and_never_shown() {
        let text = JournalKey::new([9; KEY]).to_text();
        let mut typed = text.clone().into_bytes();
        typed[20] = if typed[20] == b'a' { b'b' } else { b'a' };
        let cases = [
            (String::new(), KeyFault::Empty),
            ("\n".to_owned(), KeyFault::Empty),
            ("0123456789abcdef0123456789abcdef".to_owned(), KeyFault::Prefix),
            (text.replace("sbx1_", "sbx2_"), KeyFault::Prefix),
            (text[..30].to_owned(), KeyFault::Length),
            (format!("{text}AAAA"), KeyFault::Length),
            (format!("{}!", &text[..text.len() - 1]), KeyFault::Length),
            (String::from_utf8(typed).unwrap(), KeyFault::Checksum),
        ];
        for (given, fault) in cases {
            assert_eq!(JournalKey::parse(&given), Err(fault), "{given}");
            let told = fault.to_string();
            assert!(given.trim().is_empty() || !told.contains(given.trim()));
        }
    }
}
