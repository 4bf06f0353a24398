//! The paths about dead letters. Each answer is bounded: lists come in pages, an export goes out as it is read, and
//! retries and discards work piece by piece.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use signalbox_journal::{
    DeadLetter, DeadLetterFilter, DeadLetterGroup, DeadLetterId, LetterCounts, Order, Page, StoredLetter,
};
use signalbox_runtime::operate::{Piece, act, act_on_all};

use crate::AdminState;
use crate::query::{ActQuery, Query, ReadQuery};
use crate::reply::{Rejection, done, json};

/// Dead letters in a list if the request sets no limit.
const LIMIT: u64 = 100;
/// The most dead letters in one page.
pub const PAGE: u64 = 1_000;
/// The time for filling a page; the letters found by then are the page.
const PATIENCE: Duration = Duration::from_secs(1);

/// A dead letter in an answer.
#[derive(Serialize)]
struct Shown<'a> {
    id: DeadLetterId,
    sink: &'a str,
    message_id: &'a str,
    source: &'a str,
    mapping: &'a str,
    reason: &'a str,
    message: &'a str,
    attempts: u32,
    first_at: String,
    last_at: String,
    position: Option<u64>,
    /// The event as it was kept, not parsed.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<Option<&'a RawValue>>,
}

impl<'a> Shown<'a> {
    fn new(id: DeadLetterId, letter: &'a DeadLetter, payload: bool) -> Shown<'a> {
        let time = |millis: i64| {
            jiff::Timestamp::from_millisecond(millis)
                .map(|at| at.to_string())
                .unwrap_or_default()
        };
        let event = || serde_json::from_str::<&RawValue>(letter.payload.as_deref()?).ok();
        Shown {
            id,
            sink: &letter.component,
            message_id: &letter.message_id,
            source: &letter.source,
            mapping: &letter.mapping,
            reason: &letter.reason,
            message: &letter.message,
            attempts: letter.attempts,
            first_at: time(letter.first_at),
            last_at: time(letter.last_at),
            position: letter.position,
            event: payload.then(event),
        }
    }
}

/// Formats a dead letter as the admin address and `signalbox deadletters --json` show it.
#[must_use]
pub fn describe(id: DeadLetterId, letter: &DeadLetter, payload: bool) -> Value {
    serde_json::to_value(Shown::new(id, letter, payload)).unwrap_or_default()
}

/// Answers with a page of dead letters.
pub(crate) async fn list(
    State(state): State<AdminState>,
    ReadQuery(choice): ReadQuery,
) -> Result<Response, Rejection> {
    let limit = usize::try_from(choice.limit.unwrap_or(LIMIT).min(PAGE)).unwrap_or(usize::MAX);
    let mut page = first_page(&choice, limit);
    let (begun, mut letters) = (Instant::now(), Vec::new());
    // A filter that matches few letters may have to look at many before it finds them.
    let next = loop {
        let journal = state.source.journal();
        let found = journal.dead_letter_page(&choice.filter, page).await?;
        letters.extend(found.letters);
        page.limit = limit - letters.len();
        page.after = found.next;
        if choice.payload && !letters.is_empty() || page.limit == 0 || begun.elapsed() > PATIENCE {
            break found.next;
        }
        if found.next.is_none() {
            break None;
        }
    };
    let shown: Vec<Shown<'_>> = letters
        .iter()
        .map(|StoredLetter { id, letter, .. }| Shown::new(*id, letter, choice.payload))
        .collect();
    Ok(json(&Listed {
        kept: kept(&state),
        dead_letters: shown,
        next,
        behind_seconds: state.source.journal().behind().as_secs(),
    }))
}

#[derive(Serialize)]
struct Listed<'a> {
    kept: Value,
    dead_letters: Vec<Shown<'a>>,
    next: Option<DeadLetterId>,
    behind_seconds: u64,
}

/// Counts the kept dead letters by component.
fn kept(state: &AdminState) -> Value {
    let counts = state.source.journal().letter_counts().into_iter();
    let kept = counts.filter(|(_, counts)| counts.kept > 0);
    kept.map(|(name, counts)| (name, Value::from(counts.kept)))
        .collect()
}

