//! Values of the state that can hold personal data, as they lie in its tables: behind a checksum, and sealed if the
//! journal has a key. The checksum covers the sealed value, by which damage differs from another key.

use std::borrow::Cow;
use std::ops::Deref;

use redb::{ReadTransaction, WriteTransaction};
use serde::{Deserialize, Serialize};

use crate::checksum::{checked, verified};
use crate::panic_guard::Trouble;
use crate::seal::keys_file::{JournalKeys, WrappedKeys};
use crate::seal::records::RecordCipher;
use crate::{DeadLetterId, Position};

/// The place of a value in the state. A sealed value opens at its own place only.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Place<'a> {
    /// A dead letter.
    Letter(DeadLetterId),
    /// A parked event: its sink and position.
    Parked(&'a str, Position),
    /// A checkpoint: its source and key.
    Checkpoint(&'a str, &'a str),
}

impl Place<'_> {
    /// The associated data: names stand behind their length, so that no two places have the same bytes.
    fn to_bytes(self) -> Vec<u8> {
        let name = |name: &str| [&(name.len() as u64).to_le_bytes()[..], name.as_bytes()].concat();
        match self {
            Place::Letter(id) => [&b"letter"[..], &id.to_le_bytes()].concat(),
            Place::Parked(sink, position) => [&b"parked"[..], &name(sink), &position.to_le_bytes()].concat(),
            Place::Checkpoint(source, key) => [&b"checkpoint"[..], &name(source), &name(key)].concat(),
        }
    }
}

/// The note in the head of a sealed state about its key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HeadSeal {
    /// The public name of the state key.
    state_key: String,
    /// A copy of the wrapped keys, as hexadecimal digits: the state stays readable if their file is lost.
    keys: String,
}

impl HeadSeal {
    /// Reads the copy of the wrapped keys; `None` if it is damaged.
    pub(crate) fn keys(&self) -> Option<WrappedKeys> {
        let byte = |at: usize| u8::from_str_radix(self.keys.get(at..at + 2)?, 16).ok();
        let bytes: Option<Vec<u8>> = (0..self.keys.len()).step_by(2).map(byte).collect();
        WrappedKeys::parse(&bytes?).ok().flatten()
    }
}

/// The form of the values of a state.
#[derive(Clone, Default)]
pub(crate) struct Values(Option<Sealed>);

#[derive(Clone)]
struct Sealed {
    cipher: RecordCipher,
    seal: HeadSeal,
}

impl Values {
    /// Returns the form of a state whose journal has these keys.
    pub(crate) fn new(keys: Option<&JournalKeys>) -> Values {
        Values(keys.map(|keys| {
            let wrapped = keys.wrapped.to_bytes();
            let seal = HeadSeal {
                state_key: keys.records.name(),
                keys: wrapped.iter().map(|byte| format!("{byte:02x}")).collect(),
            };
            Sealed {
                cipher: keys.records.clone(),
                seal,
            }
        }))
    }

    /// The note for the head of a state in this form; `None` if it is plain.
    pub(super) fn seal(&self) -> Option<HeadSeal> {
        self.0.as_ref().map(|sealed| sealed.seal.clone())
    }

    /// Fails if a state with this note in its head is not in this form, and cannot be brought into it.
    pub(super) fn check(&self, found: Option<&HeadSeal>) -> Result<(), Trouble> {
        match (found, self.seal()) {
            (None, _) => Ok(()),
            (Some(_), None) => Err(Trouble::Refused(
                "the journal is sealed, and no key is configured: set journal.key to the file that holds the key. Nothing was \
                 changed"
                    .into(),
            )),
            (Some(found), Some(own)) if found.state_key != own.state_key => Err(Trouble::Refused(
                "it is sealed with the keys of another keys.bin: put the right keys.bin back, or remove the one that is \
                 there, since the state has a copy"
                    .into(),
            )),
            (Some(_), Some(_)) => Ok(()),
        }
    }

    /// True if values are sealed.
    pub(crate) fn are_sealed(&self) -> bool {
        self.0.is_some()
    }

    /// Encodes a value for its place.
    ///
    /// # Errors
    /// The system's, if it has no random bytes to give.
    pub(super) fn encode(&self, place: Place<'_>, value: &[u8]) -> Result<Vec<u8>, redb::Error> {
        let Some(sealed) = &self.0 else {
            return Ok(checked(value));
        };
        let bytes = sealed.cipher.seal(&place.to_bytes(), value);
        Ok(checked(&bytes.map_err(|error| redb::Error::Io(error.into()))?))
    }

