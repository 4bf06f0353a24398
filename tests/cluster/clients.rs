//! Clients that spread events over the routers, and send each until it is acknowledged, as SDKs do.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::task::{JoinHandle, JoinSet};

use crate::events::event;
use crate::support::client::{WRITE_KEY, basic, try_send};

/// Requests under way at once.
const WORKERS: u32 = 4;
/// The longest that a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// Settings of the clients.
#[derive(Clone)]
pub(crate) struct Sending {
    /// The routers' addresses.
    pub(crate) to: Vec<String>,
    /// Events a second, of all clients together.
    pub(crate) per_second: u32,
    /// Events in a request.
    pub(crate) batch: u32,
    /// Sends every tenth request to all routers at once, as clients do that saw no answer in time.
    pub(crate) to_all: bool,
}

/// Counts and times of the clients' requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct Book {
    next: u64,
    requests: u64,
    /// The events that were acknowledged.
    pub(crate) acknowledged: Vec<u64>,
    /// Events sent to all routers at once, and acknowledged.
    pub(crate) to_all: Vec<u64>,
    /// Tries answered with 503.
    pub(crate) refused: u64,
    /// Tries without an answer.
    pub(crate) unanswered: u64,
    /// Requests that were not answered by 200 at the second try.
    pub(crate) failed_twice: u64,
    /// Times from the first try to the 200, in milliseconds.
    pub(crate) waits: Vec<u64>,
}

impl Book {
    /// Returns the number of events sent.
    pub(crate) fn sent(&self) -> u64 {
        self.next
    }

    /// Tells the figures.
    pub(crate) fn told(&self) -> String {
        let mut waits = self.waits.clone();
        waits.sort_unstable();
        let of = |share: usize| {
            waits
                .get(waits.len().saturating_sub(1) * share / 100)
                .copied()
                .unwrap_or(0)
        };
        format!(
            "{} events acknowledged in {} requests, tries refused {}, unanswered {}; answered after ms p50 {}, p99 {}, max {}",
            self.acknowledged.len(),
            self.requests,
            self.refused,
            self.unanswered,
            of(50),
            of(99),
            of(100)
        )
    }
}

/// Clients at work, until [`Clients::stop`].
pub(crate) struct Clients {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

struct Shared {
    sending: Sending,
    /// The router that no client sends to.
    avoided: Mutex<Option<String>>,
    ends: AtomicBool,
    book: Mutex<Book>,
}

impl Clients {
    pub(crate) fn start(sending: Sending) -> Clients {
        let shared = Arc::new(Shared {
            sending,
            avoided: Mutex::default(),
            ends: AtomicBool::new(false),
            book: Mutex::default(),
        });
        let workers = (0..WORKERS).map(|_| tokio::spawn(shared.clone().work()));
        let workers = workers.collect();
        Clients { shared, workers }
    }

    /// Returns the counts so far.
    pub(crate) fn book(&self) -> Book {
        self.shared.book.lock().unwrap().clone()
    }

    /// Keeps the clients from sending to a router, as a balancer does that finds it not ready.
    pub(crate) fn avoid(&self, router: &str) {
        *self.shared.avoided.lock().unwrap() = Some(router.to_owned());
    }

    /// Sends further events to this router, once; true if it acknowledged them.
    pub(crate) async fn try_once(&self, router: &str) -> bool {
        let (_, numbers) = self.shared.take();
        let taken = self.shared.send(router, &body(numbers.clone())).await;
        if taken {
            self.shared.book.lock().unwrap().acknowledged.extend(numbers);
        }
        taken
    }

    /// Sends no further events, and waits until the sent ones are acknowledged.
    pub(crate) async fn stop(mut self) -> Book {
        self.shared.ends.store(true, Relaxed);
        for worker in std::mem::take(&mut self.workers) {
            let ended = tokio::time::timeout(Duration::from_secs(120), worker).await;
            ended.expect("every event is acknowledged in the end").unwrap();
        }
        self.book()
    }
}

impl Drop for Clients {
    fn drop(&mut self) {
        for worker in &self.workers {
            worker.abort();
        }
    }
}

impl Shared {
    async fn work(self: Arc<Self>) {
        let Sending {
            per_second, batch, ..
        } = self.sending;
        let mut pace = tokio::time::interval(Duration::from_secs(1) * batch * WORKERS / per_second);
        pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            pace.tick().await;
            if self.ends.load(Relaxed) {
                return;
            }
            let (request, numbers) = self.take();
            let body = body(numbers.clone());
            let began = Instant::now();
            if self.sending.to_all && request.is_multiple_of(10) {
                let mut tries = JoinSet::new();
                for to in self.sending.to.clone() {
                    let (shared, body) = (self.clone(), body.clone());
                    tries.spawn(async move { shared.send(&to, &body).await });
                }
                if !tries.join_all().await.contains(&true) {
                    self.send_until_taken(request + 1, &body).await;
                }
                self.book.lock().unwrap().to_all.extend(numbers.clone());
            } else {
                self.send_until_taken(request, &body).await;
            }
            let mut book = self.book.lock().unwrap();
            book.acknowledged.extend(numbers);
            book.waits
                .push(u64::try_from(began.elapsed().as_millis()).unwrap());
        }
    }

    fn take(&self) -> (u64, Range<u64>) {
        let mut book = self.book.lock().unwrap();
        let first = book.next;
        book.next += u64::from(self.sending.batch);
        book.requests += 1;
        (book.requests, first..book.next)
    }

    /// Sends to one router after the other, a second apart.
    async fn send_until_taken(&self, request: u64, body: &str) {
        let avoided = self.avoided.lock().unwrap().clone();
        let to = self.sending.to.iter().filter(|to| Some(*to) != avoided.as_ref());
        let to: Vec<&String> = to.collect();
        let first = usize::try_from(request).unwrap();
        for at in 0.. {
            if self.send(to[(first + at) % to.len()], body).await {
                return;
            }
            if at == 1 {
                self.book.lock().unwrap().failed_twice += 1;
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    }

    /// Sends once; true if the router acknowledged.
    async fn send(&self, to: &str, body: &str) -> bool {
        let key = basic(WRITE_KEY);
        let headers = [
            ("authorization", key.as_str()),
            ("content-type", "application/json"),
        ];
        let sending = try_send(to, "POST", "/v1/batch", &headers, body.as_bytes());
        let answer = tokio::time::timeout(PATIENCE, sending).await.ok().flatten();
        match answer {
            Some(answer) if answer.status == 200 => return true,
            Some(answer) => {
                assert_eq!(answer.status, 503, "{answer:?}");
                assert!(answer.header("retry-after").is_some(), "{answer:?}");
                self.book.lock().unwrap().refused += 1;
            }
            None => self.book.lock().unwrap().unanswered += 1,
        }
        false
    }
}

/// The body of a request with these events.
fn body(numbers: Range<u64>) -> String {
    let events: Vec<Value> = numbers.map(event).collect();
    json!({ "batch": events }).to_string()
}
