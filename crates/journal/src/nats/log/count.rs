//! Counts events and finds them by their time.

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;

use super::blocks::{Counts, FRAMES, FrameFacts};
use super::place;
use super::read::TRIES;
use super::shared::Shared;
use crate::mutex::lock;
use crate::{Found, JournalError, Position};

impl Shared {
    /// Counts the events in these ranges by source, without duplicates.
    pub(super) async fn count(&self, spans: &[(Position, Position)]) -> Result<Counts, JournalError> {
        let mut counts = Counts::new();
        for (from, to) in spans {
            let span = ((*from).max(self.from()), *to);
            loop {
                let missing = {
                    let followed = lock(&self.followed);
                    let end = place::start(followed.to + 1);
                    followed.blocks.count(&followed.marks, span, end, &mut counts)
                };
                match missing {
                    Ok(()) => break,
                    Err(number) => {
                        // One at a time: two that read the newest block would each miss frames of the other.
                        let _reading = self.reading_detail.lock().await;
                        if !lock(&self.followed).blocks.has_detail(number) {
                            self.detail(number).await?;
                        }
                    }
                }
            }
        }
        Ok(counts)
    }

    /// Reads the frames of a block again, to count a part of it.
    async fn detail(&self, number: u64) -> Result<(), JournalError> {
        let to = {
            let mut followed = lock(&self.followed);
            followed.blocks.begin_detail(number);
            followed.to.min((number + 1) * FRAMES - 1)
        };
        let mut next = (number * FRAMES).max(self.first.load(SeqCst)).max(1);
        let mut frames: Vec<FrameFacts> = Vec::new();
        while next <= to {
            let (found, after) = self.raw(next, to + 1, TRIES).await?;
            frames.extend(found.iter().map(|frame| frame.header.facts()));
            next = after;
        }
        lock(&self.followed).blocks.complete(number, &frames);
        Ok(())
    }

    /// Finds the first position whose event arrived at or after a moment.
    pub(super) async fn find(self: &Arc<Shared>, arrived_at: i64) -> Result<Found, JournalError> {
        let (from, to) = (self.from(), self.end());
        let found = |at| Found { at, from, to };
        let mut next = place::first_whole(from);
        loop {
            let block = lock(&self.followed).blocks.arrived(arrived_at, next);
            let Some(first) = block.filter(|first| place::start(*first) < to) else {
                return Ok(found(to));
            };
            let ends = ((first / FRAMES + 1) * FRAMES).min(place::sequence(to));
            next = first.max(1);
            while next < ends {
                let run = self.fetch(next, ends).await?;
                for (sequence, events) in &run.frames {
                    let mut events = events.iter().flat_map(|events| events.iter()).enumerate();
                    let late = events.find(|(_, event)| {
                        let event = event.as_ref();
                        event.is_some_and(|event| event.receipt().received_at >= arrived_at)
                    });
                    if let Some((index, _)) = late {
                        return Ok(found(place::position(*sequence, index).max(from)));
                    }
                }
                next = run.next.max(next + 1);
            }
        }
    }

    /// The oldest position that the stream holds.
    pub(super) fn from(&self) -> Position {
        place::start(self.first.load(SeqCst)).min(self.end())
    }
}
