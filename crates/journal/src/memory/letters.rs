//! Dead letters of a journal in memory.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;

use super::MemoryJournal;
use super::state::State;
use crate::dead_letter::Paging;
use crate::requeue::{Requeue as _, requeue, send_again};
use crate::{
    AppendError, DeadLetter, DeadLetterFilter, DeadLetterId, DeadLetterPage, DeadLetterQuota, JournalError,
    LetterCounts, Letters, Page, SendAgain, Taken,
};

impl State {
    pub(super) fn bury(&mut self, letters: Vec<DeadLetter>) {
        for letter in letters {
            let name = letter.component.clone();
            let counts = self.letter_counts.entry(name.clone()).or_default();
            counts.max_bytes = self.quota.bytes(&name);
            (counts.kept, counts.bytes) = (counts.kept + 1, counts.bytes + size(&letter));
            let crowded = self.quota.drops(&name) && counts.bytes > counts.max_bytes;
            self.last_dead_letter += 1;
            self.dead_letters.insert(self.last_dead_letter, letter);
            if crowded {
                self.drop_oldest(&name);
            }
        }
    }

    /// Drops letters that are too old, and counts them.
    pub(super) fn drop_aged(&mut self, now: i64) {
        let Some(before) = self.quota.too_old(now) else {
            return;
        };
        let aged = self
            .dead_letters
            .iter()
            .filter(|(_, letter)| letter.last_at < before);
        let aged: Vec<DeadLetterId> = aged.map(|(id, _)| *id).collect();
        for id in aged {
            let Some(letter) = self.dead_letters.remove(&id) else {
                continue;
            };
            if let Some(counts) = self.letter_counts.get_mut(&letter.component) {
                (counts.kept, counts.bytes) = (counts.kept - 1, counts.bytes - size(&letter));
                counts.dropped += 1;
            }
        }
    }

    fn drop_oldest(&mut self, component: &str) {
        let mut going = Vec::new();
        let Some(counts) = self.letter_counts.get_mut(component) else {
            return;
        };
        for (id, letter) in self
            .dead_letters
            .iter()
            .filter(|(_, letter)| letter.component == component)
        {
            if counts.bytes <= counts.max_bytes {
                break;
            }
            counts.bytes -= size(letter);
            (counts.kept, counts.dropped) = (counts.kept - 1, counts.dropped + 1);
            going.push(*id);
        }
        going.iter().for_each(|id| drop(self.dead_letters.remove(id)));
    }

    /// Removes a dead letter; false if there is none.
    pub(super) fn remove_letter(&mut self, id: DeadLetterId) -> bool {
        let Some(letter) = self.dead_letters.remove(&id) else {
            return false;
        };
        if let Some(counts) = self.letter_counts.get_mut(&letter.component) {
            (counts.kept, counts.bytes) = (counts.kept - 1, counts.bytes - size(&letter));
        }
        true
    }

    pub(super) fn rename_letters(&mut self, old: &str, new: &str) {
        if let Some(past) = self.letter_counts.remove(old) {
            let counts = self.letter_counts.entry(new.to_owned()).or_default();
            counts.kept += past.kept;
            counts.bytes += past.bytes;
            counts.dropped += past.dropped;
            counts.max_bytes = self.quota.bytes(new);
        }
        for letter in self.dead_letters.values_mut() {
            if letter.component == old {
                new.clone_into(&mut letter.component);
            }
        }
    }
}

/// Returns the bytes that a letter counts towards its quota.
fn size(letter: &DeadLetter) -> u64 {
    letter.size() + size_of::<DeadLetter>() as u64
}

#[async_trait]
impl Letters for MemoryJournal {
    async fn bury(&self, letters: Vec<DeadLetter>) -> Result<(), AppendError> {
        self.state().bury(letters);
        Ok(())
    }

    async fn take_dead_letters(&self, ids: &[DeadLetterId], retry: bool) -> Result<Taken, JournalError> {
        let mut state = self.without_aged();
        if !retry {
            return Ok(Taken {
                removed: state.remove(ids.to_vec())?,
                ..Taken::default()
            });
        }
        let mut seen = BTreeSet::new();
        let letters: Vec<_> = ids
            .iter()
            .filter(|id| seen.insert(**id))
            .filter_map(|id| Some((*id, state.dead_letters.get(id)?.clone())))
            .collect();
        requeue(&mut *state, letters)
    }

    async fn send_again(&self, sink: &str, events: Vec<SendAgain>) -> Result<Vec<bool>, JournalError> {
        let mut state = self.without_aged();
        if !state.has_sink(sink) {
            return Err(JournalError::no_sink(sink));
        }
        send_again(&mut *state, sink, events)
    }

    async fn dead_letter_page(
        &self,
        filter: &DeadLetterFilter,
        page: Page,
    ) -> Result<DeadLetterPage, JournalError> {
        let state = self.without_aged();
        let mut paging = Paging::new(filter, page);
        if let Some(ids) = page.ids(filter) {
            let mut letters = state.dead_letters.range(ids);
            while let Some((id, letter)) = paging.next(&mut letters) {
                paging.look(*id, size(letter), Some(Cow::Borrowed(letter)), || {
                    Some(letter.clone())
                });
            }
        }
        Ok(paging.done())
    }

    fn letter_counts(&self) -> BTreeMap<String, LetterCounts> {
        self.without_aged().letter_counts.clone()
    }

    fn dead_letter_quota(&self) -> DeadLetterQuota {
        self.state().quota
    }
}
