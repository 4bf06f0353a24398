//! The form in which records wait. Numbers and texts lie in separate buffers, so that one check tells that the texts of many
//! records are UTF-8; packed ids of persons lie among the numbers. The part that sums need comes first: the end of a record reads
//! only this part, and copies the rest of what was packed when the record was made.

use std::borrow::Cow;
use std::sync::Arc;

use signalbox_core::{MatchKeys, Money, Parameters};

use crate::ids::{Checksum, Ids, People};
use crate::record::{Attempt, End, Head, Made, Outcome, Record, Warned};

/// The length that stands for no text, and the place that stands for no set.
pub(crate) const NONE: u32 = u32::MAX;

/// Packed numbers and texts.
#[derive(Default)]
pub(crate) struct Packing {
    pub(crate) numbers: Vec<u8>,
    pub(crate) texts: Vec<u8>,
}

impl Packing {
    /// Packs what is known of a record when it is made. Returns the length of the texts of its head.
    pub(crate) fn made(&mut self, made: &Made<'_>) -> usize {
        let from = self.texts.len();
        self.head(&made.head());
        let head = self.texts.len() - from;
        self.long(made.happened_at);
        self.text(made.source);
        self.maybe(made.library);
        self.maybe_long(made.position.map(u64::cast_signed));
        self.maybe(made.action_source);
        self.byte(u8::from(made.checksum.is_some()));
        if let Some(Checksum(checksum)) = made.checksum {
            self.numbers.extend_from_slice(&checksum.to_le_bytes());
        }
        self.text(made.message_id);
        self.text(made.event_id);
        self.text(made.order_id);
        let people = made.people.bytes();
        self.len(people.len());
        self.numbers.extend_from_slice(people);
        head
    }

    fn head(&mut self, head: &Head<'_>) {
        self.long(head.received_at);
        self.text(head.sink);
        self.maybe(head.mapping);
        self.text(head.event);
        self.maybe(head.event_name);
        self.maybe_long(head.millionths);
        self.maybe(head.currency);
        self.int(head.bytes);
        self.byte(head.parameters.bits());
        self.len(head.warnings.len());
        for warned in &*head.warnings {
            self.text(&warned.code);
            self.text(&warned.path);
        }
    }

    /// Packs the end of a record; `set` is the place of its match keys.
    pub(crate) fn end<'a>(
        &mut self,
        end: &End<'_>,
        attempts: impl ExactSizeIterator<Item = Attempt<'a>>,
        set: Option<u32>,
    ) {
        self.long(end.ended_at);
        self.byte(end.outcome as u8);
        self.byte(u8::from(end.late));
        self.maybe(end.reason);
        self.maybe(end.message);
        self.maybe(end.request_id);
        self.maybe_long(end.batch.map(|(batch, _)| batch.cast_signed()));
        self.int(end.batch.map_or(0, |(_, records)| records));
        self.int(set.unwrap_or(NONE));
        self.len(attempts.len());
        for attempt in attempts {
            self.long(attempt.at);
            self.int(attempt.millis);
            // No status has this number.
            self.int(attempt.status.map_or(NONE, u32::from));
            self.text(&attempt.result);
        }
    }

    fn byte(&mut self, byte: u8) {
        self.numbers.push(byte);
    }

    fn int(&mut self, number: u32) {
        self.numbers.extend_from_slice(&number.to_le_bytes());
    }

    fn long(&mut self, number: i64) {
        self.numbers.extend_from_slice(&number.to_le_bytes());
    }

    fn maybe_long(&mut self, number: Option<i64>) {
        self.byte(u8::from(number.is_some()));
        if let Some(number) = number {
            self.long(number);
        }
    }

    /// Packs a number of bytes or items. No record has 4 thousand million of either.
    fn len(&mut self, len: usize) {
        self.int(u32::try_from(len).unwrap_or(0));
    }

    fn text(&mut self, text: &str) {
        self.len(text.len());
        self.texts.extend_from_slice(text.as_bytes());
    }

    fn maybe(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.text(text),
            None => self.int(NONE),
        }
    }
}

/// Reads what is packed. Its functions return `None` for what cannot be read, which does not happen.
#[derive(Clone)]
pub(crate) struct Unpacking<'r> {
    pub(crate) numbers: &'r [u8],
    pub(crate) texts: &'r str,
}

