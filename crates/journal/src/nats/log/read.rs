//! Reads frames: from the cache, or from any replica of the stream.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use super::blocks::Counts;
use super::cache::{FrameEvents, memory};
use super::cipher;
use super::frames::{Frames, Piece};
use super::place;
use super::shared::{Shared, blocking};
use super::stream::RawFrame;
use crate::mutex::lock;
use crate::nats::errors::Verdict;
use crate::{Entry, JournalError, Loss, Lost, Position};

/// The most bytes that a read returns, about: of events in memory, and of frames on their way. Parsed, they take several times
/// the room, and some reads must fit the cache: sinks that catch up side by side then parse each frame once.
const BYTES: usize = 1_000_000;
/// The most frames that are fetched at once.
const FRAMES: u64 = 256;
/// The number of tries to read frames that the leader has, and the pause between them.
pub(super) const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(200);

/// A frame that was read; the number of its events if it cannot be.
pub(super) type ReadFrame = (u64, Result<FrameEvents, usize>);

/// A run of frames, and the sequence up to which nothing else is there.
pub(super) struct Run {
    pub(super) frames: Vec<ReadFrame>,
    pub(super) next: u64,
}

impl Shared {
    /// Reads the events from a position on; see [`super::EventLog::read`].
    pub(super) async fn read(self: &Arc<Shared>, at: Position) -> Result<Frames, JournalError> {
        let end = self.end();
        let mut frames = Frames {
            pieces: Vec::new(),
            next: at,
        };
        if at >= end {
            return Ok(frames);
        }
        let run = self.run(place::sequence(at), place::sequence(end)).await?;
        let mut expected = at;
        for (sequence, events) in run.frames {
            let from = expected.max(place::start(sequence));
            if expected < from {
                self.lose(&mut frames, expected, from, Loss::Missing);
            }
            self.hand_over(&mut frames, from, sequence, events);
            expected = place::start(sequence + 1);
        }
        let next = place::start(run.next).max(expected);
        if expected < next {
            self.lose(&mut frames, expected, next, Loss::Missing);
        }
        frames.next = next.min(end);
        Ok(frames)
    }

    /// Adds the events of a frame from a position on, without duplicates.
    fn hand_over(
        &self,
        frames: &mut Frames,
        from: Position,
        sequence: u64,
        events: Result<FrameEvents, usize>,
    ) {
        let duplicates = lock(&self.followed).marks.of(sequence).to_vec();
        let is_double = |index: usize| duplicates.binary_search(&(index as u16)).is_ok();
        let skip = place::index(from);
        match events {
            Ok(events) => {
                let mut entries = Vec::with_capacity(events.len());
                for (index, event) in events.iter().enumerate().skip(skip) {
                    let position = place::position(sequence, index);
                    match event {
                        _ if is_double(index) => {}
                        Some(event) => entries.push(Entry {
                            position,
                            event: event.clone(),
                        }),
                        None => {
                            let before = std::mem::take(&mut entries);
                            frames.push(before);
                            frames.pieces.push(Piece::Lost(Lost {
                                from: position,
                                to: position + 1,
                                events: 1,
                                loss: Loss::Damaged,
                            }));
                        }
                    }
                }
                frames.push(entries);
            }
            Err(count) => {
                let lost = (skip..count).filter(|index| !is_double(*index)).count();
                if lost > 0 {
                    frames.pieces.push(Piece::Lost(Lost {
                        from,
                        to: place::position(sequence, count),
                        events: lost as u64,
                        loss: Loss::Damaged,
                    }));
                }
            }
        }
    }

    /// Tells of frames that are gone, if there were events in them that were not duplicates.
    fn lose(&self, frames: &mut Frames, from: Position, to: Position, loss: Loss) {
        let mut counts = Counts::new();
        let followed = lock(&self.followed);
        let end = place::start(followed.to + 1);
        let span = (from, to);
        let counted = followed.blocks.count(&followed.marks, span, end, &mut counts);
        if counted.is_err() {
            // The frames that would say which part of a block is gone are gone themselves.
            followed.blocks.count_whole(span, &mut counts);
        }
        drop(followed);
        let events = counts.values().sum();
        if events > 0 {
            frames.pieces.push(Piece::Lost(Lost {
                from,
                to,
                events,
                loss,
            }));
        }
    }

    /// Returns frames that follow each other from a sequence on, before `end`.
    async fn run(self: &Arc<Shared>, from: u64, end: u64) -> Result<Run, JournalError> {
        if let Some(run) = self.cached(from, end) {
            return Ok(run);
        }
        // Sinks that catch up side by side come to the same frame together: one of them fetches it for all.
        let [even, odd] = &self.reading;
        let turn = if from.is_multiple_of(2) { even } else { odd };
        let _turn = turn.lock().await;
        match self.cached(from, end) {
            Some(run) => Ok(run),
            None => self.fetch(from, end).await,
        }
    }

    /// Returns frames from the cache that follow each other, beginning with the one of a sequence; `None` if that is not
    /// cached.
    fn cached(&self, from: u64, end: u64) -> Option<Run> {
        let cache = lock(&self.cache);
        let (mut frames, mut bytes) = (Vec::new(), 0);
        let mut next = from;
        while next < end
            && bytes < BYTES as u64
            && let Some(events) = cache.get(next)
        {
            bytes += memory(&events);
            frames.push((next, Ok(events)));
            next += 1;
        }
        (next > from).then_some(Run { frames, next })
    }

