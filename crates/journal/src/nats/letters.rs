//! The dead letters of a journal on NATS.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use futures_util::StreamExt as _;
use signalbox_core::Event;

use super::book::Book;
use super::book::key::Key;
use super::book::parked;
use super::book::store::{Store, Write};
use super::book::values::{json, read};
use super::commits::{Commits, letter_key};
use super::journal::{NatsJournal, PATIENCE};
use crate::dead_letter::Paging;
use crate::mutex::lock;
use crate::requeue::{Requeue, Unsettled, requeue, send_again};
use crate::{
    AppendError, DeadLetter, DeadLetterFilter, DeadLetterId, DeadLetterPage, DeadLetterQuota, JournalError,
    LetterCounts, Letters, Page, Parked, Position, SendAgain, Taken,
};

/// Letters taken in one change: each is a record removed, and one added.
const AT_ONCE: usize = 400;
/// Bytes of records in one change, about.
const BYTES: usize = 4_000_000;
/// Records fetched at the same time.
const FETCHES: usize = 16;
/// Letters dropped in one change for a quota.
const DROPPED: usize = 900;

impl Store {
    /// Fetches dead letters with the content of their events; leaves out those that are gone.
    pub(super) async fn letters(
        &self,
        ids: Vec<DeadLetterId>,
    ) -> Result<Vec<(DeadLetterId, DeadLetter)>, JournalError> {
        let fetches = ids.into_iter().map(|id| async move {
            let value = self.fetch(id).await?;
            Ok::<_, JournalError>(value.and_then(|value| Some((id, read(&value)?))))
        });
        let mut fetched = futures_util::stream::iter(fetches).buffered(FETCHES);
        let mut letters = Vec::new();
        while let Some(letter) = fetched.next().await {
            letters.extend(letter?);
        }
        Ok(letters)
    }

    /// Drops the oldest letters of a component that exceeds its quota, if that is the rule for it.
    pub(super) async fn trim_letters(&self, component: &str) {
        let writes = {
            let book = self.book();
            let counts = book.counts.get(component).copied().unwrap_or_default();
            if !book.quota.drops(component) || counts.bytes <= counts.max_bytes {
                return;
            }
            let mut bytes = counts.bytes;
            let of_it = book
                .letters
                .iter()
                .filter(|(_, letter)| letter.outline.component == component);
            let going = of_it.take_while(|(_, letter)| {
                let crowded = bytes > counts.max_bytes;
                bytes = bytes.saturating_sub(letter.bytes);
                crowded
            });
            book.drop_letters(component, going.map(|(id, _)| *id).take(DROPPED).collect())
        };
        self.drop_letters(writes).await;
    }

    /// Drops the letters that ended before a moment.
    pub(super) async fn drop_aged_letters(&self, before: i64) {
        let changes: Vec<_> = {
            let book = self.book();
            let mut aged: BTreeMap<&str, Vec<DeadLetterId>> = BTreeMap::new();
            for (id, letter) in &book.letters {
                if letter.outline.last_at < before {
                    aged.entry(&letter.outline.component).or_default().push(*id);
                }
            }
            let aged = aged.into_iter();
            aged.map(|(component, ids)| book.drop_letters(component, ids.into_iter().take(DROPPED).collect()))
                .collect()
        };
        for writes in changes {
            self.drop_letters(writes).await;
        }
    }

    async fn drop_letters(&self, writes: Result<Vec<Write>, JournalError>) {
        let written = match writes {
            Ok(writes) => self
                .write_and_read(&writes, Instant::now() + PATIENCE)
                .await
                .map_err(JournalError::from),
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            tracing::warn!("dead letters beyond their quota are kept for now: {error}");
        }
    }
}

impl Book {
    /// Makes the change that drops letters of a component and counts them.
    fn drop_letters(&self, component: &str, ids: Vec<DeadLetterId>) -> Result<Vec<Write>, JournalError> {
        let key = Key::Dropped(component.to_owned());
        let dropped = self.counts.get(component).map_or(0, |counts| counts.dropped) + ids.len() as u64;
        let sequence = self.sequence(&key);
        let mut writes = vec![Write::set(key, json(&dropped)?).over(sequence)];
        writes.extend(self.removals(&ids));
        Ok(writes)
    }

