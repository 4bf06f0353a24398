//! Logs when dead letters fill up and when some are dropped.

use std::collections::BTreeMap;

use super::shared::Shared;
use crate::dead_letter::Summing;
use crate::mutex::lock;
use crate::state::dead_letters;
use crate::state::state_file::StateFile;
use crate::state::store::Store;
use crate::{DeadLetterFilter, DeadLetterQuota, LetterCounts, Page};

/// The levels logged last, and the drops to log at the next tick.
#[derive(Default)]
pub(crate) struct LetterWatch {
    /// Letters dropped since the last log line, by component.
    dropped: BTreeMap<String, u64>,
    /// The percentage that was logged last, by component.
    levels: BTreeMap<String, u64>,
}

impl LetterWatch {
    pub(crate) fn dropped(&mut self, letters: BTreeMap<String, u64>) {
        for (component, count) in letters {
            *self.dropped.entry(component).or_default() += count;
        }
    }

    /// Logs drops and risen levels.
    pub(crate) fn tell(&mut self, shared: &Shared, state: &StateFile) {
        for (component, dropped) in std::mem::take(&mut self.dropped) {
            tracing::warn!(
                component,
                dropped,
                "dead letters exceed their quota: the oldest were dropped and cannot be retried"
            );
        }
        for (component, counts) in lock(&shared.letters).clone() {
            let level = level(&counts);
            let told = self.levels.insert(component.clone(), level).unwrap_or(0);
            if level > told {
                warn(
                    state.store.clone(),
                    component,
                    counts,
                    &shared.options.dead_letters,
                );
            }
        }
    }
}

/// The fill level of a component's letters: 0, or the highest of the levels in percent that it has reached.
fn level(counts: &LetterCounts) -> u64 {
    let percent = counts.bytes.saturating_mul(100) / counts.max_bytes.max(1);
    [100, 90, 70]
        .into_iter()
        .find(|level| percent >= *level)
        .unwrap_or(0)
}

/// Logs how full the letters are, and which reason most of them have. Finding that out means reading all of them, which
/// happens on a separate thread.
fn warn(store: Store, component: String, counts: LetterCounts, quota: &DeadLetterQuota) {
    let then = if quota.drops(&component) {
        "the oldest are dropped when they are full"
    } else {
        "the sink is held when they are full"
    };
    let tell = move || {
        let (top_reason, its_letters) = top_reason(&store, &component).unwrap_or_default();
        tracing::warn!(
            component,
            bytes = counts.bytes,
            max_bytes = counts.max_bytes,
            top_reason,
            its_letters,
            "dead letters fill up, {then}: look at them (signalbox deadletters summary), then retry or discard them, \
             or raise [dead_letters]"
        );
    };
    let spawned = std::thread::Builder::new()
        .name("journal-letters".into())
        .spawn(tell);
    if let Err(error) = spawned {
        tracing::warn!("dead letters fill up; there is no thread to tell by which reason: {error}");
    }
}

/// The most frequent reason among a component's letters, with its number of letters.
fn top_reason(store: &Store, component: &str) -> Option<(String, u64)> {
    let filter = DeadLetterFilter {
        component: Some(component.to_owned()),
        ..DeadLetterFilter::default()
    };
    let mut page = Page {
        limit: 1_000,
        ..Page::default()
    };
    let mut sums = Summing::default();
    loop {
        let (found, _) = store.read(|txn| dead_letters::page(txn, &filter, page)).ok()?;
        found.letters.into_iter().for_each(|stored| sums.add(stored));
        page.after = found.next;
        if page.after.is_none() {
            break;
        }
    }
    let mut reasons: BTreeMap<String, u64> = BTreeMap::new();
    for group in sums.done().groups {
        *reasons.entry(group.reason).or_default() += group.count;
    }
    reasons.into_iter().max_by_key(|(_, count)| *count)
}
