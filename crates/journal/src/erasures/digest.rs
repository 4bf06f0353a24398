//! Keyed hashes: HMAC-SHA256, cut to 128 bits.

use std::fmt;

use ring::hmac;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::JournalError;

/// The kind of a text in a comparison. The tag is part of the hash, so that a user id never matches a phone number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Tag {
    /// No text: the hash is the public name of the key.
    Name = 0,
    /// An e-mail address, wherever it stands.
    Email = 1,
    /// The digits of a phone number with its country code, wherever it stands.
    Phone = 2,
    /// The digits of a national number, where the erasure names the international one.
    National = 3,
    /// The digits of a number without its first ones, where the erasure names the national one.
    WithoutCountry = 4,
    /// A SHA-256, wherever it stands.
    Hash = 5,
    /// A user id, where user ids stand.
    UserId = 6,
    /// The SHA-256 of a user id, where user ids stand.
    UserIdHash = 7,
    /// An anonymous id, where anonymous ids stand.
    AnonymousId = 8,
    /// The SHA-256 of an anonymous id, where anonymous ids stand.
    AnonymousIdHash = 9,
    /// A long id, wherever it stands.
    LongId = 10,
    /// The `messageId` of an event.
    MessageId = 11,
}

/// The hash of one spelling of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Digest([u8; 16]);

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(&self.0))
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = from_hex(&text).map(Digest);
        bytes.ok_or_else(|| serde::de::Error::custom("a hash of 32 hexadecimal digits was expected"))
    }
}

/// Writes bytes as hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Reads hexadecimal digits.
fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// The key of the hashes: random, and made with a journal's first erasure. Without it the hashes cannot be looked up in
/// tables, nor compared with those of another journal.
#[derive(Clone)]
pub(crate) struct DigestKey {
    bytes: [u8; 32],
    key: hmac::Key,
}

impl fmt::Debug for DigestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DigestKey")
    }
}

impl Serialize for DigestKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex(&self.bytes))
    }
}

impl<'de> Deserialize<'de> for DigestKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<DigestKey, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = from_hex(&text).map(DigestKey::new);
        bytes.ok_or_else(|| serde::de::Error::custom("a key of 64 hexadecimal digits was expected"))
    }
}

impl DigestKey {
    fn new(bytes: [u8; 32]) -> DigestKey {
        DigestKey {
            bytes,
            key: hmac::Key::new(hmac::HMAC_SHA256, &bytes),
        }
    }

    /// Makes a new key.
    ///
    /// # Errors
    /// [`JournalError`] if the system gives no random numbers.
    pub(crate) fn random() -> Result<DigestKey, JournalError> {
        let mut bytes = [0; 32];
        let filled = SystemRandom::new().fill(&mut bytes);
        filled.map_err(|_| {
            let told = "the system gave no random numbers for the key of erasures; try again";
            JournalError(told.to_owned())
        })?;
        Ok(DigestKey::new(bytes))
    }

    /// The public name of the key, from which the key cannot be found.
    pub(super) fn name(&self) -> Digest {
        self.digest(Tag::Name, "")
    }

    /// Hashes a text.
    pub(super) fn digest(&self, tag: Tag, text: &str) -> Digest {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&[tag as u8]);
        context.update(text.as_bytes());
        let whole = context.sign();
        let mut digest = [0; 16];
        for (to, from) in digest.iter_mut().zip(whole.as_ref()) {
            *to = *from;
        }
        Digest(digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_depend_on_key_tag_and_text() {
        let (one, two) = (DigestKey::random().unwrap(), DigestKey::random().unwrap());
        let hash = one.digest(Tag::Email, "a@b.c");
        assert_eq!(hash, one.clone().digest(Tag::Email, "a@b.c"));
        assert_ne!(hash, two.digest(Tag::Email, "a@b.c"));
        assert_ne!(hash, one.digest(Tag::UserId, "a@b.c"));
        assert_ne!(hash, one.digest(Tag::Email, "a@b.d"));
        let text = serde_json::to_string(&(&one, &hash)).unwrap();
        let (key, read): (DigestKey, Digest) = serde_json::from_str(&text).unwrap();
        assert_eq!((read, key.digest(Tag::Email, "a@b.c")), (hash, hash));
        assert!(!format!("{one:?}").contains(&hex(&one.bytes)));
        for wrong in [
            "",
            "00",
            "zz000000000000000000000000000000",
            "é0000000000000000000000000000000",
        ] {
            assert!(serde_json::from_value::<Digest>(wrong.into()).is_err(), "{wrong}");
        }
    }
}
