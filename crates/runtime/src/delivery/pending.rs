//! Everything of a sink that is not settled yet: its events, and their records on the way out.

use signalbox_core::Reason;

use super::events::Events;
use super::item::Item;
use super::outgoing::Outgoing;

/// The events under way and their records.
pub(super) struct Pending {
    pub(super) events: Events,
    pub(super) outgoing: Outgoing,
}

impl Pending {
    /// Rejects records; without room for its dead letter, one waits again.
    pub(super) fn reject(&mut self, rejected: impl IntoIterator<Item = (Item, Reason)>) {
        for (item, reason) in rejected {
            if let Some(item) = self.events.reject(item, &reason) {
                self.outgoing.ready.push_front(item);
            }
        }
    }

    /// Takes a group out of its bisection for good, and rejects the records that are at fault by this.
    pub(super) fn answered(&mut self, episode: Option<u64>) {
        let at_fault = self.outgoing.episodes.answered(episode);
        self.reject(at_fault);
    }
}
