//! The interface between a server and the application that answers its requests.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::Request;
use tower::Service as _;

/// The origin of a request, attached as an extension.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// The client's address, or that of the last proxy.
    pub address: SocketAddr,
    /// True if the request came by TLS.
    pub secure: bool,
}

/// The reasons why a connection, or a stream of it, ends without an answer.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// The body was too slow.
    #[error("the body did not come in time")]
    Slow,
    /// The connection gave way to another.
    #[error("another connection or request needed the place")]
    Closed,
}

/// Answers the requests of a server. The clone made for each request should be cheap.
pub trait Application: Clone + Send + Sync + 'static {
    /// Answers a request; with an error the connection, or its HTTP/2 stream, ends without an answer.
    fn answer(self, request: Request<Body>) -> impl Future<Output = Result<Response, NoAnswer>> + Send;

    /// Returns the most connections that an address may have; `None` sets no limit.
    fn most_of(&self, _peer: SocketAddr) -> Option<usize> {
        None
    }
}

impl Application for Router {
    async fn answer(mut self, request: Request<Body>) -> Result<Response, NoAnswer> {
        match self.call(request).await {
            Ok(response) => Ok(response),
            Err(never) => match never {},
        }
    }
}
