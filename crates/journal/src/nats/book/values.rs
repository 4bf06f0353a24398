//! The form of values at the servers: JSON as it is, or sealed in a journal with a key.

use std::borrow::Cow;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::JournalError;
use crate::seal::records::RecordCipher;

/// The first bytes of a sealed value. No text contains them: 0xF7 never occurs in UTF-8.
const SEALED: [u8; 8] = *b"\xF7sbseal1";

/// Encodes and decodes values. A sealed value opens at its own subject only.
#[derive(Clone, Default)]
pub(crate) struct Values(Option<RecordCipher>);

impl Values {
    /// Creates the form of a sealed journal, or with `None` of a plain one.
    pub(crate) fn new(cipher: Option<RecordCipher>) -> Values {
        Values(cipher)
    }

    /// Encodes a value for a subject.
    ///
    /// # Errors
    /// [`JournalError`] if it cannot be sealed.
    pub(crate) fn encode(&self, subject: &str, value: Vec<u8>) -> Result<Vec<u8>, JournalError> {
        let Some(cipher) = &self.0 else {
            return Ok(value);
        };
        let sealed = cipher.seal(subject.as_bytes(), &value);
        let sealed = sealed.map_err(|error| JournalError(error.to_string()))?;
        Ok([&SEALED[..], &sealed].concat())
    }

    /// Decodes a message of another router; `None` as for [`Values::decode`], and if a message is plain in a sealed journal:
    /// anybody at the servers could have sent it. Values may be plain, since the journal may have had no key before.
    pub(crate) fn decode_message<'a>(&self, subject: &str, bytes: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        let is_ours = self.0.is_none() || bytes.starts_with(&SEALED);
        self.decode(subject, bytes).filter(|_| is_ours)
    }

    /// Decodes the value of a subject; `None` if it was changed, belongs to another subject, or is sealed under another key.
    pub(crate) fn decode<'a>(&self, subject: &str, bytes: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        match (bytes.strip_prefix(&SEALED), &self.0) {
            (None, _) => Some(bytes.into()),
            (Some(sealed), Some(cipher)) => cipher.open(subject.as_bytes(), sealed).map(Cow::Owned),
            (Some(_), None) => None,
        }
    }
}

/// Encodes JSON.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<Vec<u8>, JournalError> {
    serde_json::to_vec(value).map_err(|error| JournalError(format!("a record cannot be encoded: {error}")))
}

/// Decodes JSON; `None` if it is none of this type.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    serde_json::from_slice(bytes).ok()
}

/// The first byte of a checkpoint's record if the checkpoint is empty, as the record of a removed one is, or begins with this
/// byte itself.
const VERBATIM: u8 = 0xF7;

/// Makes the record of a checkpoint.
pub(crate) fn checkpoint_record(mut checkpoint: Vec<u8>) -> Vec<u8> {
    if checkpoint.first().is_none_or(|first| *first == VERBATIM) {
        checkpoint.insert(0, VERBATIM);
    }
    checkpoint
}

/// Returns the checkpoint of a record.
pub(crate) fn checkpoint(record: &[u8]) -> &[u8] {
    record.strip_prefix(&[VERBATIM]).unwrap_or(record)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::keys_file::{Found, JournalKeys};
    use crate::seal::wrapped::tests::keys;

    #[test]
    fn a_sealed_value_opens_at_its_subject_and_with_its_key_only() {
        let cipher = || {
            let made = JournalKeys::open(&keys(&[1]), &Found::Nothing, None);
            made.unwrap().records
        };
        let (plain, sealed) = (Values::default(), Values::new(Some(cipher())));
        let bytes = sealed.encode("a.b", b"{\"name\":\"jane.doe\"}".to_vec()).unwrap();
        assert!(!bytes.windows(8).any(|part| part == b"jane.doe"));
        assert_eq!(
            sealed.decode("a.b", &bytes).as_deref(),
            Some(&b"{\"name\":\"jane.doe\"}"[..])
        );
        assert_eq!(sealed.decode("a.c", &bytes), None);
        assert_eq!(plain.decode("a.b", &bytes), None);
        assert_eq!(Values::new(Some(cipher())).decode("a.b", &bytes), None);
        let bytes = plain.encode("a.b", b"{}".to_vec()).unwrap();
        assert_eq!(sealed.decode("a.b", &bytes).as_deref(), Some(&b"{}"[..]));
    }
}
