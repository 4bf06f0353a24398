//! Copies a plain state into a sealed one, when the journal gets a key.

use redb::{Database, ReadableDatabase, ReadableTable, TableError};

use super::checkpoints::CHECKPOINTS;
use super::dead_letters;
use super::state_file::load;
use super::tables::{Head, LETTERS, PARKED, PARKED_OPEN, SINKS, SOURCES, format, put_head};
use super::values::{Change, Place, Values};
use crate::DeadLetter;

/// Stands for a value whose checksum was wrong: its reader reports it as damaged, and nothing of it is kept in plain.
const DAMAGED: &[u8] = &[];

/// Fills a new state with the content of a plain one.
pub(super) fn seal_all(plain: &Database, txn: &Change<'_>, head: &Head) -> Result<(), redb::Error> {
    let (old, as_it_was) = (plain.begin_read()?, Values::default());
    let seal = |place: Place<'_>, bytes: &[u8]| match as_it_was.decode(place, bytes) {
        Some(value) => txn.values.encode(place, &value),
        None => Ok(DAMAGED.to_vec()),
    };
    for table in [SINKS, SOURCES] {
        let mut new = txn.open_table(table)?;
        for entry in old.open_table(table)?.iter()? {
            let (name, value) = entry?;
            new.insert(name.value(), value.value())?;
        }
    }
    let mut new = txn.open_table(PARKED)?;
    for entry in old.open_table(PARKED)?.iter()? {
        let (key, value) = entry?;
        let (sink, position) = key.value();
        new.insert(
            (sink, position),
            seal(Place::Parked(sink, position), value.value())?.as_slice(),
        )?;
    }
    drop(new);
    let mut new = txn.open_table(PARKED_OPEN)?;
    for entry in old.open_table(PARKED_OPEN)?.iter()? {
        let (key, value) = entry?;
        new.insert(key.value(), value.value())?;
    }
    drop(new);
    let mut head = Head {
        format: format(txn.values),
        seal: txn.values.seal(),
        complete: true,
        ..head.clone()
    };
    head.letters.clear();
    let mut new = txn.open_table(LETTERS)?;
    for entry in old.open_table(LETTERS)?.iter()? {
        let (id, value) = entry?;
        let (id, value) = (id.value(), value.value());
        let sealed = seal(Place::Letter(id), value)?;
        new.insert(id, sealed.as_slice())?;
        if let Some(letter) = dead_letters::decode::<DeadLetter>(&as_it_was, id, value) {
            let (count, bytes) = head.letters.entry(letter.component).or_default();
            (*count, *bytes) = (*count + 1, *bytes + sealed.len() as u64);
        }
    }
    drop(new);
    match old.open_table(CHECKPOINTS) {
        Ok(checkpoints) => {
            let mut new = txn.open_table(CHECKPOINTS)?;
            for entry in checkpoints.iter()? {
                let (key, value) = entry?;
                let (source, key) = key.value();
                new.insert(
                    (source, key),
                    seal(Place::Checkpoint(source, key), value.value())?.as_slice(),
                )?;
            }
        }
        // The file was written before there were checkpoints.
        Err(TableError::TableDoesNotExist(_)) => {}
        Err(error) => return Err(error.into()),
    }
    put_head(txn, &head)?;
    load(txn).map(|_| ())
}
