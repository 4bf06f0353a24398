//! Records that have not ended yet.

use std::sync::Arc;

use signalbox_core::MatchKeys;

use crate::packed;
use crate::record::Record;

/// A record that a sink has made and that has not ended yet, packed into one piece of memory.
///
/// When its answer arrives, no cache of the processor holds the record or its event any more, and every part that is read of them
/// costs a look into memory. So the parts that the history keeps are taken when the record is made. `Debug` shows none of
/// them: ids are among them as events have them.
pub struct Draft {
    bytes: Box<[u8]>,
    match_keys: Option<Arc<MatchKeys>>,
}

impl Draft {
    /// Packs a record. `buffer` is memory to work in, which later calls may use again.
    #[must_use]
    pub fn of(record: &Record<'_>, buffer: &mut Vec<u8>) -> Draft {
        buffer.clear();
        let match_keys = record.match_keys.clone();
        packed::write(record, match_keys.as_ref().map(|_| 0), buffer);
        Draft {
            bytes: buffer.as_slice().into(),
            match_keys,
        }
    }

    /// Returns the record as it was packed; `None` if it cannot be read, which does not happen.
    #[must_use]
    pub fn record(&self) -> Option<Record<'_>> {
        packed::Records::of(&self.bytes, self.match_keys.as_slice()).next()
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
    use crate::ids::{IdHash, Ids};
    use crate::record::Outcome;

    #[test]
    fn a_draft_is_the_record_that_it_was_made_of() {
        let mut buffer = Vec::new();
        for names in [&["email", "phone"][..], &[]] {
            let set: Arc<MatchKeys> = Arc::new(names.iter().copied().collect());
            let record = Record {
                match_keys: (!names.is_empty()).then_some(set),
                bytes: 640,
                digest: Some(7),
                ids: Ids {
                    message_id: "m-1".into(),
                    order_id: "A-1".into(),
                    people: [IdHash(1), IdHash(2)].into_iter().collect(),
                    ..Ids::default()
                },
                ..Record::of_event("web", "ads", "Order".into(), Outcome::Delivered, (1, 0))
            };
            let draft = Draft::of(&record, &mut buffer);
            let found = draft.record().unwrap();
            assert_eq!(format!("{found:?}"), format!("{record:?}"));
            assert_eq!(found.ids.of_event(), record.ids.of_event());
            assert_eq!(found.ids.people, record.ids.people);
            assert!(!format!("{draft:?}").contains("Order"));
        }
    }
}
