//! Sending events once more: from the log while it holds them, else from the copies in their dead letters. Such events go past
//! the memory of sent keys, obey erasures, and pass the sink's filters and mappings as they are now.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use signalbox_history::Reader;
use signalbox_journal::{
    DeadLetterFilter, DeadLetterId, Journal, Order, Page, Position, SOURCE, SendAgain, SinkState, Standing,
    StoredLetter,
};

use super::in_log::{Ids, ids, in_log};
use crate::erase::covers_letter;
use crate::running::Running;

/// Dead letters looked at in one page.
const LETTERS: usize = 5_000;

/// A request to send events once more.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResendRequest {
    /// The `messageId`s of the events; at most [`IDS`](super::IDS).
    pub message_ids: Vec<String>,
    /// The one sink that shall send them; `None` means every sink that was owed them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sink: Option<String>,
}

/// The result of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resent {
    /// The events, in the order of the request.
    pub events: Vec<ResentEvent>,
    /// The position before which the log was searched, if time was up before its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub searched_to: Option<Position>,
}

/// The result for one event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResentEvent {
    /// Its `messageId`.
    pub message_id: String,
    /// True if the journal or a dead letter holds it.
    pub found: bool,
    /// True if an erasure covers it.
    pub erased: bool,
    /// The result by sink; `source:NAME` for a source that rejected it.
    pub sinks: BTreeMap<String, Sending>,
}

impl ResentEvent {
    /// True if a sink sends the event, now or as soon as it can.
    #[must_use]
    pub fn goes_out(&self) -> bool {
        self.sinks.values().any(|sending| *sending >= Sending::Pending)
    }
}

/// The result for one event at one sink. If the event is there several times, the last of these that holds counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sending {
    /// A source rejected it: only retrying its dead letter sends it through the source again.
    AtSource,
    /// Its dead letter keeps nothing of it.
    NothingKept,
    /// The sink is not in the running configuration.
    NotRunning,
    /// The sink is disabled.
    Disabled,
    /// The sink has not settled it, and sends it anyway.
    Pending,
    /// The sink sends the copy in its dead letter.
    FromDeadLetter,
    /// The sink sends it as the journal holds it.
    FromJournal,
}

/// The events of a request, as far as the journal and the dead letters hold them, by the sink that shall send them.
pub struct Located {
    resent: Resent,
    sinks: BTreeMap<String, Vec<ForSink>>,
}

/// An event for a sink.
struct ForSink {
    /// The place of its id in the request.
    id: usize,
    again: SendAgain,
    from: Sending,
}

/// Finds the events of a request.
///
/// # Errors
/// A sentence that names the fault of the request, or says that the journal cannot be read.
pub(super) async fn locate_events(
    journal: &dyn Journal,
    history: Option<Reader>,
    request: &ResendRequest,
) -> Result<Located, String> {
    let explain = |error: signalbox_journal::JournalError| error.to_string();
    let mut located = Located {
        resent: Resent::default(),
        sinks: BTreeMap::new(),
    };
    let ids = ids(request, &mut located.resent)?;
    let mut sinks = journal.sinks().await.map_err(explain)?;
    if let Some(only) = &request.sink {
        sinks.retain(|state| state.name == *only);
        if sinks.is_empty() {
            return Err(format!("the journal knows no sink '{only}'"));
        }
    }
    let mut letters = letters(journal, request, &ids).await?;
    let mut whole = BTreeSet::new();
    for ((id, source), (position, event)) in in_log(journal, history, &ids, &mut located.resent).await? {
        for state in sinks
            .iter()
            .filter(|state| takes(state, request, position, &source))
        {
            whole.insert((id, state.name.clone()));
            let of_it = |letter: &mut Found| letter.is_of(id, &state.name, (position, &source));
            let replaced = letters
                .extract_if(.., of_it)
                .map(|letter| letter.number)
                .collect();
            let again = SendAgain {
                event: event.clone(),
                place: Some(position),
                only: None,
                letters: replaced,
            };
            located.add(&state.name, id, again, Sending::FromJournal);
        }
    }
    // Letters of earlier copies stay where the sink sends the newest copy.
    letters.retain(|letter| !whole.contains(&(letter.id, letter.component.clone())));
    for letter in letters {
        located.take_letter(journal, letter).await?;
    }
    Ok(located)
}

/// True if a sink shall send an event of the log: it was owed it, or the operator names it and it listens to the source now.
fn takes(state: &SinkState, request: &ResendRequest, position: Position, source: &str) -> bool {
    let was_owed = state.owed.at(position, source) == Some(Standing::Input);
    was_owed || request.sink.is_some() && state.owed.listens_to(source)
}

/// A dead letter of one of the events.
struct Found {
    id: usize,
    number: DeadLetterId,
    component: String,
    source: String,
    place: Option<Position>,
}

impl Found {
    /// True if the letter is about an event of the log at this place, and of this sink.
    fn is_of(&self, id: usize, sink: &str, (place, source): (Position, &str)) -> bool {
        let same = self.place.is_none_or(|of_letter| of_letter == place) && self.source == source;
        same && self.id == id && self.component == sink
    }
}

