//! Gives disk space back, and handles a full disk.

use std::io;
use std::sync::atomic::Ordering;

use super::options::millis;
use super::shared::{Shared, Sink};
use super::state_writer::StateWriter;
use crate::fs::folder_error;
use crate::halt::{Cause, Failure};
use crate::log::log_file::LogFile;
use crate::log::watch;
use crate::mutex::lock;
use crate::{JournalError, Position};

impl Shared {
    /// Deletes files of frames that are no longer needed: settled by every sink and either past `retain`, to be purged or
    /// in the way of new events, or past `max_age`.
    pub(crate) fn retire(&self) {
        // Arrivals carry the system's time. While that is set back, everything is kept longer.
        let now = self.clock.wall();
        let mut total = self.log.bytes_from(0);
        let purge_to = self.erasures.list.purge_to();
        self.retire_while(|log_file, floor| {
            let content = log_file.content();
            let age = now.saturating_sub(content.newest());
            let aged = self.options.max_age.is_some_and(|limit| age > millis(limit));
            let crowded = total > self.options.max_bytes;
            let purged = log_file.first < purge_to;
            let done_with = crowded || purged || age >= millis(self.options.retain);
            let settled = content.end <= floor && done_with;
            if aged || settled {
                total = total.saturating_sub(content.bytes_from(0));
            }
            aged || settled
        });
    }

    /// Deletes the oldest file, even if `retain` would keep it, provided that every sink has settled its events;
    /// returns false if there is no such file.
    fn give_up_oldest(&self) -> bool {
        let oldest = self.log.start();
        let deleted =
            self.retire_while(|log_file, floor| Some(log_file.first) == oldest && log_file.end() <= floor);
        for (from, to) in &deleted {
            tracing::warn!(
                positions = %format!("{from}..{to}"),
                "the disk is full: settled events are deleted before retain is over, and cannot be replayed"
            );
        }
        !deleted.is_empty()
    }

    /// Deletes files from the oldest on while they are no longer needed, and returns the deleted ranges. A file that
    /// alone holds ids or counts stays until these are kept elsewhere.
    fn retire_while(
        &self,
        mut unneeded: impl FnMut(&LogFile, Position) -> bool,
    ) -> Vec<(Position, Position)> {
        let _one = lock(&self.retiring);
        let mut deleted = Vec::new();
        if self.halts.gone() || self.lost_files() {
            // The files at these paths are other ones, which the journal must not touch.
            return deleted;
        }
        let floor = self.floor();
        let ids = self.ids_filed_to.load(Ordering::Acquire);
        let counts = self.counted_to.load(Ordering::Acquire);
        self.log.retire(|log_file| {
            if !unneeded(log_file, floor) {
                return false;
            }
            let end = log_file.end();
            if end > ids || end > counts {
                // The file's ids and counts must be kept elsewhere first; this makes that happen soon.
                self.file_ids.store(true, Ordering::Relaxed);
                return false;
            }
            if end > floor {
                let events = end - log_file.first.max(floor);
                tracing::warn!(events, "events past max_age dropped that a sink has not settled");
            }
            deleted.push((log_file.first, end));
            true
        });
        deleted
    }

    /// Writes to the log; while the disk is full, settled files are deleted to make room.
    pub(crate) fn make_way<T>(&self, mut write: impl FnMut() -> Result<T, Failure>) -> Result<T, Failure> {
        loop {
            match write() {
                Err(failure) if failure.cause == Cause::Full && self.give_up_oldest() => {}
                done => return done,
            }
        }
    }

    /// Halts the journal after a failed write; `refused` appends were refused with it.
    pub(crate) fn halt(&self, failure: &Failure, refused: u64) {
        if failure.cause == Cause::Full {
            // The ballast makes room for the state and the ids: once they are written, settled files can go.
            self.ballast.release();
            self.file_ids.store(true, Ordering::Relaxed);
        }
        self.halts.begin(failure.cause, &failure.error.0, refused);
    }

    /// Checks every second if open files are still in place, and if there is room again.
    pub(crate) fn look_around(&self) {
        if self.lost_files() {
            return;
        }
        match self.halts.cause() {
            None | Some(Cause::Gone) => {}
            // The next append shows if writing works again; if none comes, the check below does so after a while.
            Some(Cause::Failing) if !self.halts.quiet() => {}
            Some(cause) => {
                let room = self.make_way(|| self.ballast.make().map_err(|error| self.no_room(&error)));
                if room.is_ok() {
                    self.halts.end(cause);
                }
            }
        }
    }

    /// Makes the failure for a lack of room to set aside.
    pub(crate) fn no_room(&self, error: &io::Error) -> Failure {
        Failure {
            cause: Cause::of(error),
            error: folder_error(&self.options.path, "has no room to write to", error),
        }
    }

    /// Logs at shutdown that events which only deleted files held are now lost.
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

    /// Tests if open files were deleted or replaced. If so, logs it once, and the journal takes no events in from then
    /// on.
    pub(crate) fn lost_files(&self) -> bool {
        let gone = self.log.watch.gone();
        if let Some(gone) = &gone {
            self.halts.begin(Cause::Gone, &watch::explain(gone), 0);
        }
        gone.is_some()
    }
}

impl StateWriter {
    /// Records that a sink was opened. On a full disk the sink delivers all the same, and its next commit records it.
    pub(super) fn save_opened(&mut self, name: &str, sink: Sink) -> Result<(), JournalError> {
        let full = |state_writer: &StateWriter| state_writer.shared.halts.cause() == Some(Cause::Full);
        let mut saved = self.change_sink(name, sink.clone(), |_| Ok(()));
        if saved.is_err() && full(self) {
            // The room that was set aside is available now.
            saved = self.change_sink(name, sink.clone(), |_| Ok(()));
        }
        if saved.is_err() && full(self) {
            lock(&self.shared.sinks).insert(name.to_owned(), sink);
            saved = self.mend();
        }
        saved
    }
}
