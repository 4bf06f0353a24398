//! A relay between a router and the destinations, which passes bytes on and notes each call with its time and events.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

use crate::events::number;

/// A call of a router to a destination.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// When its head arrived.
    pub(crate) at: Instant,
    /// Its path and query.
    pub(crate) target: String,
    /// The numbers of its events.
    pub(crate) events: Vec<u64>,
    /// The status of the answer; none if it did not come whole.
    pub(crate) status: Option<u16>,
}

/// A listener that passes connections on to the destination. Ends when it is dropped.
pub(crate) struct Relay {
    url: String,
    calls: Arc<Mutex<Vec<Call>>>,
    task: AbortHandle,
}

impl Relay {
    /// Starts a relay to an address, such as `127.0.0.1:8080`.
    pub(crate) async fn start(destination: &str) -> Relay {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let calls = Arc::new(Mutex::new(Vec::new()));
        let (noted, destination) = (calls.clone(), destination.to_owned());
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                connections.spawn(pass(client, destination.clone(), noted.clone()));
                while connections.try_join_next().is_some() {}
            }
        });
        Relay {
            url,
            calls,
            task: task.abort_handle(),
        }
    }

    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// Returns the calls so far, in the order of their arrival.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }

    /// Returns the time of the newest call.
    pub(crate) fn last(&self) -> Option<Instant> {
        self.calls.lock().unwrap().last().map(|call| call.at)
    }

    /// Returns the time of the first call after a moment.
    pub(crate) fn first_after(&self, moment: Instant) -> Option<Instant> {
        let calls = self.calls.lock().unwrap();
        calls.iter().map(|call| call.at).find(|at| *at > moment)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn pass(client: TcpStream, destination: String, calls: Arc<Mutex<Vec<Call>>>) {
    let Ok(server) = TcpStream::connect(&destination).await else {
        return;
    };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    // The call whose answer comes next: one at a time in HTTP/1.1.
    let current = Arc::new(Mutex::new(None));
    let there = requests(from_client, to_server, calls.clone(), current.clone());
    let back = answers(from_server, to_client, calls, current);
    tokio::select! {
        () = there => {}
        () = back => {}
    }
}

/// Passes requests on; notes each when its head is there, and its events when its body is.
async fn requests(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    calls: Arc<Mutex<Vec<Call>>>,
    current: Arc<Mutex<Option<usize>>>,
) {
    let (mut text, mut buffer) = (Vec::new(), vec![0; 65_536]);
    let mut body_ends = None;
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        text.extend_from_slice(&buffer[..count]);
        if body_ends.is_none()
            && let Some((head, end)) = head(&text)
        {
            body_ends = Some(end);
            let call = Call {
                at: Instant::now(),
                target: head.split(' ').nth(1).unwrap_or_default().to_owned(),
                events: Vec::new(),
                status: None,
            };
            let mut calls = calls.lock().unwrap();
            *current.lock().unwrap() = Some(calls.len());
            calls.push(call);
        }
        if let Some(end) = body_ends.filter(|end| text.len() >= *end) {
            let events = numbers(&text[..end]);
            if let Some(at) = *current.lock().unwrap() {
                calls.lock().unwrap()[at].events = events;
            }
            text.drain(..end);
            body_ends = None;
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

/// Passes answers on, and notes the status of each that is whole.
async fn answers(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    calls: Arc<Mutex<Vec<Call>>>,
    current: Arc<Mutex<Option<usize>>>,
) {
    let (mut text, mut buffer) = (Vec::new(), vec![0; 65_536]);
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        text.extend_from_slice(&buffer[..count]);
        if let Some((head, end)) = head(&text)
            && text.len() >= end
        {
            text.drain(..end);
            // Before the router can see it, so that no further request is mistaken for this one.
            if let Some(at) = current.lock().unwrap().take() {
                let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
                calls.lock().unwrap()[at].status = status;
            }
        }
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

/// The head of a message in lower case, once it is there, and where its body ends.
fn head(text: &[u8]) -> Option<(String, usize)> {
    let end = memchr::memmem::find(text, b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&text[..end]).to_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
    Some((head, end + 4 + length))
}

/// The numbers of the events in a body, each once.
fn numbers(body: &[u8]) -> Vec<u64> {
    let prefix = b"\"conserved-";
    let ids = memchr::memmem::find_iter(body, prefix).filter_map(|at| {
        let rest = &body[at + 1..];
        let end = memchr::memchr(b'"', rest)?;
        Some(number(std::str::from_utf8(&rest[..end]).ok()?))
    });
    let mut numbers: Vec<u64> = ids.collect();
    numbers.sort_unstable();
    numbers.dedup();
    numbers
}
