//! The limits of a server.

use std::time::Duration;

/// The most bytes that a connection may send besides bodies before it completes a request: heads, framing, TLS.
pub const BEYOND_BODIES: usize = 1_000_000;

/// The limits of a server's connections.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The most connections at once, and the most HTTP/2 requests. When all places are taken, those without a request
    /// under way close to make room.
    pub connections: usize,
    /// The most bytes of a body. With 0 the application reads no body, and a request counts as received whole once its
    /// head is.
    pub body_bytes: usize,
    /// The time for the head of a request, for a TLS handshake, and for an idle connection.
    pub read_timeout: Duration,
    /// The time for which a client may take nothing of its answer.
    pub write_timeout: Duration,
    /// The life of an HTTP/1.1 connection; `None` sets no limit.
    pub life: Option<Duration>,
    /// True if a client that has closed its side still gets its answer; otherwise closing cancels the request.
    pub half_close: bool,
    /// The time for which HTTP/1.1 connections still accept requests after the order to stop; their answers then ask
    /// the client to close. A connection closed at once could cross a request on its way, which would get no answer.
    pub linger: Duration,
    /// The time for the requests under way on a connection that has to end.
    pub ending: Duration,
    /// The time for all connections after the order to stop; those still busy are then closed.
    pub drain: Duration,
}