    /// Decodes the value at a place; `None` if it is damaged or belongs to another place.
    pub(super) fn decode<'a>(&self, place: Place<'_>, bytes: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        let value = verified(bytes)?;
        match &self.0 {
            None => Some(value.into()),
            Some(sealed) => sealed.cipher.open(&place.to_bytes(), value).map(Cow::Owned),
        }
    }

    /// Moves a value to another place. A damaged one stays as it is, so that its reader reports it.
    pub(super) fn moved(&self, from: Place<'_>, to: Place<'_>, bytes: &[u8]) -> Result<Vec<u8>, redb::Error> {
        match self.decode(from, bytes) {
            Some(value) => self.encode(to, &value),
            None => Ok(bytes.to_vec()),
        }
    }
}

/// A change of the state under way, and the form of its values.
pub(crate) struct Change<'a> {
    pub(super) txn: &'a WriteTransaction,
    pub(super) values: &'a Values,
}

impl Deref for Change<'_> {
    type Target = WriteTransaction;

    fn deref(&self) -> &WriteTransaction {
        self.txn
    }
}

/// A commit of the state that is read, and the form of its values.
pub(crate) struct View<'a> {
    pub(super) txn: &'a ReadTransaction,
    pub(super) values: &'a Values,
}

impl Deref for View<'_> {
    type Target = ReadTransaction;

    fn deref(&self) -> &ReadTransaction {
        self.txn
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::seal::keys_file::Found;
    use crate::seal::wrapped::tests::keys;

    fn places() -> Vec<Place<'static>> {
        vec![
            Place::Letter(1),
            Place::Letter(2),
            Place::Parked("s", 1),
            Place::Parked("s", 2),
            Place::Parked("t", 1),
            Place::Checkpoint("a", "bc"),
            Place::Checkpoint("ab", "c"),
        ]
    }

    /// The form of a sealed state with new keys.
    pub(crate) fn sealed() -> Values {
        let keys = JournalKeys::open(&keys(&[1]), &Found::Nothing, None).unwrap();
        Values::new(Some(&keys))
    }

    #[test]
    fn a_sealed_value_opens_at_its_place_with_its_key_alone() {
        let (values, other) = (sealed(), sealed());
        for (n, place) in places().into_iter().enumerate() {
            let bytes = values.encode(place, b"jane@example.com").unwrap();
            assert!(!bytes.windows(4).any(|part| part == b"jane"));
            assert_eq!(
                values.decode(place, &bytes).as_deref(),
                Some(&b"jane@example.com"[..])
            );
            assert_eq!(other.decode(place, &bytes), None);
            for (m, elsewhere) in places().into_iter().enumerate() {
                assert_eq!(
                    values.decode(elsewhere, &bytes).is_some(),
                    n == m,
                    "{place:?} {elsewhere:?}"
                );
                let moved = values.moved(place, elsewhere, &bytes).unwrap();
                assert_eq!(
                    values.decode(elsewhere, &moved).as_deref(),
                    Some(&b"jane@example.com"[..])
                );
            }
        }
    }

    #[test]
    fn a_changed_byte_is_damage_also_behind_a_right_checksum() {
        let values = sealed();
        let bytes = values.encode(Place::Letter(1), b"value").unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert_eq!(values.decode(Place::Letter(1), &changed), None, "{at}");
            let again = checked(&changed[8..]);
            assert_eq!(values.decode(Place::Letter(1), &again).is_some(), at < 8, "{at}");
        }
        for short in 0..bytes.len() {
            assert_eq!(values.decode(Place::Letter(1), &bytes[..short]), None);
            let again = checked(&bytes[8.min(short)..short]);
            assert_eq!(values.decode(Place::Letter(1), &again), None);
        }
    }

    #[test]
    fn a_plain_value_is_as_it_always_was() {
        let values = Values::default();
        let bytes = values.encode(Place::Letter(1), b"value").unwrap();
        assert_eq!(bytes, checked(b"value"));
        assert_eq!(
            values.decode(Place::Letter(2), &bytes).as_deref(),
            Some(&b"value"[..])
        );
    }

    #[test]
    fn the_head_keeps_a_copy_of_the_wrapped_keys() {
        let opened = JournalKeys::open(&keys(&[1]), &Found::Nothing, None).unwrap();
        let values = Values::new(Some(&opened));
        let seal = values.seal().unwrap();
        assert_eq!(seal.keys(), Some(opened.wrapped));
        assert!(values.check(Some(&seal)).is_ok() && values.check(None).is_ok());
        let other = sealed();
        for (form, told) in [
            (other, "another keys.bin"),
            (Values::default(), "no key is configured"),
        ] {
            let error = form.check(Some(&seal)).unwrap_err();
            assert!(error.text().contains(told), "{error:?}");
        }
    }
}
