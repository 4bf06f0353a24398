//! Records on their way to the history's thread, packed side by side into two pieces of memory: a few hundred bytes a record,
//! without an allocation that one thread makes and another one frees.

use std::sync::Arc;

use signalbox_core::MatchKeys;

use crate::draft::Draft;
use crate::packing::{NONE, Packing, Unpacking};
use crate::record::{Attempt, End, Made, Record};

/// Bytes of a piece at which records should be handed over.
const FULL_BYTES: usize = 24 << 10;
/// Bytes up to which a piece grows step by step, as a quiet sink needs little of it.
const SMALL: usize = 2 << 10;
/// Capacity of a piece that has outgrown [`SMALL`]: a full piece and one more record.
const ROOM: usize = FULL_BYTES + (1 << 10);

/// Packed records.
#[derive(Default)]
pub(crate) struct Packed {
    packing: Packing,
    count: u64,
    /// The sets of match keys of these records, which have their places instead.
    sets: Vec<Arc<MatchKeys>>,
}

/// Shows no record: ids are in it as events have them.
impl std::fmt::Debug for Packed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Packing { numbers, texts } = &self.packing;
        write!(
            f,
            "Packed({} records, {} bytes)",
            self.count,
            numbers.len() + texts.len()
        )
    }
}

impl Packed {
    /// Returns the number of records.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Returns true if the records should be handed over, since they have grown large.
    pub(crate) fn is_full(&self) -> bool {
        self.packing.numbers.len().max(self.packing.texts.len()) >= FULL_BYTES
    }

    /// Returns the bytes of memory that they take.
    pub(crate) fn memory(&self) -> usize {
        self.packing.numbers.capacity() + self.packing.texts.capacity()
    }

    /// Adds a record.
    pub(crate) fn push<'a>(
        &mut self,
        made: &Made<'_>,
        end: &End<'_>,
        attempts: impl ExactSizeIterator<Item = Attempt<'a>>,
    ) {
        self.make_room();
        self.packing.made(made);
        self.end(end, attempts, made.match_keys);
    }

    /// Adds a record as it was packed when it was made, with its end.
    pub(crate) fn push_draft<'a>(
        &mut self,
        draft: &Draft,
        end: &End<'_>,
        attempts: impl ExactSizeIterator<Item = Attempt<'a>>,
    ) {
        let Some((numbers, texts)) = draft.packed() else {
            return;
        };
        self.make_room();
        self.packing.numbers.extend_from_slice(numbers);
        self.packing.texts.extend_from_slice(texts);
        self.end(end, attempts, draft.match_keys());
    }

    fn make_room(&mut self) {
        let Packing { numbers, texts } = &mut self.packing;
        if numbers.len() > SMALL && numbers.capacity() < ROOM {
            numbers.reserve_exact(ROOM - numbers.len());
        }
        if texts.len() > SMALL && texts.capacity() < ROOM {
            texts.reserve_exact(ROOM - texts.len());
        }
    }

    fn end<'a>(
        &mut self,
        end: &End<'_>,
        attempts: impl ExactSizeIterator<Item = Attempt<'a>>,
        set: Option<&Arc<MatchKeys>>,
    ) {
        let set = set.map(|set| self.place_of(set));
        self.packing.end(end, attempts, set);
        self.count += 1;
    }

    fn place_of(&mut self, set: &Arc<MatchKeys>) -> u32 {
        let known = self.sets.iter().rposition(|known| Arc::ptr_eq(known, set));
        let place = known.unwrap_or_else(|| {
            self.sets.push(set.clone());
            self.sets.len() - 1
        });
        u32::try_from(place).unwrap_or(NONE)
    }

    /// Returns the records in their order, after a check of all texts at once.
    pub(crate) fn records(&self) -> Records<'_> {
        let Packing { numbers, texts } = &self.packing;
        let texts = std::str::from_utf8(texts).unwrap_or_default();
        Records {
            unpacking: Unpacking { numbers, texts },
            sets: &self.sets,
        }
    }
}

/// Reads packed records.
pub(crate) struct Records<'r> {
    unpacking: Unpacking<'r>,
    sets: &'r [Arc<MatchKeys>],
}

impl<'r> Iterator for Records<'r> {
    type Item = Record<'r>;

    /// Returns the next record; `None` at the end, and if the rest cannot be read, which does not happen.
    fn next(&mut self) -> Option<Record<'r>> {
        let made = self.unpacking.made()?;
        self.unpacking.end(made, self.sets)
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use signalbox_core::{Money, Parameters};

    use super::*;
    use crate::draft::DraftBuffer;
    use crate::ids::{Checksum, IdKeys, IdKind, Ids, People};
    use crate::limits::Keep;
    use crate::notes::Notes;
    use crate::record::{Outcome, Warned};

