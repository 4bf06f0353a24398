//! Bisecting: a batch was refused as a whole, without naming the culprit. Its halves are sent until the
//! culprit is alone. If record after record is refused alone and none is ever accepted, the records are
//! hardly at fault: then everything is kept and the sink is put on hold.
//!
//! A destination that names the culprit saves the halves: the others go again without it, and it goes alone, since the
//! name may be wrong. Where names lead to no accepted record, halves find the good records sooner.

use std::collections::HashMap;

use signalbox_core::Reason;

use super::item::Item;

/// Number of records refused alone, with none accepted in between, that puts the sink on hold.
pub(super) const MAX_ALONE: usize = 8;

/// Number of records refused alone, with none accepted in between, from which on batches are halved even if the destination
/// names a culprit: with many culprits in a batch, taking out one after the other would reach [`MAX_ALONE`] before any good
/// record is accepted.
const MAX_NAMED: usize = 4;

/// Number of named records of a batch, beyond those refused alone, from which on the batch is halved although the destination
/// names a culprit: the names are wrong, for instance counted from one. The last ones may still be on their way.
const MAX_UNCONFIRMED: usize = 3;

/// Bisections under way.
#[derive(Debug, Default)]
pub(super) struct Episodes {
    open: HashMap<u64, Episode>,
    last: u64,
    /// Records refused alone since the last accepted one.
    streak: usize,
}

#[derive(Debug, Default)]
struct Episode {
    /// Groups not answered yet.
    groups: usize,
    /// A record of the original batch was accepted, so those refused alone are at fault.
    accepted: bool,
    /// Records taken out since the destination named them.
    named: usize,
    /// Records refused alone.
    refused: usize,
    suspects: Vec<(Item, Reason)>,
}

/// The decision about records refused alone.
#[derive(Debug, Default)]
pub(super) struct Judged {
    pub(super) rejected: Vec<(Item, Reason)>,
    /// Records that are not at fault: the sink goes on hold and keeps them.
    pub(super) kept: Option<(Vec<Item>, Reason)>,
}

impl Episodes {
    /// Returns true while the records that a destination names are taken out of the batch.
    pub(super) fn trusts_names(&self, episode: Option<u64>) -> bool {
        let open = episode.and_then(|id| self.open.get(&id));
        let confirmed = open.is_none_or(|open| open.named < open.refused + MAX_UNCONFIRMED);
        self.streak < MAX_NAMED && confirmed
    }

    /// Notes that a named record was taken out of the batch.
    pub(super) fn named(&mut self, id: u64) {
        if let Some(episode) = self.open.get_mut(&id) {
            episode.named += 1;
        }
    }

    /// Replaces a group of an episode (a new one if it had none) by `into` groups.
    pub(super) fn split(&mut self, episode: Option<u64>, into: usize) -> u64 {
        let id = episode.unwrap_or_else(|| {
            self.last += 1;
            self.open.insert(
                self.last,
                Episode {
                    groups: 1,
                    ..Episode::default()
                },
            );
            self.last
        });
        if let Some(episode) = self.open.get_mut(&id) {
            episode.groups = episode.groups + into - 1;
        }
        id
    }

    /// Takes a record that was refused alone.
    pub(super) fn refused_alone(&mut self, episode: Option<u64>, item: Item, reason: Reason) -> Judged {
        self.streak += 1;
        let id = self.split(episode, 1);
        let Some(open) = self.open.get_mut(&id) else {
            return Judged::default();
        };
        open.refused += 1;
        open.suspects.push((item, reason.clone()));
        if self.streak >= MAX_ALONE {
            let kept = std::mem::take(&mut open.suspects)
                .into_iter()
                .map(|(item, _)| item)
                .collect();
            self.answered(Some(id));
            return Judged {
                kept: Some((kept, reason)),
                ..Judged::default()
            };
        }
        let mut judged = Judged::default();
        if open.accepted {
            judged.rejected = std::mem::take(&mut open.suspects);
        }
        judged.rejected.extend(self.answered(Some(id)));
        judged
    }

    /// Notes that a record was accepted; returns the suspects of its episode, which are at fault then.
    pub(super) fn accepted(&mut self, episode: Option<u64>) -> Vec<(Item, Reason)> {
        self.streak = 0;
        let Some(open) = episode.and_then(|id| self.open.get_mut(&id)) else {
            return Vec::new();
        };
        open.accepted = true;
        std::mem::take(&mut open.suspects)
    }

    /// Takes a group out of its episode for good. After the last one, returns the suspects: no other record can be at
    /// fault.
    pub(super) fn answered(&mut self, episode: Option<u64>) -> Vec<(Item, Reason)> {
        let Some(id) = episode else { return Vec::new() };
        let Some(open) = self.open.get_mut(&id) else {
            return Vec::new();
        };
        open.groups = open.groups.saturating_sub(1);
        if open.groups > 0 {
            return Vec::new();
        }
        self.open
            .remove(&id)
            .map(|episode| episode.suspects)
            .unwrap_or_default()
    }

    /// Keeps only the suspects for which `keep` returns true.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&Item) -> bool) {
        for episode in self.open.values_mut() {
            episode.suspects.retain(|(item, _)| keep(item));
        }
    }

    /// Begins to count anew, since deliveries go on after a hold.
    pub(super) fn forget_streak(&mut self) {
        self.streak = 0;
    }
}
