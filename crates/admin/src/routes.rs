//! The paths, and their answers.

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use signalbox_runtime::identity;

use crate::acts::Acts;
use crate::guard::{Guard, guard};
use crate::reply::{json, text};
use crate::server::BODY_BYTES;
use crate::sign_in::SignInHtml;
use crate::{AdminState, events, letters, nodes, operator, tap};

/// A row of the table of endpoints in docs/operations.md.
struct Route {
    /// The paths that are answered alike, with their method unless it is GET, and their parameters.
    shown: &'static str,
    /// The answer, in Markdown.
    answer: &'static str,
    /// The audit log's word for a POST; `None` if it only reads.
    act: Option<&'static str>,
    handler: fn() -> MethodRouter<AdminState>,
}

impl Route {
    fn paths(&self) -> impl Iterator<Item = &'static str> {
        let shown = self.shown.split(", ");
        shown.filter_map(|path| path.trim_start_matches("POST ").split('?').next())
    }
}

/// The endpoints, in the order of the documentation.
const ROUTES: [Route; 21] = [
    Route {
        shown: "/health, /live",
        answer: "200 while the process runs. For liveness probes; needs no token.",
        act: None,
        handler: || get(alive),
    },
    Route {
        shown: "/ready",
        answer: "200 while every source accepts events; 503 with the reason during the start, from the signal to stop \
                 on, and while the journal cannot be written (a full disk, deleted files). For load balancers. A line \
                 `warning: …` for each sink that no router drives since the router with its rate group lacks it.",
        act: None,
        handler: || get(ready),
    },
    Route {
        shown: "/metrics",
        answer: "All metrics in the Prometheus text format.",
        act: None,
        handler: || get(metrics),
    },
    Route {
        shown: "/status",
        answer: "The whole status as JSON: counts by source and sink, whether the sums close, holds with their \
                 reasons, the age of the oldest pending event, notes of plugins, and the numbers of dead letters kept \
                 and dropped. It is answered from memory, however slow the disk is: `journal.behind_seconds` is the \
                 age of the counts of dead letters, `orphans_age_seconds` the age of the list of removed sinks. After \
                 the journal's [state was lost](journal.md#damage), `journal.may_come_again` gives for each sink the \
                 number of events that may be delivered twice. `journal.seal` tells if the journal is \
                 [encrypted](privacy.md#the-sealed-journal), which bytes are not, which keys how many files \
                 need, and which listed keys none needs.",
        act: None,
        handler: || get(status),
    },
    Route {
        shown: "/dead_letters",
        answer: "A page of the newest dead letters as JSON. `?sink=NAME` chooses a sink (or `source:NAME`), \
                 `reason=CODE` a reason, `mapping=NAME` a mapping, `message_id=ID` an event, `since=MILLIS` and \
                 `before=MILLIS` a time (Unix milliseconds) from which, and before which, they ended, `id=N` one of \
                 them, `limit=N` their number (default 100, at most 1,000), `payload=1` shows the kept parts of the \
                 events, `order=oldest` begins with the oldest. `next` in the answer is the `cursor=N` of the next \
                 page; without it the list is complete.",
        act: None,
        handler: || get(letters::list),
    },
    Route {
        shown: "/dead_letters/summary",
        answer: "Counts of the matching ones by sink, reason and mapping, and the numbers kept and dropped. Takes the \
                 same parameters.",
        act: None,
        handler: || get(letters::summary),
    },
    Route {
        shown: "/dead_letters/export",
        answer: "All matching ones, the oldest first, one JSON object a line, sent as they are read. Takes the same \
                 parameters. An answer takes at most 5 minutes, like all connections here; one that is cut off ends \
                 without the last chunk.",
        act: None,
        handler: || get(letters::export),
    },
    Route {
        shown: "POST /dead_letters/retry",
        answer: "Delivers dead letters again, the oldest first. Takes the same parameters. With `cursor=N` \
                 (`cursor=0` begins) it works on one piece, so that no request takes long: `next` is the cursor of \
                 the next piece, and `up_to`, sent along, excludes events that became dead letters meanwhile.",
        act: Some("retry"),
        handler: || post(letters::retry),
    },
    Route {
        shown: "POST /dead_letters/discard",
        answer: "Removes dead letters for good, in the same way.",
        act: Some("discard"),
        handler: || post(letters::discard),
    },
    Route {
        shown: "/sinks",
        answer: "Every sink that the journal knows, with its pending events by source. Reads files, so it needs the \
                 header `X-Signalbox`.",
        act: None,
        handler: || get(operator::sinks),
    },
    Route {
        shown: "POST /forget?source=NAME&sink=NAME",
        answer: "Forgets pending events of a source that a sink no longer listens to, or of a sink that is \
                 disabled or no longer in the file; one of the two may be left out.",
        act: Some("forget"),
        handler: || post(operator::forget),
    },
    Route {
        shown: "POST /erase",
        answer: "Erases what the journal holds of a person. The body is JSON: `subject` (`email`, `phone`, `user_id`, \
                 `anonymous_id` or `message_id`), `values` (a list), `dry_run` and `purge`. The answer holds counts, \
                 never a value. See [Erase what is kept of a person](#erase-what-is-kept-of-a-person).",
        act: Some("erase"),
        handler: || post(operator::erase),
    },
    Route {
        shown: "POST /events",
        answer: "What became of events, by the [history](history.md). The body is JSON: `id` holds one of `message_id`, \
                 `event_id`, `order_id`, `email`, `phone` and `user_id` with its value, `filter` any of `sink`, `source`, \
                 `mapping`, `event_name`, `counted_name`, `outcome`, `reason`, `late`, `warning`, `warning_path`, `match_key`, \
                 `without_match_key`, `parameter`, `without_parameter`, `currency`, `since` and `before` (Unix \
                 milliseconds), `at_sinks`, true for records of sinks alone, and `without_mapping`, true for those of no mapping. \
                 Without an `id` it lists the latest `limit` records (default 100, at most 1,000), and `next` in the \
                 answer is the `after` of the next page.",
        act: None,
        handler: || post(events::find),
    },
    Route {
        shown: "POST /event",
        answer: "The lives of the events with an id, by the [history](history.md) and the journal: receipt, records of each sink, \
                 and what is pending, and why. The body is JSON with `id` and `filter` as for `/events`, or the `place` of a \
                 record; with `again: true` it makes records again from the journal, as they were sent and as the present \
                 mapping would make them, with personal values as hashes. `pending: true` instead of an id lists events that a sink has not settled. At most 50 events.",
        act: None,
        handler: || post(events::lives),
    },
    Route {
        shown: "POST /report",
        answer: "Sums of the [history](history.md), in `sums`; `unread` names routers that share the journal and whose sums are missing. \
                 The body is JSON: `by` is a list of `hour`, `day`, `sink`, `mapping`, \
                 `event_name`, `outcome` and `reason`; `since` (Unix milliseconds) and `sink` choose a part; `details: true` \
                 adds the counts of match keys, other parameters, warnings and times of delivery. Sums of different currencies stay apart.",
        act: None,
        handler: || post(events::report),
    },
    Route {
        shown: "POST /tap",
        answer: "Live events, one JSON object a line, until the client goes; an answer ends after 4 minutes. The body is JSON, \
                 at least `{}`: `source` or `sink` names one component, `filter` selects events in FQL, `rate` bounds the \
                 events of a second (default 10, at most 1,000), `limit` ends the answer. The line `{\"left_out\":N}` counts \
                 matching events that the rate, or a slow client, left out. At most 8 at a time. Personal values are hashed or \
                 hidden; `?plain=1` shows them, for the token only. See [Watch live events](#watch-live-events).",
        act: None,
        handler: || post(tap::open),
    },
    Route {
        shown: "/erasures",
        answer: "The erasures that hold, as JSON: the kind and number of their values, when they were recorded, the \
                 position before which they cover events, and their results.",
        act: None,
        handler: || get(operator::erasures),
    },
    Route {
        shown: "POST /replay?sink=NAME&from=WHERE",
        answer: "Delivers a part of the journal to a sink again, up to `to=WHERE`; with `dry_run=1` it only returns \
                 the number of events at most. `WHERE` is a position, a time with its zone (`2026-11-28T10:00:00Z`), a \
                 date (`2026-11-28`, from its beginning in UTC), or a duration back from now (`2h`, `3d`, `1d12h`). With \
                 `again=1` the sink sends even the records that it remembers to have sent.",
        act: Some("replay"),
        handler: || post(operator::replay),
    },
    Route {
        shown: "/replay?sink=NAME",
        answer: "The sink's last replay in this process, or `null`: its positions, the number of their events that are \
                 `left`, and `held_back`, the number of records that were not sent, since the sink remembers that it has \
                 sent them. Reads files, so it needs the header `X-Signalbox`.",
        act: None,
        handler: || get(operator::replayed),
    },
    Route {
        shown: "POST /resend",
        answer: "Sends events once more, even if the sink remembers that it has sent them. The body is JSON: `message_ids` (a \
                 list of up to 1,000), and `sink` to send to one sink only. The answer says for each event and sink whether it \
                 goes out again, or why not. See [Send an event again](#send-an-event-again).",
        act: Some("resend"),
        handler: || post(operator::resend),
    },
    Route {
        shown: "POST /reload",
        answer: "Reads the configuration file again, as SIGHUP does.",
        act: Some("reload"),
        handler: || post(operator::reload),
    },
];