fn first_page(choice: &Query, limit: usize) -> Page {
    Page {
        after: choice.cursor,
        order: if choice.oldest_first {
            Order::OldestFirst
        } else {
            Order::NewestFirst
        },
        limit,
        payloads: choice.payload,
    }
}

/// Counts of dead letters as the admin address and `signalbox deadletters summary --json` report them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LetterSummary {
    /// Kept and dropped letters, by component.
    pub kept: BTreeMap<String, LetterCounts>,
    /// The matching letters by component, reason and mapping; the largest group first.
    pub groups: Vec<DeadLetterGroup>,
    /// Seconds for which newer letters have been waiting to be written.
    pub behind_seconds: u64,
}

/// Answers with the counts of matching letters.
pub(crate) async fn summary(
    State(state): State<AdminState>,
    ReadQuery(choice): ReadQuery,
) -> Result<Response, Rejection> {
    let journal = state.source.journal();
    Ok(json(&LetterSummary {
        groups: journal.dead_letter_summary(&choice.filter).await?.groups,
        kept: state.source.journal().letter_counts(),
        behind_seconds: journal.behind().as_secs(),
    }))
}

/// Sends all matching letters, one JSON object a line. The next page is read once the client has taken the one before.
pub(crate) async fn export(State(state): State<AdminState>, ReadQuery(choice): ReadQuery) -> Response {
    let page = Page {
        order: Order::OldestFirst,
        ..first_page(&choice, 0)
    };
    let left = choice.limit.unwrap_or(u64::MAX);
    let (filter, payload) = (choice.filter, choice.payload);
    let lines = stream::try_unfold(Some((page, left)), move |at| {
        let (state, filter) = (state.clone(), filter.clone());
        async move {
            let Some((page, left)) = at else { return Ok(None) };
            next_lines(&state, &filter, page, left, payload).await.map(Some)
        }
    });
    let headers = [(CONTENT_TYPE, "application/x-ndjson")];
    (headers, Body::from_stream(lines)).into_response()
}

type Onward = Option<(Page, u64)>;

/// Reads the lines of a page, and the cursor of the next one.
async fn next_lines(
    state: &AdminState,
    filter: &DeadLetterFilter,
    page: Page,
    left: u64,
    payload: bool,
) -> Result<(Bytes, Onward), std::io::Error> {
    let page = Page {
        limit: usize::try_from(left.min(PAGE)).unwrap_or(usize::MAX),
        ..page
    };
    let found = state.source.journal().dead_letter_page(filter, page).await;
    let found = found.map_err(std::io::Error::other)?;
    let mut lines = Vec::new();
    for StoredLetter { id, letter, .. } in &found.letters {
        serde_json::to_writer(&mut lines, &Shown::new(*id, letter, payload))?;
        lines.push(b'\n');
    }
    let left = left - found.letters.len() as u64;
    let onward = found.next.filter(|_| left > 0).map(|next| {
        let page = Page {
            after: Some(next),
            ..page
        };
        (page, left)
    });
    Ok((lines.into(), onward))
}

pub(crate) async fn retry(
    State(state): State<AdminState>,
    ActQuery(choice): ActQuery,
) -> Result<Response, Rejection> {
    act_upon(&state, choice, true).await
}

pub(crate) async fn discard(
    State(state): State<AdminState>,
    ActQuery(choice): ActQuery,
) -> Result<Response, Rejection> {
    act_upon(&state, choice, false).await
}

/// Acts on one piece if the request has a cursor (0 begins), else on all.
async fn act_upon(state: &AdminState, choice: Query, retry: bool) -> Result<Response, Rejection> {
    let deed = state.deed(choice.filter.component.as_deref());
    let piece = Piece {
        filter: choice.filter,
        after: choice.cursor,
        limit: choice.limit,
    };
    let acted = match piece.after {
        Some(_) => act(&*state.source, piece, retry).await?,
        None => act_on_all(&*state.source, piece, retry).await?,
    };
    let deed = deed
        .count("matched", acted.matched)
        .count("discarded", acted.taken.removed)
        .count("retried", acted.taken.from_journal + acted.taken.from_letter);
    Ok(done(deed, json(&acted)))
}