    fn full(n: u64) -> Record<'static> {
        let people = [(IdKind::Email, "i@é.example"), (IdKind::UserId, "")];
        Record {
            library: Some("analytics.js 2.1.0".into()),
            position: Some(n),
            mapping: Some("Checkout".into()),
            event_name: Some("checkout".into()),
            action_source: Some("web".into()),
            reason: Some("busy".into()),
            message: Some("é".into()),
            attempts: [Some(503), None]
                .map(|status| Attempt {
                    at: -1,
                    millis: 7,
                    status,
                    result: "busy".into(),
                })
                .to_vec(),
            request_id: Some("".into()),
            warnings: vec![Warned {
                code: "c".into(),
                path: "p".into(),
            }],
            parameters: Parameters::from_bits(41),
            value: Some(Money {
                millionths: i64::MIN,
                currency: Some("EUR".into()),
            }),
            batch: Some((u64::MAX, 3)),
            bytes: 640,
            checksum: Some(Checksum(u128::MAX)),
            late: true,
            ids: Ids {
                message_id: "m".into(),
                event_id: "e-1".into(),
                order_id: "A-1".into(),
                people: People::of(people, &IdKeys::random().unwrap()),
            },
            happened_at: -5,
            ..Record::of_event("web", "ads", "e".into(), Outcome::Expired, (1, i64::MAX))
        }
    }

    fn push(packed: &mut Packed, record: &Record<'_>) {
        packed.push(&record.made(), &record.end(), record.attempts.iter().cloned());
    }

    fn ids(records: &[Record<'_>]) -> Vec<(String, Vec<u8>, Option<u128>)> {
        let all = records.iter().map(|record| {
            let checksum = record.checksum.map(|Checksum(checksum)| checksum);
            let people = record.ids.people.bytes().to_vec();
            (format!("{:?}", record.ids.of_event()), people, checksum)
        });
        all.collect()
    }

    #[test]
    fn records_come_out_as_they_went_in() {
        let sets = [["email"], ["phone"]].map(|names| Arc::new(names.into_iter().collect::<MatchKeys>()));
        let given: Vec<Record<'_>> = (0..6)
            .map(|n| match n {
                0 => Record::of_event("", "", "".into(), Outcome::Filtered, (0, 0)),
                _ => Record {
                    match_keys: sets.get(n % 3).map(Cow::Borrowed),
                    ..full(n as u64)
                },
            })
            .collect();
        let mut packed = Packed::default();
        given.iter().for_each(|record| push(&mut packed, record));
        assert_eq!((packed.count(), packed.sets.len()), (6, 2));
        assert!(format!("{packed:?}").starts_with("Packed(6 records, "));
        let found: Vec<Record<'_>> = packed.records().collect();
        assert_eq!(format!("{found:?}"), format!("{given:?}"));
        assert_eq!(ids(&found), ids(&given));
    }

    #[test]
    fn a_record_by_its_draft_and_its_end_is_the_same() {
        let mut buffer = DraftBuffer::default();
        let (mut whole, mut by_draft) = (Notes::new(Keep::All), Notes::new(Keep::All));
        let set = Arc::new(["email"].into_iter().collect::<MatchKeys>());
        for n in 0..4 {
            let record = Record {
                match_keys: (n % 2 == 0).then_some(Cow::Borrowed(&set)),
                ended_at: if n < 2 { 70_000 } else { i64::MAX },
                outcome: if n < 2 {
                    Outcome::Delivered
                } else {
                    Outcome::Expired
                },
                ..full(n)
            };
            whole.add(&record);
            let draft = Draft::of(&record.made(), &mut buffer);
            by_draft.end(&draft, &record.end(), record.attempts.iter().cloned());
        }
        let rows = |notes: &Notes| -> Vec<String> {
            let records: Vec<Record<'_>> = notes.rows.records().collect();
            let ids = ids(&records);
            let both = records.iter().zip(&ids);
            both.map(|both| format!("{both:?}")).collect()
        };
        assert_eq!(rows(&whole), rows(&by_draft));
        let sums = |notes: Notes| -> Vec<String> {
            let mut sums: Vec<String> = notes.sums.into_iter().map(|sum| format!("{sum:?}")).collect();
            sums.sort();
            sums
        };
        let (whole, by_draft) = (sums(whole), sums(by_draft));
        assert_eq!(whole.len(), 2);
        assert_eq!(whole, by_draft);
    }

    #[test]
    fn bytes_that_end_early_end_the_records() {
        let mut packed = Packed::default();
        push(&mut packed, &full(1));
        push(&mut packed, &full(2));
        let Packing { numbers, texts } = &packed.packing;
        let texts = std::str::from_utf8(texts).unwrap();
        let count = |numbers: usize, texts_to: usize| {
            let unpacking = Unpacking {
                numbers: &packed.packing.numbers[..numbers],
                texts: texts.get(..texts_to).unwrap_or_default(),
            };
            Records { unpacking, sets: &[] }.count()
        };
        assert_eq!(count(numbers.len(), texts.len()), 2);
        for len in numbers.len() / 2..numbers.len() {
            assert_eq!(count(len, texts.len()), 1, "{len}");
        }
        let cuts = texts.len() / 2..texts.len();
        for len in cuts.filter(|len| texts.is_char_boundary(*len)) {
            assert_eq!(count(numbers.len(), len), 1, "{len}");
        }
        packed.packing.texts.push(0xff);
        assert_eq!(
            (packed.records().count(), packed.count()),
            (0, 2),
            "the thread counts them as lost"
        );
    }
}
