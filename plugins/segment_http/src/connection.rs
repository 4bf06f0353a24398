//! One connection: HTTP/1.1 or HTTP/2, with TLS or without, from its first byte to its end.

use std::convert::Infallible;
use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::header::{CONNECTION, ORIGIN, TRANSFER_ENCODING};
use http::{HeaderValue, Request, Version};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::Service;

use crate::cors;
use crate::ingest::Server;
use crate::patience::Patient;
use crate::reply::HangUp;
use crate::routes;

/// Bytes of a request's head, with long cookies; more get 431.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// What a connection reads at once, and keeps room for as long as it lasts. Not less than a head may take.
const READ_BYTES: usize = MAX_HEAD_BYTES;

/// Requests at once on one HTTP/2 connection. Browsers begin with so many before they have heard of any limit; with
/// fewer here, some would be refused.
const MAX_STREAMS: u32 = 100;

/// What one HTTP/2 request may send unread, and all of a connection together.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 512 * 1024;

/// Streams opened and reset by the client before anybody looked at them (rapid reset); more end the connection.
const MAX_RESETS: usize = 20;

/// For so long after the word to stop, HTTP/1.1 connections are still listened to, and told to close by what they
/// are answered. Closed at once, they could cross a request that is on its way, which nobody would answer.
const LINGER: Duration = Duration::from_millis(500);

/// How long a connection that was asked to end may take for it, if nobody has less patience.
const ENDING: Duration = Duration::from_secs(10);

/// Where a request comes from, as its extension.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    /// Whether by TLS.
    pub(crate) secure: bool,
}

/// What all connections share.
pub(crate) struct Connections {
    router: Router,
    tls: Option<TlsAcceptor>,
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
    /// HTTP/2 requests that may be under way, over all connections; HTTP/1.1 has one per connection.
    requests: Arc<Semaphore>,
    patience: Duration,
    /// No further requests.
    pub(crate) stop: CancellationToken,
    /// No patience left.
    pub(crate) kill: CancellationToken,
}

/// Why a connection, or a stream of it, ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the body did not come in time")]
struct NoAnswer;

impl Connections {
    pub(crate) fn new(
        server: Arc<Server>,
        tls: Option<TlsAcceptor>,
        requests: usize,
        stop: CancellationToken,
    ) -> Connections {
        let patience = server.read_timeout;
        let mut http1 = http1::Builder::new();
        http1
            .timer(TokioTimer::new())
            .header_read_timeout(patience)
            // A client that has sent all it wants to may close its side; that cancels nothing.
            .half_close(true)
            .max_buf_size(READ_BYTES)
            .max_header_size(MAX_HEAD_BYTES);
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(MAX_HEAD_BYTES as u32)
            .max_pending_accept_reset_streams(MAX_RESETS)
            // Finds peers that are gone without a word.
            .keep_alive_interval(patience)
            .keep_alive_timeout(patience);
        Connections {
            router: routes::router(server),
            tls,
            http1,
            http2,
            requests: Arc::new(Semaphore::new(requests)),
            patience,
            stop,
            kill: CancellationToken::new(),
        }
    }

