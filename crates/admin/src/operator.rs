//! The paths of replay, forget and reload.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use signalbox_runtime::forget::Forget;
use signalbox_runtime::operate::ReplayRange;

use crate::AdminState;
use crate::query::ActQuery;
use crate::reply::{Rejection, json, text};

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
    let range = ReplayRange { from, to: query.to };
    Ok(json(&state.source.replay(sink, range, query.dry_run).await?))
}

pub(crate) async fn forget(
    State(state): State<AdminState>,
    ActQuery(query): ActQuery,
) -> Result<Response, Rejection> {
    let what = Forget {
        source: query.source,
        sink: query.filter.component,
    };
    Ok(json(&state.source.forget(what).await?))
}

/// Answers with every sink that the journal knows. Counting what sinks are owed reads frames.
pub(crate) async fn sinks(State(state): State<AdminState>, _: ActQuery) -> Result<Response, Rejection> {
    Ok(json(&state.source.sinks().await?))
}

pub(crate) async fn reload(State(state): State<AdminState>, _: ActQuery) -> Result<Response, Rejection> {
    Ok(text(StatusCode::OK, &state.source.reload().await?))
}
