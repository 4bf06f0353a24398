//! One connection: HTTP/1.1 or HTTP/2, with TLS or without, from its first byte to its end.

use std::fmt::Display;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::application::{Application, NoAnswer, Peer};
use super::exchange::{self, ConnectionContext};
use super::limits::Limits;
use super::requests::Requests;
use super::slots::Slot;
use super::traffic::Traffic;
use super::write_timeout::WriteTimeout;

/// The most bytes of a request's head, with long cookies; larger heads get 431.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// Size of the read buffer that a connection keeps for its life. Holds at least a whole head.
const READ_BYTES: usize = MAX_HEAD_BYTES;

/// The most concurrent requests on an HTTP/2 connection. Browsers start with this many before they read the server's
/// settings; with a lower limit some of these would be refused.
const MAX_STREAMS: u32 = 100;

/// Flow-control windows: the unread bytes that one HTTP/2 request, and all of a connection together, may send.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 512 * 1024;

/// The most streams that a client may open and reset before the server has accepted them (rapid reset); more end the
/// connection.
const MAX_RESETS: usize = 20;

/// The state that all connections share.
pub(super) struct Connections<A> {
    pub(super) application: A,
    limits: Limits,
    tls: Option<TlsAcceptor>,
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
    requests: Arc<Requests>,
    /// The order to stop: connections accept no further requests.
    pub(super) stop: CancellationToken,
    /// Ends connections at once.
    pub(super) kill: CancellationToken,
}

impl<A: Application> Connections<A> {
    pub(super) fn new(
        application: A,
        limits: Limits,
        tls: Option<TlsAcceptor>,
        stop: CancellationToken,
    ) -> Connections<A> {
        let read_timeout = limits.read_timeout;
        let mut http1 = http1::Builder::new();
        http1
            .timer(TokioTimer::new())
            .header_read_timeout(read_timeout)
            .half_close(limits.half_close)
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
            // Detects peers that have vanished without closing.
            .keep_alive_interval(read_timeout)
            .keep_alive_timeout(read_timeout);
        Connections {
            application,
            limits,
            tls,
            http1,
            http2,
            requests: Arc::new(Requests::new(limits.connections)),
            stop,
            kill: CancellationToken::new(),
        }
    }

    /// Serves a connection to its end. Errors are the client's: it left, was too slow, or spoke no HTTP.
    pub(super) async fn serve(&self, stream: TcpStream, address: SocketAddr, slot: Slot) {
        // An answer is one small packet; waiting to fill it up only delays it.
        let _ = stream.set_nodelay(true);
        let mut line = ConnectionContext {
            peer: Peer {
                address,
                secure: false,
            },
            slot: Arc::new(slot),
            traffic: Traffic::new(self.limits.read_timeout, self.limits.body_bytes),
        };
        let stream = WriteTimeout::new(stream, self.limits.write_timeout, line.traffic.clone());
        let Some(tls) = &self.tls else {
            return self.http1(stream, line).await;
        };
        let accepted = tokio::select! {
            accepted = timeout(self.limits.read_timeout, tls.accept(stream)) => accepted,
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

    async fn http1(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        line: ConnectionContext,
    ) {
        let service = service_fn(|request| {
            let last = exchange::is_last(&request);
            let answer = line
                .begin()
                .map(|open| line.answer(self.application.clone(), request, open));
            async move {
                let mut response = answer?.await?;
                if last || self.stop.is_cancelled() {
                    exchange::close_after(&mut response);
                }
                Result::<_, NoAnswer>::Ok(response)
            }
        });
        let connection = self.http1.serve_connection(TokioIo::new(stream), service);
        // Hyper itself closes an idle connection.
        let over = async {
            match self.limits.life {
                Some(life) => sleep(life).await,
                None => std::future::pending().await,
            }
        };
        self.converse(connection, &line.slot, over, self.limits.linger)
            .await;
    }

    async fn http2(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        line: ConnectionContext,
    ) {
        let (slot, traffic) = (line.slot.clone(), line.traffic.clone());
        let (application, requests) = (self.application.clone(), self.requests.clone());
        let service = service_fn(move |request| {
            let (requests, address) = (requests.clone(), line.peer.address.ip());
            let begun = line
                .begin()
                .map(|open| (open.clone(), line.answer(application.clone(), request, open)));
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

    /// Drives a connection until it ends, is over, or has to stop.
    async fn converse<C>(&self, connection: C, slot: &Slot, over: impl Future<Output = ()>, linger: Duration)
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
            () = over => false,
            () = slot.closed() => true,
        };
        connection.as_mut().graceful_shutdown();
        if give_way {
            // HTTP/2 sends GOAWAY; the server does not wait, since another connection needs the slot.
            let _ = std::future::poll_fn(|cx| Poll::Ready(connection.as_mut().poll(cx).is_ready())).await;
            return trace(&NoAnswer::Closed);
        }
        tokio::select! {
            result = connection.as_mut() => result.unwrap_or_else(|error| trace(&error)),
            () = self.kill.cancelled() => {}
            () = slot.closed() => {}
            () = sleep(self.limits.ending) => {}
        }
    }
}

fn trace(error: &impl Display) {
    tracing::trace!(%error, "connection ended");
}
