//! The application behind the server: the routes, and what holds for each of their answers.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::header::{HOST, ORIGIN};
use http::{Request, Version};
use signalbox_core::Reason;
use signalbox_http::server::{self, NoAnswer, close_after, is_trusted};
use tower::Service;

use crate::ingest::Ingest;
use crate::reply::{self, HangUp};
use crate::{cors, routes};

/// The routes of a source.
#[derive(Clone)]
pub(crate) struct SourceApplication {
    router: Router,
    server: Arc<Ingest>,
    max_per_address: Option<usize>,
}

impl SourceApplication {
    pub(crate) fn new(server: Arc<Ingest>, max_per_address: Option<usize>) -> SourceApplication {
        SourceApplication {
            router: routes::router(server.clone()),
            server,
            max_per_address,
        }
    }
}

impl server::Application for SourceApplication {
    async fn answer(mut self, request: Request<Body>) -> Result<Response, NoAnswer> {
        if let Some(refusal) = unclear_host(&request) {
            return Ok(refusal);
        }
        let origin = request.headers().get(ORIGIN).cloned();
        let answered: Result<Response, Infallible> = self.router.call(request).await;
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

    fn most_of(&self, peer: SocketAddr) -> Option<usize> {
        let trusted = is_trusted(peer.ip().to_canonical(), &self.server.settings.proxies);
        self.max_per_address.filter(|_| !trusted)
    }
}

/// Refuses a request with an ambiguous host (RFC 9112, 3.2): a proxy in front may have read another one. HTTP/1.0 may
/// leave the header out, as old health checks do.
fn unclear_host(request: &Request<Body>) -> Option<Response> {
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