    /// Removes letters that are still there.
    fn removals(&self, ids: &[DeadLetterId]) -> Vec<Write> {
        let letters = ids.iter().filter_map(|id| Some((id, self.letters.get(id)?)));
        letters
            .map(|(id, letter)| Write::remove(letter.key.clone()).over(*id))
            .collect()
    }
}

#[async_trait]
impl Letters for NatsJournal {
    async fn bury(&self, letters: Vec<DeadLetter>) -> Result<(), AppendError> {
        // One at a time: it bounds the memory of letters that wait.
        let _turn = self.0.burying.lock().await;
        let store = &self.0.store;
        let components: BTreeSet<String> = letters.iter().map(|letter| letter.component.clone()).collect();
        let (mut writes, mut bytes) = (Vec::new(), 0);
        for letter in &letters {
            let value = json(letter)?;
            if bytes + value.len() > BYTES || writes.len() >= DROPPED {
                write(store, &std::mem::take(&mut writes)).await?;
                bytes = 0;
            }
            bytes += value.len();
            writes.push(Write::set(letter_key(letter), value));
        }
        write(store, &writes).await?;
        for component in components {
            store.trim_letters(&component).await;
        }
        Ok(())
    }

    async fn take_dead_letters(&self, ids: &[DeadLetterId], retry: bool) -> Result<Taken, JournalError> {
        let mut seen = BTreeSet::new();
        let ids: Vec<DeadLetterId> = ids.iter().copied().filter(|id| seen.insert(*id)).collect();
        let mut taken = Taken::default();
        for part in ids.chunks(AT_ONCE) {
            taken.add(self.take_letters(part.to_vec(), retry).await?);
        }
        Ok(taken)
    }

    async fn send_again(&self, sink: &str, events: Vec<SendAgain>) -> Result<Vec<bool>, JournalError> {
        let store = &self.0.store;
        let mut given = Vec::with_capacity(events.len());
        for part in events.chunks(AT_ONCE) {
            let (writes, part_given) = {
                let book = store.book();
                if !book.has_sink(sink) {
                    return Err(JournalError::no_sink(sink));
                }
                let mut draft = Draft::new(&book, HashMap::new());
                let given = send_again(&mut draft, sink, part.to_vec())?;
                (draft.writes, given)
            };
            write(store, &writes).await?;
            given.extend(part_given);
        }
        if given.contains(&true) {
            self.tell_driver(sink).await;
        }
        Ok(given)
    }

    async fn dead_letter_page(
        &self,
        filter: &DeadLetterFilter,
        page: Page,
    ) -> Result<DeadLetterPage, JournalError> {
        let mut found = {
            let book = self.0.store.book();
            let outlines = Page {
                payloads: false,
                ..page
            };
            let mut paging = Paging::new(filter, outlines);
            if let Some(ids) = page.ids(filter) {
                let mut letters = book.letters.range(ids);
                while let Some((id, letter)) = paging.next(&mut letters) {
                    let bytes = if page.payloads { letter.bytes } else { 0 };
                    paging.look(*id, bytes, Some(Cow::Borrowed(&letter.outline)), || None);
                }
            }
            paging.done()
        };
        let sizes: Vec<u64> = {
            let book = self.0.store.book();
            let size = |id| book.letters.get(&id).map_or(0, |letter| letter.bytes);
            found.letters.iter().map(|stored| size(stored.id)).collect()
        };
        for (stored, bytes) in found.letters.iter_mut().zip(sizes) {
            stored.bytes = bytes;
        }
        if page.payloads {
            let whole = self
                .0
                .store
                .letters(found.letters.iter().map(|stored| stored.id).collect());
            let mut whole: HashMap<DeadLetterId, DeadLetter> = whole.await?.into_iter().collect();
            for stored in &mut found.letters {
                if let Some(letter) = whole.remove(&stored.id) {
                    (stored.letter.payload, stored.letter.facts) = (letter.payload, letter.facts);
                }
            }
        }
        Ok(found)
    }

