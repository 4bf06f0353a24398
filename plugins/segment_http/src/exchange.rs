//! One request on a connection, and its answer.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, ORIGIN, TRANSFER_ENCODING};
use http::{HeaderValue, Request, Version};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use signalbox_core::Reason;
use signalbox_core::slots::Slot;
use tower::Service;

use crate::cors;
use crate::reply::{self, HangUp};
use crate::traffic::{Noted, Open, Traffic};

/// The origin of a request, attached as an extension.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    /// True if the request came by TLS.
    pub(crate) secure: bool,
}

/// The reasons why a connection, or a stream of it, ends without an answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoAnswer {
    #[error("the body did not come in time")]
    Slow,
    #[error("another connection or request needed the place")]
    Closed,
}

/// The parts of a connection that its requests need.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) peer: Peer,
    pub(crate) slot: Arc<Slot>,
    pub(crate) traffic: Arc<Traffic>,
}

impl Line {
    /// Notes a request whose head has come. From this call until its answer is written, the connection is not idle.
    pub(crate) fn begin(&self) -> Result<Arc<Open>, NoAnswer> {
        let under_way = self.slot.begin().ok_or(NoAnswer::Closed)?;
        Ok(self.traffic.begin(under_way))
    }

    /// Answers a request.
    pub(crate) fn answer(
        &self,
        router: Router,
        request: Request<Incoming>,
        open: Arc<Open>,
    ) -> impl Future<Output = Result<Response, NoAnswer>> + Send + use<> {
        let peer = self.peer;
        async move {
            let response = match unclear_host(&request) {
                Some(refusal) => refusal,
                None => {
                    let request = request.map(|body| Noted::wrap(body, open.clone()));
                    answer(router, peer, request).await?
                }
            };
            open.complete();
            Ok(until_written(response, open))
        }
    }
}

async fn answer(mut router: Router, peer: Peer, mut request: Request<Body>) -> Result<Response, NoAnswer> {
    let origin = request.headers().get(ORIGIN).cloned();
    request.extensions_mut().insert(peer);
    let answered: Result<Response, Infallible> = router.call(request).await;
    let mut response = match answered {
        Ok(response) => response,
        Err(never) => match never {},
    };
    if response.extensions().get::<HangUp>().is_some() {
        return Err(NoAnswer::Slow);
    }
    if let Some(origin) = origin {
        cors::expose(&mut response, origin);
    }
    Ok(response)
}

/// Refuses a request with an ambiguous host (RFC 9112, 3.2): a proxy in front may have read another one. HTTP/1.0 may
/// leave the header out, as old health checks do.
fn unclear_host(request: &Request<Incoming>) -> Option<Response> {
    let given = request.headers().get_all(HOST).iter().count();
    if given == 1 || given == 0 && request.version() != Version::HTTP_11 {
        return None;
    }
    let reason = Reason::new("invalid_host", "a request has exactly one Host header");
    let mut response = reply::bad_request(&reason);
    if request.version() <= Version::HTTP_11 {
        close_after(&mut response);
    }
    Some(response)
}

/// True if nothing more is read from the connection after this request. A proxy in front may see the end of a chunked
/// body elsewhere, and pass as part of it what this source would take for somebody's next request (request smuggling).
/// A `Content-Length` beside it counts for nothing, and hyper does not even show it (RFC 9112, 6.3).
pub(crate) fn is_last(request: &Request<Incoming>) -> bool {
    request.version() <= Version::HTTP_11 && request.headers().contains_key(TRANSFER_ENCODING)
}

/// Closes the connection after this answer (HTTP/1).
pub(crate) fn close_after(response: &mut Response) {
    response
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
}

/// Keeps something for as long as the answer is being written.
fn until_written(response: Response, kept: impl Send + Sync + 'static) -> Response {
    let (mut head, body) = response.into_parts();
    if body.is_end_stream() {
        return Response::from_parts(head, body);
    }
    // The new body no longer tells its length.
    if let Some(length) = body.size_hint().exact() {
        head.headers.entry(CONTENT_LENGTH).or_insert(length.into());
    }
    let body = body.map_frame(move |frame| {
        let _kept = &kept;
        frame
    });
    Response::from_parts(head, Body::new(body))
}
