//! When changes become durable, and the dead letters among them.

use std::time::Duration;

use signalbox_journal::{Commit, DeadLetter};
use tokio::time::Instant;

use super::window::Changes;

/// The time in which changes gather before they are committed together, unless a destination has answered.
const LINGER: Duration = Duration::from_millis(100);

/// The changes that are not committed yet.
#[derive(Debug, Default)]
pub(super) struct Commits {
    /// Time of the next commit; `None` if nothing has changed.
    at: Option<Instant>,
    letters: Vec<DeadLetter>,
    /// Size of the letters.
    letter_bytes: u64,
}

impl Commits {
    /// Plans a commit soon. An earlier plan stands, and then the clock is not read: this is called for each event.
    pub(super) fn soon(&mut self) {
        self.at.get_or_insert_with(|| Instant::now() + LINGER);
    }

    /// Plans a commit at the next turn of the driver.
    pub(super) fn now(&mut self) {
        self.at = Some(Instant::now());
    }

    /// Time of the next commit.
    pub(super) fn at(&self) -> Option<Instant> {
        self.at
    }

    /// Adds a dead letter.
    pub(super) fn bury(&mut self, letter: DeadLetter) {
        self.letter_bytes += letter.size();
        self.letters.push(letter);
    }

    /// Size of the dead letters in bytes.
    pub(super) fn letter_bytes(&self) -> u64 {
        self.letter_bytes
    }

    /// Takes everything for one commit.
    pub(super) fn take(&mut self, changes: Changes) -> Commit {
        let Commits { letters, .. } = std::mem::take(self);
        Commit {
            progress: Some(changes.progress),
            dead_letters: letters,
            park: changes.park,
            parked_open: changes.parked_open,
            unpark: changes.unpark,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn changes_gather_until_a_destination_has_answered() {
        let mut commits = Commits::default();
        assert_eq!(commits.at(), None);
        let began = Instant::now();
        commits.soon();
        tokio::time::advance(LINGER / 2).await;
        commits.soon();
        assert_eq!(commits.at(), Some(began + LINGER), "the first change counts");
        commits.now();
        assert_eq!(commits.at(), Some(began + LINGER / 2));
        commits.bury(DeadLetter::default());
        assert!(commits.letter_bytes() > 0);
        assert_eq!(commits.take(Changes::default()).dead_letters.len(), 1);
        assert_eq!((commits.at(), commits.letter_bytes()), (None, 0));
    }
}