    fn letter_counts(&self) -> BTreeMap<String, LetterCounts> {
        self.0.store.book().counts.clone()
    }

    fn dead_letter_quota(&self) -> DeadLetterQuota {
        self.0.store.book().quota
    }
}

impl NatsJournal {
    async fn take_letters(&self, ids: Vec<DeadLetterId>, retry: bool) -> Result<Taken, JournalError> {
        let store = &self.0.store;
        if !retry {
            let writes = store.book().removals(&ids);
            write(store, &writes).await?;
            return Ok(Taken {
                removed: writes.len() as u64,
                ..Taken::default()
            });
        }
        let letters = store.letters(ids).await?;
        let mut places: Vec<Position> = letters.iter().filter_map(|(_, letter)| letter.position).collect();
        places.sort_unstable();
        places.dedup();
        let originals = self.0.log.events_at(&places).await?;
        let originals = originals.into_iter().map(|entry| (entry.position, entry.event));
        let (writes, taken) = {
            let book = store.book();
            let mut draft = Draft::new(&book, originals.collect());
            let taken = requeue(&mut draft, letters)?;
            (draft.writes, taken)
        };
        write(store, &writes).await?;
        for (sink, _) in &taken.returned {
            self.tell_driver(sink).await;
        }
        Ok(taken)
    }

    /// Makes the driver of a sink at another router open its reader anew, which finds the events that came back. The driver of
    /// this router hears of them from the caller.
    async fn tell_driver(&self, sink: &str) {
        let here = lock(&self.0.commits).get(sink).is_some_and(Commits::is_open);
        if here {
            return;
        }
        if let Err(error) = self.0.change_sink(sink, |_, _, _| ((), Vec::new())).await {
            tracing::warn!(
                sink,
                "the router that drives it finds the events that came back only when it opens the sink again: {error}"
            );
        }
    }
}

/// Writes records and waits until the book has them.
async fn write(store: &Store, writes: &[Write]) -> Result<(), JournalError> {
    store.write_and_read(writes, Instant::now() + PATIENCE).await?;
    Ok(())
}

/// A change in which events come back to sinks.
struct Draft<'a> {
    book: &'a Book,
    originals: HashMap<Position, Arc<Event>>,
    writes: Vec<Write>,
}

impl Draft<'_> {
    fn new(book: &Book, originals: HashMap<Position, Arc<Event>>) -> Draft<'_> {
        Draft {
            book,
            originals,
            writes: Vec::new(),
        }
    }
}

impl Requeue for Draft<'_> {
    type Error = JournalError;

    fn has_sink(&self, sink: &str) -> bool {
        self.book.has_sink(sink)
    }

    fn original(&self, position: Position) -> Option<Arc<Event>> {
        self.originals.get(&position).cloned()
    }

    /// The position follows from the sequence that the record will get.
    fn next_position(&mut self) -> Position {
        Parked::BACK
    }

    fn park(&mut self, sink: &str, parked: Parked) -> Result<(), JournalError> {
        let name = uuid::Uuid::new_v4().simple().to_string();
        let key = Key::Back(sink.to_owned(), name);
        self.writes.push(Write::set(key, parked::encode(&parked)?));
        Ok(())
    }

    fn remove(&mut self, ids: Vec<DeadLetterId>) -> Result<u64, JournalError> {
        let removals = self.book.removals(&ids);
        let count = removals.len() as u64;
        self.writes.extend(removals);
        Ok(count)
    }

    fn unsettled(&self, sink: &str) -> Result<Unsettled, JournalError> {
        let sink = self.book.sinks.get(sink);
        Ok(sink.map_or_else(Unsettled::default, |sink| Unsettled {
            progress: sink.record.progress.clone(),
            owed: sink.record.inputs.owed(&self.book.names),
            parked: sink.places(),
        }))
    }
}
