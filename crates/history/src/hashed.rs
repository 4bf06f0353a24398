//! Keyed hashes of what a record brings in the clear.

use hashbrown::HashSet;
use smallvec::SmallVec;

use crate::ids::{IdHash, IdKeys};
use crate::record::Record;

/// The keyed hashes of a record.
pub(crate) struct Hashed<'r> {
    /// The ids of the event that there are, in the order of [`Ids::of_event`](crate::Ids::of_event).
    pub(crate) ids: [Option<(&'r str, IdHash)>; 3],
    pub(crate) people: Hashes,
    /// The digest of the encoded record.
    pub(crate) digest: Option<u64>,
}

impl<'r> Hashed<'r> {
    pub(crate) fn of(record: &'r Record<'_>, keys: &IdKeys) -> Hashed<'r> {
        Hashed {
            ids: record.ids.of_event().map(|(kind, text)| {
                let id = (!text.is_empty()).then_some(text)?;
                Some((id, keys.hash(kind, id)))
            }),
            people: record.ids.people.hashes(keys).collect(),
            digest: record.checksum.map(|checksum| keys.digest(checksum)),
        }
    }

    /// Returns the hashes to search by.
    pub(crate) fn all(&self) -> impl Iterator<Item = IdHash> {
        let ids = self.ids.iter().flatten().map(|(_, hash)| *hash);
        ids.chain(self.people.iter())
    }
}

/// Keyed hashes of a person's ids, eight bytes each, as a row keeps them.
#[derive(Default)]
pub(crate) struct Hashes(SmallVec<[u8; 4 * size_of::<u64>()]>);

impl Hashes {
    /// Reads those of a row.
    pub(crate) fn of_row(bytes: &[u8]) -> impl Iterator<Item = IdHash> {
        let (hashes, _) = bytes.as_chunks::<8>();
        hashes.iter().map(|bytes| IdHash(u64::from_be_bytes(*bytes)))
    }

    /// Returns the hashes.
    pub(crate) fn iter(&self) -> impl Iterator<Item = IdHash> {
        Hashes::of_row(&self.0)
    }

    /// Returns the bytes for a row; `None` if there are none.
    pub(crate) fn row(&self) -> Option<&[u8]> {
        (!self.0.is_empty()).then_some(&self.0)
    }
}

/// Hashes of a person that are compared one by one; an event may bring thousands.
const FEW: usize = 16;

/// Takes each hash once, in their order.
impl FromIterator<IdHash> for Hashes {
    fn from_iter<I: IntoIterator<Item = IdHash>>(all: I) -> Self {
        let (mut hashes, mut known) = (Hashes::default(), HashSet::new());
        for (index, hash) in all.into_iter().enumerate() {
            if index == FEW {
                known.extend(hashes.iter());
            }
            let is_new = match index {
                0..FEW => hashes.iter().all(|known| known != hash),
                _ => known.insert(hash),
            };
            if is_new {
                hashes.0.extend_from_slice(&hash.0.to_be_bytes());
            }
        }
        hashes
    }
}

#[cfg(test)]
mod tests {
    use signalbox_core::JournalKey;

    use super::*;
    use crate::ids::{Checksum, IdKind, Ids, People};
    use crate::record::Outcome;

    #[test]
    fn spellings_of_a_person_s_id_count_once() {
        let keys = IdKeys::derive([&JournalKey::new([1; 32])]).unwrap();
        let emails = ["ivy@example.com", "IVY@example.com", "b@example.com"];
        let record = Record {
            checksum: Some(Checksum::of(b"{}")),
            ids: Ids {
                message_id: "m-1".into(),
                order_id: "A-1".into(),
                people: People::of(emails.map(|text| (IdKind::Email, text)), &keys),
                ..Ids::default()
            },
            ..Record::of_event("web", "ads", "Order".into(), Outcome::Delivered, (1, 0))
        };
        let hashed = Hashed::of(&record, &keys);
        let expected = [
            (IdKind::MessageId, "m-1"),
            (IdKind::OrderId, "A-1"),
            (IdKind::Email, "ivy@example.com"),
            (IdKind::Email, "b@example.com"),
        ]
        .map(|(kind, text)| keys.hash(kind, text));
        assert!(hashed.all().eq(expected));
        assert!(Hashes::of_row(hashed.people.row().unwrap()).eq(expected[2..].iter().copied()));
        assert!(keys.is_digest(hashed.digest.unwrap(), b"{}"));
        let many = (0..100).chain(50..150).map(IdHash);
        assert!(many.collect::<Hashes>().iter().eq((0..150).map(IdHash)));
        let none = Record::of_event("web", "ads", "Order".into(), Outcome::Filtered, (1, 0));
        let hashed = Hashed::of(&none, &keys);
        assert_eq!(
            (hashed.people.row(), hashed.digest, hashed.all().count()),
            (None, None, 0)
        );
    }
}
