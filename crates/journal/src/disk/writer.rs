//! The writer thread: it gathers concurrent appends, leaves out known ids, writes the rest in one commit, and only then
//! answers all of them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

use signalbox_core::Event;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::new_ids::NewIds;
use super::shared::{Entered, Shared};
use crate::dedup::{Dedup as _, IdStore};
use crate::halt::Cause;
use crate::log::AlignedBuffer;
use crate::log::encode::{EncodedAppend, FrameInfo};
use crate::log::layout::{Kept, lay_out};
use crate::log::tail_cache::CachedFrame;
use crate::mutex::lock;
use crate::{AppendError, Appended};

/// Bytes from which a commit no longer waits for further appends.
const ENOUGH: usize = 240_000;
/// The most bytes, about, that a commit takes of the appends that wait.
const MOST: usize = 1_000_000;
/// The time after which clients may try again when the journal is full.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// The interval at which ids are tended without appends.
const TICK: Duration = Duration::from_secs(1);

pub(crate) type Answer = Result<Vec<Appended>, AppendError>;

pub(crate) enum ToWriter {
    Append(Append),
    Stop,
}

pub(crate) struct Append {
    pub(crate) encoded: EncodedAppend,
    pub(crate) reply: oneshot::Sender<Answer>,
    pub(crate) entered: Entered,
    /// Bounds the memory of what waits.
    pub(crate) permit: OwnedSemaphorePermit,
}

pub(crate) struct Writer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) inbox: Receiver<ToWriter>,
    pub(crate) dedup: IdStore,
    /// The buffer for frames that are copied; kept from one commit to the next.
    pub(crate) buffer: AlignedBuffer,
}

