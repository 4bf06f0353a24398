//! The paths of replay, resend, forget, erase and reload.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use signalbox_runtime::erase::EraseRequest;
use signalbox_runtime::forget::Forget;
use signalbox_runtime::operate::{ReplayRange, ResendRequest, replay_state};

use crate::AdminState;
use crate::audit::Deed;
use crate::query::ActQuery;
use crate::reply::{Rejection, done, json, text};

pub(crate) async fn replay(
    State(state): State<AdminState>,
    ActQuery(query): ActQuery,
) -> Result<Response, Rejection> {
    let (Some(sink), Some(from)) = (query.filter.component, query.from) else {
        return Err(Rejection(
            StatusCode::BAD_REQUEST,
            "replay needs sink and from".to_owned(),
        ));
    };
    let range = ReplayRange {
        from,
        to: query.to,
        again: query.again,
    };
    let deed = state.deed(Some(&sink));
    let plan = state.source.replay(sink, range, query.dry_run).await?;
    let deed = mode(deed.count("events", plan.events), query.dry_run);
    Ok(done(deed, json(&plan)))
}

/// Marks an act that changed nothing, but told its effect.
fn mode(deed: Deed, dry_run: bool) -> Deed {
    if dry_run {
        deed.word("mode", "dry_run")
    } else {
        deed
    }
}

/// Answers with the state of a sink's last replay. Counting the rest of its events reads files.
pub(crate) async fn replayed(
    State(state): State<AdminState>,
    ActQuery(query): ActQuery,
) -> Result<Response, Rejection> {
    let sink = query.filter.component.unwrap_or_default();
    let ledger = state.sink(&sink).ok_or_else(|| {
        let told = "name one of the router's sinks: /replay?sink=NAME";
        Rejection(StatusCode::BAD_REQUEST, told.to_owned())
    })?;
    Ok(json(&replay_state(state.source.journal(), &sink, &ledger).await?))
}

pub(crate) async fn forget(
    State(state): State<AdminState>,
    ActQuery(query): ActQuery,
) -> Result<Response, Rejection> {
    let what = Forget {
        source: query.source,
        sink: query.filter.component,
    };
    let forgotten = state.source.forget(what).await?;
    let deed = match forgotten.as_slice() {
        // A sink that the journal knows; the pipeline file may have it no longer.
        [only] => Deed::at(&only.sink),
        _ => Deed::default(),
    };
    let events = forgotten.iter().map(|of_sink| of_sink.events).sum();
    Ok(done(deed.count("events", events), json(&forgotten)))
}

/// Erases what the journal holds of a person. The values come in the body: an address may be logged on its way.
pub(crate) async fn erase(
    State(state): State<AdminState>,
    _: ActQuery,
    body: Bytes,
) -> Result<Response, Rejection> {
    // The parser's own error could quote a value.
    let request: EraseRequest = serde_json::from_slice(&body).map_err(|_| {
        let told = "the body must be JSON like {\"subject\":\"email\",\"values\":[\"…\"],\"dry_run\":true,\"purge\":false}; \
                    the subject is email, phone, user_id, anonymous_id or message_id";
        Rejection(StatusCode::BAD_REQUEST, told.to_owned())
    })?;
    let erased = state.source.erase(&request).await?;
    let deed = Deed::default()
        .count("values", erased.values)
        .count("events", erased.events)
        .count("dead_letters", erased.dead_letters);
    Ok(done(mode(deed, erased.dry_run), json(&erased)))
}

/// Sends events once more. Their ids come in the body, since they may name a person.
pub(crate) async fn resend(
    State(state): State<AdminState>,
    _: ActQuery,
    body: Bytes,
) -> Result<Response, Rejection> {
    // The parser's own error could quote an id.
    let request: ResendRequest = serde_json::from_slice(&body).map_err(|_| {
        let told = "the body must be JSON like {\"message_ids\":[\"…\"],\"sink\":\"…\"}; without a sink every sink that was owed \
                    the events gets them";
        Rejection(StatusCode::BAD_REQUEST, told.to_owned())
    })?;
    let resent = state.source.resend(&request).await?;
    let go_out = resent.events.iter().filter(|event| event.goes_out()).count();
    let deed = state
        .deed(request.sink.as_deref())
        .count("events", request.message_ids.len() as u64)
        .count("sent", go_out as u64);
    Ok(done(deed, json(&resent)))
}

/// Answers with the erasures that hold: kinds, times and counts, never a value or its hash.
pub(crate) async fn erasures(State(state): State<AdminState>) -> Response {
    json(&state.source.journal().erasures().list())
}

/// Answers with every sink that the journal knows. Counting what sinks are owed reads frames.
pub(crate) async fn sinks(State(state): State<AdminState>, _: ActQuery) -> Result<Response, Rejection> {
    Ok(json(&state.source.sinks().await?))
}

pub(crate) async fn reload(State(state): State<AdminState>, _: ActQuery) -> Result<Response, Rejection> {
    Ok(text(StatusCode::OK, &state.source.reload().await?))
}
