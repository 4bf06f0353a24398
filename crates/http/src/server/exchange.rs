//! One request on a connection, and its answer.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::header::{CONNECTION, CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderValue, Request, Version};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};

use super::application::{Application, NoAnswer, Peer};
use super::slots::Slot;
use super::traffic::{OpenRequest, TrackedBody, Traffic};

/// The parts of a connection that its requests share.
#[derive(Debug, Clone)]
pub(super) struct ConnectionContext {
    pub(super) peer: Peer,
    pub(super) slot: Arc<Slot>,
    pub(super) traffic: Arc<Traffic>,
}

impl ConnectionContext {
    /// Notes a request whose head has come. From this call until its answer is written, the connection is not idle.
    pub(super) fn begin(&self) -> Result<Arc<OpenRequest>, NoAnswer> {
        let under_way = self.slot.begin().ok_or(NoAnswer::Closed)?;
        Ok(self.traffic.begin(under_way))
    }

    /// Answers a request.
    pub(super) fn answer<A: Application>(
        &self,
        application: A,
        request: Request<Incoming>,
        open: Arc<OpenRequest>,
    ) -> impl Future<Output = Result<Response, NoAnswer>> + Send + use<A> {
        let peer = self.peer;
        async move {
            let mut request = request.map(|body| TrackedBody::wrap(body, open.clone()));
            request.extensions_mut().insert(peer);
            let response = application.answer(request).await?;
            open.complete();
            Ok(until_written(response, open))
        }
    }
}

/// True if nothing more is read from the connection after this request. A proxy in front may see the end of a chunked
/// body elsewhere, and forward as part of it bytes that this server would read as the next request (request smuggling).
/// A `Content-Length` beside it is ignored, and hyper does not even show it (RFC 9112, 6.3).
pub(super) fn is_last(request: &Request<Incoming>) -> bool {
    request.version() <= Version::HTTP_11 && request.headers().contains_key(TRANSFER_ENCODING)
}

/// Closes the connection after this answer (HTTP/1).
pub fn close_after(response: &mut Response) {
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
