//! Giving up the oldest events when the journal is full, for sinks whose operator prefers new events to old ones
//! (`on_journal_full = "dead_letter_oldest"`).

use std::sync::atomic::{AtomicBool, Ordering::AcqRel};

use signalbox_core::Reason;
use signalbox_journal::RecordEnd;
use tokio::sync::Notify;

use super::driver::Driver;
use super::item::Item;

/// How many events are given up each time the journal is full.
const AT_ONCE: usize = 1_000;

/// How a source asks a sink for room.
#[derive(Debug, Default)]
pub struct LoadShed {
    asked: AtomicBool,
    news: Notify,
}

impl LoadShed {
    /// Asks; does not wait.
    pub fn ask(&self) {
        self.asked.store(true, std::sync::atomic::Ordering::Release);
        self.news.notify_one();
    }

    /// Returns when asked, at once if that was before.
    pub(super) async fn asked(&self) {
        while !self.asked.swap(false, AcqRel) {
            self.news.notified().await;
        }
    }
}

impl Driver {
    /// Makes dead letters of the oldest events under way, if there is room for these.
    pub(super) async fn shed_oldest(&mut self) {
        if self.holds_for_letters() {
            return;
        }
        let reason = Reason::new("journal_full", "given up to make room for new events");
        // Those in a request under way may be delivered all the same.
        let in_flight = self.positions_in_flight();
        let mut oldest = self.window.oldest_open(AT_ONCE);
        oldest.retain(|position| !in_flight.contains(position));
        tracing::warn!(
            sink = %self.options.name,
            "the journal is full: the {} oldest events become dead letters",
            oldest.len()
        );
        self.recall(oldest.iter().copied()).await;
        for position in oldest {
            self.bury(position, "", &reason);
            self.close_event(position, RecordEnd::Rejected(reason.code().to_owned()));
        }
        self.sort_out();
        self.commit_next();
    }

    /// Drops records of events that were given up, wherever they wait, and releases their keys: the events may come
    /// back from the dead letters, and these keys would then be in their way.
    fn sort_out(&mut self) {
        let (window, sent_keys) = (&mut self.window, &mut self.sent_keys);
        let mut keep = |item: &Item| {
            let open = window.is_open(item.position);
            if !open && let Some(claim) = item.claim {
                sent_keys.release(claim);
            }
            open
        };
        self.ready.retain(&mut keep);
        self.episodes.retain(&mut keep);
        for group in &mut self.groups {
            group.items.retain(&mut keep);
        }
        let mut delayed = std::mem::take(&mut self.delayed).into_vec();
        for due in &mut delayed {
            due.what.items.retain(&mut keep);
        }
        self.delayed = delayed.into();
    }
}
