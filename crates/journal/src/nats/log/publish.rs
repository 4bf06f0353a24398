//! Publishes a frame: leaves out events whose id is known, sends the rest until the server has stored it, and says what
//! became of each event once the follower has passed it.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use async_nats::HeaderMap;
use bytes::Bytes;
use signalbox_core::Event;

use super::cache::FrameEvents;
use super::group::{ENOUGH, Group};
use super::header::{FrameHeader, MOST_EVENTS};
use super::shared::{Shared, blocking};
use super::stream::{ANSWER, Stored};
use super::{ids, place};
use crate::dedup::{Dedup as _, Id, KeyedHash};
use crate::log::encode::EncodedAppend;
use crate::mutex::lock;
use crate::names::Names;
use crate::nats::errors::Verdict;
use crate::{AppendError, Appended, JournalError};

/// The pause before a message is sent again.
const PAUSE: Duration = Duration::from_millis(100);
/// The time that a stored frame may take to be followed. Then the append is answered without knowing its duplicates,
/// which readers leave out in any case.
const FOLLOW: Duration = Duration::from_secs(5);
/// The time after which the follower fetches a frame that its consumer has not brought.
const BEHIND: Duration = Duration::from_millis(300);
/// The time after which clients may try again when the stream is full.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// Room for the headers that do not grow with the events, and for the protocol.
const SLACK: usize = 1_024;

/// The fate of an event, as far as it is known before its frame is sent.
#[derive(Clone, Copy)]
enum Fate {
    /// Its id is known, or another event of the frame has it.
    Known,
    /// The event stands at this index in the frame.
    At(usize),
}

/// A frame to be sent.
struct Prepared {
    fates: Vec<Fate>,
    number: u64,
    headers: HeaderMap,
    body: Bytes,
}

/// Publishes groups one after the other, and answers their appends.
pub(super) async fn publish(shared: &Arc<Shared>, mut groups: Vec<Group>) {
    groups.reverse();
    while let Some(group) = groups.pop() {
        let prepared = blocking(shared, move |shared| (prepare(shared, &group), group)).await;
        let Some((prepared, group)) = prepared else {
            return;
        };
        let prepared = match prepared {
            Ok(prepared) => prepared,
            Err(error) => {
                group.refuse(&error.into());
                continue;
            }
        };
        let Some(prepared) = prepared else {
            settle(group, |_| Appended::Duplicate);
            continue;
        };
        let size = prepared.body.len()
            + header_room(
                prepared
                    .headers
                    .get(ids::HEADER)
                    .map_or(0, |ids| ids.as_str().len()),
            );
        let most = shared.stream.client.max_payload();
        if size > most {
            lock(&shared.under_way).remove(&prepared.number);
            match group.split() {
                Ok([first, second]) => groups.extend([second, first]),
                Err(group) => group.refuse(&AppendError::Failed(JournalError(format!(
                    "an event takes {size} bytes, and the NATS servers take at most {most}: raise max_payload in their configuration"
                )))),
            }
            continue;
        }
        let fates = prepared.fates.clone();
        let number = prepared.number;
        match send(shared, prepared, &group).await {
            Ok(sequence) => {
                wait_for(shared, sequence).await;
                let duplicates = lock(&shared.followed).marks.of(sequence).to_vec();
                settle(group, |index| match fates.get(index) {
                    Some(Fate::At(at)) if duplicates.binary_search(&(*at as u16)).is_err() => {
                        Appended::Stored(place::position(sequence, *at))
                    }
                    _ => Appended::Duplicate,
                });
            }
            Err(error) => {
                lock(&shared.under_way).remove(&number);
                group.refuse(&error);
            }
        }
    }
}

fn settle(group: Group, fate: impl Fn(usize) -> Appended) {
    for (index, item) in group.items.into_iter().enumerate() {
        item.answer.settle(item.index, Ok(fate(index)));
    }
}

