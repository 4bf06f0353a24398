//! Adopts a router's pipeline: renamed components take over the state under their old name, and sinks that no router has any
//! more are owed no further events.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::book::Book;
use super::book::key::Key;
use super::book::parked;
use super::book::store::{Refused, Store, Write};
use super::book::values::{checkpoint_record, json};
use super::journal::{PATIENCE, Shared};
use crate::names::Names;
use crate::sink_record::SinkRecord;
use crate::{JournalError, Named, Position, Roster, SourceTotals};

/// Adoptions that are tried again when another router adopts at the same time.
const TRIES: u32 = 10;
/// The pause before such a try.
const PAUSE: Duration = Duration::from_millis(100);
/// Records moved in one change: each is one written and one removed.
const AT_ONCE: usize = 200;

impl Shared {
    /// Adopts the components of this router.
    pub(super) async fn adopt(&self, roster: &Roster) -> Result<(), JournalError> {
        for _ in 0..TRIES {
            match self.try_adopt(roster).await {
                Ok(()) => {
                    *crate::mutex::lock(&self.roster) = Some(roster.clone());
                    return Ok(());
                }
                Err(Refused::Fenced) => tokio::time::sleep(PAUSE).await,
                Err(Refused::Failed(error)) => return Err(error),
            }
        }
        Err(Refused::Fenced.into())
    }

    async fn try_adopt(&self, roster: &Roster) -> Result<(), Refused> {
        let sources: Vec<(String, String)> = {
            let book = self.store.book();
            let renamed = roster.sources.iter().filter_map(Named::renamed);
            renamed
                .filter(|(old, new)| book.has_source(old) || book.is_awaited_as(old, new))
                .collect()
        };
        for (old, new) in &sources {
            self.store
                .rename_letters(&format!("source:{old}"), &format!("source:{new}"))
                .await?;
        }
        self.rename_sources(roster, &sources).await?;
        for (old, new) in roster.all_sinks().filter_map(Named::renamed) {
            if self.store.book().has_sink(&old) {
                self.rename_sink(&old, &new).await?;
            }
        }
        self.leave(roster).await
    }

    /// Writes the names, and moves counts and checkpoints of renamed sources, in one change.
    async fn rename_sources(&self, roster: &Roster, sources: &[(String, String)]) -> Result<(), Refused> {
        let writes = {
            let book = self.store.book();
            let mut names = Names::clone(&book.names);
            for (old, new) in sources {
                names.rename(old, new);
            }
            names.present(roster);
            if sources.is_empty() && names == *book.names {
                return Ok(());
            }
            book.source_writes(&names, sources)?
        };
        self.store
            .write_and_read(&writes, Instant::now() + PATIENCE)
            .await?;
        for (old, new) in sources {
            tracing::info!(
                was = old,
                source = new,
                "source renamed: counts, known ids, checkpoints and dead letters went over"
            );
        }
        Ok(())
    }

    /// Moves a sink to its new name. What belongs to it goes first, and its record last: a router that ends meanwhile leaves
    /// the rest to the next start.
    async fn rename_sink(&self, old: &str, new: &str) -> Result<(), Refused> {
        self.store.rename_letters(old, new).await?;
        self.move_parked(old, new).await?;
        let writes = {
            let book = self.store.book();
            let (Some(past), true) = (book.sinks.get(old), book.has_sink(old)) else {
                return Ok(());
            };
            let (from, to) = (Key::Sink(old.to_owned()), Key::Sink(new.to_owned()));
            let newer = book.sinks.get(new).filter(|_| book.has_sink(new));
            let mut record = match newer {
                None => past.record.clone(),
                Some(newer) => {
                    let mut record = newer.record.clone();
                    record.merge(past.record.clone());
                    record
                }
            };
            record.mappings.rename(old, new);
            [
                Write::set(to.clone(), json(&record)?).over(book.sequence(&to)),
                Write::remove(from.clone()).over(book.sequence(&from)),
            ]
        };
        self.store
            .write_and_read(&writes, Instant::now() + PATIENCE)
            .await?;
        tracing::info!(
            was = old,
            sink = new,
            "sink renamed: it goes on where it was, with its dead letters"
        );
        Ok(())
    }

    async fn move_parked(&self, old: &str, new: &str) -> Result<(), Refused> {
        loop {
            let positions: Vec<Position> = {
                let book = self.store.book();
                let parked = book
                    .sinks
                    .get(old)
                    .into_iter()
                    .flat_map(|sink| sink.parked.keys());
                parked.copied().take(AT_ONCE).collect()
            };
            if positions.is_empty() {
                return Ok(());
            }
            let page = self.parked_at(old, &positions).await?;
            let mut writes = self.store.book().unpark_writes(old, positions);
            for event in &page.events {
                let key = match event.position {
                    position if super::states::is_back(position) => {
                        Key::Back(new.to_owned(), uuid::Uuid::new_v4().simple().to_string())
                    }
                    position => Key::Parked(new.to_owned(), position),
                };
                writes.push(Write::set(key, parked::encode(event)?));
            }
            for position in &page.unreadable {
                tracing::error!(
                    sink = old,
                    position,
                    "a parked event cannot be read, and does not go over"
                );
            }
            self.store
                .write_and_read(&writes, Instant::now() + PATIENCE)
                .await?;
        }
    }

