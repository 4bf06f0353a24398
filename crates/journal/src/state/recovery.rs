//! Rescues the readable part of a damaged state.

use std::collections::BTreeMap;
use std::fs::File;

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use serde::de::DeserializeOwned;

use super::checkpoints;
use super::contents::Contents;
use super::dead_letters;
use super::parked::decode_parked;
use super::rebuild::{self, Basis};
use super::state_file::{Loaded, StateFile};
use super::store::open_database;
use super::tables::{HEAD, Head, LETTERS, PARKED, PARKED_OPEN, SINKS, SOURCES, decode, encode};
use super::tentative::Tentative;
use super::values::{Place, Values, View};
use crate::panic_guard::{guarded, io};
use crate::{JournalError, Open, Parked};

impl StateFile {
    /// Begins a new file with the readable records of the old one, and with the facts known without it. The old one is
    /// kept beside it.
    pub(super) fn salvage(&mut self, why: &str, known: Known<'_>) -> Result<Loaded, JournalError> {
        self.close();
        let file = File::open(&self.path).and_then(Tentative::new);
        let file = file.map_err(|error| io(&error).at(&self.path))?;
        let (old_head, old) =
            guarded(|| Ok(read_what_can_be(&open_database(file)?, &self.store.values))).unwrap_or_default();
        tracing::error!(file = %self.path.display(), sinks_saved = old.sinks.len(),
            dead_letters_saved = old.letters.len(), parked_saved = old.parked.len(),
            "journal state unreadable: {why}; what could be read is kept, and the rest begun anew");
        let newer = matches!(known, Known::InMemory(_));
        let known = match known {
            Known::InMemory(contents) => *contents,
            Known::InFiles(basis) => basis.contents(&old.parked_by_sink()),
        };
        let mut head = Head {
            rebuilt: true,
            last_letter: old
                .letters
                .keys()
                .last()
                .copied()
                .unwrap_or(0)
                .max(known.head.last_letter),
            last_back: known.head.last_back.max(Parked::BACK + (1 << 40)),
            letters: BTreeMap::new(),
            ..known.head
        };
        for (id, letter) in &old.letters {
            let entry = head.letters.entry(letter.component.clone()).or_default();
            let bytes = dead_letters::encode(&self.store.values, *id, letter);
            *entry = (entry.0 + 1, entry.1 + bytes.map_or(0, |bytes| bytes.len() as u64));
        }
        if let Some(old) = old_head.filter(|_| !newer) {
            head.next_position = old.next_position;
            head.last_back = old.last_back.max(Parked::BACK);
            (head.journalled, head.journalled_to) = (old.journalled, old.journalled_to);
            head.last_letter = head.last_letter.max(old.last_letter);
            head.letters_dropped = old.letters_dropped;
            head.erasures = old.erasures;
        }
        if newer {
            head.again.clear();
        }
        head.again.retain(|name, _| !old.sinks.contains_key(name));
        rebuild::tell_all(&head.again);
        let (sinks, sources) = if newer {
            (over(old.sinks, known.sinks), over(old.sources, known.sources))
        } else {
            (over(known.sinks, old.sinks), over(known.sources, old.sources))
        };
        let contents = Contents {
            head,
            sinks,
            sources,
            parked: old.parked,
            letters: old.letters,
            checkpoints: old.checkpoints,
        };
        self.replace(&contents, true)
    }
}

/// The facts known without the file.
pub(super) enum Known<'a> {
    /// Facts newer than the file.
    InMemory(Box<Contents>),
    /// Facts older than the file.
    InFiles(&'a Basis),
}

/// Merges both maps; where both have a key, the second one's value counts.
fn over<T>(mut first: BTreeMap<String, T>, second: BTreeMap<String, T>) -> BTreeMap<String, T> {
    first.extend(second);
    first
}

/// Reads each table as far as it is readable. The head may be gone that says whether the values are sealed, so both forms
/// are tried.
fn read_what_can_be(db: &Database, values: &Values) -> (Option<Head>, Contents) {
    let (mut head, mut saved, plain) = (None, Contents::default(), Values::default());
    let _ = guarded(|| {
        let table = db.begin_read()?.open_table(HEAD)?;
        head = table.get("head")?.and_then(|head| decode(head.value()));
        Ok(())
    });
    saved.sinks = readable(db, SINKS);
    saved.sources = readable(db, SOURCES);
    let _ = guarded(|| {
        let txn = db.begin_read()?;
        let opens = txn.open_table(PARKED_OPEN)?;
        for entry in txn.open_table(PARKED)?.iter()? {
            let (key, event) = entry?;
            let ((sink, position), event) = (key.value(), event.value());
            let open = opens
                .get((sink, position))
                .ok()
                .flatten()
                .and_then(|open| decode::<Open>(open.value()));
            for form in [values, &plain] {
                let event = form.decode(Place::Parked(sink, position), event);
                if let Some(event) = event.filter(|event| decode_parked(position, event, None).is_some()) {
                    saved.parked.push((
                        (sink.to_owned(), position),
                        event.into_owned(),
                        encode(&open.unwrap_or_default()),
                    ));
                    break;
                }
            }
        }
        Ok(())
    });
    let _ = guarded(|| {
        for entry in db.begin_read()?.open_table(LETTERS)?.iter()? {
            let (id, letter) = entry?;
            let letter = [values, &plain]
                .into_iter()
                .find_map(|form| dead_letters::decode(form, id.value(), letter.value()));
            saved.letters.extend(letter.map(|letter| (id.value(), letter)));
        }
        Ok(())
    });
    let checkpoints = |values| {
        guarded(|| {
            checkpoints::read(
                &View {
                    txn: &db.begin_read()?,
                    values,
                },
                None,
            )
        })
    };
    saved.checkpoints = checkpoints(values).unwrap_or_default();
    if values.are_sealed() && saved.checkpoints.is_empty() {
        saved.checkpoints = checkpoints(&plain).unwrap_or_default();
    }
    (head, saved)
}

/// Reads the intact records of a table by name, as far as the table is readable.
fn readable<T: DeserializeOwned>(
    db: &Database,
    table: TableDefinition<'_, &str, &[u8]>,
) -> BTreeMap<String, T> {
    let mut found = BTreeMap::new();
    let _ = guarded(|| {
        for entry in db.begin_read()?.open_table(table)?.iter()? {
            let (name, value) = entry?;
            found.extend(decode(value.value()).map(|value| (name.value().to_owned(), value)));
        }
        Ok(())
    });
    found
}
