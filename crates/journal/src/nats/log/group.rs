//! Groups of events that go into a frame together, and the answers of the appends that they come from.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use signalbox_core::Event;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::dedup::KeyedHash;
use crate::mutex::lock;
use crate::{AppendError, Appended};

/// Bytes of events, about, from which a frame no longer waits for others, and beyond which it takes no other append.
pub(super) const ENOUGH: usize = 240_000;

/// Answers an append.
pub(super) type Reply = oneshot::Sender<Result<Vec<Appended>, AppendError>>;

/// An append that waits.
pub(super) struct Waiting {
    pub(super) events: Vec<(Arc<Event>, KeyedHash)>,
    /// The time by which it is answered.
    pub(super) until: Instant,
    pub(super) reply: Reply,
    /// Bounds the memory of what waits.
    pub(super) permit: OwnedSemaphorePermit,
}

/// Events of one source on their way.
pub(super) struct Group {
    pub(super) source: Arc<str>,
    pub(super) items: Vec<Item>,
    bytes: usize,
    pub(super) until: Instant,
}

/// An event on its way.
pub(super) struct Item {
    pub(super) event: Arc<Event>,
    pub(super) hash: KeyedHash,
    pub(super) answer: Arc<Answer>,
    /// Its index in its append.
    pub(super) index: usize,
}

/// Collects the fates of the events of an append.
pub(super) struct Answer(Mutex<Collected>);

struct Collected {
    fates: Vec<Option<Appended>>,
    error: Option<AppendError>,
    left: usize,
    /// Taken when the append is answered.
    reply: Option<(Reply, OwnedSemaphorePermit)>,
}

impl Answer {
    fn new(count: usize, reply: Reply, permit: OwnedSemaphorePermit) -> Arc<Answer> {
        Arc::new(Answer(Mutex::new(Collected {
            fates: vec![None; count],
            error: None,
            left: count,
            reply: Some((reply, permit)),
        })))
    }

    /// Notes what became of an event; answers the append once all are known.
    pub(super) fn settle(&self, index: usize, fate: Result<Appended, AppendError>) {
        let mut collected = lock(&self.0);
        match fate {
            Ok(fate) => {
                if let Some(place) = collected.fates.get_mut(index) {
                    *place = Some(fate);
                }
            }
            Err(error) => collected.error = Some(error),
        }
        collected.left = collected.left.saturating_sub(1);
        if collected.left > 0 {
            return;
        }
        if let Some((reply, permit)) = collected.reply.take() {
            let answer = match collected.error.take() {
                Some(error) => Err(error),
                None => Ok(std::mem::take(&mut collected.fates)
                    .into_iter()
                    .flatten()
                    .collect()),
            };
            drop(collected);
            // The receiver may have been dropped; that is fine.
            let _ = reply.send(answer);
            drop(permit);
        }
    }
}

impl Waiting {
    /// The size of its events in a frame, about.
    pub(super) fn bytes(&self) -> usize {
        self.events.iter().map(|(event, _)| text(event)).sum()
    }
}

/// The size of an event in a frame, about: parsed events take between once and three times their text.
fn text(event: &Event) -> usize {
    event.memory() / 2
}

/// Cuts appends into groups of one source, in order. The events that an append has of a source stay in one group if they take at
/// most `largest` bytes, so that they are stored together or not at all.
pub(super) fn cut(batch: Vec<Waiting>, (largest, most): (usize, usize)) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for waiting in batch {
        let answer = Answer::new(waiting.events.len(), waiting.reply, waiting.permit);
        let mut by_source: Vec<(Arc<str>, Vec<Item>, usize)> = Vec::new();
        for (index, (event, hash)) in waiting.events.into_iter().enumerate() {
            let (source, bytes) = (event.receipt().source.clone(), text(&event));
            let item = Item {
                event,
                hash,
                answer: answer.clone(),
                index,
            };
            // The last group of the source, or none: its events stay in order.
            let last = by_source.iter_mut().rev().find(|(other, ..)| *other == source);
            match last.filter(|(_, items, sum)| items.len() < most && *sum + bytes <= largest) {
                Some((_, items, sum)) => {
                    items.push(item);
                    *sum += bytes;
                }
                None => by_source.push((source, vec![item], bytes)),
            }
        }
        for (source, items, bytes) in by_source {
            let last = groups.iter_mut().rev().find(|group| group.source == source);
            let shares =
                |group: &&mut Group| group.bytes + bytes <= ENOUGH && group.items.len() + items.len() <= most;
            match last.filter(shares) {
                Some(group) => {
                    group.items.extend(items);
                    group.bytes += bytes;
                    group.until = group.until.min(waiting.until);
                }
                None => groups.push(Group {
                    source,
                    items,
                    bytes,
                    until: waiting.until,
                }),
            }
        }
    }
    groups
}