    /// Notes that sinks which neither this router nor another one delivers to are owed no further events.
    async fn leave(&self, roster: &Roster) -> Result<(), Refused> {
        let end = self.log.end();
        let gone: Vec<(String, SinkRecord, bool, u64)> = {
            let book = self.store.book();
            let sinks = book.known_sinks().filter(|(name, _)| !roster.has_sink(name));
            let sinks = sinks.map(|(name, sink)| {
                let sequence = book.sequence(&Key::Sink(name.clone()));
                (
                    name.clone(),
                    sink.record.clone(),
                    sink.parked.is_empty(),
                    sequence,
                )
            });
            sinks.collect()
        };
        for (name, mut record, nothing_parked, sequence) in gone {
            if self.others_deliver(&name) {
                continue;
            }
            let before = record.clone();
            record.inputs.leave(end, roster.has_disabled(&name));
            record.released |= nothing_parked && self.unread(&record, end).await?.is_empty();
            if record != before {
                let writes = [Write::set(Key::Sink(name), json(&record)?).over(sequence)];
                self.store
                    .write_and_read(&writes, Instant::now() + PATIENCE)
                    .await?;
            }
        }
        Ok(())
    }
}

impl Book {
    fn has_source(&self, name: &str) -> bool {
        self.sources.contains_key(name)
            || self.checkpoints.contains_key(name)
            || self.counts.contains_key(&format!("source:{name}"))
    }

    /// True if some sink is owed events of a source that is not renamed yet. Its counts may come later than its events.
    fn is_awaited_as(&self, old: &str, new: &str) -> bool {
        let mut sinks = self.sinks.values();
        self.names.now(old) != new && sinks.any(|sink| sink.record.inputs.spans.contains_key(old))
    }

    /// Makes the change that writes the names and moves the counts and checkpoints of renamed sources.
    fn source_writes(&self, names: &Names, sources: &[(String, String)]) -> Result<Vec<Write>, JournalError> {
        let mut writes = vec![Write::set(Key::Names, json(names)?).over(self.sequence(&Key::Names))];
        for (old, new) in sources {
            let nodes = self.sources.get(old).into_iter().flatten();
            for (node, past) in nodes {
                let known = self.sources.get(new).and_then(|nodes| nodes.get(node));
                let mut totals: SourceTotals = known.cloned().unwrap_or_default();
                totals.add(past.clone());
                writes.push(Write::set(Key::Source(new.clone(), node.clone()), json(&totals)?));
                writes.push(Write::remove(Key::Source(old.clone(), node.clone())));
            }
            let none = BTreeMap::new();
            let newer = self.checkpoints.get(new).unwrap_or(&none);
            for (key, value) in self.checkpoints.get(old).into_iter().flatten() {
                if !newer.contains_key(key) {
                    writes.push(Write::set(
                        Key::Checkpoint(new.clone(), key.clone()),
                        checkpoint_record(value.clone()),
                    ));
                }
                writes.push(Write::remove(Key::Checkpoint(old.clone(), key.clone())));
            }
        }
        Ok(writes)
    }
}

impl Store {
    /// Moves the dead letters of a component to its new name.
    async fn rename_letters(&self, old: &str, new: &str) -> Result<(), Refused> {
        loop {
            let some: Vec<_> = {
                let book = self.book();
                let letters = book
                    .letters
                    .iter()
                    .filter(|(_, letter)| letter.outline.component == old);
                letters
                    .take(AT_ONCE)
                    .map(|(id, letter)| (*id, letter.key.clone()))
                    .collect()
            };
            if some.is_empty() {
                return self.rename_dropped(old, new).await;
            }
            let keys: BTreeMap<u64, Key> = some.into_iter().collect();
            let letters = self.letters(keys.keys().copied().collect()).await?;
            let mut writes = Vec::new();
            for (id, mut letter) in letters {
                let Some(key) = keys.get(&id) else { continue };
                new.clone_into(&mut letter.component);
                if let Key::Letter(_, name) = key {
                    writes.push(Write::set(
                        Key::Letter(new.to_owned(), name.clone()),
                        json(&letter)?,
                    ));
                }
                writes.push(Write::remove(key.clone()).over(id));
            }
            if writes.is_empty() {
                return Ok(());
            }
            self.write_and_read(&writes, Instant::now() + PATIENCE).await?;
        }
    }

    /// Moves the number of dropped letters of a component to its new name.
    async fn rename_dropped(&self, old: &str, new: &str) -> Result<(), Refused> {
        let writes = {
            let book = self.book();
            let (from, to) = (Key::Dropped(old.to_owned()), Key::Dropped(new.to_owned()));
            if book.sequence(&from) == 0 {
                return Ok(());
            }
            let dropped = |name: &str| book.counts.get(name).map_or(0, |counts| counts.dropped);
            let sum = dropped(old) + dropped(new);
            [
                Write::set(to.clone(), json(&sum)?).over(book.sequence(&to)),
                Write::remove(from.clone()).over(book.sequence(&from)),
            ]
        };
        self.write_and_read(&writes, Instant::now() + PATIENCE).await?;
        Ok(())
    }
}
