//! Checks of whole files, which take their time: a bound on the share of it.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::db;

/// A check is followed by a pause of this many times its duration.
const PAUSE: u32 = 20;

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Checked {
    Sound,
    Damaged,
    /// The file was not checked: it was too early, or the file is locked or unreadable at present.
    Later,
}

/// Checks files, and uses at most a twentieth of the thread's time for it.
#[derive(Debug, Default)]
pub(crate) struct Checks {
    not_before: Option<Instant>,
}

impl Checks {
    /// Checks the structure of a file.
    pub(crate) fn check(&mut self, path: &Path) -> Checked {
        let begin = Instant::now();
        if self.not_before.is_some_and(|not_before| begin < not_before) {
            return Checked::Later;
        }
        let checked = match db::check(path) {
            Ok(()) => Checked::Sound,
            Err(trouble) if trouble.is_damage() => Checked::Damaged,
            // It is that version's.
            Err(trouble) if trouble.is_newer() => Checked::Sound,
            Err(_) => Checked::Later,
        };
        self.not_before = Some(
            begin
                + begin
                    .elapsed()
                    .saturating_mul(PAUSE)
                    .max(Duration::from_millis(10)),
        );
        checked
    }
}
