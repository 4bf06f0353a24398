//! Records on their way to the history's thread, packed into one piece of memory: a few hundred bytes each, without an
//! allocation that one thread makes and another one frees.

use std::borrow::Cow;
use std::sync::Arc;

use signalbox_core::{MatchKeys, Money, Parameters};

use crate::ids::{Ids, People};
use crate::notes::FULL_BYTES;
use crate::record::{Attempt, Outcome, Record, Warned};

/// The length that stands for no text.
const NONE: u32 = u32::MAX;
/// Bytes up to which the memory grows step by step, as a quiet sink needs little of it.
const SMALL: usize = 4 << 10;
/// Bytes that it has room for beyond: those at which notes are handed over, and a last record.
const ROOM: usize = FULL_BYTES + (2 << 10);

/// Packed records.
#[derive(Default)]
pub(crate) struct Packed {
    bytes: Vec<u8>,
    count: u64,
    /// The sets of match keys of these records, which have their places instead.
    sets: Vec<Arc<MatchKeys>>,
}

/// Shows no record: ids are in it as events have them.
impl std::fmt::Debug for Packed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Packed({} records, {} bytes)", self.count, self.bytes.len())
    }
}

impl Packed {
    /// Returns the number of records.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// Returns their size in bytes.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Returns the bytes of memory that they take.
    pub(crate) fn memory(&self) -> usize {
        self.bytes.capacity()
    }

    /// Adds a record.
    pub(crate) fn push(&mut self, record: &Record<'_>) {
        if self.bytes.len() > SMALL && self.bytes.capacity() < ROOM {
            self.bytes.reserve_exact(ROOM - self.bytes.len());
        }
        let set = record.match_keys.as_ref().map(|set| self.place_of(set));
        write(record, set, &mut self.bytes);
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

    /// Returns the records in their order.
    pub(crate) fn records(&self) -> Records<'_> {
        Records::of(&self.bytes, &self.sets)
    }
}

/// Packs a record; `set` is the place of its match keys.
pub(crate) fn write(record: &Record<'_>, set: Option<u32>, bytes: &mut Vec<u8>) {
    let mut out = Writer(bytes);
    out.long(record.ended_at);
    out.long(record.received_at);
    out.long(record.happened_at);
    out.text(&record.source);
    out.maybe(record.library.as_deref());
    out.maybe_long(record.position.map(u64::cast_signed));
    out.text(&record.sink);
    out.maybe(record.mapping.as_deref());
    out.text(&record.event);
    out.maybe(record.event_name.as_deref());
    out.maybe(record.action_source.as_deref());
    out.byte(record.outcome as u8);
    out.maybe(record.reason.as_deref());
    out.maybe(record.message.as_deref());
    out.list(&record.attempts, |out, attempt| {
        out.long(attempt.at);
        out.int(attempt.millis);
        // No status has this number.
        out.int(attempt.status.map_or(NONE, u32::from));
        out.text(&attempt.result);
    });
    out.maybe(record.request_id.as_deref());
    out.list(&record.warnings, |out, warned| {
        out.text(&warned.code);
        out.text(&warned.path);
    });
    out.int(set.unwrap_or(NONE));
    out.byte(record.parameters.bits());
    let value = record.value.as_ref();
    out.maybe_long(value.map(|value| value.millionths));
    out.maybe(value.and_then(|value| value.currency.as_deref()));
    out.maybe_long(record.batch.map(|(batch, _)| batch.cast_signed()));
    out.int(record.batch.map_or(0, |(_, records)| records));
    out.int(record.bytes);
    out.maybe_long(record.digest.map(u64::cast_signed));
    out.byte(u8::from(record.late));
    out.text(&record.ids.message_id);
    out.text(&record.ids.event_id);
    out.text(&record.ids.order_id);
    out.bytes(&record.ids.people.0);
}

struct Writer<'w>(&'w mut Vec<u8>);

impl Writer<'_> {
    fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    fn int(&mut self, number: u32) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn long(&mut self, number: i64) {
        self.0.extend_from_slice(&number.to_le_bytes());
    }

    fn maybe_long(&mut self, number: Option<i64>) {
        self.byte(u8::from(number.is_some()));
        if let Some(number) = number {
            self.long(number);
        }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        // No text of a record has 4 GB.
        self.int(u32::try_from(bytes.len()).unwrap_or(NONE));
        self.0.extend_from_slice(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn maybe(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.int(NONE),
        }
    }

    fn list<T>(&mut self, items: &[T], write: impl Fn(&mut Self, &T)) {
        self.int(u32::try_from(items.len()).unwrap_or(0));
        items.iter().for_each(|item| write(self, item));
    }
}

/// Reads packed records.
pub(crate) struct Records<'r> {
    bytes: &'r [u8],
    sets: &'r [Arc<MatchKeys>],
}

impl<'r> Iterator for Records<'r> {
    type Item = Record<'r>;

