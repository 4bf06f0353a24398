//! Adopts another pipeline: renamed components take over the state under their old name, and removed and disabled sinks are
//! owed no further events.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::shared::Sink;
use super::state_writer::StateWriter;
use crate::mutex::lock;
use crate::state::checkpoints;
use crate::state::dead_letters;
use crate::state::{parked, tables};
use crate::{JournalError, Named, Position, Roster};

impl StateWriter {
    pub(crate) fn adopt(&mut self, roster: Roster) -> Result<(), JournalError> {
        let mut names = self.head.names.clone();
        let sources: Vec<(String, String)> = roster.sources.iter().filter_map(Named::renamed).collect();
        let known = |name: &String| {
            lock(&self.shared.journalled).counts.contains_key(name)
                || lock(&self.shared.sources).totals.contains_key(name)
                || self.head.letters.contains_key(&format!("source:{name}"))
        };
        let sources: Vec<(String, String)> = sources.into_iter().filter(|(old, _)| known(old)).collect();
        for (old, new) in &sources {
            names.rename(old, new);
        }
        names.present(&roster);
        let (mut moved, mut gone) = (BTreeMap::new(), Vec::new());
        let mut sinks = lock(&self.shared.sinks).clone();
        for (old, new) in roster.all_sinks().filter_map(Named::renamed) {
            if let Some(past) = sinks.remove(&old) {
                let mut sink = merge(sinks.remove(&new), past);
                sink.record.mappings.rename(&old, &new);
                moved.insert(new.clone(), sink.clone());
                sinks.insert(new.clone(), sink);
                gone.push((old, new));
            }
        }
        let end = self.shared.end();
        for (name, sink) in &mut sinks {
            if roster.has_sink(name) || sink.opened {
                continue;
            }
            let before = sink.record.clone();
            sink.record.inputs.leave(end, roster.has_disabled(name));
            sink.record.released |= sink.parked == 0 && self.unread(&sink.record, end)?.is_empty();
            if sink.record != before {
                moved.insert(name.clone(), sink.clone());
            }
        }
        let changed = !(moved.is_empty() && sources.is_empty() && names == self.head.names);
        if changed {
            self.rename(names, &sources, &gone, &mut moved)?;
        }
        lock(&self.shared.names).clone_from(&Arc::new(self.head.names.clone()));
        if changed {
            self.begin_file();
        }
        self.roster = Some(roster);
        Ok(())
    }

    /// Writes all changes in one commit.
    fn rename(
        &mut self,
        names: crate::names::Names,
        sources: &[(String, String)],
        gone: &[(String, String)],
        moved: &mut BTreeMap<String, Sink>,
    ) -> Result<(), JournalError> {
        let mut totals = lock(&self.shared.sources).totals.clone();
        let mut counts = BTreeMap::new();
        for (old, new) in sources {
            if let Some(past) = totals.remove(old) {
                totals.entry(new.clone()).or_default().add(past);
            }
            counts.insert(old.as_str(), new.as_str());
        }
        self.change(|txn, head| {
            for (old, new) in sources {
                tables::remove_source(txn, old)?;
                if let Some(totals) = totals.get(new) {
                    tables::put_source(txn, new, totals)?;
                }
                checkpoints::rename(txn, old, new)?;
                dead_letters::rename(txn, head, &format!("source:{old}"), &format!("source:{new}"))?;
            }
            for (old, new) in gone {
                parked::move_parked(txn, old, new)?;
                parked::remove_sink(txn, old)?;
                dead_letters::rename(txn, head, old, new)?;
                if let Some(sink) = moved.get_mut(new) {
                    let events = txn.open_table(tables::PARKED)?;
                    sink.parked = parked::count_parked(&events, new, 0..=Position::MAX)?;
                }
            }
            for (name, sink) in &*moved {
                tables::put_sink(txn, name, &sink.record)?;
            }
            head.names = names;
            Ok(())
        })?;
        // If the process ends before these counts are written, they are still found: readers look them up by the
        // source's present name.
        move_counts(&mut lock(&self.shared.journalled).counts, &counts);
        let mut shared = lock(&self.shared.sources);
        for (old, new) in sources {
            shared.totals.remove(old);
            if let Some(totals) = totals.get(new) {
                shared.totals.insert(new.clone(), totals.clone());
            }
        }
        drop(shared);
        let mut sinks = lock(&self.shared.sinks);
        for (old, _) in gone {
            sinks.remove(old);
        }
        for (name, sink) in std::mem::take(moved) {
            sinks.insert(name, sink);
        }
        drop(sinks);
        for (old, new) in sources {
            tracing::info!(
                was = old,
                source = new,
                "source renamed: counts, known ids, checkpoints and dead letters went over"
            );
        }
        for (old, new) in gone {
            tracing::info!(
                was = old,
                sink = new,
                "sink renamed: it goes on where it was, with its dead letters"
            );
        }
        Ok(())
    }
}

/// Returns a renamed sink, merged with the sink that already has its new name.
fn merge(newer: Option<Sink>, mut past: Sink) -> Sink {
    past.generation += 1;
    past.opened = false;
    let Some(newer) = newer else { return past };
    let mut record = newer.record;
    record.merge(past.record);
    Sink {
        record,
        generation: newer.generation.max(past.generation) + 1,
        parked: past.parked,
        opened: past.opened,
    }
}

fn move_counts(counts: &mut BTreeMap<String, u64>, names: &BTreeMap<&str, &str>) {
    for (old, new) in names {
        if let Some(count) = counts.remove(*old) {
            *counts.entry((*new).to_owned()).or_default() += count;
        }
    }
}
