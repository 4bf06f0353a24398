//! Accepting connections, and stopping without losing a request.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::application::Application;
use super::connection::Connections;
use super::limits::Limits;
use super::slots::{Slot, Slots};

/// Serves a listener until `stop` is cancelled, then waits for the requests under way, at most [`Limits::drain`].
pub async fn serve<A: Application>(
    listener: TcpListener,
    application: A,
    limits: Limits,
    tls: Option<TlsAcceptor>,
    stop: CancellationToken,
) {
    let acceptor = Acceptor {
        slots: Slots::new(limits.connections),
        connections: Arc::new(Connections::new(application, limits, tls, stop)),
        tasks: TaskTracker::new(),
    };
    acceptor.serve(listener).await;
    acceptor.drain(limits.drain).await;
}

/// Accepts connections, within the limits of their number.
struct Acceptor<A> {
    connections: Arc<Connections<A>>,
    slots: Arc<Slots>,
    tasks: TaskTracker,
}

impl<A: Application> Acceptor<A> {
    /// Accepts until the order to stop.
    async fn serve(&self, listener: TcpListener) {
        let stopped = self.connections.stop.cancelled();
        tokio::pin!(stopped);
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut stopped => return,
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
            let most = self.connections.application.most_of(peer);
            let slot = tokio::select! {
                slot = self.slots.enter(peer.ip(), most) => slot,
                // This connection was accepted before the order to stop: it may carry a request that no other process
                // would answer.
                () = &mut stopped => return self.enter(stream, peer, self.slots.squeeze_in(peer.ip())),
            };
            match slot {
                Some(slot) => self.enter(stream, peer, slot),
                None => tracing::debug!("an address has too many connections; one is closed"),
            }
        }
    }

    fn enter(&self, stream: TcpStream, peer: SocketAddr, slot: Slot) {
        let connections = self.connections.clone();
        self.tasks
            .spawn(async move { connections.serve(stream, peer, slot).await });
    }

    /// Waits for the connections to end; closes the ones that take longer.
    async fn drain(&self, within: Duration) {
        self.tasks.close();
        if tokio::time::timeout(within, self.tasks.wait()).await.is_err() {
            tracing::warn!(
                connections = self.tasks.len(),
                "closing connections that are still busy"
            );
            self.connections.kill.cancel();
            self.tasks.wait().await;
        }
    }
}

/// Errors of accepting that concern one client only.
fn is_of_a_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}
