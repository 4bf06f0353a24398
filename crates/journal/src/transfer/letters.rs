//! The dead letters.

use super::events::Places;
use crate::{DeadLetter, DeadLetterFilter, DeadLetterId, Journal, JournalError, Order, Page};

/// Letters that are read and written together.
const PAGE: usize = 500;

/// Discards the letters that an earlier copy has written.
pub(super) async fn discard(from: &dyn Journal) -> Result<(), JournalError> {
    let page = Page {
        limit: PAGE,
        ..Page::default()
    };
    loop {
        let found = from.dead_letter_page(&DeadLetterFilter::default(), page).await?;
        if found.letters.is_empty() {
            return Ok(());
        }
        let ids: Vec<DeadLetterId> = found.letters.iter().map(|stored| stored.id).collect();
        from.take_dead_letters(&ids, false).await?;
    }
}

/// Copies the dead letters, the oldest first, and returns their number.
pub(super) async fn copy(from: &dyn Journal, to: &dyn Journal, places: &Places) -> Result<u64, JournalError> {
    let mut page = Page {
        order: Order::OldestFirst,
        limit: PAGE,
        payloads: true,
        ..Page::default()
    };
    let mut count = 0;
    loop {
        let found = from.dead_letter_page(&DeadLetterFilter::default(), page).await?;
        let letters: Vec<DeadLetter> = found
            .letters
            .into_iter()
            .map(|stored| DeadLetter {
                position: stored.letter.position.and_then(|place| places.of(place)),
                ..stored.letter
            })
            .collect();
        count += letters.len() as u64;
        to.bury(letters)
            .await
            .map_err(|error| JournalError(error.to_string()))?;
        page.after = found.next;
        if page.after.is_none() {
            return Ok(count);
        }
    }
}
