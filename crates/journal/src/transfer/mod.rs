//! Copies a journal into a new one of another kind: its events, the states of its sinks and sources, its dead letters.
//!
//! Positions change on the way. All events that the old journal holds are appended to the new one in their order, which also
//! makes their ids known there; each sink then begins where the events that it has not settled begin. Erased events stay behind, and
//! end as filtered. No router may have one of the two journals open.
//!
//! A copy that was cut off goes on: the next one compares the events that are there with those of the old journal, appends the rest,
//! and writes the states anew.

mod events;
mod letters;
mod sink;
mod state;
mod target;

use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_128;

use self::events::Places;
use self::sink::CopiedSink;
use self::target::Target;
use crate::{DeadLetterFilter, Journal, JournalError, TransferError};

/// The source, which no pipeline can have, whose checkpoint tells of a copy.
const MARK_SOURCE: &str = "signalbox journal move";
/// The key of that checkpoint.
const MARK: &str = "copy";

/// The contents that a copy has written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Transferred {
    /// Events of the log.
    pub events: u64,
    /// Events among them that an earlier copy, which was cut off, had written.
    pub resumed: u64,
    /// Pending deliveries of all sinks: an event counts for each sink that has not settled it.
    pub pending: u64,
    /// Sinks.
    pub sinks: u64,
    /// Dead letters.
    pub dead_letters: u64,
    /// Pending deliveries of erased people, which have ended as filtered.
    pub erased: u64,
    /// Pending deliveries of events that the old journal could not read, which count as rejected (`journal_unreadable`).
    pub lost: u64,
}

/// The state of a copy into a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Copied {
    /// No copy was ever begun.
    Never,
    /// A copy of the journal with this id was begun, and has not ended.
    Begun(String),
    /// The journal is a whole copy of the one with this id.
    Whole(String),
}

#[derive(Serialize, Deserialize)]
struct Mark {
    from: String,
    whole: bool,
    /// A digest of what is copied, and where to.
    #[serde(default)]
    digest: String,
}

/// Reads the state of a copy into a journal.
///
/// # Errors
/// [`JournalError`] if its state cannot be read.
pub async fn copied(journal: &dyn Journal) -> Result<Copied, JournalError> {
    Ok(match read_mark(journal).await? {
        None => Copied::Never,
        Some(mark) if mark.whole => Copied::Whole(mark.from),
        Some(mark) => Copied::Begun(mark.from),
    })
}

async fn read_mark(journal: &dyn Journal) -> Result<Option<Mark>, JournalError> {
    let marks = journal.checkpoints(MARK_SOURCE).await?;
    let mark = marks.get(MARK).map(|mark| serde_json::from_slice(mark));
    mark.transpose()
        .map_err(|_| JournalError("the mark of a copy into this journal cannot be read".into()))
}

async fn write_mark(journal: &dyn Journal, mark: &Mark) -> Result<(), JournalError> {
    let mark = serde_json::to_vec(mark).map_err(|error| JournalError(error.to_string()))?;
    journal.save_checkpoint(MARK_SOURCE, MARK, Some(mark));
    journal.flush().await;
    // Nothing is copied before the mark is there: a copy that is cut off is known by it.
    journal.save_counts().await
}

/// Makes a digest of the old journal, which any router changes that runs with it, and of what decides how the new one is written:
/// the name under which it keeps the counts of sources, and whether it is sealed.
async fn digest(from: &dyn Journal, to: &dyn Journal) -> Result<String, JournalError> {
    let old = (
        from.find(i64::MAX).await?,
        from.sinks().await?,
        from.source_totals().await?,
        from.letter_counts(),
    );
    let nodes = to.nodes().into_iter();
    let node = nodes.filter(|node| node.own).map(|node| node.name).next();
    let new = (node, to.sealing().map(|sealing| sealing.sealed));
    Ok(format!(
        "{:032x}",
        XxHash3_128::oneshot(format!("{old:?} {new:?}").as_bytes())
    ))
}

/// Copies a journal into an empty one, and compares the two. `told` hears of the events copied so far, and of all. A copy that
/// ends before its end leaves [`Copied::Begun`], and the same call goes on with it.
///
/// # Errors
/// [`TransferError`]
pub async fn transfer(
    from: &dyn Journal,
    to: &dyn Journal,
    mut told: impl FnMut(u64, u64),
) -> Result<Transferred, TransferError> {
    let mut mark = Mark {
        from: from.id().unwrap_or_default(),
        whole: false,
        digest: digest(from, to).await?,
    };
    match read_mark(to).await? {
        Some(begun) if !begun.whole && begun.from == mark.from => {
            if begun.digest != mark.digest {
                return Err(TransferError::CannotResume(
                    "the old journal, or the node or the key of the new one, is not the same as when the copy was begun".into(),
                ));
            }
            letters::discard(to).await?;
        }
        _ => {
            check_empty(to).await?;
            write_mark(to, &mark).await?;
        }
    }
    let mut sinks = Vec::new();
    for old in from.sinks().await? {
        sinks.push(CopiedSink::open(old, to).await?);
    }
    let mut target = Target::new(to).await?;
    let mut places = Places::default();
    events::copy_parked(from, &mut target, &sinks, &mut places).await?;
    events::copy_log(from, &mut target, &mut sinks, &mut places, &mut told).await?;
    target.check(places.events()).await?;
    let mut done = Transferred {
        events: places.events(),
        resumed: target.found(),
        sinks: sinks.len() as u64,
        ..Transferred::default()
    };
    let mut written = Vec::new();
    for sink in sinks {
        let sink = sink.write(from, to, &places).await?;
        done.erased += sink.erased;
        done.lost += sink.lost;
        written.push(sink);
    }
    done.dead_letters = letters::copy(from, to, &places).await?;
    state::copy_sources(from, to).await?;
    done.pending = state::compare(from, to, &written, done.resumed > 0).await?;
    mark.whole = true;
    write_mark(to, &mark).await?;
    Ok(done)
}

/// Refuses a journal in which something is kept.
async fn check_empty(journal: &dyn Journal) -> Result<(), JournalError> {
    let found = journal.find(i64::MAX).await?;
    let letters = journal.dead_letters(&DeadLetterFilter::default(), 1).await?;
    let is_empty = found.from == found.to
        && letters.is_empty()
        && journal.sinks().await?.is_empty()
        && journal.source_totals().await?.is_empty()
        && copied(journal).await? == Copied::Never;
    is_empty.then_some(()).ok_or_else(|| {
        JournalError("the new journal is not empty: a journal can only be copied into a new one, such as one with another prefix".into())
    })
}
