//! Clients that send every event until it is acknowledged, as SDKs do; some give up.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::events::event;
use super::wait_for;
use crate::support::client::{WRITE_KEY, basic, try_send};

/// Requests under way at once.
const WORKERS: usize = 4;
/// The books of the clients.
#[derive(Debug, Default)]
struct Book {
    next: u64,
    rng: fastrand::Rng,
    acknowledged: Vec<u64>,
    given_up: Vec<u64>,
}

/// Clients at work.
pub(super) struct Generator {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
}

struct Shared {
    address: String,
    total: u64,
    allowed: AtomicU64,
    requests: AtomicU64,
    refused: AtomicU64,
    unanswered: AtomicU64,
    book: Mutex<Book>,
}

impl Generator {
    /// Starts clients that will send `total` events, as far as [`Generator::allow`] lets them.
    pub(super) fn start(address: &str, total: u64, seed: u64) -> Generator {
        let shared = Arc::new(Shared {
            address: address.to_owned(),
            total,
            allowed: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            unanswered: AtomicU64::new(0),
            book: Mutex::new(Book {
                rng: fastrand::Rng::with_seed(seed),
                ..Book::default()
            }),
        });
        let workers = (0..WORKERS)
            .map(|_| tokio::spawn(shared.clone().work()))
            .collect();
        Generator { shared, workers }
    }

    /// Lets the events up to this number be sent.
    pub(super) fn allow(&self, up_to: u64) {
        self.shared
            .allowed
            .fetch_max(up_to.min(self.shared.total), Relaxed);
    }

    /// Number of events that may be sent and are not yet.
    pub(super) fn open(&self) -> u64 {
        let book = self.shared.book.lock().unwrap();
        self.shared.allowed.load(Relaxed) - (book.acknowledged.len() + book.given_up.len()) as u64
    }

    /// The next number.
    pub(super) fn next(&self) -> u64 {
        self.shared.book.lock().unwrap().next
    }

    /// Number of requests refused for want of room.
    pub(super) fn refused(&self) -> u64 {
        self.shared.refused.load(Relaxed)
    }

    /// Waits until everything is sent.
    pub(super) async fn finished(&self) {
        wait_for("the clients", 600, || async {
            self.workers.iter().all(JoinHandle::is_finished)
        })
        .await;
        assert_eq!(self.open(), 0);
    }

    pub(super) fn sent(&self) -> Sent {
        let book = self.shared.book.lock().unwrap();
        Sent {
            acknowledged: book.acknowledged.clone(),
            given_up: book.given_up.len(),
            total: self.shared.total,
        }
    }

    /// The figures.
    pub(super) fn told(&self) -> String {
        let Shared {
            requests,
            refused,
            unanswered,
            ..
        } = &*self.shared;
        format!(
            "requests: {requests:?}, of them {refused:?} refused with 503, {unanswered:?} without an answer"
        )
    }
}

impl Shared {
    async fn work(self: Arc<Self>) {
        let key = basic(WRITE_KEY);
        let headers = [
            ("authorization", key.as_str()),
            ("content-type", "application/json"),
        ];
        while let Some((numbers, patient)) = self.take().await {
            let events: Vec<Value> = numbers.clone().map(event).collect();
            let (path, body) = match &events[..] {
                [one] => ("/v1/track", one.to_string()),
                many => ("/v1/batch", json!({ "batch": many }).to_string()),
            };
            loop {
                self.requests.fetch_add(1, Relaxed);
                let sending = try_send(&self.address, "POST", path, &headers, body.as_bytes());
                let answer = tokio::time::timeout(Duration::from_secs(30), sending).await;
                let wait = match answer.ok().flatten() {
                    Some(answer) if answer.status == 200 => {
                        self.book.lock().unwrap().acknowledged.extend(numbers);
                        break;
                    }
                    Some(answer) => {
                        assert_eq!(answer.status, 503, "{answer:?}");
                        assert!(answer.header("retry-after").is_some(), "{answer:?}");
                        self.refused.fetch_add(1, Relaxed);
                        200
                    }
                    None => {
                        self.unanswered.fetch_add(1, Relaxed);
                        100
                    }
                };
                if !patient {
                    self.book.lock().unwrap().given_up.extend(numbers);
                    break;
                }
                tokio::time::sleep(Duration::from_millis(wait)).await;
            }
        }
    }

    /// The next numbers to send, and whether to go on until they are acknowledged.
    async fn take(&self) -> Option<(std::ops::Range<u64>, bool)> {
        loop {
            {
                let mut book = self.book.lock().unwrap();
                if book.next == self.total {
                    return None;
                }
                let room = self.allowed.load(Relaxed) - book.next;
                if room > 0 {
                    let count = if book.rng.u8(0..4) == 0 {
                        1
                    } else {
                        book.rng.u64(2..60)
                    };
                    let first = book.next;
                    book.next += count.min(room);
                    return Some((first..book.next, book.rng.u8(0..20) > 0));
                }
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// The events sent in the end.
pub(super) struct Sent {
    acknowledged: Vec<u64>,
    given_up: usize,
    total: u64,
}

impl Sent {
    pub(super) fn acknowledged(&self) -> impl Iterator<Item = u64> {
        self.acknowledged.iter().copied()
    }

    pub(super) fn given_up(&self) -> usize {
        self.given_up
    }

    pub(super) fn len(&self) -> u64 {
        self.total
    }

    pub(super) fn was_sent(&self, number: u64) -> bool {
        number < self.total
    }
}