    /// Returns the next record; `None` at the end, and if the rest cannot be read, which does not happen.
    fn next(&mut self) -> Option<Record<'r>> {
        Some(Record {
            ended_at: self.long()?,
            received_at: self.long()?,
            happened_at: self.long()?,
            source: self.text()?,
            library: self.maybe()?,
            position: self.maybe_long()?.map(i64::cast_unsigned),
            sink: self.text()?,
            mapping: self.maybe()?,
            event: self.text()?,
            event_name: self.maybe()?,
            action_source: self.maybe()?,
            outcome: Outcome::numbered(self.byte()?)?,
            reason: self.maybe()?,
            message: self.maybe()?,
            attempts: self.list(|bytes| {
                Some(Attempt {
                    at: bytes.long()?,
                    millis: bytes.int()?,
                    status: u16::try_from(bytes.int()?).ok(),
                    result: bytes.text()?,
                })
            })?,
            request_id: self.maybe()?,
            warnings: self.list(|bytes| {
                Some(Warned {
                    code: bytes.text()?,
                    path: bytes.text()?,
                })
            })?,
            match_keys: self.set()?,
            parameters: Parameters::from_bits(self.byte()?),
            value: self.value()?,
            batch: self.batch()?,
            bytes: self.int()?,
            digest: self.maybe_long()?.map(i64::cast_unsigned),
            late: self.byte()? != 0,
            ids: Ids {
                message_id: self.text()?,
                event_id: self.text()?,
                order_id: self.text()?,
                people: People(self.maybe_bytes()??.into()),
            },
        })
    }
}

impl<'r> Records<'r> {
    /// Reads packed records; `sets` are their sets of match keys by place.
    pub(crate) fn of(bytes: &'r [u8], sets: &'r [Arc<MatchKeys>]) -> Records<'r> {
        Records { bytes, sets }
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.bytes.split_first_chunk()?;
        self.bytes = rest;
        Some(*array)
    }

    fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn int(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn long(&mut self) -> Option<i64> {
        self.array().map(i64::from_le_bytes)
    }

    fn maybe_long(&mut self) -> Option<Option<i64>> {
        match self.byte()? {
            0 => Some(None),
            _ => self.long().map(Some),
        }
    }

    fn maybe_bytes(&mut self) -> Option<Option<&'r [u8]>> {
        let len = self.int()?;
        if len == NONE {
            return Some(None);
        }
        let (bytes, rest) = self.bytes.split_at_checked(len as usize)?;
        self.bytes = rest;
        Some(Some(bytes))
    }

    fn maybe(&mut self) -> Option<Option<Cow<'r, str>>> {
        match self.maybe_bytes()? {
            None => Some(None),
            Some(bytes) => Some(Some(std::str::from_utf8(bytes).ok()?.into())),
        }
    }

    fn text(&mut self) -> Option<Cow<'r, str>> {
        self.maybe()?
    }

    fn list<T>(&mut self, read: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        (0..self.int()?).map(|_| read(self)).collect()
    }

    fn set(&mut self) -> Option<Option<Arc<MatchKeys>>> {
        let place = self.int()?;
        Some(self.sets.get(place as usize).cloned())
    }

    fn value(&mut self) -> Option<Option<Money<'r>>> {
        let (millionths, currency) = (self.maybe_long()?, self.maybe()?);
        Some(millionths.map(|millionths| Money { millionths, currency }))
    }

    fn batch(&mut self) -> Option<Option<(u64, u32)>> {
        let (batch, records) = (self.maybe_long()?, self.int()?);
        Some(batch.map(|batch| (batch.cast_unsigned(), records)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::IdHash;

    fn full(n: u64) -> Record<'static> {
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
            digest: Some(u64::MAX),
            late: true,
            ids: Ids {
                message_id: "m".into(),
                people: [IdHash(1), IdHash(u64::MAX)].into_iter().collect(),
                ..Ids::default()
            },
            ..Record::of_event("web", "ads", "e".into(), Outcome::Expired, (1, i64::MAX))
        }
    }

    #[test]
    fn records_come_out_as_they_went_in() {
        let sets = [["email"], ["phone"]].map(|names| Arc::new(names.into_iter().collect::<MatchKeys>()));
        let given: Vec<Record<'static>> = (0..6)
            .map(|n| match n {
                0 => Record::of_event("", "", "".into(), Outcome::Filtered, (0, 0)),
                _ => Record {
                    match_keys: sets.get(n % 3).cloned(),
                    ..full(n as u64)
                },
            })
            .collect();
        let mut packed = Packed::default();
        given.iter().for_each(|record| packed.push(record));
        assert_eq!((packed.count(), packed.sets.len()), (6, 2));
        assert!(format!("{packed:?}").starts_with("Packed(6 records, "));
        let found: Vec<Record<'_>> = packed.records().collect();
        assert_eq!(format!("{found:?}"), format!("{given:?}"));
        let ids = |records: &[Record<'_>]| -> Vec<_> {
            let ids = records.iter().map(|record| record.ids.clone());
            ids.map(|ids| (ids.message_id.into_owned(), ids.people.0.into_owned()))
                .collect()
        };
        assert_eq!(ids(&found), ids(&given));
    }

    #[test]
    fn bytes_that_end_early_end_the_records() {
        let mut packed = Packed::default();
        packed.push(&full(1));
        packed.push(&full(2));
        for len in packed.size() / 2..packed.size() {
            let records = Records::of(&packed.bytes[..len], &[]);
            assert_eq!(records.count(), 1, "{len}");
        }
    }
}
