//! Listening, and ending politely.
//!
//! The address may be reachable by anybody, and a router must not run out of sockets by it: connections are few and
//! none lives for long.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use signalbox_core::Secret;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::AdminState;

/// Connections at once; more wait in the backlog.
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
/// [`check_listen`](super::check_listen)'s, or why the address cannot be listened on.
pub async fn serve(
    listen: SocketAddr,
    token: Option<&Secret>,
    state: AdminState,
    stop: CancellationToken,
) -> Result<AdminServer, String> {
    super::check_listen(listen, token)?;
    let listener = TcpListener::bind(listen)
        .await
        .map_err(|error| cannot_listen(listen, &error))?;
    let address = listener
        .local_addr()
        .map_err(|error| cannot_listen(listen, &error))?;
    let task = tokio::spawn(accept(listener, super::routes::router(state, token), stop));
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
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    while let Some(place) = until(&stop, Arc::clone(&places).acquire_owned()).await {
        match until(&stop, listener.accept()).await {
            Some(Ok((stream, _))) => {
                let (router, stop) = (router.clone(), stop.clone());
                connections.spawn(async move {
                    converse(stream, router, stop).await;
                    drop(place);
                });
            }
            Some(Err(error)) => {
                // Mostly no file descriptor left: without a pause this would spin.
                tracing::warn!(%error, "the admin address could not accept a connection");
                let _ = until(&stop, tokio::time::sleep(Duration::from_millis(100))).await;
            }
            None => break,
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

async fn converse(stream: TcpStream, router: Router, stop: CancellationToken) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let mut connection = std::pin::pin!(connection);
    // A connection that breaks is the client's affair.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stop.cancelled() => {}
        () = tokio::time::sleep(LIFE) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = tokio::time::timeout(LAST_WORDS, connection).await;
}
