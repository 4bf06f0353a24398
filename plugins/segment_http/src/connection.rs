//! One connection: HTTP/1.1 or HTTP/2, with TLS or without, from its first byte to its end.

use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use signalbox_core::slots::Slot;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use crate::exchange::{self, Line, NoAnswer, Peer};
use crate::ingest::Server;
use crate::requests::Requests;
use crate::routes;
use crate::traffic::Traffic;
use crate::write_timeout::WriteTimeout;

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

/// How long a connection that was asked to end may take for it, unless `read_timeout` is longer.
const ENDING: Duration = Duration::from_secs(10);

/// What all connections share.
pub(crate) struct Connections {
    router: Router,
    tls: Option<TlsAcceptor>,
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
    requests: Arc<Requests>,
    read_timeout: Duration,
    /// No further requests.
    pub(crate) stop: CancellationToken,
    /// Ends connections at once.
    pub(crate) kill: CancellationToken,
}

impl Connections {
    pub(crate) fn new(
        server: Arc<Server>,
        tls: Option<TlsAcceptor>,
        requests: usize,
        stop: CancellationToken,
    ) -> Connections {
        let read_timeout = server.settings.read_timeout;
        let mut http1 = http1::Builder::new();
        http1
            .timer(TokioTimer::new())
            .header_read_timeout(read_timeout)
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
            .keep_alive_interval(read_timeout)
            .keep_alive_timeout(read_timeout);
        Connections {
            router: routes::router(server),
            tls,
            http1,
            http2,
            requests: Arc::new(Requests::new(requests)),
            read_timeout,
            stop,
            kill: CancellationToken::new(),
        }
    }

    /// Serves a connection to its end. Its errors are the client's: it left, was too slow, or spoke no HTTP.
    pub(crate) async fn serve(&self, stream: TcpStream, address: SocketAddr, slot: Slot) {
        // An answer is one small packet; waiting to fill it up only delays it.
        let _ = stream.set_nodelay(true);
        let mut line = Line {
            peer: Peer {
                address,
                secure: false,
            },
            slot: Arc::new(slot),
            traffic: Traffic::new(self.read_timeout),
        };
        let stream = WriteTimeout::new(stream, self.read_timeout, line.traffic.clone());
        let Some(tls) = &self.tls else {
            return self.http1(stream, line).await;
        };
        let accepted = tokio::select! {
            accepted = timeout(self.read_timeout, tls.accept(stream)) => accepted,
            () = self.kill.cancelled() => return,
            () = line.slot.closed() => return,
        };
        let stream = match accepted {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return trace(&error),
            Err(slow) => return trace(&slow),
        };
        line.peer.secure = true;
        line.traffic.restart();
        if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
            self.http2(stream, line).await;
        } else {
            self.http1(stream, line).await;
        }
    }

    async fn http1(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, line: Line) {
        let service = service_fn(|request| {
            let last = exchange::is_last(&request);
            let answer = line
                .begin()
                .map(|open| line.answer(self.router.clone(), request, open));
            async move {
                let mut response = answer?.await?;
                if last || self.stop.is_cancelled() {
                    exchange::close_after(&mut response);
                }
                Result::<_, NoAnswer>::Ok(response)
            }
        });
        let connection = self.http1.serve_connection(TokioIo::new(stream), service);
        // Hyper itself closes one that is idle.
        self.converse(connection, &line.slot, std::future::pending(), LINGER)
            .await;
    }

    async fn http2(&self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, line: Line) {
        let (slot, traffic) = (line.slot.clone(), line.traffic.clone());
        let (router, requests) = (self.router.clone(), self.requests.clone());
        let service = service_fn(move |request| {
            let (requests, address) = (requests.clone(), line.peer.address.ip());
            let begun = line
                .begin()
                .map(|open| (open.clone(), line.answer(router.clone(), request, open)));
            async move {
                let (open, answer) = begun?;
                let place = requests.enter(address, &open).await.ok_or(NoAnswer::Closed)?;
                tokio::select! {
                    biased;
                    answered = answer => answered,
                    () = place.closed() => Err(NoAnswer::Closed),
                }
            }
        });
        let connection = self.http2.serve_connection(TokioIo::new(stream), service);
        self.converse(connection, &slot, traffic.idle(), Duration::ZERO)
            .await;
    }

    /// Drives a connection until it ends, is idle, or shall stop.
    async fn converse<C>(&self, connection: C, slot: &Slot, idle: impl Future<Output = ()>, linger: Duration)
    where
        C: GracefulConnection,
        C::Error: Display,
    {
        let mut connection = Box::pin(connection);
        let stopping = async {
            self.stop.cancelled().await;
            sleep(linger).await;
        };
        let give_way = tokio::select! {
            result = connection.as_mut() => return result.unwrap_or_else(|error| trace(&error)),
            () = stopping => false,
            () = idle => false,
            () = slot.closed() => true,
        };
        connection.as_mut().graceful_shutdown();
        if give_way {
            // HTTP/2 says goodbye; the source waits for nothing, since another connection needs the place.
            let _ = std::future::poll_fn(|cx| Poll::Ready(connection.as_mut().poll(cx).is_ready())).await;
            return trace(&NoAnswer::Closed);
        }
        tokio::select! {
            result = connection.as_mut() => result.unwrap_or_else(|error| trace(&error)),
            () = self.kill.cancelled() => {}
            () = slot.closed() => {}
            () = sleep(self.read_timeout.max(ENDING)) => {}
        }
    }
}

fn trace(error: &impl Display) {
    tracing::trace!(%error, "connection ended");
}

/// Errors of accepting that are one client's affair.
pub(crate) fn is_of_a_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}
