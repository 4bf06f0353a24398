//! The search for an event or a person. The value comes in the body of a POST, since addresses are logged and remembered. The
//! answer redirects to the address of the result, which has the keyed hash of what looks personal in the value's place.

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use signalbox_history::{IdHash, IdKeys, IdKind};
use signalbox_runtime::history::WantedId;

use crate::fields;
use crate::problem::Problem;
use crate::state::Page;
use crate::words::link;

/// The form of the search.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    kind: Kind,
    value: String,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    MessageId,
    EventId,
    OrderId,
    Email,
    Phone,
    UserId,
}

/// Answers a search with the address of its result.
pub(crate) async fn search(State(page): State<Page>, request: Request) -> Response {
    match find(&page, request).await {
        Ok(address) => Redirect::to(&address).into_response(),
        Err(problem) => problem.into_response(),
    }
}

async fn find(page: &Page, request: Request) -> Result<String, Problem> {
    let expected = "kind (message_id, event_id, order_id, email, phone or user_id) and value";
    let Wanted { kind, value } = fields::form(request, expected).await?;
    let value = value.trim();
    if value.is_empty() {
        return Err(Problem::bad_request("Give a value to search for."));
    }
    let history = page.admin.history().ok_or_else(Problem::no_history)?;
    let keys = history.keys();
    let id = |name, kind| Ok(link("events", &[(name, &in_address(keys, kind, value))]));
    let person = match kind {
        Kind::MessageId => return id("message_id", IdKind::MessageId),
        Kind::EventId => return id("event_id", IdKind::EventId),
        Kind::OrderId => return id("order_id", IdKind::OrderId),
        Kind::Email => WantedId::Email(value.to_owned()),
        Kind::Phone => WantedId::Phone(value.to_owned()),
        Kind::UserId => WantedId::UserId(value.to_owned()),
    };
    let hashes = person.hashes(keys).map_err(Problem::bad_request)?;
    Ok(link("events", &[("person", &shown(&hashes))]))
}

/// Returns an id in the form that addresses of the page have: readable, or as keyed hashes if it looks personal.
fn in_address(keys: &IdKeys, kind: IdKind, id: &str) -> String {
    let is_hashes = id.split(',').all(|part| IdHash::parse(part).is_some());
    if is_hashes || keys.shown(kind, id) == id {
        return id.to_owned();
    }
    shown(&keys.hashes(kind, id))
}

/// Replaces ids of a query that look personal by their keyed hashes: `messageId`, event id and order id. Returns `None` if the
/// query has none of them.
pub(crate) fn without_persons(page: &Page, ids: [&mut Option<String>; 3]) -> Option<()> {
    let history = page.admin.history()?;
    let kinds = [IdKind::MessageId, IdKind::EventId, IdKind::OrderId];
    let mut any = None;
    for (kind, id) in kinds.into_iter().zip(ids) {
        let Some(text) = id.as_deref().map(str::trim).filter(|text| !text.is_empty()) else {
            continue;
        };
        let hidden = in_address(history.keys(), kind, text);
        if hidden != text {
            *id = Some(hidden);
            any = Some(());
        }
    }
    any
}

fn shown(hashes: &[IdHash]) -> String {
    let hashes: Vec<String> = hashes.iter().map(|hash| hash.shown()).collect();
    hashes.join(",")
}

#[cfg(test)]
mod tests {
    use signalbox_core::JournalKey;

    use super::*;

    #[test]
    fn ids_that_look_personal_are_hashes_in_addresses() {
        let secrets = [JournalKey::new([1; 32]), JournalKey::new([2; 32])];
        let keys = IdKeys::derive(&secrets).unwrap();
        for id in ["A-1001", "1b4e28ba-2fa1-11d2-883f-0016d3cca427", "a,b"] {
            assert_eq!(in_address(&keys, IdKind::OrderId, id), id);
        }
        for id in ["ivy@example.com", "order ivy＠example.com", "+49 30 901820"] {
            let hidden = in_address(&keys, IdKind::OrderId, id);
            // Older records have hashes under an older key.
            let expected = keys.hashes(IdKind::OrderId, id);
            assert_eq!(
                (hidden.as_str(), expected.len()),
                (shown(&expected).as_str(), 2),
                "{id}"
            );
            assert_ne!(hidden, in_address(&keys, IdKind::MessageId, id), "{id}");
            assert_eq!(in_address(&keys, IdKind::OrderId, &hidden), hidden, "{id}");
            assert_eq!(WantedId::OrderId(hidden).hashes(&keys), Ok(expected), "{id}");
        }
    }
}