    /// Serves a connection to its end. Its errors are the client's: it left, was too slow, or spoke no HTTP.
    pub(crate) async fn serve(&self, stream: TcpStream, address: SocketAddr) {
        // An answer is one small packet; waiting to fill it up only delays it.
        let _ = stream.set_nodelay(true);
        let stream = Patient::new(stream, self.patience);
        let Some(tls) = &self.tls else {
            let peer = Peer {
                address,
                secure: false,
            };
            return self.http1(stream, peer).await;
        };
        let accepted = tokio::select! {
            accepted = timeout(self.patience, tls.accept(stream)) => accepted,
            () = self.kill.cancelled() => return,
        };
        let stream = match accepted {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return trace(&error),
            Err(slow) => return trace(&slow),
        };
        let peer = Peer {
            address,
            secure: true,
        };
        if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
            self.http2(stream, peer).await;
        } else {
            self.http1(stream, peer).await;
        }
    }

    async fn http1(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, peer: Peer) {
        let service = service_fn(move |request| self.answer(peer, request));
        let connection = self.http1.serve_connection(TokioIo::new(stream), service);
        // Hyper itself closes one that is idle.
        self.converse(connection, std::future::pending(), LINGER).await;
    }

    async fn http2(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, peer: Peer) {
        let activity = Arc::new(Activity::default());
        let busy = activity.clone();
        let (router, requests) = (self.router.clone(), self.requests.clone());
        let service = service_fn(move |request| {
            let (busy, requests) = (busy.clone().begin(), requests.clone());
            let answer = answer(router.clone(), peer, request);
            async move {
                // Never closed, so a permit always comes.
                let _permit = requests.acquire().await;
                let answer = answer.await;
                drop(busy);
                answer
            }
        });
        let connection = self.http2.serve_connection(TokioIo::new(stream), service);
        self.converse(connection, activity.idle(self.patience), Duration::ZERO)
            .await;
    }

    /// Drives a connection until it ends, is idle, or shall stop.
    async fn converse<C>(&self, connection: C, idle: impl Future<Output = ()>, linger: Duration)
    where
        C: GracefulConnection,
        C::Error: Display,
    {
        let mut connection = Box::pin(connection);
        let stopping = async {
            self.stop.cancelled().await;
            sleep(linger).await;
        };
        tokio::select! {
            result = connection.as_mut() => return result.unwrap_or_else(|error| trace(&error)),
            () = stopping => {}
            () = idle => {}
        }
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            result = connection.as_mut() => result.unwrap_or_else(|error| trace(&error)),
            () = self.kill.cancelled() => {}
            () = sleep(self.patience.max(ENDING)) => {}
        }
    }

    async fn answer(&self, peer: Peer, request: Request<Incoming>) -> Result<Response, NoAnswer> {
        let last = is_last(&request);
        let mut response = answer(self.router.clone(), peer, request).await?;
        if last || self.stop.is_cancelled() {
            response
                .headers_mut()
                .insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Ok(response)
    }
}

fn trace(error: &impl Display) {
    tracing::trace!(%error, "connection ended");
}

/// Whether nothing more is read from the connection after this request. Where a chunked body ends, a proxy in front
/// may see differently, and take for a body what we would take for somebody's next request (request smuggling). A
/// `Content-Length` beside it counts for nothing and is not even shown by hyper (RFC 9112, 6.3).
fn is_last(request: &Request<Incoming>) -> bool {
    request.version() <= Version::HTTP_11 && request.headers().contains_key(TRANSFER_ENCODING)
}

async fn answer(
    mut router: Router,
    peer: Peer,
    mut request: Request<Incoming>,
) -> Result<Response, NoAnswer> {
    let origin = request.headers().get(ORIGIN).cloned();
    request.extensions_mut().insert(peer);
    let answered: Result<Response, Infallible> = router.call(request.map(Body::new)).await;
    let mut response = match answered {
        Ok(response) => response,
        Err(never) => match never {},
    };
    if response.extensions().get::<HangUp>().is_some() {
        return Err(NoAnswer);
    }
    if let Some(origin) = origin {
        cors::expose(&mut response, origin);
    }
    Ok(response)
}

/// Whether anything happens on an HTTP/2 connection.
#[derive(Debug, Default)]
struct Activity {
    begun: AtomicU64,
    open: AtomicUsize,
}

/// A request under way.
#[derive(Debug)]
struct Busy(Arc<Activity>);

impl Activity {
    fn begin(self: Arc<Activity>) -> Busy {
        self.begun.fetch_add(1, Relaxed);
        self.open.fetch_add(1, Relaxed);
        Busy(self)
    }

    /// Comes when there was no request for at least so long, and at most twice as long.
    async fn idle(&self, patience: Duration) {
        loop {
            let begun = self.begun.load(Relaxed);
            sleep(patience).await;
            if self.open.load(Relaxed) == 0 && self.begun.load(Relaxed) == begun {
                return;
            }
        }
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Relaxed);
    }
}

/// Errors of accepting that are one client's affair.
pub(crate) fn is_of_a_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}
