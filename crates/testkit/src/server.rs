//! An HTTP server on loopback whose every byte a test decides.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The server's reaction to a request.
#[derive(Debug, Clone)]
pub enum Act {
    /// Writes a whole reply and keeps the connection open.
    Reply {
        /// Status and phrase; further header lines may follow after `\r\n`.
        status: String,
        /// The body.
        body: Vec<u8>,
    },
    /// Like `Reply`, but each `{echo}` in the body becomes the request (head and body), escaped as in
    /// a JSON string.
    Echo {
        /// Status and phrase.
        status: String,
        /// The body.
        body: String,
    },
    /// Writes these bytes and closes in order.
    Close(Vec<u8>),
    /// Writes these bytes and resets the connection.
    Reset(Vec<u8>),
    /// Writes a head with this status and then a body without end, until the client goes away.
    Flood(u16),
    /// Answers nothing and keeps the connection open.
    Silence,
}

impl Act {
    /// A reply of this status and body.
    pub fn reply(status: u16, body: impl Into<Vec<u8>>) -> Act {
        Act::Reply {
            status: format!("{status} Scripted"),
            body: body.into(),
        }
    }
}

/// A request that the server read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// The request line and headers as they came.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

/// A server that reacts to every request in the same way until a test changes it. It stops with the runtime
/// it was started in.
#[derive(Debug, Clone)]
pub struct Server {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
    /// Requests read since the start or the last [`Server::forget`].
    reads: Arc<watch::Sender<usize>>,
}

#[derive(Debug)]
struct State {
    act: Act,
    /// Done first, one for each request.
    first: Vec<Act>,
    seen: Vec<Seen>,
    connections: usize,
}

impl Server {
    /// Starts on a free port of 127.0.0.1.
    ///
    /// # Panics
    /// If there is none.
    pub async fn start(act: Act) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let server = Server {
            address: listener.local_addr().expect("an address"),
            state: Arc::new(Mutex::new(State {
                act,
                first: Vec::new(),
                seen: Vec::new(),
                connections: 0,
            })),
            reads: Arc::default(),
        };
        let serving = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                serving.state().connections += 1;
                tokio::spawn(serve(stream, serving.clone()));
            }
        });
        server
    }

    /// `http://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Changes the reaction to requests from now on.
    pub fn act(&self, act: Act) {
        self.state().act = act;
    }

    /// Sets the reactions to the next requests, one each; the usual one follows.
    pub fn first(&self, acts: Vec<Act>) {
        self.state().first = acts;
    }

    /// The requests read so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.state().seen.clone()
    }

    /// Forgets the requests read so far.
    pub fn forget(&self) {
        self.state().seen.clear();
        self.reads.send_replace(0);
    }

    /// Connections accepted so far.
    pub fn connections(&self) -> usize {
        self.state().connections
    }

    /// Resolves once a request was read (since the start or the last [`Server::forget`]).
    pub async fn reached(&self) {
        self.reached_times(1).await;
    }

    /// Resolves once this number of requests was read (since the start or the last [`Server::forget`]).
    pub async fn reached_times(&self, times: usize) {
        let reached = self
            .reads
            .subscribe()
            .wait_for(|reads| *reads >= times)
            .await
            .map(drop);
        reached.expect("the server has the sender");
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a request and says what to do about it.
    fn note(&self, seen: Seen) -> Act {
        let mut state = self.state();
        state.seen.push(seen);
        self.reads.send_replace(state.seen.len());
        if state.first.is_empty() {
            state.act.clone()
        } else {
            state.first.remove(0)
        }
    }
}

/// Returns a URL without a listener: the system refuses connections to it.
///
/// # Panics
/// If there is no free port.
pub fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    format!("http://{}", listener.local_addr().expect("an address"))
}

async fn serve(mut stream: TcpStream, server: Server) {
    let mut rest = Vec::new();
    while let Some(seen) = read_request(&mut stream, &mut rest).await {
        let act = server.note(seen.clone());
        let done = match act {
            Act::Reply { status, body } => stream.write_all(&reply(&status, &body)).await,
            Act::Echo { status, body } => {
                let text = format!("{}\r\n\r\n{}", seen.head, String::from_utf8_lossy(&seen.body));
                let quoted = serde_json::Value::from(text).to_string();
                let body = body.replace("{echo}", quoted.trim_matches('"'));
                stream.write_all(&reply(&status, body.as_bytes())).await
            }
            Act::Close(bytes) => {
                // The client may have gone away: that is its business.
                let _ = stream.write_all(&bytes).await;
                let _ = stream.shutdown().await;
                return;
            }
            Act::Reset(bytes) => {
                let _ = stream.write_all(&bytes).await;
                let _ = stream.set_zero_linger();
                return;
            }
            Act::Flood(status) => {
                let head = format!("HTTP/1.1 {status} Flood\r\nTransfer-Encoding: chunked\r\n\r\n");
                let mut chunk = b"10000\r\n".to_vec();
                chunk.resize(chunk.len() + 0x10000, b' ');
                chunk.extend_from_slice(b"\r\n");
                let mut written = stream.write_all(head.as_bytes()).await;
                while written.is_ok() {
                    written = stream.write_all(&chunk).await;
                }
                return;
            }
            Act::Silence => std::future::pending().await,
        };
        if done.is_err() {
            return;
        }
    }
}

fn reply(status: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

/// Reads a head and the body its length promises; `None` at the end of the connection.
async fn read_request(stream: &mut TcpStream, rest: &mut Vec<u8>) -> Option<Seen> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        if let Some(end) = rest.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&rest[..end]).into_owned();
            let length: usize = head
                .lines()
                .filter_map(|line| line.split_once(':'))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .map_or(0, |(_, length)| length.trim().parse().expect("a length"));
            if rest.len() >= end + 4 + length {
                let body = rest[end + 4..end + 4 + length].to_vec();
                rest.drain(..end + 4 + length);
                return Some(Seen { head, body });
            }
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => rest.extend_from_slice(&buffer[..count]),
        }
    }
}
