//! The listener: accepting connections, and stopping without losing a request.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use signalbox_core::slots::{Slot, Slots};
use signalbox_core::{Source, SourceContext, SourceTask, StartError};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;

use crate::admission::Admission;
use crate::connection::{Connections, is_of_a_client};
use crate::ingest::Server;
use crate::peer::is_trusted;
use crate::settings::Settings;
use crate::tls::Tls;
use crate::wrong_keys::WrongKeys;

/// How long requests under way may take once the source is told to stop. SDKs wait 8 to 15 s.
const DRAIN: Duration = Duration::from_secs(5);

/// A built `segment_http` source.
#[derive(Debug)]
pub struct SegmentHttp {
    pub(crate) listen: SocketAddr,
    pub(crate) tls: Option<Tls>,
    pub(crate) max_connections: usize,
    pub(crate) max_per_address: Option<usize>,
    pub(crate) settings: Settings,
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
        let secure = self.tls.is_some();
        tracing::info!(source = &*context.name, %address, secure, "listening for Segment SDKs");
        let (tls, keep_new) = match self.tls.map(|tls| tls.start(context.vitals.clone())).transpose() {
            Ok(started) => started.unzip(),
            Err(error) => return Err(StartError(format!("tls: {error}"))),
        };
        let server = Arc::new(Server {
            source: context.name,
            outlet: context.outlet,
            settings: self.settings,
            admission: Admission::default(),
            wrong_keys: WrongKeys::default(),
        });
        let connections = Connections::new(server.clone(), tls, self.max_connections, context.shutdown);
        let acceptor = Acceptor {
            connections: Arc::new(connections),
            server,
            slots: Slots::new(self.max_connections),
            max_per_address: self.max_per_address,
            tasks: TaskTracker::new(),
        };
        Ok((
            address,
            Box::pin(async move {
                match keep_new {
                    None => acceptor.serve(listener).await,
                    Some(keep_new) => tokio::select! {
                        () = acceptor.serve(listener) => {}
                        () = keep_new => {}
                    },
                }
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

/// Accepts connections, within the limits of their number.
struct Acceptor {
    connections: Arc<Connections>,
    server: Arc<Server>,
    slots: Arc<Slots>,
    max_per_address: Option<usize>,
    tasks: TaskTracker,
}

impl Acceptor {
    /// Accepts until told to stop, then waits for what is under way.
    async fn serve(&self, listener: TcpListener) {
        let stopped = self.connections.stop.cancelled();
        tokio::pin!(stopped);
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut stopped => break,
                accepted = listener.accept() => accepted,
            };
            let (stream, peer) = match accepted {
                Ok(accepted) => accepted,
                Err(error) if is_of_a_client(&error) => continue,
                Err(error) => {
                    // Out of file descriptors, mostly: trying again at once would spin.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let slot = tokio::select! {
                slot = self.slots.enter(peer.ip(), self.limit_of(peer)) => slot,
                // This connection was accepted before the order to stop: it may hold a request that nobody else would
                // answer.
                () = &mut stopped => {
                    self.enter(stream, peer, self.slots.squeeze_in(peer.ip()));
                    break;
                }
            };
            match slot {
                Some(slot) => self.enter(stream, peer, slot),
                None => tracing::debug!("an address has too many connections; one is closed"),
            }
        }
        drop(listener);
        self.tasks.close();
        if tokio::time::timeout(DRAIN, self.tasks.wait()).await.is_err() {
            tracing::warn!(
                connections = self.tasks.len(),
                "closing connections that are still busy"
            );
            self.connections.kill.cancel();
            self.tasks.wait().await;
        }
    }

    /// Returns the most connections that an address may have.
    fn limit_of(&self, peer: SocketAddr) -> Option<usize> {
        let trusted = is_trusted(peer.ip().to_canonical(), &self.server.settings.proxies);
        self.max_per_address.filter(|_| !trusted)
    }

    fn enter(&self, stream: TcpStream, peer: SocketAddr, slot: Slot) {
        let connections = self.connections.clone();
        self.tasks
            .spawn(async move { connections.serve(stream, peer, slot).await });
    }
}
