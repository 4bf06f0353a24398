//! Dead letters of sources on their way to the state thread. Anyone with a public write key can make many of them
//! quickly, so only a bounded amount is under way at once: the rest waits at the source, whose client waits in turn.

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::{AppendError, DeadLetter};

/// The weight of the letters that may be on their way at once, see [`weight`]. The state thread writes them in one change, so
/// this also bounds how long a commit of a sink waits for them.
pub(super) const MOST: u32 = 4_096;

/// Dead letters and their sender, who waits until they are durable.
pub(crate) struct Burial {
    pub(super) letters: Vec<DeadLetter>,
    pub(super) reply: oneshot::Sender<Result<(), AppendError>>,
    pub(super) permit: OwnedSemaphorePermit,
}

impl Burial {
    /// Tells the sender how it ended, and lets the next ones come.
    pub(super) fn answer(self, result: Result<(), AppendError>) {
        drop(self.permit);
        // The sender may have been dropped; that is fine.
        let _ = self.reply.send(result);
    }
}

/// Returns the kilobytes of a letter, begun ones included: small letters cost by their number.
fn weight(letter: &DeadLetter) -> u32 {
    let kilobytes = u32::try_from(letter.size() / 1024).unwrap_or(MOST);
    kilobytes.saturating_add(1).min(MOST)
}

/// Splits letters into pieces of at most [`MOST`]; returns each with its weight.
pub(super) fn pieces(letters: Vec<DeadLetter>) -> Vec<(Vec<DeadLetter>, u32)> {
    let mut pieces: Vec<(Vec<DeadLetter>, u32)> = Vec::new();
    for letter in letters {
        let more = weight(&letter);
        match pieces.last_mut().filter(|(_, weight)| weight + more <= MOST) {
            Some((piece, weight)) => {
                piece.push(letter);
                *weight += more;
            }
            None => pieces.push((vec![letter], more)),
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::mpsc;

    use super::*;
    use crate::{DiskJournal, DiskOptions, Letters, Log};

    fn letters(count: usize, bytes: usize) -> Vec<DeadLetter> {
        let letter = DeadLetter {
            component: "source:web".into(),
            payload: Some("x".repeat(bytes)),
            ..DeadLetter::default()
        };
        vec![letter; count]
    }

    #[test]
    fn pieces_are_bounded_by_number_and_by_bytes() {
        for (count, bytes, most) in [(10_000, 10, 4_096), (500, 100_000, 41), (3, 50_000_000, 1)] {
            let pieces = pieces(letters(count, bytes));
            assert_eq!(pieces.iter().map(|(piece, _)| piece.len()).sum::<usize>(), count);
            for (piece, weight) in &pieces {
                assert!(piece.len() <= most && *weight <= MOST, "{} {weight}", piece.len());
            }
        }
        assert!(pieces(Vec::new()).is_empty());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn senders_wait_rather_than_pile_up() {
        let folder = tempfile::tempdir().unwrap();
        let journal = Arc::new(DiskJournal::open(DiskOptions::new(folder.path())).unwrap());
        // The state thread stands still, as on a slow disk.
        let (go_on, wait) = mpsc::channel::<()>();
        let stuck = {
            let journal = journal.clone();
            tokio::spawn(async move { journal.ask(move |_| wait.recv()).await })
        };
        let senders: Vec<_> = (0..8)
            .map(|_| {
                let journal = journal.clone();
                tokio::spawn(async move { journal.bury(letters(2_000, 10)).await })
            })
            .collect();
        // Two are on their way; the third finds no room.
        while journal.burying.available_permits() > 96 {
            tokio::task::yield_now().await;
        }
        assert!(senders.iter().all(|sender| !sender.is_finished()));
        assert!(journal.letter_counts().is_empty());
        go_on.send(()).unwrap();
        stuck.await.unwrap().unwrap().unwrap();
        for sender in senders {
            sender.await.unwrap().unwrap();
        }
        assert_eq!(journal.letter_counts()["source:web"].kept, 16_000);
        assert_eq!(journal.burying.available_permits(), MOST as usize);
        journal.shutdown().await;
        assert_eq!(journal.bury(letters(1, 1)).await, Err(AppendError::Closed));
    }
}