impl Writer {
    pub(crate) fn run(mut self) {
        let mut company = false;
        let mut looked = Instant::now();
        loop {
            match self.inbox.recv_timeout(TICK) {
                Ok(ToWriter::Append(first)) => {
                    let (batch, go_on) = self.gather(first, company);
                    company = batch.len() > 1;
                    self.write(batch);
                    if !go_on {
                        break;
                    }
                }
                Ok(ToWriter::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if looked.elapsed() >= TICK {
                looked = Instant::now();
                self.shared.look_around();
            }
            if self.shared.halts.gone() {
                // Nothing may be written at these paths any more.
                continue;
            }
            self.shared.log.complete_if_old();
            let all = self.shared.file_ids.swap(false, Ordering::Relaxed);
            self.dedup.tend(self.shared.end(), self.shared.clock.now(), all);
            self.shared.note_ids(&self.dedup);
        }
        if !self.shared.halts.gone() {
            self.dedup.close(self.shared.end(), self.shared.clock.now());
        }
    }

    /// Gathers appends for a commit; returns false after the last one. Waits only if other appends are under way, or were
    /// the last time: a client whose append was just answered needs a moment to send the next.
    fn gather(&self, first: Append, company: bool) -> (Vec<Append>, bool) {
        let until = Instant::now() + self.shared.options.linger;
        let mut bytes = first.encoded.size();
        let mut batch = vec![first];
        while bytes < MOST {
            let more = match self.inbox.try_recv() {
                Ok(more) => more,
                Err(TryRecvError::Disconnected) => return (batch, false),
                Err(TryRecvError::Empty) => {
                    let left = until.saturating_duration_since(Instant::now());
                    let alone = !company && self.shared.appends() <= batch.len() as u64;
                    if bytes >= ENOUGH || left.is_zero() || alone {
                        break;
                    }
                    match self.inbox.recv_timeout(left) {
                        Ok(more) => more,
                        Err(RecvTimeoutError::Timeout) => break,
                        Err(RecvTimeoutError::Disconnected) => return (batch, false),
                    }
                }
            };
            match more {
                ToWriter::Append(append) => {
                    bytes += append.encoded.size();
                    batch.push(append);
                }
                ToWriter::Stop => return (batch, false),
            }
        }
        (batch, true)
    }

    fn write(&mut self, batch: Vec<Append>) {
        if let Some(error) = self.shared.halts.refuse(batch.len() as u64) {
            for append in batch {
                let _ = append.reply.send(Err(AppendError::Failed(error.clone())));
            }
            return;
        }
        let now = self.shared.clock.now();
        // Finer than a commit takes, so that of two attempts at the same positions the later one shows.
        let written_at = self.shared.clock.nanos();
        let first = self.shared.end();
        let mut next = first;
        let mut room = self.room();
        let mut answers: Vec<Answer> = Vec::with_capacity(batch.len());
        let mut events = Vec::with_capacity(batch.len());
        let (mut appends, waiting): (Vec<EncodedAppend>, Vec<_>) = batch
            .into_iter()
            .map(|mut append| {
                events.push(std::mem::take(&mut append.encoded.events));
                (append.encoded, (append.reply, append.permit, append.entered))
            })
            .unzip();
        // The events of each append that are written.
        let mut kept: Vec<Kept> = Vec::with_capacity(appends.len());
        // Ids of this commit; they become known with it.
        let most = appends.iter().map(|encoded| encoded.items.len()).sum();
        let mut new_ids = NewIds::with_capacity(most);
        for encoded in &appends {
            let mut fates = Vec::with_capacity(encoded.items.len());
            let (mut bytes, before) = (0u64, next);
            for item in &encoded.items {
                let id = encoded.id(item);
                if self.dedup.knows(id, now) || (self.dedup.is_on(id) && !new_ids.add(id)) {
                    fates.push(Appended::Duplicate);
                    continue;
                }
                bytes += item.size() as u64;
                fates.push(Appended::Stored(next));
                next += 1;
            }
            let stored = kept_of(&fates);
            if bytes > room {
                // No event of the append is kept, so none of its ids may be known.
                for item in stored.items(encoded) {
                    new_ids.remove(encoded.id(item));
                }
                next = before;
                kept.push(Kept::Some(Vec::new()));
                answers.push(Err(AppendError::Full {
                    retry_after: RETRY_AFTER,
                }));
                continue;
            }
            room -= bytes;
            kept.push(stored);
            answers.push(Ok(fates));
        }
        drop(new_ids);
        let layout = lay_out(&mut appends, &kept, first, written_at, &mut self.buffer);
        let shared = &self.shared;
        let written = shared.make_way(|| shared.log.append(&layout, || shared.heading()));
        let frames = layout.frames;
        let stored = written.is_ok();
        // Events are freed and ids learnt after the answers, since both take time and no client waits for them.
        let mut gone = Vec::new();
        match written {
            Ok(()) => gone = self.publish(&frames, stored_of(events, &answers), next),
            Err(failure) => {
                let refused = answers.iter_mut().filter(|answer| answer.is_ok());
                let refused = refused.map(|answer| *answer = Err(AppendError::Failed(failure.error.clone())));
                let refused = refused.count() as u64;
                self.shared.halt(&failure, refused);
            }
        }
        for ((reply, permit, entered), answer) in waiting.into_iter().zip(answers) {
            // The receiver may have been dropped; that is fine.
            let _ = reply.send(answer);
            drop((permit, entered));
        }
        if stored {
            for (encoded, kept) in appends.iter().zip(&kept) {
                for item in kept.items(encoded) {
                    self.dedup.learn(encoded.id(item), now);
                }
            }
        }
        drop(gone);
    }

    fn room(&self) -> u64 {
        let usage = self.shared.usage();
        usage.max_bytes.saturating_sub(usage.bytes)
    }

    /// Publishes durable frames to readers and counts; returns the frames that leave the tail cache.
    fn publish(
        &self,
        frames: &[FrameInfo],
        mut events: impl Iterator<Item = Arc<Event>>,
        end: u64,
    ) -> Vec<CachedFrame> {
        if frames.is_empty() {
            return Vec::new();
        }
        self.shared.commits.fetch_add(1, Ordering::Relaxed);
        self.shared.halts.end(Cause::Failing);
        let mut journalled = lock(&self.shared.journalled);
        for (source, count) in frames.iter().flat_map(|frame| &frame.sources) {
            journalled.add(source, u64::from(*count));
        }
        journalled.to = end;
        drop(journalled);
        let mut gone = Vec::new();
        for frame in frames {
            let events = events.by_ref().take(frame.count).collect();
            gone.append(&mut lock(&self.shared.tail_cache).add(frame, events));
        }
        self.shared.advance(end);
        gone
    }
}

/// The events of an append that are written.
fn kept_of(fates: &[Appended]) -> Kept {
    let stored = |fate: &Appended| matches!(fate, Appended::Stored(_));
    if fates.iter().all(stored) {
        return Kept::All;
    }
    let fates = fates.iter().enumerate();
    Kept::Some(fates.filter(|(_, fate)| stored(fate)).map(|(i, _)| i).collect())
}

/// The events that were written, in order.
fn stored_of(events: Vec<Vec<Arc<Event>>>, answers: &[Answer]) -> impl Iterator<Item = Arc<Event>> {
    let taken_in = events.into_iter().zip(answers);
    taken_in.flat_map(|(events, answer)| {
        let fates = answer.as_deref().unwrap_or_default();
        let stored = events.into_iter().zip(fates);
        stored.filter_map(|(event, fate)| matches!(fate, Appended::Stored(_)).then_some(event))
    })
}
