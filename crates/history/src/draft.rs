//! Records that have not ended yet.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use signalbox_core::{ByteSlab, MatchKeys};

use crate::packing::{Packing, Unpacking};
use crate::record::{Head, Made, Record};

/// Memory to pack drafts in, used again and again, and memory that drafts share.
#[derive(Default)]
pub struct DraftBuffer {
    packing: Packing,
    slab: ByteSlab,
}

/// Shows no part of a record.
impl std::fmt::Debug for DraftBuffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DraftBuffer")
    }
}

/// A record that a sink has made and that has not ended yet, packed into bytes that lie side by side.
///
/// When its answer arrives, no cache of the processor holds the record or its event any more, and every part that is read of them
/// costs a look into memory. So the parts that the history keeps are taken when the record is made. `Debug` shows none of
/// them: ids are among them as events have them.
pub struct Draft {
    /// Packed numbers, and behind them the packed texts.
    bytes: Bytes,
    /// Length of the numbers.
    numbers: u32,
    /// Length of the texts that the sums need, which come first.
    head: u32,
    match_keys: Option<Arc<MatchKeys>>,
}

impl Draft {
    /// Packs a record without its end.
    #[must_use]
    pub fn of(made: &Made<'_>, buffer: &mut DraftBuffer) -> Draft {
        let DraftBuffer { packing, slab } = buffer;
        packing.numbers.clear();
        packing.texts.clear();
        let head = packing.made(made);
        let Packing { numbers, texts } = packing;
        // No record has 4 GB of them.
        let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
        Draft {
            bytes: slab.keep_all([numbers, texts]),
            numbers: length(numbers.len()),
            head: length(head),
            match_keys: made.match_keys.cloned(),
        }
    }

    /// Copies the draft out of the memory that it shares with others, for one that outlives them.
    #[must_use]
    pub fn apart(&self) -> Draft {
        Draft {
            bytes: Bytes::copy_from_slice(&self.bytes),
            match_keys: self.match_keys.clone(),
            ..*self
        }
    }

    /// Returns the record as it was packed; `None` if it cannot be read, which does not happen.
    #[must_use]
    pub fn record(&self) -> Option<Record<'_>> {
        let (numbers, texts) = self.packed()?;
        let texts = std::str::from_utf8(texts).ok()?;
        Some(Record {
            match_keys: self.match_keys.as_ref().map(Cow::Borrowed),
            ..Unpacking { numbers, texts }.made()?
        })
    }

    /// Returns the part that sums need.
    pub(crate) fn head(&self) -> Option<Head<'_>> {
        let (numbers, texts) = self.packed()?;
        let texts = std::str::from_utf8(texts.get(..self.head as usize)?).ok()?;
        Unpacking { numbers, texts }.head()
    }

    /// Returns the numbers and the texts.
    pub(crate) fn packed(&self) -> Option<(&[u8], &[u8])> {
        self.bytes.split_at_checked(self.numbers as usize)
    }

    /// Returns the memory that it takes in bytes.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.bytes.len() + size_of::<Draft>()
    }

    pub(crate) fn match_keys(&self) -> Option<&Arc<MatchKeys>> {
        self.match_keys.as_ref()
    }
}

/// Shows no part of the record.
impl std::fmt::Debug for Draft {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Draft({} bytes)", self.bytes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{Checksum, IdKeys, IdKind, Ids, People};
    use crate::record::Outcome;

    #[test]
    fn a_draft_is_the_record_that_it_was_made_of() {
        let (mut buffer, keys) = (DraftBuffer::default(), IdKeys::random().unwrap());
        for names in [&["email", "phone"][..], &[]] {
            let set: Arc<MatchKeys> = Arc::new(names.iter().copied().collect());
            let record = Record {
                match_keys: (!names.is_empty()).then_some(Cow::Owned(set)),
                bytes: 640,
                checksum: Some(Checksum(7)),
                ids: Ids {
                    message_id: "m-1".into(),
                    order_id: "A-1".into(),
                    people: People::of([(IdKind::Email, "i@example.com"), (IdKind::UserId, "u")], &keys),
                    ..Ids::default()
                },
                ..Record::of_event("web", "ads", "Order".into(), Outcome::Delivered, (1, 0))
            };
            let draft = Draft::of(&record.made(), &mut buffer);
            let found = draft.record().unwrap();
            assert_eq!(format!("{found:?}"), format!("{record:?}"));
            assert_eq!(found.ids.of_event(), record.ids.of_event());
            assert_eq!(found.ids.people.bytes(), record.ids.people.bytes());
            assert_eq!(found.checksum, record.checksum);
            assert!(!format!("{draft:?}").contains("Order"));
            let apart = draft.apart();
            assert_eq!(format!("{:?}", apart.record()), format!("{:?}", draft.record()));
            assert_ne!(apart.bytes.as_ptr(), draft.bytes.as_ptr(), "it shares no memory");
        }
    }
}
