//! Parked events in the state: those moved out of the log's way, and those back from the dead letters.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::Arc;

use redb::ReadableTable;

use super::tables::{PARKED, PARKED_OPEN, SINKS, decode, encode};
use super::values::{Change, Place, View};
use crate::log::encode::encode_one;
use crate::log::frame::Frame;
use crate::{Open, Parked, Position, Returned};

/// Encodes the mapping to try, behind its length, and then the event as a frame.
fn encode_parked(parked: &Parked) -> Vec<u8> {
    let only = parked
        .only
        .as_deref()
        .map(|only| only.as_bytes())
        .unwrap_or_default();
    let length = if parked.only.is_some() {
        only.len() as u32
    } else {
        u32::MAX
    };
    let event = encode_one(&parked.event, parked.position);
    [&length.to_le_bytes()[..], only, &event].concat()
}

/// Decodes a parked event from its value.
pub(super) fn decode_parked(position: Position, value: &[u8], open: Option<Open>) -> Option<Parked> {
    let (length, rest) = value.split_first_chunk::<4>()?;
    let (only, event) = match u32::from_le_bytes(*length) {
        u32::MAX => (None, rest),
        length => {
            let (only, event) = rest.split_at_checked(length as usize)?;
            (Some(std::str::from_utf8(only).ok()?.to_owned()), event)
        }
    };
    let frame = Frame::decode(event)
        .ok()
        .filter(|frame| frame.head.first == position)?;
    let event = Arc::new(frame.events().next()?.1?.parse()?);
    let open = Open {
        position,
        ..open.unwrap_or_default()
    };
    Some(Parked {
        position,
        event,
        open,
        only,
    })
}

/// Moves a sink's parked events to another sink.
pub(crate) fn move_parked(txn: &Change<'_>, old: &str, new: &str) -> Result<(), redb::Error> {
    let mut events = txn.open_table(PARKED)?;
    while let Some(position) = first_of(&events, old)? {
        let bytes = events
            .remove((old, position))?
            .map(|bytes| bytes.value().to_vec());
        if let Some(bytes) = bytes {
            let (from, to) = (Place::Parked(old, position), Place::Parked(new, position));
            events.insert((new, position), txn.values.moved(from, to, &bytes)?.as_slice())?;
        }
    }
    let mut opens = txn.open_table(PARKED_OPEN)?;
    while let Some(position) = first_of(&opens, old)? {
        let bytes = opens.remove((old, position))?.map(|bytes| bytes.value().to_vec());
        if let Some(bytes) = bytes {
            opens.insert((new, position), bytes.as_slice())?;
        }
    }
    Ok(())
}

fn first_of(
    table: &impl ReadableTable<(&'static str, Position), &'static [u8]>,
    sink: &str,
) -> Result<Option<Position>, redb::Error> {
    let first = table
        .range((sink, 0)..=(sink, Position::MAX))?
        .next()
        .transpose()?;
    Ok(first.map(|(key, _)| key.value().1))
}

/// Counts the events that a sink has parked in a range of positions.
pub(crate) fn count_parked(
    parked: &impl ReadableTable<(&'static str, Position), &'static [u8]>,
    sink: &str,
    range: RangeInclusive<Position>,
) -> Result<u64, redb::Error> {
    let mut entries = parked.range((sink, *range.start())..=(sink, *range.end()))?;
    Ok(entries.try_fold(0, |count, entry| entry.map(|_| count + 1))?)
}

/// Lists the places in the log of a sink's parked events.
pub(crate) fn places(txn: &Change<'_>, sink: &str) -> Result<BTreeSet<Position>, redb::Error> {
    let opens = txn.open_table(PARKED_OPEN)?;
    let mut places = BTreeSet::new();
    for entry in opens.range((sink, 0)..=(sink, Position::MAX))? {
        let (key, bytes) = entry?;
        let (_, position) = key.value();
        if position < Parked::BACK {
            places.insert(position);
        } else {
            places.extend(decode::<Open>(bytes.value()).and_then(|open| open.origin));
        }
    }
    Ok(places)
}

/// Parks an event; returns true if it was not parked before.
pub(crate) fn park(txn: &Change<'_>, sink: &str, parked: &Parked) -> Result<bool, redb::Error> {
    let key = (sink, parked.position);
    let event = txn
        .values
        .encode(Place::Parked(sink, parked.position), &encode_parked(parked))?;
    let new = txn.open_table(PARKED)?.insert(key, event.as_slice())?.is_none();
    txn.open_table(PARKED_OPEN)?
        .insert(key, encode(&parked.open).as_slice())?;
    Ok(new)
}

/// Replaces the history of an event, if it is parked.
pub(crate) fn update_parked(txn: &Change<'_>, sink: &str, open: &Open) -> Result<(), redb::Error> {
    let key = (sink, open.position);
    let mut table = txn.open_table(PARKED_OPEN)?;
    let there = table.get(key)?.is_some();
    if there {
        table.insert(key, encode(open).as_slice())?;
    }
    Ok(())
}

/// Removes a parked event; returns true if it was there.
pub(crate) fn unpark(txn: &Change<'_>, sink: &str, position: Position) -> Result<bool, redb::Error> {
    txn.open_table(PARKED_OPEN)?.remove((sink, position))?;
    let there = txn.open_table(PARKED)?.remove((sink, position))?.is_some();
    Ok(there)
}

/// Reads at most `max` parked events of a sink in a range of positions.
pub(crate) fn read_parked(
    txn: &View<'_>,
    sink: &str,
    range: RangeInclusive<Position>,
    max: usize,
) -> Result<Returned, redb::Error> {
    let (events, opens) = (txn.open_table(PARKED)?, txn.open_table(PARKED_OPEN)?);
    let mut found = Returned::default();
    for entry in events.range((sink, *range.start())..=(sink, *range.end()))? {
        let (key, bytes) = entry?;
        let (name, position) = key.value();
        if name != sink {
            continue;
        }
        if found.events.len() + found.unreadable.len() >= max {
            found.more = true;
            break;
        }
        let open = opens
            .get((sink, position))?
            .and_then(|bytes| decode(bytes.value()));
        let value = txn.values.decode(Place::Parked(sink, position), bytes.value());
        match value.and_then(|value| decode_parked(position, &value, open)) {
            Some(parked) => found.events.push(parked),
            None => found.unreadable.push(position),
        }
    }
    Ok(found)
}

/// Removes the record of a sink and its parked events, but not its dead letters.
pub(crate) fn remove_sink(txn: &Change<'_>, name: &str) -> Result<(), redb::Error> {
    txn.open_table(SINKS)?.remove(name)?;
    for table in [PARKED, PARKED_OPEN] {
        let all = (name, 0)..=(name, Position::MAX);
        txn.open_table(table)?.retain_in(all, |_, _| false)?;
    }
    Ok(())
}