/// Leaves out the known, and encodes the rest; `None` if all are known.
fn prepare(shared: &Shared, group: &Group) -> Result<Option<Prepared>, JournalError> {
    let now = shared.now();
    let looks = !shared.options.dedup_window.is_zero();
    let mut seen: HashSet<KeyedHash> = HashSet::with_capacity(group.items.len());
    let mut kept: Vec<Arc<Event>> = Vec::with_capacity(group.items.len());
    let mut hashes = Vec::with_capacity(group.items.len());
    let mut fates = Vec::with_capacity(group.items.len());
    let mut known = lock(&shared.ids);
    for item in &group.items {
        let has_id = looks && item.hash != ids::NONE;
        if has_id && (!seen.insert(item.hash) || known.knows(Id::hashed(item.hash), now)) {
            fates.push(Fate::Known);
            continue;
        }
        fates.push(Fate::At(kept.len()));
        kept.push(item.event.clone());
        hashes.push(item.hash);
    }
    drop(known);
    if kept.is_empty() {
        return Ok(None);
    }
    let events: FrameEvents = kept.iter().cloned().map(Some).collect();
    let written_at = u64::try_from(now).unwrap_or_default().saturating_mul(1_000_000);
    let (info, frame) = EncodedAppend::new(kept, &Names::default()).into_frame(0, written_at);
    let frame = match &shared.options.cipher {
        None => frame,
        Some(cipher) => cipher.seal(&frame)?,
    };
    let number = shared.next_number.fetch_add(1, Relaxed);
    lock(&shared.under_way).insert(number, events);
    Ok(Some(Prepared {
        fates,
        number,
        headers: FrameHeader::write(&hashes, info.arrivals.1, &shared.stream.start, number),
        body: frame.into(),
    }))
}

/// Sends a frame until it is stored; returns its sequence.
async fn send(shared: &Shared, prepared: Prepared, group: &Group) -> Result<u64, AppendError> {
    let subject = shared.options.subjects.subject(&["ev", &group.source]);
    let mut last = "it waited too long for others".to_owned();
    while Instant::now() < group.until {
        shared.lost_stream()?;
        let (sent_at, before) = (Instant::now(), shared.followed_to());
        let sent = shared
            .stream
            .publish(&subject, prepared.headers.clone(), prepared.body.clone())
            .await;
        match sent {
            Ok(stored) if stored.seq <= before && !stored.duplicate => {
                // No reader of the former frames would ever see the event.
                shared.health.gone(&format!(
                    "the stream '{}' gave message {before} to another frame before: it was made anew, or the NATS servers have lost messages; restart the router to go on with what is left",
                    shared.stream.name
                ));
            }
            Ok(Stored { seq, .. }) => {
                shared.health.stores();
                shared.known.fetch_max(seq, SeqCst);
                shared.acknowledged.fetch_max(seq, SeqCst);
                return Ok(seq);
            }
            Err(Verdict::Full(_)) => {
                return Err(AppendError::Full {
                    retry_after: RETRY_AFTER,
                });
            }
            Err(Verdict::Again(why)) => {
                shared.health.fails(&why);
                last = why;
                if sent_at.elapsed() >= ANSWER
                    && let Some(watchdog) = &shared.options.watchdog
                {
                    watchdog.unanswered().await;
                }
            }
            Err(other) => {
                let why = other.told();
                shared.health.fails(&why);
                return Err(AppendError::Failed(JournalError(why)));
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
    Err(AppendError::Failed(JournalError(format!(
        "the NATS servers did not store the events in time: {last}"
    ))))
}

/// Waits until the follower has passed a sequence, as long as [`FOLLOW`]. While it still reads older frames after the start,
/// that would take too long.
async fn wait_for(shared: &Shared, sequence: u64) {
    if shared.followed_to() < shared.opened_at {
        return;
    }
    let mut followed = shared.sequence.subscribe();
    let until = tokio::time::Instant::now() + FOLLOW;
    while tokio::time::Instant::now() < until {
        let passed = followed.wait_for(|followed| *followed >= sequence);
        if tokio::time::timeout(BEHIND, passed).await.is_ok() {
            return;
        }
        shared.behind.notify_one();
    }
}

/// Bytes of a message besides its frame.
fn header_room(ids: usize) -> usize {
    ids + SLACK
}

impl Shared {
    /// The bytes, about, and the number of the events of one source that an append may have for them to be stored
    /// together.
    pub(super) fn largest_append(&self) -> (usize, usize) {
        let most = self.stream.client.max_payload() * 3 / 4;
        let most = most.saturating_sub(header_room(MOST_EVENTS * 22));
        (most.max(ENOUGH), MOST_EVENTS)
    }

    /// The moment by which ids are looked for before an append, Unix milliseconds: this machine's clock, unless the servers'
    /// is ahead.
    fn now(&self) -> i64 {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let wall = i64::try_from(wall.as_millis()).unwrap_or(i64::MAX);
        wall.max(lock(&self.followed).stored)
    }
}
