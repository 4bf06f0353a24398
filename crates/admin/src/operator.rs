//! The paths of replay, forget and reload.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use signalbox_runtime::forget::Forget;
use signalbox_runtime::operate::ReplayRange;

use crate::AdminState;
use crate::query::Acting;
use crate::reply::{Refusal, json, text};

pub(crate) async fn replay(
    State(state): State<AdminState>,
    Acting(query): Acting,
) -> Result<Response, Refusal> {
    let (Some(sink), Some(from)) = (query.filter.component, query.from) else {
        return Err(Refusal(
            StatusCode::BAD_REQUEST,
            "replay needs sink and from".to_owned(),
        ));
    };
    let range = ReplayRange { from, to: query.to };
    Ok(json(&state.source.replay(sink, range, query.dry_run).await?))
}

pub(crate) async fn forget(
    State(state): State<AdminState>,
    Acting(query): Acting,
) -> Result<Response, Refusal> {
    let what = Forget {
        source: query.source,
        sink: query.filter.component,
    };
    Ok(json(&state.source.forget(what).await?))
}

/// Answers with every sink that the journal knows. Counting what sinks are owed reads frames.
pub(crate) async fn sinks(State(state): State<AdminState>, _: Acting) -> Result<Response, Refusal> {
    Ok(json(&state.source.sinks().await?))
}

pub(crate) async fn reload(State(state): State<AdminState>, _: Acting) -> Result<Response, Refusal> {
    Ok(text(StatusCode::OK, &state.source.reload().await?))
}
