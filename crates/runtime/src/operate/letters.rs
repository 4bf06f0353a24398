//! Retrying and discarding dead letters: a piece at a time, so that each takes bounded time and memory, and the caller
//! can show progress.

use serde::{Deserialize, Serialize};
use signalbox_journal::{DeadLetterFilter, DeadLetterId, Journal, Order, Page, SOURCE, StoredLetter, Taken};

use super::StatusSource;
use crate::erase::covers_letter;
use crate::running::Running;

/// The most dead letters discarded at once: one commit.
const DISCARDED: usize = 4_000;
/// The most dead letters retried at once: one commit, with their events.
const RETRIED: usize = 1_000;

/// A part of the matching dead letters, the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Piece {
    /// The filter. Without `up_to` it covers the letters that exist now: an event that fails again meanwhile is another
    /// dead letter.
    pub filter: DeadLetterFilter,
    /// The letter after which the piece begins; `None` begins with the oldest.
    pub after: Option<DeadLetterId>,
    /// The most letters in the piece; `None` if the caller sets no limit.
    pub limit: Option<u64>,
}

/// The result of a piece, as the admin address and `signalbox deadletters --json` report it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acted {
    /// Letters that matched.
    pub matched: u64,
    /// The letters that were retried or discarded.
    #[serde(flatten)]
    pub taken: Taken,
    /// Letters that stay, since their sink or source does not run, or the sink is disabled.
    pub not_running: u64,
    /// The letter after which the next piece begins; `None` at the end.
    pub next: Option<DeadLetterId>,
    /// The newest letter when the work began.
    pub up_to: Option<DeadLetterId>,
}

impl Acted {
    /// Adds the result of the next piece.
    pub fn add(&mut self, more: Acted) {
        self.matched += more.matched;
        self.taken.add(more.taken);
        self.not_running += more.not_running;
        (self.next, self.up_to) = (more.next, more.up_to);
    }
}

/// Retries or discards a piece.
///
/// # Errors
/// A sentence if the piece cannot be retried or discarded.
pub async fn act(source: &dyn StatusSource, piece: Piece, retry: bool) -> Result<Acted, String> {
    if retry {
        source.retry(piece).await
    } else {
        discard(source.journal(), &piece).await
    }
}

/// Retries or discards all pieces, beginning with this one.
///
/// # Errors
/// The error of the first piece that fails.
pub async fn act_on_all(source: &dyn StatusSource, mut piece: Piece, retry: bool) -> Result<Acted, String> {
    let mut sum = Acted::default();
    loop {
        let acted = act(source, piece.clone(), retry).await?;
        piece.after = acted.next;
        piece.filter.up_to = acted.up_to;
        piece.limit = piece.limit.map(|limit| limit.saturating_sub(acted.matched));
        sum.add(acted);
        if sum.next.is_none() || piece.limit == Some(0) {
            return Ok(sum);
        }
    }
}

/// Removes a piece for good.
///
/// # Errors
/// A sentence if the journal cannot be read or written.
pub async fn discard(journal: &dyn Journal, piece: &Piece) -> Result<Acted, String> {
    let (letters, mut acted) = read(journal, piece, DISCARDED, false).await?;
    let ids: Vec<DeadLetterId> = letters.iter().map(|stored| stored.id).collect();
    acted.taken = take(journal, &ids, false).await?;
    Ok(acted)
}

/// Gives a piece back to the sinks while no router runs. Letters of disabled sinks stay.
pub(super) async fn retry_stopped(
    journal: &dyn Journal,
    piece: &Piece,
    disabled: &[String],
) -> Result<Acted, String> {
    let (letters, mut acted) = read(journal, piece, RETRIED, false).await?;
    let goes_out = |stored: &&StoredLetter| {
        let component = &stored.letter.component;
        !component.starts_with(SOURCE) && !disabled.contains(component)
    };
    let ids: Vec<DeadLetterId> = letters.iter().filter(goes_out).map(|stored| stored.id).collect();
    acted.not_running = (letters.len() - ids.len()) as u64;
    acted.taken = take(journal, &ids, true).await?;
    Ok(acted)
}

/// Gives a piece back to the sinks, and sends events that sources rejected through their source again: its transforms
/// may judge differently now.
pub(super) async fn retry_running(running: &Running, piece: &Piece) -> Result<Acted, String> {
    let journal = running.journal().clone();
    let (letters, mut acted) = read(&*journal, piece, RETRIED, true).await?;
    let (mut of_sinks, mut of_sources) = (Vec::new(), Vec::new());
    for StoredLetter { id, letter, .. } in letters {
        match letter.component.strip_prefix(SOURCE).map(str::to_owned) {
            Some(source) if running.has_source(&source) => of_sources.push((id, source, letter)),
            None if running.has_sink(&letter.component) => of_sinks.push(id),
            _ => acted.not_running += 1,
        }
    }
    acted.taken = take(&*journal, &of_sinks, true).await?;
    for (sink, count) in &acted.taken.returned {
        running.returned(sink, *count);
    }
    let (mut sent, mut erased, mut refused) = (Vec::with_capacity(of_sources.len()), Vec::new(), None);
    for (id, source, letter) in of_sources {
        let Some(event) = letter.event() else {
            acted.taken.without_payload += 1;
            continue;
        };
        if covers_letter(&*journal, &event) {
            // A request that was under way when the erasure was recorded has left this letter.
            erased.push(id);
            continue;
        }
        // The result does not matter: an event that is rejected again is a new dead letter.
        if let Err(problem) = running.resend(&source, event).await {
            refused = Some(problem);
            break;
        }
        sent.push(id);
    }
    take(&*journal, &erased, false).await?;
    // Events that went in are in, even if the next one was refused.
    let removed = take(&*journal, &sent, false).await?.removed;
    acted.taken.removed += removed;
    acted.taken.from_letter += removed;
    match refused {
        Some(problem) => Err(format!("{} were retried, then {problem}", acted.taken.removed)),
        None => Ok(acted),
    }
}

/// Reads the letters of a piece.
async fn read(
    journal: &dyn Journal,
    piece: &Piece,
    most: usize,
    payloads: bool,
) -> Result<(Vec<StoredLetter>, Acted), String> {
    let explain = |error: signalbox_journal::JournalError| error.to_string();
    let mut filter = piece.filter.clone();
    if filter.up_to.is_none() {
        let newest = Page {
            limit: 1,
            ..Page::default()
        };
        let found = journal
            .dead_letter_page(&DeadLetterFilter::default(), newest)
            .await;
        // No letter has the id 0.
        let newest = found
            .map_err(explain)?
            .letters
            .first()
            .map_or(0, |stored| stored.id);
        filter.up_to = Some(newest);
    }
    let limit = piece.limit.and_then(|limit| usize::try_from(limit).ok());
    let page = Page {
        after: piece.after,
        order: Order::OldestFirst,
        limit: limit.unwrap_or(most).min(most),
        payloads,
    };
    let mut acted = Acted {
        up_to: filter.up_to,
        ..Acted::default()
    };
    if limit == Some(0) {
        return Ok((Vec::new(), acted));
    }
    let found = journal.dead_letter_page(&filter, page).await.map_err(explain)?;
    acted.matched = found.letters.len() as u64;
    acted.next = found.next;
    Ok((found.letters, acted))
}

async fn take(journal: &dyn Journal, ids: &[DeadLetterId], retry: bool) -> Result<Taken, String> {
    if ids.is_empty() {
        return Ok(Taken::default());
    }
    journal
        .take_dead_letters(ids, retry)
        .await
        .map_err(|error| error.to_string())
}
