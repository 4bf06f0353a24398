//! The path of taps: live events, one JSON object a line.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use signalbox_runtime::tap::{EventFilter, MOST_RATE, TapReceiver, TapRequest, TapScope};
use signalbox_runtime::tap_lines::TapLines;
use signalbox_segment::fql::Trigger;
use tokio::time::{Instant, Interval, interval, sleep_until};

use crate::AdminState;
use crate::asked::wants_plain;
use crate::reply::Rejection;

/// Events per second that a tap shows unless it says otherwise.
pub const TAP_RATE: u32 = 10;
/// An answer ends after this time, before the connection reaches the end of its life.
const LENGTH: Duration = Duration::from_secs(240);
/// Time between two lines that count the events left out.
const TOLD_EVERY: Duration = Duration::from_secs(1);

/// The body of a request for a tap; everything may be left out.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TapQuery {
    /// Shows only this source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Shows only this sink.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sink: Option<String>,
    /// Shows only the events that match this FQL text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Most events per second. Default: [`TAP_RATE`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<u32>,
    /// The answer ends after this number of events. Default: without end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
}

/// Shows whether there is a filter; it may name a person.
impl std::fmt::Debug for TapQuery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TapQuery")
            .field("filter", &self.filter.is_some())
            .finish_non_exhaustive()
    }
}

/// Answers with events as they pass. The filter comes in the body: an address may be logged on its way. What shows plain values
/// stands in the address, where the guard sees it.
pub(crate) async fn open(
    State(state): State<AdminState>,
    uri: Uri,
    body: Bytes,
) -> Result<Response, Rejection> {
    let bad = |told: String| Rejection(StatusCode::BAD_REQUEST, told);
    // The parser's own error could quote a value.
    let query: TapQuery = serde_json::from_slice(&body).map_err(|_| {
        bad("the body must be JSON like {\"sink\":\"…\",\"filter\":\"event = \\\"…\\\"\",\"rate\":10,\"limit\":100}, or {}".to_owned())
    })?;
    let rate = query.rate.unwrap_or(TAP_RATE);
    if !(1..=MOST_RATE).contains(&rate) {
        return Err(bad(format!("rate must be from 1 to {MOST_RATE}")));
    }
    let filter = query.filter.as_deref().map(Trigger::parse).transpose();
    let filter = filter.map_err(|fault| bad(format!("filter: {fault}")))?;
    let receiver = state.taps().open(TapRequest {
        scope: scope(&state, &query)?,
        filter: filter.map(|filter| {
            Box::new(move |event: &signalbox_core::Event| filter.matches(event.root())) as EventFilter
        }),
        rate,
    })?;
    let tapping = Tapping {
        receiver,
        lines: TapLines::new(wants_plain(&uri)),
        left: query.limit.unwrap_or(u64::MAX),
        ends: Instant::now() + LENGTH,
        tell: interval(TOLD_EVERY),
    };
    let lines = stream::unfold(tapping, |mut tapping| async move {
        let line = tapping.next().await?;
        Some((Ok::<_, Infallible>(line), tapping))
    });
    let headers = [(CONTENT_TYPE, "application/x-ndjson")];
    Ok((headers, Body::from_stream(lines)).into_response())
}

/// Returns the components that a request names.
fn scope(state: &AdminState, query: &TapQuery) -> Result<TapScope, Rejection> {
    let (sources, sinks) = state.components();
    let known = |kind: &str, name: &String, names: Vec<String>| {
        if names.contains(name) {
            return Ok(name.clone());
        }
        let told = format!("there is no such {kind}; there are: {}", names.join(", "));
        Err(Rejection(StatusCode::NOT_FOUND, told))
    };
    match (&query.source, &query.sink) {
        (None, None) => Ok(TapScope::All),
        (Some(name), None) => known("source", name, sources).map(TapScope::Source),
        (None, Some(name)) => known("sink", name, sinks).map(TapScope::Sink),
        (Some(_), Some(_)) => {
            let told = "name a source or a sink, not both; a line at a sink names its source too";
            Err(Rejection(StatusCode::BAD_REQUEST, told.to_owned()))
        }
    }
}

/// A tap whose answer is being sent. The client's end drops it, and so ends the tap.
struct Tapping {
    receiver: TapReceiver,
    lines: TapLines,
    left: u64,
    ends: Instant,
    tell: Interval,
}

impl Tapping {
    /// Waits for the next line; `None` at the end of the answer.
    async fn next(&mut self) -> Option<Bytes> {
        if self.left == 0 {
            return None;
        }
        loop {
            tokio::select! {
                biased;
                () = sleep_until(self.ends) => return None,
                _ = self.tell.tick() => {
                    let left_out = self.receiver.left_out();
                    if left_out > 0 {
                        return Some(format!("{{\"left_out\":{left_out}}}\n").into());
                    }
                }
                tapped = self.receiver.next() => {
                    let line = self.lines.line(&tapped?);
                    self.left -= 1;
                    return Some(line.into());
                }
            }
        }
    }
}
