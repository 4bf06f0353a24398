//! Erases the events of a person from the journal: in the log, among parked events and dead letters.
//!
//! The journal records the erasure first. From then on delivery, replays and retries obey it, even if the process ends
//! before the rest of the work: dead letters and parked events are removed at once, pending events end as filtered (`erased`), and
//! the bytes of events leave the disk with their files.

mod spellings;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use signalbox_journal::{
    DeadLetterFilter, DeadLetterId, Erasure, ErasureResults, HoldingFile, Index, Journal, LogHits, Order,
    Page, Position, SinkState, StoredLetter, Subject,
};

pub(crate) use spellings::hashes;
pub use spellings::wanted;

/// The most values of one request.
pub const VALUES: usize = 1_000;
/// The time for the search of the log: an answer of the admin address takes at most five minutes.
const SEARCH: Duration = Duration::from_secs(200);
/// Dead letters removed in one commit.
const REMOVED: usize = 4_000;
/// The time for a purge to delete what may go at once, and the interval between looks.
const PURGE: (Duration, Duration) = (Duration::from_secs(10), Duration::from_millis(50));

/// A request to erase values. `Debug` shows none of them.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EraseRequest {
    /// The kind of the values.
    pub subject: Subject,
    /// The values; at most [`VALUES`].
    pub values: Vec<String>,
    /// If true, only counts.
    #[serde(default)]
    pub dry_run: bool,
    /// If true, files of the journal that hold the events are deleted as soon as every sink has settled them, instead of
    /// being kept for replay.
    #[serde(default)]
    pub purge: bool,
}

impl std::fmt::Debug for EraseRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EraseRequest")
            .field("subject", &self.subject)
            .field("values", &self.values.len())
            .field("dry_run", &self.dry_run)
            .field("purge", &self.purge)
            .finish()
    }
}

/// The result of an erasure, or the forecast of one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erased {
    /// True if nothing was changed.
    pub dry_run: bool,
    /// The number of the recorded erasure; none for a dry run.
    pub erasure: Option<u64>,
    /// Values looked for.
    pub values: u64,
    /// Dead letters removed.
    pub dead_letters: u64,
    /// Parked events removed, by sink; they count as filtered.
    pub parked: BTreeMap<String, u64>,
    /// Events in the log.
    pub events: u64,
    /// Events in the log that a sink has not settled, by sink. They end as filtered.
    pub pending: BTreeMap<String, u64>,
    /// Events in the log that a sink has settled, by sink: it may have delivered them.
    pub settled: BTreeMap<String, u64>,
    /// The position before which the log was searched, if time was up before its end. The erasure covers the rest too.
    #[serde(default)]
    pub searched_to: Option<Position>,
    /// Files of the journal that still hold the events.
    pub files: Vec<HoldingFile>,
    /// Files deleted by a purge.
    pub files_deleted: u64,
    /// Records of the history that lost their ids; `None` without a history of records, and for a dry run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<u64>,
    /// Routers that share the journal and have not erased in their histories yet, each with the reason. They do so by themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unreached: Vec<String>,
}

/// The states of the sinks at a moment when none delivered, and the parked events that were removed then.
#[derive(Debug, Default)]
pub struct Stood {
    sinks: Vec<SinkState>,
    parked: BTreeMap<String, u64>,
}

/// Removes parked events while no sink delivers, or counts them for a dry run.
///
/// # Errors
/// A sentence if the journal cannot be read or written.
pub async fn at_rest(journal: &dyn Journal, test: Arc<Index>, dry_run: bool) -> Result<Stood, String> {
    let sinks = journal.sinks().await.map_err(|error| error.to_string())?;
    let parked = journal.erase_parked(test, dry_run).await;
    Ok(Stood {
        sinks,
        parked: parked.map_err(|error| error.to_string())?,
    })
}

