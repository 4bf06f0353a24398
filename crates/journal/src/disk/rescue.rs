//! What is saved of a state that cannot be read whole.

use std::collections::BTreeMap;
use std::path::Path;

use redb::{Builder, Database, ReadableDatabase, ReadableTable};

use super::folder;
use super::guard::guarded;
use super::state::{
    CACHE, HEAD, Head, LETTERS, Loaded, PARKED, PARKED_OPEN, SINKS, SOURCES, SinkRecord, State, decode,
    decode_parked, encode, load,
};
use crate::{DeadLetter, DeadLetterId, JournalError, Open, Parked, Position, SourceTotals};

impl State {
    /// Sets the file aside, begins a new one, and brings over what can still be read record by record.
    pub(super) fn salvage(&mut self, why: &str, head: Head) -> Result<Loaded, JournalError> {
        self.close();
        let folder = self.path.parent().map(Path::to_owned).unwrap_or_default();
        let failed = |error: &std::io::Error| folder::trouble(&folder, "cannot be written to", error);
        let aside = folder::set_aside(&self.path).map_err(|error| failed(&error))?;
        let old = guarded(|| {
            Ok(read_what_can_be(
                &Builder::new().set_cache_size(CACHE).open(&aside)?,
            ))
        });
        let old = old.unwrap_or_default();
        tracing::error!(file = %self.path.display(), set_aside = %aside.display(), sinks_saved = old.sinks.len(),
            dead_letters_saved = old.letters.len(),
            "journal state unreadable: {why}; sinks that are lost start at the oldest event held");
        let mut head = Head {
            last_letter: old.letters.keys().last().copied().unwrap_or(0),
            ..head
        };
        head.last_back = Parked::BACK + (1 << 40);
        for letter in old.letters.values() {
            let entry = head.letters.entry(letter.component.clone()).or_default();
            *entry = (entry.0 + 1, entry.1 + encode(letter).len() as u64);
        }
        if let Some(old) = old.head {
            head.next_position = old.next_position;
            head.last_back = old.last_back.max(Parked::BACK);
            (head.journalled, head.journalled_to) = (old.journalled, old.journalled_to);
            head.last_letter = head.last_letter.max(old.last_letter);
        }
        let path = &self.path;
        let (db, loaded) = guarded(|| {
            let db = Builder::new().set_cache_size(CACHE).create(path)?;
            let txn = db.begin_write()?;
            txn.open_table(HEAD)?.insert("head", encode(&head).as_slice())?;
            for (name, sink) in &old.sinks {
                txn.open_table(SINKS)?
                    .insert(name.as_str(), encode(sink).as_slice())?;
            }
            for (name, totals) in &old.sources {
                txn.open_table(SOURCES)?
                    .insert(name.as_str(), encode(totals).as_slice())?;
            }
            for ((sink, position), event, open) in &old.parked {
                txn.open_table(PARKED)?
                    .insert((sink.as_str(), *position), event.as_slice())?;
                txn.open_table(PARKED_OPEN)?
                    .insert((sink.as_str(), *position), open.as_slice())?;
            }
            for (id, letter) in &old.letters {
                txn.open_table(LETTERS)?.insert(id, encode(letter).as_slice())?;
            }
            let loaded = load(&txn)?;
            txn.commit()?;
            Ok((db, loaded))
        })
        .map_err(|trouble| trouble.at(&self.path))?;
        self.db = Some(db);
        folder::sync(&folder).map_err(|error| failed(&error))?;
        Ok(loaded)
    }
}

type SavedParked = ((String, Position), Vec<u8>, Vec<u8>);

#[derive(Default)]
struct Saved {
    head: Option<Head>,
    sinks: BTreeMap<String, SinkRecord>,
    sources: BTreeMap<String, SourceTotals>,
    /// Sink and position, event, history.
    parked: Vec<SavedParked>,
    letters: BTreeMap<DeadLetterId, DeadLetter>,
}

/// Table by table, each as far as it goes.
fn read_what_can_be(db: &Database) -> Saved {
    let mut saved = Saved::default();
    let _ = guarded(|| {
        let table = db.begin_read()?.open_table(HEAD)?;
        saved.head = table.get("head")?.and_then(|head| decode(head.value()));
        Ok(())
    });
    let _ = guarded(|| {
        for entry in db.begin_read()?.open_table(SINKS)?.iter()? {
            let (name, sink) = entry?;
            saved
                .sinks
                .extend(decode(sink.value()).map(|sink| (name.value().to_owned(), sink)));
        }
        Ok(())
    });
    let _ = guarded(|| {
        for entry in db.begin_read()?.open_table(SOURCES)?.iter()? {
            let (name, totals) = entry?;
            saved
                .sources
                .extend(decode(totals.value()).map(|totals| (name.value().to_owned(), totals)));
        }
        Ok(())
    });
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
            if decode_parked(position, event, None).is_some() {
                saved.parked.push((
                    (sink.to_owned(), position),
                    event.to_vec(),
                    encode(&open.unwrap_or_default()),
                ));
            }
        }
        Ok(())
    });
    let _ = guarded(|| {
        for entry in db.begin_read()?.open_table(LETTERS)?.iter()? {
            let (id, letter) = entry?;
            saved
                .letters
                .extend(decode(letter.value()).map(|letter| (id.value(), letter)));
        }
        Ok(())
    });
    saved
}