/// Finds the dead letters of the events, the newest first.
async fn letters(journal: &dyn Journal, request: &ResendRequest, ids: &Ids) -> Result<Vec<Found>, String> {
    let filter = DeadLetterFilter {
        component: request.sink.clone(),
        message_id: ids.keys().next().filter(|_| ids.len() == 1).cloned(),
        ..DeadLetterFilter::default()
    };
    let mut page = Page {
        limit: LETTERS,
        ..Page::default()
    };
    let mut all = Vec::new();
    loop {
        let found = journal.dead_letter_page(&filter, page).await;
        let found = found.map_err(|error| error.to_string())?;
        all.extend(found.letters.into_iter().filter_map(|stored| {
            Some(Found {
                id: *ids.get(&stored.letter.message_id)?,
                number: stored.id,
                component: stored.letter.component,
                source: stored.letter.source,
                place: stored.letter.position,
            })
        }));
        page.after = found.next;
        if page.after.is_none() {
            return Ok(all);
        }
    }
}

impl Located {
    fn add(&mut self, sink: &str, id: usize, again: SendAgain, from: Sending) {
        let of_sink = self.sinks.entry(sink.to_owned()).or_default();
        of_sink.push(ForSink { id, again, from });
    }

    /// Notes the result for an event at a sink.
    fn note(&mut self, id: usize, sink: &str, sending: Sending) {
        if let Some(event) = self.resent.events.get_mut(id) {
            event.found = true;
            let noted = event.sinks.entry(sink.to_owned()).or_insert(sending);
            *noted = sending.max(*noted);
        }
    }

    /// Takes an event that the log no longer holds from a dead letter. Letters come with the newest first; earlier ones of
    /// the same record are replaced by it.
    async fn take_letter(&mut self, journal: &dyn Journal, found: Found) -> Result<(), String> {
        let Found {
            id,
            number,
            component,
            ..
        } = found;
        if component.starts_with(SOURCE) {
            self.note(id, &component, Sending::AtSource);
            return Ok(());
        }
        let filter = DeadLetterFilter {
            id: Some(number),
            ..DeadLetterFilter::default()
        };
        let page = Page {
            limit: 1,
            order: Order::NewestFirst,
            payloads: true,
            after: None,
        };
        let read = journal.dead_letter_page(&filter, page).await;
        let read = read
            .map_err(|error| error.to_string())?
            .letters
            .into_iter()
            .next();
        // A missing letter was retried, discarded or erased meanwhile.
        let Some(StoredLetter { letter, .. }) = read else {
            return Ok(());
        };
        let Some(event) = letter.event() else {
            self.note(id, &component, Sending::NothingKept);
            return Ok(());
        };
        if covers_letter(journal, &event) {
            if let Some(told) = self.resent.events.get_mut(id) {
                (told.found, told.erased) = (true, true);
            }
            return Ok(());
        }
        let only = Some(letter.mapping).filter(|mapping| !mapping.is_empty());
        let of_sink = self.sinks.entry(component.clone()).or_default();
        match of_sink
            .iter_mut()
            .find(|one| one.id == id && one.again.only == only)
        {
            Some(newer) => newer.again.letters.push(number),
            None => {
                let again = SendAgain {
                    event: Arc::new(event),
                    place: letter.position,
                    only,
                    letters: vec![number],
                };
                self.add(&component, id, again, Sending::FromDeadLetter);
            }
        }
        Ok(())
    }
}

/// Gives the events to their sinks. `goes_out` says for a sink whether it can send them, and `returned` hears of the number
/// that a sink was given.
///
/// # Errors
/// A sentence if the journal cannot be written; it names the number of events that were given to sinks before that.
pub(super) async fn send(
    journal: &dyn Journal,
    mut located: Located,
    goes_out: impl Fn(&str) -> Result<(), Sending>,
    returned: impl Fn(&str, u64),
) -> Result<Resent, String> {
    let mut sent = 0;
    for (sink, events) in std::mem::take(&mut located.sinks) {
        let told: Vec<(usize, Sending)> = events.iter().map(|one| (one.id, one.from)).collect();
        let ready = goes_out(&sink);
        let given = match ready {
            Ok(()) => {
                let events = events.into_iter().map(|one| one.again).collect();
                let given = journal.send_again(&sink, events).await;
                given.map_err(|problem| format!("{sent} events go out again, then: {problem}"))?
            }
            Err(_) => vec![false; told.len()],
        };
        let count = given.iter().filter(|given| **given).count() as u64;
        if count > 0 {
            tracing::info!(sink, events = count, "the operator sends events again");
            returned(&sink, count);
        }
        sent += count;
        for ((id, from), given) in told.into_iter().zip(given) {
            let sending = if given {
                from
            } else {
                ready.err().unwrap_or(Sending::Pending)
            };
            located.note(id, &sink, sending);
        }
    }
    Ok(located.resent)
}

/// Gives the events to the sinks of a running pipeline.
pub(super) async fn send_running(running: &Running, located: Located) -> Result<Resent, String> {
    let disabled: BTreeSet<Arc<str>> = running.view().disabled().into_iter().collect();
    let goes_out = |sink: &str| match running.has_sink(sink) {
        true => Ok(()),
        false if disabled.contains(sink) => Err(Sending::Disabled),
        false => Err(Sending::NotRunning),
    };
    send(&**running.journal(), located, goes_out, |sink, count| {
        running.returned(sink, count);
    })
    .await
}

#[cfg(test)]
mod tests;