impl Group {
    /// Splits a group that does not fit into a message; `None` if it is one event.
    pub(super) fn split(mut self) -> Result<[Group; 2], Group> {
        if self.items.len() < 2 {
            return Err(self);
        }
        let second = Group {
            source: self.source.clone(),
            items: self.items.split_off(self.items.len() / 2),
            bytes: self.bytes / 2,
            until: self.until,
        };
        self.bytes /= 2;
        Ok([self, second])
    }

    /// Refuses all its events.
    pub(super) fn refuse(self, error: &AppendError) {
        for item in self.items {
            item.answer.settle(item.index, Err(error.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use signalbox_core::Receipt;

    use tokio::sync::Semaphore;

    use super::*;

    fn append(events: &[(&str, usize)], permits: &Arc<Semaphore>) -> (Waiting, Answered) {
        let (reply, answer) = oneshot::channel();
        let event = |(source, size): &(&str, usize)| {
            let receipt = Receipt {
                source: (*source).into(),
                received_at: 1,
            };
            let event = Event::parse(&format!(r#"{{"x":"{}"}}"#, "y".repeat(*size)), receipt).unwrap();
            (Arc::new(event), [1; 16])
        };
        let waiting = Waiting {
            events: events.iter().map(event).collect(),
            until: Instant::now(),
            reply,
            permit: permits.clone().try_acquire_owned().unwrap(),
        };
        (waiting, answer)
    }

    type Answered = oneshot::Receiver<Result<Vec<Appended>, AppendError>>;

    #[test]
    fn appends_share_frames_by_source_and_each_gets_its_own_answer() {
        let permits = Arc::new(Semaphore::new(3));
        let (one, mut first) = append(&[("a", 10), ("b", 10), ("a", 10)], &permits);
        let (two, mut second) = append(&[("a", 10)], &permits);
        let groups = cut(vec![one, two], (1_000_000, 100));
        let sizes: Vec<_> = groups
            .iter()
            .map(|group| (&*group.source, group.items.len()))
            .collect();
        assert_eq!(sizes, [("a", 3), ("b", 1)]);
        for (number, group) in groups.into_iter().enumerate() {
            for (index, item) in group.items.into_iter().enumerate() {
                assert!(first.try_recv().is_err());
                let position = (number * 10 + index) as u64;
                item.answer.settle(item.index, Ok(Appended::Stored(position)));
            }
        }
        let stored = |positions: &[u64]| Ok(positions.iter().copied().map(Appended::Stored).collect());
        assert_eq!(first.try_recv().unwrap(), stored(&[0, 10, 1]));
        assert_eq!(second.try_recv().unwrap(), stored(&[2]));
        assert_eq!(permits.available_permits(), 3);
    }

    #[test]
    fn an_append_stays_whole_unless_it_is_too_large() {
        let permits = Arc::new(Semaphore::new(3));
        let (large, _answer) = append(&[("a", 600_000), ("a", 600_000), ("a", 10)], &permits);
        let (small, _other) = append(&[("a", 10)], &permits);
        let sizes = |groups: &[Group]| groups.iter().map(|group| group.items.len()).collect::<Vec<_>>();
        let whole = cut(vec![large, small], (1_000_000, 100));
        assert_eq!(sizes(&whole), [3, 1]);
        let (large, mut refused) = append(&[("a", 600_000), ("a", 600_000), ("a", 10)], &permits);
        let limit = text(&large.events[0].0) + 1_000;
        let cut = cut(vec![large], (limit, 100));
        assert_eq!(sizes(&cut), [1, 2]);
        let error = AppendError::Closed;
        let mut groups = cut.into_iter();
        groups.next().unwrap().refuse(&error);
        let [one, two] = groups.next().unwrap().split().ok().unwrap();
        assert!(refused.try_recv().is_err());
        one.refuse(&error);
        two.refuse(&error);
        assert_eq!(refused.try_recv().unwrap(), Err(error));
    }

    #[test]
    fn the_events_of_a_source_stay_in_order() {
        let permits = Arc::new(Semaphore::new(3));
        let (small, _one) = append(&[("a", 10)], &permits);
        let sizes = [
            ("a", 900_000),
            ("a", 300_000),
            ("b", 10),
            ("a", 10),
            ("a", 900_000),
            ("a", 10),
        ];
        let (large, _other) = append(&sizes, &permits);
        let groups = cut(vec![small, large], (2_000_000, 100));
        let of_a = groups.iter().filter(|group| &*group.source == "a");
        let indices: Vec<usize> = of_a
            .flat_map(|group| &group.items)
            .map(|item| item.index)
            .collect();
        assert_eq!(indices, [0, 0, 1, 3, 4, 5]);
    }
}
