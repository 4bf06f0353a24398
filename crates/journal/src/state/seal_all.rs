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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;
    use std::sync::Arc;

    use signalbox_core::{Event, Receipt};

    use super::*;
    use crate::state::opening::tests::opened;
    use crate::state::state_file::StateFile;
    use crate::state::values::tests::sealed;
    use crate::state::{checkpoints, parked};
    use crate::{DeadLetterFilter, Open, Page, Parked, Position};

    const CANARY: &str = "jane.canary@example.com";

    fn letter(component: &str) -> DeadLetter {
        DeadLetter {
            component: component.into(),
            payload: Some(format!(r#"{{"email":"{CANARY}"}}"#)),
            ..DeadLetter::default()
        }
    }

    /// Writes four letters, two parked events and two checkpoints.
    fn fill(state: &mut StateFile, mut head: Head) {
        let receipt = Receipt {
            source: "web".into(),
            received_at: 1_700_000_000_000,
        };
        let text = format!(r#"{{"type":"track","userId":"{CANARY}"}}"#);
        let event = Arc::new(Event::parse(&text, receipt).unwrap());
        let park = |position| Parked {
            position,
            event: event.clone(),
            open: Open::default(),
            only: None,
        };
        let saved = |key: &str| (("web".to_owned(), key.to_owned()), Some(CANARY.into()));
        let changed = checkpoints::Changed::from([saved("a"), saved("b")]);
        let letters = [letter("a"), letter("b"), letter("a"), letter("b")];
        let written = state.write(|txn| {
            dead_letters::bury(txn, &mut head, &letters)?;
            for position in [3, 4] {
                parked::park(txn, "a", &park(position))?;
            }
            checkpoints::write(txn, &changed)?;
            put_head(txn, &head)
        });
        written.unwrap();
    }

    /// Makes a state of this form that [`fill`] filled and [`damage`] damaged.
    fn damaged(folder: &Path, values: &Values) -> StateFile {
        let (mut state, loaded) = opened(folder, values).unwrap();
        fill(&mut state, loaded.head);
        damage(&mut state);
        state
    }

    /// Changes the last byte of letter 2, parked event 4 and checkpoint b.
    fn damage(state: &mut StateFile) {
        let change = |bytes: Option<redb::AccessGuard<'_, &[u8]>>| {
            let mut bytes = bytes.unwrap().value().to_vec();
            *bytes.last_mut().unwrap() ^= 1;
            bytes
        };
        let damaged = state.write(|txn| {
            let mut letters = txn.open_table(LETTERS)?;
            let bytes = change(letters.get(2)?);
            letters.insert(2, bytes.as_slice())?;
            let mut events = txn.open_table(PARKED)?;
            let bytes = change(events.get(("a", 4))?);
            events.insert(("a", 4), bytes.as_slice())?;
            let mut checkpoints = txn.open_table(CHECKPOINTS)?;
            let bytes = change(checkpoints.get(("web", "b"))?);
            checkpoints.insert(("web", "b"), bytes.as_slice())?;
            Ok(())
        });
        damaged.unwrap();
    }

    /// Asserts that all but the three damaged values are there, and that those are reported if they are kept.
    fn check(state: &StateFile, kept: bool) {
        let page = Page {
            limit: 9,
            payloads: true,
            ..Page::default()
        };
        let all = DeadLetterFilter::default();
        let (page, damaged) = state.read(|txn| dead_letters::page(txn, &all, page)).unwrap();
        let ids: BTreeSet<u64> = page.letters.iter().map(|letter| letter.id).collect();
        assert_eq!((ids, damaged), ([1, 3, 4].into(), u64::from(kept)));
        let payloads = page
            .letters
            .iter()
            .filter_map(|stored| stored.letter.payload.as_ref());
        assert_eq!(payloads.filter(|payload| payload.contains(CANARY)).count(), 3);
        let all = 0..=Position::MAX;
        let parked = state.read(|txn| parked::read_parked(txn, "a", all, 9)).unwrap();
        assert_eq!((parked.events.len(), parked.events[0].position), (1, 3));
        assert_eq!(parked.unreadable, if kept { vec![4] } else { vec![] });
        let saved = state.checkpoints("web").unwrap();
        assert_eq!(saved.into_keys().map(|(_, key)| key).collect::<Vec<_>>(), ["a"]);
    }

    fn shows(path: &Path) -> bool {
        let bytes = std::fs::read(path).unwrap();
        bytes.windows(CANARY.len()).any(|part| part == CANARY.as_bytes())
    }

    #[test]
    fn a_changed_byte_costs_its_own_value_before_and_after_the_sealing() {
        let (values, plain) = (sealed(), Values::default());
        for sealed_first in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("state.redb");
            let mut state = damaged(folder.path(), if sealed_first { &values } else { &plain });
            check(&state, true);
            state.close();
            assert_eq!(shows(&path), !sealed_first);
            for _ in 0..2 {
                let (mut state, loaded) = opened(folder.path(), &values).unwrap();
                check(&state, true);
                assert_eq!(loaded.head.letters["a"].0, 2);
                let read: u64 = if sealed_first { 2 } else { 1 };
                assert_eq!(loaded.head.letters["b"].0, read);
                state.close();
                assert!(!shows(&path));
            }
        }
    }

    #[test]
    fn a_broken_state_is_rescued_sealed() {
        let (values, plain) = (sealed(), Values::default());
        for sealed_first in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let mut state = damaged(folder.path(), if sealed_first { &values } else { &plain });
            let wrong = state.write(|txn| {
                txn.open_table(SINKS)?.insert("s", &b"not what was written"[..])?;
                Ok(())
            });
            wrong.unwrap();
            state.close();
            let (mut state, loaded) = opened(folder.path(), &values).unwrap();
            assert!(loaded.head.rebuilt);
            check(&state, false);
            state.close();
            assert!(!shows(&folder.path().join("state.redb")));
            // The broken one is kept as it was.
            assert_eq!(shows(&folder.path().join("state.redb.corrupt")), !sealed_first);
        }
    }
}
