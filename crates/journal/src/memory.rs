//! A journal in memory.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use signalbox_core::Event;
use tokio::sync::Notify;

use crate::{AppendError, Entry, Journal, Position, Reader, Usage};

/// How long clients are told to wait when it is full.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Keeps events in memory: nothing survives the process. Refuses more than its limit of bytes.
#[derive(Clone)]
pub struct MemoryJournal(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// Woken by appends and by closing.
    news: Notify,
}

struct State {
    entries: VecDeque<(Arc<Event>, u64)>,
    /// Position of the first entry kept.
    base: Position,
    bytes: u64,
    max_bytes: u64,
    closed: bool,
    cursors: HashMap<String, Position>,
}

impl State {
    fn end(&self) -> Position {
        self.base + self.entries.len() as u64
    }

    /// Drops what every cursor has passed. With no reader at all nothing is ever wanted.
    fn truncate(&mut self) {
        let slowest = self.cursors.values().copied().min().unwrap_or(self.end());
        while self.base < slowest {
            let Some((_, bytes)) = self.entries.pop_front() else {
                break;
            };
            self.bytes -= bytes;
            self.base += 1;
        }
    }
}

impl MemoryJournal {
    /// An empty journal that keeps at most so many bytes of events (as parsed, about three times their text).
    pub fn new(max_bytes: u64) -> MemoryJournal {
        MemoryJournal(Arc::new(Shared {
            state: Mutex::new(State {
                entries: VecDeque::new(),
                base: 0,
                bytes: 0,
                max_bytes,
                closed: false,
                cursors: HashMap::new(),
            }),
            news: Notify::new(),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Journal for MemoryJournal {
    async fn append(&self, events: Vec<Event>) -> Result<(), AppendError> {
        let sized: Vec<_> = events
            .into_iter()
            .map(|event| (event.memory() as u64, event))
            .collect();
        let bytes: u64 = sized.iter().map(|(bytes, _)| bytes).sum();
        {
            let mut state = self.state();
            if state.closed {
                return Err(AppendError::Closed);
            }
            if state.bytes + bytes > state.max_bytes {
                return Err(AppendError::Full {
                    retry_after: RETRY_AFTER,
                });
            }
            state.bytes += bytes;
            state
                .entries
                .extend(sized.into_iter().map(|(bytes, event)| (Arc::new(event), bytes)));
            state.truncate();
        }
        self.0.news.notify_waiters();
        Ok(())
    }

    fn reader(&self, name: &str) -> Box<dyn Reader> {
        let mut state = self.state();
        let end = state.end();
        let at = *state.cursors.entry(name.to_owned()).or_insert(end);
        Box::new(MemoryReader {
            journal: self.clone(),
            name: name.to_owned(),
            at,
        })
    }

    fn close(&self) {
        self.state().closed = true;
        self.0.news.notify_waiters();
    }

    fn usage(&self) -> Usage {
        let state = self.state();
        Usage {
            events: state.entries.len() as u64,
            bytes: state.bytes,
            max_bytes: state.max_bytes,
        }
    }
}

struct MemoryReader {
    journal: MemoryJournal,
    name: String,
    /// Position of the next entry to hand out.
    at: Position,
}

impl MemoryReader {
    /// The next entries, or nothing and whether there will ever be more.
    fn take(&mut self, max: usize) -> (Vec<Entry>, bool) {
        let state = self.journal.state();
        let skip = (self.at - state.base) as usize;
        let entries: Vec<Entry> = state
            .entries
            .iter()
            .skip(skip)
            .take(max)
            .zip(self.at..)
            .map(|((event, _), position)| Entry {
                position,
                event: event.clone(),
            })
            .collect();
        let over = state.closed && entries.is_empty();
        drop(state);
        self.at += entries.len() as u64;
        (entries, over)
    }
}

#[async_trait]
impl Reader for MemoryReader {
    async fn next(&mut self, max: usize) -> Vec<Entry> {
        loop {
            let shared = self.journal.0.clone();
            let news = shared.news.notified();
            tokio::pin!(news);
            // Registered before looking, so that an append in between is not missed.
            news.as_mut().enable();
            let (entries, over) = self.take(max.max(1));
            if over || !entries.is_empty() {
                return entries;
            }
            news.await;
        }
    }

    fn settle_before(&mut self, position: Position) {
        let mut state = self.journal.state();
        if let Some(cursor) = state.cursors.get_mut(&self.name) {
            *cursor = position.min(self.at).max(*cursor);
        }
        state.truncate();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use signalbox_core::Receipt;

    fn event(n: usize) -> Event {
        let receipt = Receipt {
            source: "s".into(),
            received_at: 0,
        };
        Event::parse(&format!(r#"{{"messageId":"{n}"}}"#), receipt).unwrap()
    }

    fn ids(entries: &[Entry]) -> Vec<String> {
        entries
            .iter()
            .map(|entry| entry.event.message_id().to_owned())
            .collect()
    }

    #[tokio::test]
    async fn each_reader_sees_everything_and_the_slowest_keeps_it() {
        let journal = MemoryJournal::new(1 << 20);
        let (mut a, mut b) = (journal.reader("a"), journal.reader("b"));
        journal.append((0..5).map(event).collect()).await.unwrap();
        assert_eq!(ids(&a.next(3).await), ["0", "1", "2"]);
        assert_eq!(ids(&a.next(3).await), ["3", "4"]);
        a.settle_before(5);
        assert_eq!(journal.usage().events, 5);
        assert_eq!(b.next(10).await.len(), 5);
        b.settle_before(2);
        assert_eq!(journal.usage().events, 3);
        b.settle_before(5);
        assert_eq!(
            journal.usage(),
            Usage {
                events: 0,
                bytes: 0,
                max_bytes: 1 << 20
            }
        );
        journal.append(vec![event(5)]).await.unwrap();
        journal.close();
        assert_eq!(ids(&a.next(3).await), ["5"]);
        assert!(a.next(3).await.is_empty());
        assert_eq!(journal.append(vec![event(6)]).await, Err(AppendError::Closed));
    }

    #[tokio::test]
    async fn a_waiting_reader_wakes_up() {
        let journal = MemoryJournal::new(1 << 20);
        let mut reader = journal.reader("a");
        let waiting = tokio::spawn(async move { reader.next(10).await.len() });
        tokio::task::yield_now().await;
        journal.append(vec![event(0)]).await.unwrap();
        assert_eq!(waiting.await.unwrap(), 1);
    }

    #[tokio::test]
    async fn full_refuses_all_or_nothing_until_settled() {
        let journal = MemoryJournal::new(event(1).memory() as u64 * 3);
        let mut reader = journal.reader("a");
        journal.append((0..2).map(event).collect()).await.unwrap();
        let refused = journal.append((2..4).map(event).collect()).await;
        assert!(matches!(refused, Err(AppendError::Full { .. })));
        assert_eq!(reader.next(10).await.len(), 2);
        reader.settle_before(2);
        journal.append((2..4).map(event).collect()).await.unwrap();
    }
}
