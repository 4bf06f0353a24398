//! The events of a search that sinks have not settled, which no history has yet.

use std::sync::Arc;
use std::time::Instant;

use signalbox_core::Event;
use signalbox_history::{IdHash, IdKeys, IdKind};
use signalbox_journal::{Journal, JournalError, Parked, Position, SinkState};

use super::model::{Pending, Why};
use super::request::MOST_EVENTS;
use super::told;
use crate::history::{self, order_id};
use crate::last_failures::LastFailure;
use crate::ledger::{Ledger, SinkLedger};

/// Events of the log, and parked ones, that are read at once.
const AT_ONCE: usize = 500;

/// The ids that a search looks for.
pub(super) struct Wanted<'a> {
    pub(super) hashes: &'a [IdHash],
    pub(super) keys: &'a IdKeys,
    /// True if it looks for all events.
    pub(super) all: bool,
}

impl Wanted<'_> {
    /// True if an event has one of the ids: its own, its order's, or a person's. Until an event is mapped, its `messageId`
    /// stands for the id at destinations.
    pub(super) fn finds(&self, event: &Event) -> bool {
        if self.all {
            return true;
        }
        let has = |hash: IdHash| self.hashes.contains(&hash);
        let message_id = event.message_id();
        has(self.keys.hash(IdKind::MessageId, message_id))
            || has(self.keys.hash(IdKind::EventId, message_id))
            || order_id(event).is_some_and(|order| has(self.keys.hash(IdKind::OrderId, order)))
            || history::traced(event, self.keys)
                .people
                .hashes(self.keys)
                .any(has)
    }
}

/// The result of a search among unsettled events.
#[derive(Default)]
pub(super) struct Unsettled {
    /// Events of the log.
    pub(super) in_log: Vec<(Position, Arc<Event>)>,
    /// Parked events, by sink.
    pub(super) parked: Vec<(String, Parked)>,
    /// True if time was up before the end.
    pub(super) cut_short: bool,
    /// True if there are more events than an answer has.
    pub(super) more: bool,
}

/// Searches the log where sinks have unsettled events.
pub(super) async fn search_log(
    journal: &dyn Journal,
    states: &[&SinkState],
    wanted: &Wanted<'_>,
    until: Instant,
    found: &mut Unsettled,
) -> Result<(), JournalError> {
    let waiting: Vec<&SinkState> = states
        .iter()
        .copied()
        .filter(|state| !state.unread.is_empty())
        .collect();
    let held = journal.find(i64::MAX).await?;
    let spans: Vec<_> = waiting.iter().flat_map(|state| state.unsettled()).collect();
    let first = spans.iter().map(|(from, _)| *from).min().unwrap_or(held.to);
    let unsettled = |at: &Position| spans.iter().any(|(from, to)| (*from..*to).contains(at));
    let mut positions = (first.max(held.from)..held.to).filter(unsettled);
    loop {
        let some: Vec<Position> = positions.by_ref().take(AT_ONCE).collect();
        if some.is_empty() {
            return Ok(());
        }
        if Instant::now() >= until {
            found.cut_short = true;
            return Ok(());
        }
        for entry in journal.events_at(&some).await? {
            let source = &entry.event.receipt().source;
            let owed = waiting.iter().any(|state| state.awaits(entry.position, source));
            if owed && wanted.finds(&entry.event) {
                if found.in_log.len() >= MOST_EVENTS {
                    found.more = true;
                    return Ok(());
                }
                found.in_log.push((entry.position, entry.event));
            }
        }
    }
}

/// Searches the parked events of all sinks, for wanted ones and for those with a known place in the log.
pub(super) async fn search_parked(
    journal: &dyn Journal,
    states: &[&SinkState],
    wanted: &Wanted<'_>,
    known: &[Position],
    until: Instant,
    found: &mut Unsettled,
) -> Result<(), JournalError> {
    for state in states.iter().filter(|state| state.parked > 0) {
        let mut from = 0;
        loop {
            if Instant::now() >= until {
                found.cut_short = true;
                return Ok(());
            }
            let page = journal.parked(&state.name, from, AT_ONCE).await?;
            let last = page.last();
            let hits = page.events.into_iter().filter(|parked| {
                let place = parked.place();
                place.is_some_and(|place| known.contains(&place)) || wanted.finds(&parked.event)
            });
            for parked in hits {
                if found.parked.len() >= MOST_EVENTS * states.len() {
                    found.more = true;
                    return Ok(());
                }
                found.parked.push((state.name.clone(), parked));
            }
            match last.filter(|_| page.more) {
                Some(last) => from = last + 1,
                None => break,
            }
        }
    }
    Ok(())
}

/// The circumstances of an event that a sink has not settled.
pub(super) struct Circumstances<'a> {
    pub(super) state: &'a SinkState,
    pub(super) ledger: &'a Ledger,
    /// False for a router that does not run.
    pub(super) running: bool,
    pub(super) erased: bool,
    /// The event's place in the log, and its source.
    pub(super) place: (Option<Position>, &'a str),
    pub(super) parked: Option<&'a Parked>,
}

impl Circumstances<'_> {
    /// Describes the event at the sink.
    pub(super) fn pending(&self) -> Pending {
        let name = self.state.name.as_str();
        let open = match self.parked {
            Some(parked) => Some(&parked.open),
            None => {
                let mut open = self.state.progress.open.iter();
                open.find(|open| Some(open.position) == self.place.0)
            }
        };
        let ledger = self.ledger.sinks.get(name);
        let held = ledger.and_then(|ledger| ledger.held.first());
        let disabled =
            ledger.is_some_and(|ledger| ledger.disabled.load(std::sync::atomic::Ordering::Relaxed));
        let removed = ledger.is_none() || self.state.removed.iter().any(|source| source == self.place.1);
        let attempts = open.map_or(0, |open| open.attempts);
        let why = match () {
            () if self.erased => Why::Erased,
            () if removed && ledger.is_none() => Why::Removed,
            () if disabled => Why::Disabled,
            () if !self.running => Why::Stopped,
            () if held.is_some() => Why::Held,
            () if attempts > 0 => Why::Retry,
            () if removed => Why::Removed,
            () if self.parked.is_some_and(|parked| parked.position >= Parked::BACK) => Why::Returned,
            () => Why::Turn,
        };
        let mut pending = Pending {
            why,
            held: held.map(|(_, reason)| reason.message().to_owned()),
            attempts,
            first_attempt: open.map(|open| open.first_attempt).filter(|at| *at > 0),
            last_failure: ledger.and_then(|ledger| self.last_failure(ledger)),
            ended: open
                .map(|open| open.ended.iter().map(|(mapping, _)| mapping.clone()).collect())
                .unwrap_or_default(),
            told: String::new(),
        };
        pending.told = told::pending(&pending, name);
        pending
    }

    /// Returns the last failure, which the driver has noted under the event's place or, once it was parked, under that of the
    /// parked event.
    fn last_failure(&self, ledger: &SinkLedger) -> Option<LastFailure> {
        let parked = self.parked.map(|parked| parked.position);
        let mut positions = parked.into_iter().chain(self.place.0);
        let failure = positions.find_map(|position| ledger.failures.of(position))?;
        Some(LastFailure::clone(&failure))
    }
}