impl<'r> Unpacking<'r> {
    /// Reads what is known of a record when it is made. Its outcome is `Delivered` until [`Unpacking::end`] reads it.
    pub(crate) fn made(&mut self) -> Option<Record<'r>> {
        let head = self.head()?;
        let (happened_at, source) = (self.long()?, self.text()?);
        let outcome = Outcome::Delivered;
        Some(Record {
            happened_at,
            library: self.maybe()?.map(Cow::Borrowed),
            position: self.maybe_long()?.map(i64::cast_unsigned),
            mapping: head.mapping.map(Cow::Borrowed),
            event_name: head.event_name.map(Cow::Borrowed),
            action_source: self.maybe()?.map(Cow::Borrowed),
            warnings: head.warnings.into_owned(),
            parameters: head.parameters,
            value: head.millionths.map(|millionths| Money {
                millionths,
                currency: head.currency.map(Cow::Borrowed),
            }),
            bytes: head.bytes,
            checksum: self.checksum()?,
            ids: Ids {
                message_id: self.text()?.into(),
                event_id: self.text()?.into(),
                order_id: self.text()?.into(),
                people: self.people()?,
            },
            ..Record::of_event(
                source,
                head.sink,
                head.event.into(),
                outcome,
                (head.received_at, 0),
            )
        })
    }

    /// Reads the part of it that sums need, which stands first.
    pub(crate) fn head(&mut self) -> Option<Head<'r>> {
        Some(Head {
            received_at: self.long()?,
            sink: self.text()?,
            mapping: self.maybe()?,
            event: self.text()?,
            event_name: self.maybe()?,
            millionths: self.maybe_long()?,
            currency: self.maybe()?,
            bytes: self.int()?,
            parameters: Parameters::from_bits(self.byte()?),
            warnings: self
                .list(|unpacking| {
                    Some(Warned {
                        code: unpacking.text()?.into(),
                        path: unpacking.text()?.into(),
                    })
                })?
                .into(),
        })
    }

    /// Reads the end of a record; `sets` are the sets of match keys by place.
    pub(crate) fn end(&mut self, made: Record<'r>, sets: &'r [Arc<MatchKeys>]) -> Option<Record<'r>> {
        Some(Record {
            ended_at: self.long()?,
            outcome: Outcome::numbered(self.byte()?)?,
            late: self.byte()? != 0,
            reason: self.maybe()?.map(Cow::Borrowed),
            message: self.maybe()?.map(Cow::Borrowed),
            request_id: self.maybe()?.map(Cow::Borrowed),
            batch: self.batch()?,
            match_keys: sets.get(self.int()? as usize).map(Cow::Borrowed),
            attempts: self.list(|unpacking| {
                Some(Attempt {
                    at: unpacking.long()?,
                    millis: unpacking.int()?,
                    status: u16::try_from(unpacking.int()?).ok(),
                    result: unpacking.text()?.into(),
                })
            })?,
            ..made
        })
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.numbers.split_first_chunk()?;
        self.numbers = rest;
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

    fn checksum(&mut self) -> Option<Option<Checksum>> {
        match self.byte()? {
            0 => Some(None),
            _ => Some(Some(Checksum(self.array().map(u128::from_le_bytes)?))),
        }
    }

    fn maybe(&mut self) -> Option<Option<&'r str>> {
        let len = self.int()?;
        if len == NONE {
            return Some(None);
        }
        let (text, rest) = self.texts.split_at_checked(len as usize)?;
        self.texts = rest;
        Some(Some(text))
    }

    fn text(&mut self) -> Option<&'r str> {
        self.maybe()?
    }

    fn list<T>(&mut self, read: impl Fn(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        (0..self.int()?).map(|_| read(self)).collect()
    }

    fn people(&mut self) -> Option<People<'r>> {
        let len = self.int()?;
        let (people, rest) = self.numbers.split_at_checked(len as usize)?;
        self.numbers = rest;
        Some(People::packed(people))
    }

    fn batch(&mut self) -> Option<Option<(u64, u32)>> {
        let (batch, records) = (self.maybe_long()?, self.int()?);
        Some(batch.map(|batch| (batch.cast_unsigned(), records)))
    }
}
