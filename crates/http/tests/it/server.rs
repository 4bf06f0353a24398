//! A loopback server whose every byte a test decides.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// The server's reaction to a request.
#[derive(Debug, Clone)]
pub(crate) enum Act {
    /// Writes these bytes and keeps the connection open.
    Write(Vec<u8>),
    /// Writes these bytes and closes in order.
    WriteThenClose(Vec<u8>),
    /// Writes these bytes and resets the connection.
    WriteThenReset(Vec<u8>),
    /// Writes a head and then body bytes without end, until the client goes away.
    Flood,
    /// Writes these bytes at the end of the head, without waiting for the body, closes in order, and throws the
    /// body away: a server that refuses a body for its declared length.
    Early(Vec<u8>),
    /// Answers nothing and keeps the connection open.
    Silence,
}

pub(crate) struct Server {
    pub(crate) address: std::net::SocketAddr,
    requests: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
}

impl Server {
    pub(crate) async fn start(act: Act) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Server {
            address: listener.local_addr().unwrap(),
            requests: Arc::default(),
            connections: Arc::default(),
        };
        let (requests, connections) = (server.requests.clone(), server.connections.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, act.clone(), requests.clone()));
            }
        });
        server
    }

    pub(crate) fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// Resolves once a request was read.
    pub(crate) async fn reached(&self) {
        while self.requests() == 0 {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn serve(mut stream: TcpStream, act: Act, requests: Arc<AtomicUsize>) {
    let whole = !matches!(act, Act::Early(_));
    while read_request(&mut stream, whole).await {
        requests.fetch_add(1, Ordering::SeqCst);
        match &act {
            Act::Write(bytes) => stream.write_all(bytes).await.unwrap(),
            Act::WriteThenClose(bytes) => {
                stream.write_all(bytes).await.unwrap();
                return stream.shutdown().await.unwrap();
            }
            Act::WriteThenReset(bytes) => {
                stream.write_all(bytes).await.unwrap();
                return stream.set_zero_linger().unwrap();
            }
            Act::Early(bytes) => {
                stream.write_all(bytes).await.unwrap();
                stream.shutdown().await.unwrap();
                // The client may go away in the middle of its body.
                let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
                return;
            }
            Act::Flood => {
                let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
                stream.write_all(head).await.unwrap();
                while stream.write_all(b"5\r\nhello\r\n").await.is_ok() {}
                return;
            }
            Act::Silence => std::future::pending().await,
        }
    }
}

/// Reads a head and, if all is wanted, the body its length promises; false at the end of the connection.
async fn read_request(stream: &mut TcpStream, whole: bool) -> bool {
    let mut seen = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some(end) = seen.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&seen[..end]).to_lowercase();
            let length: usize = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .map_or(0, |length| length.parse().unwrap());
            if !whole || seen.len() >= end + 4 + length {
                return true;
            }
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return false,
            Ok(count) => seen.extend_from_slice(&buffer[..count]),
        }
    }
}
