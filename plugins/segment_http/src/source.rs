//! The listener: accepting connections, serving them, and stopping without losing a request.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::response::Response;
use http::Request;
use http::header::ORIGIN;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use ipnet::IpNet;
use signalbox_core::{Source, SourceContext, SourceTask, StartError};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;

use crate::auth::WriteKeys;
use crate::config::UnknownKey;
use crate::ingest::Server;
use crate::reply::HangUp;
use crate::sdk_settings::PublicUrl;
use crate::{cors, routes};

/// Bytes of a request's head, with long cookies; more get 431.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// How long requests under way may take once the source is told to stop. SDKs wait 8 to 15 s.
const DRAIN: Duration = Duration::from_secs(5);

/// A built `segment_http` source.
#[derive(Debug)]
pub struct SegmentHttp {
    pub(crate) listen: SocketAddr,
    pub(crate) keys: WriteKeys,
    pub(crate) unknown_key: UnknownKey,
    pub(crate) proxies: Vec<IpNet>,
    pub(crate) public_url: Option<PublicUrl>,
    pub(crate) read_timeout: Duration,
    pub(crate) max_connections: usize,
}

impl SegmentHttp {
    /// Opens the port; says which it is (for port 0), and returns the work as a future.
    ///
    /// # Errors
    /// [`StartError`] if the address cannot be listened on.
    pub async fn open(self, context: SourceContext) -> Result<(SocketAddr, SourceTask), StartError> {
        let listener = context
            .sockets
            .listen(self.listen)
            .and_then(TcpListener::from_std)
            .map_err(|error| cannot_listen(self.listen, &error))?;
        let address = listener.local_addr().unwrap_or(self.listen);
        tracing::info!(source = &*context.name, %address, "listening for Segment SDKs");
        let read_timeout = self.read_timeout;
        let max_connections = self.max_connections;
        let router = routes::router(Arc::new(Server {
            source: context.name,
            outlet: context.outlet,
            keys: self.keys,
            unknown_key: self.unknown_key,
            proxies: self.proxies,
            public_url: self.public_url,
            read_timeout,
        }));
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(read_timeout)
            // A client that has sent all it wants to may close its side; that cancels nothing.
            .half_close(true)
            .max_header_size(MAX_HEAD_BYTES);
        let connections = Connections {
            http,
            router,
            stop: context.shutdown,
            kill: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        Ok((
            address,
            Box::pin(async move {
                connections.serve(listener, max_connections).await;
                Ok(())
            }),
        ))
    }
}

#[async_trait]
impl Source for SegmentHttp {
    async fn start(self: Box<Self>, context: SourceContext) -> Result<SourceTask, StartError> {
        Ok(self.open(context).await?.1)
    }
}

fn cannot_listen(address: SocketAddr, error: &io::Error) -> StartError {
    let help = match error.kind() {
        io::ErrorKind::AddrInUse => {
            "another program listens there: stop it, or choose another port in `listen`"
        }
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 need a privilege: choose a higher one in `listen`"
        }
        io::ErrorKind::AddrNotAvailable => {
            "no interface of this machine has it: use 127.0.0.1, 0.0.0.0 or an own address in `listen`"
        }
        _ => "check `listen`",
    };
    StartError(format!("cannot listen on {address}: {error}; {help}"))
}

struct Connections {
    http: http1::Builder,
    router: Router,
    /// No new connections, no further requests on those there are.
    stop: CancellationToken,
    /// No patience left.
    kill: CancellationToken,
    tasks: TaskTracker,
}

impl Connections {
    /// Accepts until told to stop, then waits for what is under way.
    async fn serve(self, listener: TcpListener, max_connections: usize) {
        let free = Arc::new(Semaphore::new(max_connections));
        loop {
            let next = async {
                // Never closed, so a permit always comes.
                let permit = free.clone().acquire_owned().await.ok();
                (listener.accept().await, permit)
            };
            let (accepted, permit) = tokio::select! {
                biased;
                () = self.stop.cancelled() => break,
                next = next => next,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let connection = self.connection(stream, peer);
                    self.tasks.spawn(async move {
                        connection.await;
                        drop(permit);
                    });
                }
                // That client's affair.
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => {
                    // Out of file descriptors, mostly: trying again at once would spin.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        drop(listener);
        self.tasks.close();
        if tokio::time::timeout(DRAIN, self.tasks.wait()).await.is_err() {
            tracing::warn!(
                connections = self.tasks.len(),
                "closing connections that are still busy"
            );
            self.kill.cancel();
            self.tasks.wait().await;
        }
    }

    fn connection(&self, stream: TcpStream, peer: SocketAddr) -> impl Future<Output = ()> + use<> {
        // An answer is one small packet; waiting to fill it up only delays it.
        let _ = stream.set_nodelay(true);
        let router = self.router.clone();
        let service = service_fn(move |request| answer(router.clone(), peer, request));
        let mut connection = Box::pin(self.http.serve_connection(TokioIo::new(stream), service));
        let (stop, kill) = (self.stop.clone(), self.kill.clone());
        async move {
            // Errors are the client's: it left, was too slow, or spoke no HTTP.
            let result = tokio::select! {
                result = connection.as_mut() => result,
                () = stop.cancelled() => {
                    connection.as_mut().graceful_shutdown();
                    tokio::select! {
                        result = connection.as_mut() => result,
                        () = kill.cancelled() => return,
                    }
                }
            };
            if let Err(error) = result {
                tracing::trace!(%error, "connection ended");
            }
        }
    }
}

/// The connection's peer, as an extension of its requests.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Why a connection is closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the body did not come in time")]
struct NoAnswer;

async fn answer(
    mut router: Router,
    peer: SocketAddr,
    mut request: Request<Incoming>,
) -> Result<Response, NoAnswer> {
    let origin = request.headers().get(ORIGIN).cloned();
    request.extensions_mut().insert(Peer(peer));
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
