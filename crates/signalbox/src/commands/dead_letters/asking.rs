//! Access to dead letters through a running router or from the files of a stopped one, a page or a piece at a time.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use signalbox_admin::{LetterSummary, PAGE, Query, describe_dead_letter};
use signalbox_journal::{DeadLetterFilter, DeadLetterId, Order, Page};
use signalbox_runtime::operate::{self, Acted, Piece, StatusSource as _};

use super::super::admin_client::AdminClient;

/// Some dead letters, and the cursor of the next ones.
#[derive(Deserialize)]
pub(super) struct LetterPage {
    #[serde(rename = "dead_letters")]
    pub(super) letters: Vec<Value>,
    pub(super) next: Option<DeadLetterId>,
}

/// The counts of kept letters, by component, in a list of letters.
#[derive(Deserialize)]
struct KeptCounts {
    kept: BTreeMap<String, u64>,
}

fn query(filter: &DeadLetterFilter) -> Query {
    Query {
        filter: filter.clone(),
        ..Query::default()
    }
}

/// Fetches a page of dead letters.
pub(super) async fn page(
    client: &AdminClient,
    filter: &DeadLetterFilter,
    page: Page,
) -> Result<LetterPage, String> {
    match client {
        AdminClient::Running(live) => {
            let query = Query {
                limit: Some(page.limit as u64),
                cursor: page.after,
                oldest_first: page.order == Order::OldestFirst,
                payload: page.payloads,
                ..query(filter)
            };
            live.get("/dead_letters", &query).await
        }
        AdminClient::Stopped(stopped) => {
            let found = stopped.journal().dead_letter_page(filter, page).await;
            let found = found.map_err(|error| error.to_string())?;
            let letters = found.letters.iter();
            Ok(LetterPage {
                letters: letters
                    .map(|stored| describe_dead_letter(stored.id, &stored.letter, page.payloads))
                    .collect(),
                next: found.next,
            })
        }
    }
}

/// Shows matching dead letters one by one, until `show` returns false; returns the number shown, and true if there are
/// more.
pub(super) async fn each(
    client: &AdminClient,
    filter: &DeadLetterFilter,
    (order, payloads): (Order, bool),
    limit: u64,
    mut show: impl FnMut(Value) -> bool,
) -> Result<(u64, bool), String> {
    let (mut shown, mut after) = (0, None);
    loop {
        let wanted = Page {
            after,
            order,
            limit: usize::try_from((limit - shown).min(PAGE)).unwrap_or(usize::MAX),
            payloads,
        };
        let found = page(client, filter, wanted).await?;
        for letter in found.letters {
            shown += 1;
            if !show(letter) {
                return Ok((shown, false));
            }
        }
        after = found.next;
        if after.is_none() || shown >= limit {
            return Ok((shown, after.is_some()));
        }
    }
}

/// Fetches the counts of matching letters.
pub(super) async fn summary(
    client: &AdminClient,
    filter: &DeadLetterFilter,
) -> Result<LetterSummary, String> {
    match client {
        AdminClient::Running(live) => live.get("/dead_letters/summary", &query(filter)).await,
        AdminClient::Stopped(stopped) => {
            let summary = stopped.journal().dead_letter_summary(filter).await;
            Ok(LetterSummary {
                kept: stopped.journal().letter_counts(),
                groups: summary.map_err(|error| error.to_string())?.groups,
                ..LetterSummary::default()
            })
        }
    }
}

/// Counts the matching letters. Reads them only if the filter names more than the sink.
pub(super) async fn count(client: &AdminClient, filter: &DeadLetterFilter) -> Result<u64, String> {
    if !filter.by_component_only() {
        let groups = summary(client, filter).await?.groups;
        return Ok(groups.iter().map(|group| group.count).sum());
    }
    let wanted = |name: &str| {
        filter
            .component
            .as_deref()
            .is_none_or(|component| component == name)
    };
    match client {
        AdminClient::Running(live) => {
            let one = Query {
                limit: Some(1),
                ..Query::default()
            };
            let KeptCounts { kept } = live.get("/dead_letters", &one).await?;
            let kept = kept.iter().filter(|(name, _)| wanted(name));
            Ok(kept.map(|(_, count)| count).sum())
        }
        AdminClient::Stopped(stopped) => {
            let kept = stopped.journal().letter_counts().into_iter();
            let kept = kept.filter(|(name, _)| wanted(name));
            Ok(kept.map(|(_, counts)| counts.kept).sum())
        }
    }
}

/// Retries or discards a piece.
pub(super) async fn act(client: &AdminClient, piece: &Piece, retry: bool) -> Result<Acted, String> {
    match client {
        AdminClient::Running(live) => {
            let path = if retry {
                "/dead_letters/retry"
            } else {
                "/dead_letters/discard"
            };
            let query = Query {
                cursor: Some(piece.after.unwrap_or(0)),
                limit: piece.limit,
                ..query(&piece.filter)
            };
            live.post(path, &query).await
        }
        AdminClient::Stopped(stopped) => operate::act(stopped, piece.clone(), retry).await,
    }
}