    /// Fetches frames from a sequence on, before `end`, and parses them.
    pub(super) async fn fetch(self: &Arc<Shared>, from: u64, end: u64) -> Result<Run, JournalError> {
        let (frames, next) = self.raw(from, end, TRIES).await?;
        let parsed = blocking(self, move |shared| {
            let frames = frames.into_iter();
            let frames: Vec<ReadFrame> = frames
                .map(|frame| (frame.header.sequence, shared.parse_frame(frame)))
                .collect();
            let mut gone = Vec::new();
            for (sequence, events) in &frames {
                if let Ok(events) = events {
                    gone.append(&mut lock(&shared.cache).add(*sequence, events.clone()));
                }
            }
            drop(gone);
            frames
        });
        let frames = parsed
            .await
            .ok_or_else(|| JournalError("reading was cut off".into()))?;
        Ok(Run { frames, next })
    }

    /// Fetches frames that follow each other, from a sequence on and before `end`. Returns them with the sequence after them.
    /// Without a frame, the leader has none between the two sequences: a replica may lack frames that others have.
    pub(super) async fn raw(
        &self,
        from: u64,
        end: u64,
        tries: u32,
    ) -> Result<(Vec<RawFrame>, u64), JournalError> {
        let mut why = "the replicas are behind the leader".to_owned();
        for attempt in 0..tries {
            self.lost_stream()?;
            if attempt > 0 {
                tokio::time::sleep(PAUSE).await;
            }
            match self.stream.frames(from, FRAMES.min(end - from), BYTES).await {
                Ok(mut frames) => {
                    let in_order = frames.iter().zip(from..end);
                    let together =
                        in_order.take_while(|(frame, sequence)| frame.header.sequence == *sequence);
                    let together = together.count();
                    frames.truncate(together);
                    if together > 0 {
                        return Ok((frames, from + together as u64));
                    }
                    if let Some(next) = self.gone(from, end).await {
                        return Ok((Vec::new(), next));
                    }
                }
                Err(Verdict::Again(words)) => why = words,
                Err(other) => return Err(JournalError(other.told())),
            }
        }
        Err(JournalError(format!("the journal's log cannot be read: {why}")))
    }

    fn parse_frame(&self, frame: RawFrame) -> Result<FrameEvents, usize> {
        let RawFrame { header, body } = frame;
        if header.events() == 0 {
            return Ok(std::iter::empty().collect());
        }
        let mut bytes = Vec::from(body);
        let why = match cipher::open(&mut bytes, self.opener.as_ref()) {
            Ok(frame) if header.ids.is_some() && frame.head.count as usize == header.events() => {
                let events = frame.events();
                return Ok(events
                    .map(|(_, raw)| raw.and_then(|raw| raw.parse()).map(Arc::new))
                    .collect());
            }
            Ok(_) => "its header is not one that a router writes",
            Err(why) => why,
        };
        if lock(&self.reported).insert(header.sequence) {
            tracing::error!(
                stream = self.stream.name,
                sequence = header.sequence,
                events = header.events(),
                "a frame of the journal is unreadable: {why}"
            );
        }
        Err(header.events())
    }

    /// The sequence up to which nothing is there from `from` on, by the leader; `None` if something is, or if the leader
    /// cannot tell.
    async fn gone(&self, from: u64, end: u64) -> Option<u64> {
        match self.stream.next(from).await.ok()? {
            Some(next) => (next > from).then(|| next.min(end)),
            None => {
                // Everything was deleted, unless the stream lacks its end: then nothing is passed over.
                let first = self.stream.info().await.ok().flatten()?.state.first_seq;
                self.first.fetch_max(first, SeqCst);
                (first > from).then(|| first.min(end))
            }
        }
    }

    /// Reads the events at these positions, which are in order. Leaves out deleted events.
    pub(super) async fn events_at(
        self: &Arc<Shared>,
        positions: &[Position],
    ) -> Result<Vec<Entry>, JournalError> {
        let (mut entries, mut rest) = (Vec::with_capacity(positions.len()), positions);
        let end = place::sequence(self.end());
        while let Some(first) = rest.first().copied() {
            let sequence = place::sequence(first);
            if sequence >= end {
                break;
            }
            let run = match self.cached(sequence, sequence + 1) {
                Some(run) => run,
                None => {
                    // One answer may serve several positions that lie close together.
                    let near = rest
                        .iter()
                        .map(|position| place::sequence(*position) + 1)
                        .take_while(|to| *to <= sequence + 16)
                        .last();
                    let to = near.unwrap_or(sequence + 1).min(end);
                    self.fetch(sequence, to).await?
                }
            };
            let events: BTreeMap<u64, FrameEvents> = run
                .frames
                .into_iter()
                .filter_map(|(sequence, events)| Some((sequence, events.ok()?)))
                .collect();
            let next = run.next.max(sequence + 1);
            let (here, after) = rest.split_at(rest.partition_point(|at| place::sequence(*at) < next));
            for position in here.iter().copied() {
                let frame = events.get(&place::sequence(position));
                let event = frame.and_then(|events| events.get(place::index(position)).cloned().flatten());
                entries.extend(event.map(|event| Entry { position, event }));
            }
            rest = after;
        }
        Ok(entries)
    }
}