/// The routes of the page, and the acts of its POSTs.
#[derive(Debug, Default)]
pub struct PageRoutes {
    /// The routes. Each request has its [`Caller`](crate::Caller) as an extension.
    pub router: Router,
    /// The paths of POSTs, each with the word for its act; `None` marks one that only reads, which the role `read` may send.
    pub posts: Vec<(String, Option<&'static str>)>,
    /// Writes the pages of the sign-in.
    pub sign_in: Option<SignInHtml>,
}

/// Lists the POSTs among the endpoints and those of the page, with their acts.
pub(crate) fn acts(page: &PageRoutes) -> Acts {
    let posts = ROUTES.iter().filter(|route| route.shown.starts_with("POST "));
    let own = posts.flat_map(|route| route.paths().map(|path| (path.to_owned(), route.act)));
    Acts::new(own.chain(page.posts.iter().cloned()))
}

/// Builds the routes of the admin address and of its page, behind its guard.
pub(crate) fn router(state: AdminState, page: Router, guarded: Guard) -> Router {
    let identity = state.identity.as_ref();
    let identity = identity.and_then(|identity| HeaderValue::from_str(&identity.header()).ok());
    let mut router = Router::new();
    for route in &ROUTES {
        for path in route.paths() {
            router = router.route(path, (route.handler)());
        }
    }
    router
        .fallback(|| async {
            let rows = ROUTES.map(|route| format!("  {}: {}", route.shown, route.answer));
            let told = format!("no such path; there are\n{}", rows.join("\n"));
            text(StatusCode::NOT_FOUND, &told)
        })
        .with_state(state)
        .merge(page)
        .layer(DefaultBodyLimit::max(BODY_BYTES))
        .layer(middleware::from_fn_with_state(Arc::new(guarded), guard))
        .layer(middleware::map_response(move |response| {
            std::future::ready(identify(response, identity.clone()))
        }))
}

/// Adds the journal's identity, even to refusals: it tells a caller only if this is the right address.
fn identify(mut response: Response, identity: Option<HeaderValue>) -> Response {
    if let Some(identity) = identity {
        response.headers_mut().insert(identity::HEADER, identity);
    }
    response
}

async fn alive() -> Response {
    text(StatusCode::OK, "ok")
}

async fn ready(State(state): State<AdminState>) -> Response {
    match state.source.ready() {
        Ok(()) => {
            let warnings = nodes::undriven(&state.source.journal().nodes());
            let warnings = warnings.iter().map(|warning| format!("\nwarning: {warning}"));
            text(StatusCode::OK, &format!("ready{}", warnings.collect::<String>()))
        }
        Err(reason) => text(StatusCode::SERVICE_UNAVAILABLE, &format!("not ready: {reason}")),
    }
}

async fn metrics(State(state): State<AdminState>) -> Response {
    blocking(move || {
        let headers = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
        (headers, state.telemetry().prometheus_text()).into_response()
    })
    .await
}

async fn status(State(state): State<AdminState>) -> Response {
    json(&state.whole_status().await)
}

/// Reading takes locks and may read files: not on a thread that drives deliveries.
async fn blocking(answer: impl FnOnce() -> Response + Send + 'static) -> Response {
    tokio::task::spawn_blocking(answer).await.unwrap_or_else(|_| {
        text(
            StatusCode::INTERNAL_SERVER_ERROR,
            "this went wrong; the log has the place",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of docs/operations.md; `UPDATE_DOCS=1` writes it anew.
    #[test]
    fn the_documentation_has_the_table_of_endpoints() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operations.md");
        let found = std::fs::read_to_string(path).unwrap();
        let (before, rest) = found.split_once("| path | answer |\n|---|---|\n").unwrap();
        let (_, after) = rest.split_once("\n\n").unwrap();
        let mut wanted = format!("{before}| path | answer |\n|---|---|\n");
        for route in &ROUTES {
            let shown = route.shown.replace(", ", "`, `");
            wanted.push_str(&format!("| `{shown}` | {} |\n", route.answer));
        }
        wanted.push('\n');
        wanted.push_str(after);
        if found != wanted && std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, &wanted).unwrap();
        } else {
            assert!(
                found == wanted,
                "the table of endpoints is out of date; run the tests once with UPDATE_DOCS=1"
            );
        }
    }
}
