//! Removes dead letters, to retry them or for good.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use signalbox_core::{Event, Facts, Receipt};

use super::state_writer::StateWriter;
use crate::log::files::LogFiles;
use crate::mutex::lock;
use crate::state::dead_letters;
use crate::state::parked;
use crate::{DeadLetter, DeadLetterId, JournalError, Open, Parked, Position, Taken};

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
        let mut parked_now: BTreeMap<String, u64> = BTreeMap::new();
        let taken = self.change(|txn, head| {
            let mut taken = Taken::default();
            let letters = dead_letters::letters(txn, ids)?;
            let originals = originals(&shared.log, &letters);
            let mut going = Vec::with_capacity(letters.len());
            for (id, letter) in letters {
                let original = letter.position.and_then(|position| originals.get(&position));
                let event = sinks
                    .contains_key(&letter.component)
                    .then(|| revive(original, &letter));
                let Some((event, original)) = event.flatten() else {
                    taken.without_payload += 1;
                    continue;
                };
                head.last_back = head.last_back.max(Parked::BACK) + 1;
                let position = head.last_back;
                let parked = Parked {
                    position,
                    event,
                    open: Open {
                        position,
                        origin: letter.position,
                        ..Open::default()
                    },
                    only: Some(letter.mapping).filter(|mapping| !mapping.is_empty()),
                };
                parked::park(txn, &letter.component, &parked)?;
                *parked_now.entry(letter.component).or_default() += 1;
                taken.from_journal += u64::from(original);
                taken.from_letter += u64::from(!original);
                going.push(id);
            }
            taken.removed = dead_letters::remove(txn, head, going)?;
            Ok(taken)
        })?;
        for (name, count) in &parked_now {
            if let Some(sink) = sinks.get_mut(name) {
                sink.parked += count;
            }
        }
        *lock(&shared.sinks) = sinks;
        Ok(Taken {
            returned: parked_now.into_iter().collect(),
            ..taken
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

/// Restores a dead letter's event: the original if the log still holds it (true), else the letter's copy.
fn revive(original: Option<&Arc<Event>>, letter: &DeadLetter) -> Option<(Arc<Event>, bool)> {
    let same = |event: &&Arc<Event>| {
        event.message_id() == letter.message_id && *event.receipt().source == *letter.source
    };
    if let Some(event) = original.filter(same) {
        return Some((event.clone(), true));
    }
    let receipt = Receipt {
        source: letter.source.as_str().into(),
        received_at: letter.received_at,
    };
    let mut event = Event::parse(letter.payload.as_deref()?, receipt).ok()?;
    if let Some(facts) = &letter.facts {
        *event.facts_mut() = serde_json::from_str::<Facts>(facts).ok()?;
    }
    Some((Arc::new(event), false))
}
