//! The thread that writes frames: it gathers what concurrent appends bring, leaves out known ids, writes the rest
//! in one commit, and only then answers all of them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

use signalbox_core::Event;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::cut::{Kept, cut};
use super::fresh::Fresh;
use super::halt::Cause;
use super::pages::Pages;
use super::prepared::{Built, Prepared};
use super::recent::RecentFrame;
use super::shared::{Entered, Shared, lock};
use crate::dedup::Dedup;
use crate::{AppendError, Appended};

/// A commit is waited for only until it is so large.
const ENOUGH: usize = 240_000;
/// A commit takes at most about so much of what is there already.
const MOST: usize = 1_000_000;
/// How long clients are told to wait when it is full.
const RETRY_AFTER: Duration = Duration::from_secs(5);
/// How often ids are tended without appends.
const TICK: Duration = Duration::from_secs(1);

pub(crate) type Answer = Result<Vec<Appended>, AppendError>;

pub(crate) enum ToWriter {
    Append(Append),
    Stop,
}

pub(crate) struct Append {
    pub(crate) prepared: Prepared,
    pub(crate) reply: oneshot::Sender<Answer>,
    pub(crate) entered: Entered,
    /// Bounds the memory of what waits.
    pub(crate) permit: OwnedSemaphorePermit,
}

pub(crate) struct Writer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) inbox: Receiver<ToWriter>,
    pub(crate) dedup: Dedup,
    /// What a commit writes; kept from one to the next.
    pub(crate) pages: Pages,
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
            self.shared.series.complete_if_old();
            let seal = self.shared.seal_ids.swap(false, Ordering::Relaxed);
            self.dedup.tend(self.shared.end(), self.shared.clock.now(), seal);
            self.shared
                .ids_sealed_to
                .store(self.dedup.sealed_to(), Ordering::Release);
        }
        if !self.shared.halts.gone() {
            self.dedup.close(self.shared.end(), self.shared.clock.now());
        }
    }

    /// What comes along; false if this is the end. Waits only if others are on their way, or were the last time:
    /// those whose appends were just answered need a moment to come back.
    fn gather(&self, first: Append, company: bool) -> (Vec<Append>, bool) {
        let until = Instant::now() + self.shared.options.linger;
        let mut bytes = first.prepared.size();
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
                    bytes += append.prepared.size();
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
        let (mut appends, waiting): (Vec<Prepared>, Vec<_>) = batch
            .into_iter()
            .map(|mut append| {
                events.push(std::mem::take(&mut append.prepared.events));
                (append.prepared, (append.reply, append.permit, append.entered))
            })
            .unzip();
        // What is written of each.
        let mut kept: Vec<Kept> = Vec::with_capacity(appends.len());
        // Ids of this commit; they become known with it.
        let most = appends.iter().map(|prepared| prepared.items.len()).sum();
        let mut fresh = Fresh::with_capacity(most);
        for prepared in &appends {
            let mut fates = Vec::with_capacity(prepared.items.len());
            let (mut bytes, before) = (0u64, next);
            for item in &prepared.items {
                let id = prepared.id(item);
                if self.dedup.knows(id, now) || (self.dedup.is_on(id) && !fresh.add(id)) {
                    fates.push(Appended::Duplicate);
                    continue;
                }
                bytes += item.size() as u64;
                fates.push(Appended::Stored(next));
                next += 1;
            }
            let stored = kept_of(&fates);
            if bytes > room {
                // Nothing of it is kept, so no id of it may be known.
                for item in stored.items(prepared) {
                    fresh.remove(prepared.id(item));
                }
                next = before;
                self.shared.refusals.fetch_add(1, Ordering::Relaxed);
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
        drop(fresh);
        let cut = cut(&mut appends, &kept, first, written_at, &mut self.pages);
        let shared = &self.shared;
        let written = shared.make_way(|| shared.series.append(&cut, || shared.heading()));
        let frames = cut.frames;
        let stored = written.is_ok();
        // What takes its time and nobody waits for, freeing events and learning ids, is done after the answers.
        let mut gone = Vec::new();
        match written {
            Ok(_) => gone = self.publish(&frames, stored_of(events, &answers), next),
            Err(failure) => {
                let refused = answers.iter_mut().filter(|answer| answer.is_ok());
                let refused = refused.map(|answer| *answer = Err(AppendError::Failed(failure.error.clone())));
                let refused = refused.count() as u64;
                self.shared.halt(&failure, refused);
            }
        }
        for ((reply, permit, entered), answer) in waiting.into_iter().zip(answers) {
            // Whoever does not listen any more has gone.
            let _ = reply.send(answer);
            drop((permit, entered));
        }
        if stored {
            for (prepared, kept) in appends.iter().zip(&kept) {
                for item in kept.items(prepared) {
                    self.dedup.learn(prepared.id(item), now);
                }
            }
        }
        drop(gone);
    }

    fn room(&self) -> u64 {
        let usage = self.shared.usage();
        usage.max_bytes.saturating_sub(usage.bytes)
    }

    /// Lets readers and accounts see what is durable now; returns what they will not see here any more.
    fn publish(
        &self,
        frames: &[Built],
        mut events: impl Iterator<Item = Arc<Event>>,
        end: u64,
    ) -> Vec<RecentFrame> {
        if frames.is_empty() {
            return Vec::new();
        }
        self.shared.commits.fetch_add(1, Ordering::Relaxed);
        self.shared.halts.end(Cause::Failing);
        let mut journalled = lock(&self.shared.journalled);
        for (source, count) in frames.iter().flat_map(|frame| &frame.sources) {
            match journalled.counts.get_mut(&**source) {
                Some(sum) => *sum += u64::from(*count),
                None => drop(journalled.counts.insert(source.to_string(), u64::from(*count))),
            }
        }
        journalled.to = end;
        drop(journalled);
        let mut gone = Vec::new();
        for frame in frames {
            let events = events.by_ref().take(frame.count).collect();
            gone.append(&mut lock(&self.shared.recent).add(frame, events));
        }
        self.shared.advance(end);
        gone
    }
}

/// Which events of an append are written.
fn kept_of(fates: &[Appended]) -> Kept {
    let stored = |fate: &Appended| matches!(fate, Appended::Stored(_));
    if fates.iter().all(stored) {
        return Kept::All;
    }
    let fates = fates.iter().enumerate();
    Kept::Some(fates.filter(|(_, fate)| stored(fate)).map(|(i, _)| i).collect())
}

/// Those of the events that were written, in order.
fn stored_of(events: Vec<Vec<Arc<Event>>>, answers: &[Answer]) -> impl Iterator<Item = Arc<Event>> {
    let taken_in = events.into_iter().zip(answers);
    taken_in.flat_map(|(events, answer)| {
        let fates = answer.as_deref().unwrap_or_default();
        let stored = events.into_iter().zip(fates);
        stored.filter_map(|(event, fate)| matches!(fate, Appended::Stored(_)).then_some(event))
    })
}
