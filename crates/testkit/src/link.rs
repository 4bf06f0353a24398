//! A network between two processes that a test cuts, one way or both.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

/// Passes connections on to another address until it is cut. What is sent meanwhile arrives once the link is whole again, as
/// with TCP over a network that comes back. Ends when it is dropped, and its connections with it.
#[derive(Debug)]
pub struct Link {
    address: SocketAddr,
    there: watch::Sender<bool>,
    back: watch::Sender<bool>,
    task: AbortHandle,
}

impl Link {
    /// Starts a link to an address, on a free port of 127.0.0.1.
    ///
    /// # Panics
    /// If there is no free port.
    pub async fn start(to: SocketAddr) -> Link {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (there, from_client) = watch::channel(false);
        let (back, from_server) = watch::channel(false);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(connect(client, to, from_client.clone(), from_server.clone()));
                while connections.try_join_next().is_some() {}
            }
        });
        Link {
            address,
            there,
            back,
            task: task.abort_handle(),
        }
    }

    /// Returns the address to connect to.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts or mends the way from the side that connects.
    pub fn cut_there(&self, cut: bool) {
        self.there.send_replace(cut);
    }

    /// Cuts or mends the way to the side that connects.
    pub fn cut_back(&self, cut: bool) {
        self.back.send_replace(cut);
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn connect(
    client: TcpStream,
    to: SocketAddr,
    mut there: watch::Receiver<bool>,
    back: watch::Receiver<bool>,
) {
    if whole(&mut there).await.is_none() {
        return;
    }
    let Ok(server) = TcpStream::connect(to).await else {
        return;
    };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        _ = pass(from_client, to_server, there) => {}
        _ = pass(from_server, to_client, back) => {}
    }
}

/// Passes bytes on until one side ends, which the other side learns only while the way is whole.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut cut: watch::Receiver<bool>) -> Option<()> {
    let mut buffer = vec![0; 65_536];
    loop {
        let count = from.read(&mut buffer).await.unwrap_or(0);
        whole(&mut cut).await?;
        if count == 0 {
            return None;
        }
        to.write_all(buffer.get(..count)?).await.ok()?;
    }
}

/// Waits until the way is not cut; none once the link is gone.
async fn whole(cut: &mut watch::Receiver<bool>) -> Option<()> {
    cut.wait_for(|cut| !*cut).await.is_ok().then_some(())
}
