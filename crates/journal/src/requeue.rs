//! Retrying dead letters: the one procedure of all journals.

use std::collections::BTreeMap;
use std::sync::Arc;

use signalbox_core::{Event, Receipt};

use crate::{DeadLetter, DeadLetterId, Open, Parked, Position, Taken};

/// The operations of a journal's store that retrying needs.
pub(crate) trait Requeue {
    type Error;

    /// True if the journal knows a sink.
    fn has_sink(&self, sink: &str) -> bool;

    /// Returns an event that the log still holds.
    fn original(&self, position: Position) -> Option<Arc<Event>>;

    /// Returns a new position for an event that comes back.
    fn next_position(&mut self) -> Position;

    /// Parks an event for a sink.
    fn park(&mut self, sink: &str, parked: Parked) -> Result<(), Self::Error>;

    /// Removes dead letters and returns the number of existing ones.
    fn remove(&mut self, ids: Vec<DeadLetterId>) -> Result<u64, Self::Error>;
}

/// Parks the events of dead letters for their sinks and removes these letters. A letter stays if the journal does not
/// know its sink, or if neither the log nor the letter holds its event.
pub(crate) fn requeue<S: Requeue>(
    store: &mut S,
    letters: impl IntoIterator<Item = (DeadLetterId, DeadLetter)>,
) -> Result<Taken, S::Error> {
    let mut taken = Taken::default();
    let mut returned: BTreeMap<String, u64> = BTreeMap::new();
    let mut requeued = Vec::new();
    for (id, letter) in letters {
        let known = store.has_sink(&letter.component);
        let original = letter.position.filter(|_| known);
        let original = original.and_then(|position| store.original(position));
        let original = original.filter(|event| {
            event.message_id() == letter.message_id && *event.receipt().source == *letter.source
        });
        let from_journal = original.is_some();
        let copy = || letter.event().filter(|_| known).map(Arc::new);
        let Some(event) = original.or_else(copy) else {
            taken.without_payload += 1;
            continue;
        };
        let position = store.next_position();
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
        store.park(&letter.component, parked)?;
        *returned.entry(letter.component).or_default() += 1;
        taken.from_journal += u64::from(from_journal);
        taken.from_letter += u64::from(!from_journal);
        requeued.push(id);
    }
    taken.removed = store.remove(requeued)?;
    taken.returned = returned.into_iter().collect();
    Ok(taken)
}

impl DeadLetter {
    /// Builds the event from the letter's copy; `None` if the letter holds none that can be read.
    pub fn event(&self) -> Option<Event> {
        let receipt = Receipt {
            source: self.source.as_str().into(),
            received_at: self.received_at,
        };
        let mut event = Event::parse(self.payload.as_deref()?, receipt).ok()?;
        if let Some(facts) = &self.facts {
            *event.facts_mut() = serde_json::from_str(facts).ok()?;
        }
        Some(event)
    }
}
