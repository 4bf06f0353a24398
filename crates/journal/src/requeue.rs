//! Retrying dead letters and sending events again: the procedures of all journals.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use signalbox_core::{Event, Receipt};

use crate::ranges;
use crate::{DeadLetter, DeadLetterId, Open, Owed, Parked, Position, Progress, SendAgain, Taken};

/// The operations of a journal's store that retrying and sending again need.
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

    /// Describes the unsettled events of a known sink.
    fn unsettled(&self, sink: &str) -> Result<Unsettled, Self::Error>;
}

/// The events that a sink has not settled.
#[derive(Debug, Default)]
pub(crate) struct Unsettled {
    pub(crate) progress: Progress,
    pub(crate) owed: Owed,
    /// The places of its parked events, of those too that came back.
    pub(crate) parked: BTreeSet<Position>,
}

impl Unsettled {
    /// True if the sink has not settled an event of the log.
    fn holds(&self, place: Position, source: &str) -> bool {
        let in_log = ranges::holds(&ranges::unsettled(&self.progress), place);
        self.parked.contains(&place) || in_log && self.owed.at(place, source).is_some()
    }
}

/// Parks events that a sink shall send once more, and removes their dead letters. Leaves events alone that the sink has not
/// settled; returns for each event whether it was parked.
pub(crate) fn send_again<S: Requeue>(
    store: &mut S,
    sink: &str,
    events: Vec<SendAgain>,
) -> Result<Vec<bool>, S::Error> {
    let unsettled = store.unsettled(sink)?;
    let (mut given, mut replaced) = (Vec::with_capacity(events.len()), Vec::new());
    for again in events {
        let source = again.event.receipt().source.clone();
        let waits = again.place.is_some_and(|place| unsettled.holds(place, &source));
        given.push(!waits);
        if waits {
            continue;
        }
        let position = store.next_position();
        let open = Open {
            position,
            origin: again.place,
            again: true,
            ..Open::default()
        };
        let parked = Parked {
            position,
            event: again.event,
            open,
            only: again.only,
        };
        store.park(sink, parked)?;
        replaced.extend(again.letters);
    }
    store.remove(replaced)?;
    Ok(given)
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
