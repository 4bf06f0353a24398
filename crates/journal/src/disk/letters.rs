//! The dead letters: changed on the state thread, read beside it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use tokio::sync::oneshot;

use super::DiskJournal;
use super::burial::{self, Burial};
use super::state_writer::{StateWriter, ToStateWriter};
use crate::mutex::lock;
use crate::state::{dead_letters, tables};
use crate::{
    AppendError, DeadLetter, DeadLetterFilter, DeadLetterId, DeadLetterPage, DeadLetterQuota, JournalError,
    LetterCounts, Letters, Page, SendAgain, Taken,
};

/// Dead letters dropped for their age in one change.
const AGED: usize = 4_000;

impl StateWriter {
    /// Drops dead letters that are older than `max_age`.
    pub(super) fn drop_aged_letters(&mut self) -> Result<(), JournalError> {
        let shared = self.shared.clone();
        let now = shared.clock.wall();
        let Some(before) = shared.options.dead_letters.too_old(now) else {
            return Ok(());
        };
        if lock(&shared.letters).values().all(|counts| counts.kept == 0) || self.oldest_letter >= before {
            return Ok(());
        }
        let (dropped, stays) = self.change(|txn, head| dead_letters::drop_aged(txn, head, before, AGED))?;
        // A letter that ends later is younger, so none is too old before this one is.
        self.oldest_letter = stays.unwrap_or(now);
        for (component, dropped) in &dropped {
            tracing::warn!(component, dropped, "dead letters older than max_age were dropped");
        }
        if !dropped.is_empty() {
            self.state.reuse_at_once();
        }
        Ok(())
    }
}

#[async_trait]
impl Letters for DiskJournal {
    async fn bury(&self, letters: Vec<DeadLetter>) -> Result<(), AppendError> {
        for (letters, weight) in burial::pieces(letters) {
            let permit = self.burying.clone().acquire_many_owned(weight).await;
            let permit = permit.map_err(|_| AppendError::Closed)?;
            if let Some(error) = self.shared.halts.refuse(1) {
                return Err(AppendError::Failed(error));
            }
            let (reply, answer) = oneshot::channel();
            let burial = Burial {
                letters,
                reply,
                permit,
            };
            self.state_writer
                .send(ToStateWriter::Bury(burial))
                .map_err(|_| AppendError::Closed)?;
            answer.await.unwrap_or(Err(AppendError::Closed))?;
        }
        Ok(())
    }

    async fn take_dead_letters(&self, ids: &[DeadLetterId], retry: bool) -> Result<Taken, JournalError> {
        let ids = ids.to_vec();
        self.ask(move |state_writer| state_writer.take_letters(&ids, retry))
            .await?
    }

    async fn send_again(&self, sink: &str, events: Vec<SendAgain>) -> Result<Vec<bool>, JournalError> {
        let sink = sink.to_owned();
        self.ask(move |state_writer| state_writer.send_again(&sink, events))
            .await?
    }

    async fn dead_letter_page(
        &self,
        filter: &DeadLetterFilter,
        page: Page,
    ) -> Result<DeadLetterPage, JournalError> {
        let (store, filter) = (self.store.clone(), filter.clone());
        let file = self.shared.options.path.join(tables::FILE);
        let reading = tokio::task::spawn_blocking(move || {
            let read = store.read(|txn| dead_letters::page(txn, &filter, page));
            let (found, damaged) = read.map_err(|trouble| trouble.at(&file))?;
            if damaged > 0 {
                tracing::error!(file = %file.display(), damaged, "dead letters unreadable");
            }
            Ok(found)
        });
        reading
            .await
            .unwrap_or_else(|_| Err(JournalError("reading was cut off".into())))
    }

    fn letter_counts(&self) -> BTreeMap<String, LetterCounts> {
        lock(&self.shared.letters).clone()
    }

    fn dead_letter_quota(&self) -> DeadLetterQuota {
        self.shared.options.dead_letters
    }
}