/// Carries out a request. `rest` runs [`at_rest`] at a moment when no sink delivers.
///
/// # Errors
/// A sentence that names the fault of the request, or says that the journal cannot be read or written. A recorded erasure is
/// obeyed all the same, and the same request completes it.
pub async fn erase(
    journal: &dyn Journal,
    request: &EraseRequest,
    rest: impl AsyncFnOnce(Arc<Index>) -> Result<Stood, String>,
) -> Result<Erased, String> {
    let wanted = wanted(request.subject, &request.values)?;
    let explain = |error: signalbox_journal::JournalError| error.to_string();
    let mut erased = Erased {
        dry_run: request.dry_run,
        values: wanted.len() as u64,
        ..Erased::default()
    };
    let mut recorded = None;
    if !request.dry_run {
        let done = journal.record_erasure(request.subject, wanted.clone()).await;
        let done = recorded.insert(done.map_err(explain)?);
        tracing::warn!(
            erasure = done.id,
            subject = request.subject.name(),
            values = done.values,
            before = done.before,
            "an erasure is recorded: no event from before is delivered any more"
        );
        erased.erasure = Some(done.id);
    }
    let test = journal.erasure_test(&wanted, recorded.as_ref());
    let test = Arc::new(test.map_err(explain)?);
    let stood = rest(test.clone()).await?;
    let until = Instant::now() + SEARCH;
    let hits = journal.search_log(test.clone(), until).await.map_err(explain)?;
    erased.dead_letters = letters(journal, &test, &hits, request.dry_run).await?;
    let positions: Vec<Position> = hits.found.iter().map(|(position, _)| *position).collect();
    count(&mut erased, stood, &hits);
    erased.files = journal.files_with(&positions);
    if let Some(Erasure { id, before, .. }) = recorded {
        let results = ErasureResults {
            dead_letters: erased.dead_letters,
            parked: erased.parked.values().sum(),
            pending: erased.pending.values().sum(),
            purge_to: purge_to(request.purge, &hits, before),
        };
        journal.save_erasure(id, results).await.map_err(explain)?;
        if request.purge {
            purge(journal, &positions, &mut erased).await?;
        }
    }
    Ok(erased)
}

/// The position before which files are purged: the one after the last event found, or after all if not all was searched.
fn purge_to(purge: bool, hits: &LogHits, before: Position) -> Position {
    match hits.found.last() {
        _ if !purge => 0,
        _ if hits.stopped_at.is_some() => before,
        last => last.map_or(0, |(position, _)| position + 1),
    }
}

/// Counts the events of the log by sink.
fn count(erased: &mut Erased, stood: Stood, hits: &LogHits) {
    erased.events = hits.found.len() as u64;
    erased.searched_to = hits.stopped_at;
    for sink in &stood.sinks {
        let settled = |at: Position| {
            at < sink.progress.cursor
                || sink
                    .progress
                    .settled
                    .iter()
                    .any(|(from, to)| (*from..*to).contains(&at))
        };
        for (at, source) in &hits.found {
            if settled(*at) {
                *erased.settled.entry(sink.name.clone()).or_default() += 1;
            } else if sink.unread.iter().any(|(owed, _)| **owed == **source) {
                *erased.pending.entry(sink.name.clone()).or_default() += 1;
            }
        }
    }
    erased.parked = stood.parked;
}

/// Removes the dead letters that a test finds, or whose event the search found, and counts them; with `dry_run` only
/// counts them.
async fn letters(journal: &dyn Journal, test: &Index, hits: &LogHits, dry_run: bool) -> Result<u64, String> {
    let in_log: HashSet<Position> = hits.found.iter().map(|(position, _)| *position).collect();
    let finds = |StoredLetter { letter, .. }: &StoredLetter| {
        // A letter that keeps nothing of its event is known by the event's place.
        letter.position.is_some_and(|place| in_log.contains(&place)) || test.finds_letter(letter)
    };
    let (mut removed, mut after) = (0, None);
    loop {
        let page = Page {
            after,
            order: Order::OldestFirst,
            limit: REMOVED,
            payloads: true,
        };
        let found = journal.dead_letter_page(&DeadLetterFilter::default(), page).await;
        let found = found.map_err(|error| error.to_string())?;
        let ids: Vec<DeadLetterId> = found
            .letters
            .iter()
            .filter(|one| finds(one))
            .map(|one| one.id)
            .collect();
        if dry_run {
            removed += ids.len() as u64;
        } else if !ids.is_empty() {
            let taken = journal.take_dead_letters(&ids, false).await;
            removed += taken.map_err(|error| error.to_string())?.removed;
        }
        after = found.next;
        if after.is_none() {
            return Ok(removed);
        }
    }
}

/// Waits until the files that may go at once are deleted: the journal first keeps their ids and counts elsewhere.
async fn purge(journal: &dyn Journal, positions: &[Position], erased: &mut Erased) -> Result<(), String> {
    let (patience, look) = PURGE;
    let (until, held) = (Instant::now() + patience, erased.files.len());
    loop {
        journal.purge().await.map_err(|error| error.to_string())?;
        erased.files = journal.files_with(positions);
        if erased.files.iter().all(|file| !file.settled) || Instant::now() >= until {
            erased.files_deleted = held.saturating_sub(erased.files.len()) as u64;
            return Ok(());
        }
        tokio::time::sleep(look).await;
    }
}

/// True if a dead letter's event must not be taken in again: an erasure covers it.
pub(crate) fn covers_letter(journal: &dyn Journal, event: &signalbox_core::Event) -> bool {
    journal.erasures().covers(None, event)
}
