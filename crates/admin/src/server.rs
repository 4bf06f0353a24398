//! The admin address's server: it listens, and ends politely.
//!
//! Anybody may be able to reach the address, and it must not use up the router's sockets: connections are few and
//! short, and silent ones give way to others.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, HttpBody as _};
use axum::http::Request;
use axum::http::header::CONTENT_LENGTH;
use axum::response::Response;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use signalbox_core::slots::{Slot, Slots};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;

use crate::AdminState;
use crate::guard::{Access, Guard};
use signalbox_runtime::sockets::{check_listen, open_listener};

/// The most connections at once. Those without a request under way close to make room for more.
const CONNECTIONS: usize = 64;
/// The time for the head of a request, and so for an idle connection.
const HEAD: Duration = Duration::from_secs(15);
/// The life of a connection; who scrapes just opens another.
const LIFE: Duration = Duration::from_secs(300);
/// The time for answers under way when a connection has to end.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// A running admin address.
#[derive(Debug)]
pub struct AdminServer {
    address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

impl AdminServer {
    /// Where it listens; the port is the real one also if 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits for the end after `stop` was cancelled: at most one second for answers under way.
    pub async fn stopped(self) {
        // The task does not panic; if it did, it has stopped all the same.
        let _ = self.task.await;
    }
}

/// Starts the admin address; it stops when `stop` is cancelled. Cancel it last, so that status stays visible while
/// sinks drain.
///
/// # Errors
/// [`check_listen`]'s, or why the address cannot be listened on.
pub async fn serve(
    listen: SocketAddr,
    access: Access,
    state: AdminState,
    stop: CancellationToken,
) -> Result<AdminServer, String> {
    check_listen(listen, access.token.as_ref())?;
    let listener = open_listener(listen)
        .and_then(TcpListener::from_std)
        .map_err(|error| cannot_listen(listen, &error))?;
    let address = listener
        .local_addr()
        .map_err(|error| cannot_listen(listen, &error))?;
    let router = crate::routes::router(state, Guard::new(listen, access));
    let task = tokio::spawn(accept(listener, router, stop));
    tracing::info!(%address, "the admin address is open");
    Ok(AdminServer { address, task })
}

fn cannot_listen(listen: SocketAddr, error: &std::io::Error) -> String {
    let remedy = match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            "; something else listens there (another Signalbox?), choose another port"
        }
        std::io::ErrorKind::PermissionDenied => "; ports below 1024 need a privilege, choose a higher one",
        std::io::ErrorKind::AddrNotAvailable => "; this machine does not have that address",
        _ => "",
    };
    format!("the admin address {listen} cannot be opened: {error}{remedy}")
}

async fn accept(listener: TcpListener, router: Router, stop: CancellationToken) {
    let connections = TaskTracker::new();
    let slots = Slots::new(CONNECTIONS);
    while let Some(accepted) = until(&stop, listener.accept()).await {
        match accepted {
            Ok((stream, peer)) => {
                let Some(Some(slot)) = until(&stop, slots.enter(peer.ip(), None)).await else {
                    break;
                };
                connections.spawn(converse(stream, router.clone(), slot, stop.clone()));
            }
            Err(error) => {
                // Mostly no file descriptor left: without a pause this would spin.
                tracing::warn!(%error, "the admin address could not accept a connection");
                let _ = until(&stop, tokio::time::sleep(Duration::from_millis(100))).await;
            }
        }
    }
    drop(listener);
    connections.close();
    connections.wait().await;
}

/// The result of the work, or nothing if it is time to stop.
async fn until<T>(stop: &CancellationToken, work: impl Future<Output = T>) -> Option<T> {
    stop.run_until_cancelled(work).await
}

/// The end of a connection whose place was needed before its request had begun.
#[derive(Debug, thiserror::Error)]
#[error("another connection needed the place")]
struct GivenWay;

async fn converse(stream: TcpStream, router: Router, slot: Slot, stop: CancellationToken) {
    let service = service_fn(|request| answer(&slot, router.clone(), request));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = std::pin::pin!(connection);
    // A connection that breaks is the client's affair.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = slot.closed() => return,
        () = stop.cancelled() => {}
        () = tokio::time::sleep(LIFE) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = tokio::time::timeout(LAST_WORDS, connection).await;
}

/// Answers a request. Until the answer is written, the connection does not give way.
async fn answer(slot: &Slot, router: Router, request: Request<Incoming>) -> Result<Response, GivenWay> {
    let under_way = slot.begin().ok_or(GivenWay)?;
    // No path here waits for a body.
    under_way.received();
    let response = match router.oneshot(request.map(Body::new)).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let (mut head, body) = response.into_parts();
    if let Some(length) = body.size_hint().exact().filter(|length| *length > 0) {
        head.headers.entry(CONTENT_LENGTH).or_insert(length.into());
    }
    let body = body.map_frame(move |frame| {
        let _under_way = &under_way;
        frame
    });
    Ok(Response::from_parts(head, Body::new(body)))
}
