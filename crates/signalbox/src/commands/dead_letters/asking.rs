//! Access to dead letters through a running router or from the files of a stopped one, a page or a piece at a time.

use serde_json::Value;
use signalbox_admin::{ActedReport, LetterSummary, PAGE, describe_dead_letter};
use signalbox_journal::{DeadLetterFilter, DeadLetterId, Order, Page};
use signalbox_runtime::operate::{self, Piece, StatusSource as _};

use super::super::admin_client::AdminClient;

/// Some dead letters, and the cursor of the next ones.
pub(super) struct Letters {
    pub(super) letters: Vec<Value>,
    pub(super) next: Option<DeadLetterId>,
}

fn other_version<T>(what: &str) -> Result<T, String> {
    Err(format!(
        "the router's answer has no {what}; is it another version?"
    ))
}

fn query(filter: &DeadLetterFilter) -> Vec<(&'static str, String)> {
    let DeadLetterFilter {
        component,
        reason,
        mapping,
        message_id,
        since,
        before,
        id,
        up_to,
    } = filter;
    let number = |number: &Option<u64>| number.map(|number| number.to_string());
    let pairs = [
        ("sink", component.clone()),
        ("reason", reason.clone()),
        ("mapping", mapping.clone()),
        ("message_id", message_id.clone()),
        ("since", since.map(|at| at.to_string())),
        ("before", before.map(|at| at.to_string())),
        ("id", number(id)),
        ("up_to", number(up_to)),
    ];
    pairs
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
        .collect()
}

/// Fetches a page of dead letters.
pub(super) async fn page(
    client: &AdminClient,
    filter: &DeadLetterFilter,
    page: Page,
) -> Result<Letters, String> {
    match client {
        AdminClient::Running(live) => {
            let mut query = query(filter);
            query.push(("limit", page.limit.to_string()));
            if page.order == Order::OldestFirst {
                query.push(("order", "oldest".to_owned()));
            }
            query.extend(page.after.map(|after| ("cursor", after.to_string())));
            if page.payloads {
                query.push(("payload", "1".to_owned()));
            }
            let mut answer = live.ask(false, "/dead_letters", &query).await?;
            let next = answer["next"].as_u64();
            match answer["dead_letters"].take() {
                Value::Array(letters) => Ok(Letters { letters, next }),
                _ => other_version("list of dead letters"),
            }
        }
        AdminClient::Stopped(stopped) => {
            let found = stopped.journal().dead_letter_page(filter, page).await;
            let found = found.map_err(|error| error.to_string())?;
            let letters = found.letters.iter();
            Ok(Letters {
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
        AdminClient::Running(live) => {
            let answer = live.ask(false, "/dead_letters/summary", &query(filter)).await?;
            serde_json::from_value(answer).or_else(|_| other_version("summary"))
        }
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
            let one = [("limit", "1".to_owned())];
            let answer = live.ask(false, "/dead_letters", &one).await?;
            let Some(kept) = answer["kept"].as_object() else {
                return other_version("counts of dead letters");
            };
            let kept = kept.iter().filter(|(name, _)| wanted(name));
            Ok(kept.filter_map(|(_, count)| count.as_u64()).sum())
        }
        AdminClient::Stopped(stopped) => {
            let kept = stopped.journal().letter_counts().into_iter();
            let kept = kept.filter(|(name, _)| wanted(name));
            Ok(kept.map(|(_, counts)| counts.kept).sum())
        }
    }
}

/// Retries or discards a piece.
pub(super) async fn act(client: &AdminClient, piece: &Piece, retry: bool) -> Result<ActedReport, String> {
    match client {
        AdminClient::Running(live) => {
            let path = if retry {
                "/dead_letters/retry"
            } else {
                "/dead_letters/discard"
            };
            let mut query = query(&piece.filter);
            query.push(("cursor", piece.after.unwrap_or(0).to_string()));
            query.extend(piece.limit.map(|limit| ("limit", limit.to_string())));
            let answer = live.ask(true, path, &query).await?;
            serde_json::from_value(answer).or_else(|_| other_version("counts"))
        }
        AdminClient::Stopped(stopped) => operate::act(stopped, piece.clone(), retry)
            .await
            .map(|acted| (&acted).into()),
    }
}
