//! Removes dead letters, to retry them or for good, and gives events to sinks again.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use signalbox_core::Event;

use super::shared::Sink;
use super::state_writer::StateWriter;
use crate::log::files::LogFiles;
use crate::mutex::lock;
use crate::requeue::{Requeue, Unsettled, requeue, send_again};
use crate::state::dead_letters;
use crate::state::parked;
use crate::state::tables::Head;
use crate::state::values::Change;
use crate::{DeadLetter, DeadLetterId, JournalError, Parked, Position, SendAgain, Taken};

impl StateWriter {
    /// Removes dead letters and parks the events to be retried, in one commit.
    pub(crate) fn take_letters(&mut self, ids: &[DeadLetterId], retry: bool) -> Result<Taken, JournalError> {
        let taken = if retry {
            self.return_letters(ids)?
        } else {
            self.change(|txn, head| {
                let removed = dead_letters::remove(txn, head, ids.iter().copied())?;
                Ok(Taken {
                    removed,
                    ..Taken::default()
                })
            })?
        };
        if taken.removed > 0 {
            // The removed letters may have been large, and the next change may need the room.
            self.state.reuse_at_once();
        }
        Ok(taken)
    }

    fn return_letters(&mut self, ids: &[DeadLetterId]) -> Result<Taken, JournalError> {
        let shared = self.shared.clone();
        let mut sinks = lock(&shared.sinks).clone();
        let taken = self.change(|txn, head| {
            let letters = dead_letters::letters(txn, ids)?;
            let originals = originals(&shared.log, &letters);
            let mut store = Transaction {
                txn,
                head,
                sinks: &sinks,
                originals,
            };
            requeue(&mut store, letters)
        })?;
        for (name, count) in &taken.returned {
            if let Some(sink) = sinks.get_mut(name) {
                sink.parked += count;
            }
        }
        *lock(&shared.sinks) = sinks;
        Ok(taken)
    }

    /// Parks events that a sink shall send once more, and removes their dead letters, in one commit.
    pub(crate) fn send_again(
        &mut self,
        sink: &str,
        events: Vec<SendAgain>,
    ) -> Result<Vec<bool>, JournalError> {
        let shared = self.shared.clone();
        let mut sinks = lock(&shared.sinks).clone();
        if !sinks.contains_key(sink) {
            return Err(JournalError::no_sink(sink));
        }
        let given = self.change(|txn, head| {
            let mut store = Transaction {
                txn,
                head,
                sinks: &sinks,
                originals: HashMap::new(),
            };
            send_again(&mut store, sink, events)
        })?;
        if let Some(sink) = sinks.get_mut(sink) {
            sink.parked += given.iter().filter(|given| **given).count() as u64;
        }
        *lock(&shared.sinks) = sinks;
        Ok(given)
    }
}

/// A change of the state in which events come back to sinks.
struct Transaction<'a> {
    txn: &'a Change<'a>,
    head: &'a mut Head,
    sinks: &'a BTreeMap<String, Sink>,
    originals: HashMap<Position, Arc<Event>>,
}

impl Requeue for Transaction<'_> {
    type Error = redb::Error;

    fn has_sink(&self, sink: &str) -> bool {
        self.sinks.contains_key(sink)
    }

    fn original(&self, position: Position) -> Option<Arc<Event>> {
        self.originals.get(&position).cloned()
    }

    fn next_position(&mut self) -> Position {
        self.head.last_back = self.head.last_back.max(Parked::BACK) + 1;
        self.head.last_back
    }

    fn park(&mut self, sink: &str, parked: Parked) -> Result<(), redb::Error> {
        parked::park(self.txn, sink, &parked)?;
        Ok(())
    }

    fn remove(&mut self, ids: Vec<DeadLetterId>) -> Result<u64, redb::Error> {
        dead_letters::remove(self.txn, self.head, ids)
    }

    fn unsettled(&self, sink: &str) -> Result<Unsettled, redb::Error> {
        let Some(known) = self.sinks.get(sink) else {
            return Ok(Unsettled::default());
        };
        Ok(Unsettled {
            progress: known.record.progress.clone(),
            owed: known.record.inputs.owed(&self.head.names),
            parked: parked::places(self.txn, sink)?,
        })
    }
}

/// Reads the events of letters that the log still holds. It reads each frame once, however many letters are about it.
fn originals(log: &LogFiles, letters: &[(DeadLetterId, DeadLetter)]) -> HashMap<Position, Arc<Event>> {
    let held = log.start().unwrap_or(0)..log.end().unwrap_or(0);
    let places = letters.iter().filter_map(|(_, letter)| letter.position);
    let mut places: Vec<Position> = places.filter(|place| held.contains(place)).collect();
    places.sort_unstable();
    places.dedup();
    // Events that the system refuses to read are retried from the letter's copy.
    let (found, _) = log.pick(&places);
    found
        .into_iter()
        .map(|(place, event)| (place, Arc::new(event)))
        .collect()
}
