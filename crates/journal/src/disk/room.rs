//! Giving space back, and what is done when there is none.

use std::io;
use std::sync::atomic::Ordering;

use super::halt::{Cause, Failure};
use super::keeper::Keeper;
use super::options::millis;
use super::segment::Segment;
use super::shared::{Shared, Sink, lock};
use crate::{JournalError, Position};

impl Shared {
    /// Deletes files of frames that nobody needs: settled by every sink and past `retain`, or in the way of new
    /// events, or past `max_age`.
    pub(crate) fn retire(&self) {
        // What arrived carries the system's time. While that is set back, everything is kept for longer.
        let now = self.clock.wall();
        let mut total = self.series.bytes_from(0);
        self.retire_while(|segment, floor| {
            let content = segment.content();
            let age = now.saturating_sub(content.newest());
            let aged = self.options.max_age.is_some_and(|limit| age > millis(limit));
            let crowded = total > self.options.max_bytes;
            let settled = content.end <= floor && (crowded || age >= millis(self.options.retain));
            if aged || settled {
                total = total.saturating_sub(content.bytes_from(0));
            }
            aged || settled
        });
    }

    /// Deletes the oldest file though `retain` would keep it, if every sink has settled what it holds; false if there is
    /// none.
    fn give_up_oldest(&self) -> bool {
        let oldest = self.series.start();
        let deleted =
            self.retire_while(|segment, floor| Some(segment.first) == oldest && segment.end() <= floor);
        for (from, to) in &deleted {
            tracing::warn!(
                positions = %format!("{from}..{to}"),
                "the disk is full: settled events are deleted before retain is over, and cannot be replayed"
            );
        }
        !deleted.is_empty()
    }

    /// Deletes files from the oldest on, as long as they are not needed any more, and returns what they held. Those whose
    /// ids or counts are in them alone stay until these are kept elsewhere.
    fn retire_while(
        &self,
        mut unneeded: impl FnMut(&Segment, Position) -> bool,
    ) -> Vec<(Position, Position)> {
        let _one = lock(&self.retiring);
        let mut deleted = Vec::new();
        if self.halts.gone() || self.lost_files() {
            // What stands at the paths is not ours.
            return deleted;
        }
        let floor = self.floor();
        let ids = self.ids_sealed_to.load(Ordering::Acquire);
        let counts = self.counted_to.load(Ordering::Acquire);
        self.series.retire(|segment| {
            if !unneeded(segment, floor) {
                return false;
            }
            let end = segment.end();
            if end > ids || end > counts {
                // Its ids and counts must be kept elsewhere first: soon.
                self.seal_ids.store(true, Ordering::Relaxed);
                return false;
            }
            if end > floor {
                let events = end - segment.first.max(floor);
                tracing::warn!(events, "events past max_age dropped that a sink has not settled");
            }
            deleted.push((segment.first, end));
            true
        });
        deleted
    }

    /// Writes something to the series of files; while the disk is full, settled files go first.
    pub(crate) fn make_way<T>(&self, mut write: impl FnMut() -> Result<T, Failure>) -> Result<T, Failure> {
        loop {
            match write() {
                Err(failure) if failure.cause == Cause::Full && self.give_up_oldest() => {}
                done => return done,
            }
        }
    }

    /// No events are taken in after a failed write, and so many appends were refused.
    pub(crate) fn halt(&self, failure: &Failure, refused: u64) {
        if failure.cause == Cause::Full {
            // For the state and the ids: with them written, settled files can go.
            self.ballast.release();
            self.seal_ids.store(true, Ordering::Relaxed);
        }
        self.halts.begin(failure.cause, &failure.error.0, refused);
    }

    /// To be called every second: looks after the files that are open, and whether there is room again.
    pub(crate) fn look_around(&self) {
        if self.lost_files() {
            return;
        }
        match self.halts.cause() {
            None | Some(Cause::Gone) => {}
            // The next append will tell; without any, this does.
            Some(Cause::Failing) if !self.halts.quiet() => {}
            Some(cause) => {
                let room = self.make_way(|| self.ballast.make().map_err(|error| self.no_room(&error)));
                if room.is_ok() {
                    self.halts.end(cause);
                }
            }
        }
    }

    /// A failure to set room aside.
    pub(crate) fn no_room(&self, error: &io::Error) -> Failure {
        Failure {
            cause: Cause::of(error),
            error: super::folder::trouble(&self.options.path, "has no room to write to", error),
        }
    }

    /// At the end: what only deleted files held is gone now.
    pub(crate) fn tell_lost(&self) {
        let unsettled = self.end().saturating_sub(self.floor().max(self.start()));
        if self.halts.gone() && unsettled > 0 {
            tracing::error!(
                events = unsettled,
                "acknowledged events that a sink has not settled were only in files that were deleted or moved: unless \
                 these are put back, they are lost with this process"
            );
        }
    }

    /// Whether files that are open were deleted or replaced, which is told once and ends the taking in.
    fn lost_files(&self) -> bool {
        let gone = self.series.watch.gone();
        if let Some(gone) = &gone {
            self.halts.begin(Cause::Gone, &explain(gone), 0);
        }
        gone.is_some()
    }
}

impl Keeper {
    /// Writes down that a sink was opened. On a full disk it delivers all the same, and its next commit says so.
    pub(super) fn save_opened(&mut self, name: &str, sink: Sink) -> Result<(), JournalError> {
        let full = |keeper: &Keeper| keeper.shared.halts.cause() == Some(Cause::Full);
        let mut saved = self.change_sink(name, sink.clone(), |_| Ok(()));
        if saved.is_err() && full(self) {
            // Now there is the room that was set aside.
            saved = self.change_sink(name, sink.clone(), |_| Ok(()));
        }
        if saved.is_err() && full(self) {
            lock(&self.shared.sinks).insert(name.to_owned(), sink);
            saved = self.mend();
        }
        saved
    }
}

/// What an operator has to know of a deleted or replaced file.
pub(super) fn explain(gone: &str) -> String {
    format!(
        "{gone}. Events are refused until a restart; those acknowledged before are delivered as far as they can still be \
         read. Stop the router (SIGTERM), then put the journal's folder back from where it was moved, or start without it"
    )
}
