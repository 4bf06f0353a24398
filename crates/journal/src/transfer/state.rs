//! The states of sources, and the comparison at the end.

use std::collections::BTreeMap;

use super::MARK_SOURCE;
use super::sink::Written;
use crate::{Journal, JournalError, SourceTotals, TransferError};

/// Copies counts and checkpoints of the sources.
pub(super) async fn copy_sources(from: &dyn Journal, to: &dyn Journal) -> Result<(), JournalError> {
    for (source, totals) in from.source_totals().await? {
        for (key, value) in from.checkpoints(&source).await? {
            to.save_checkpoint(&source, &key, Some(value));
        }
        to.save_source(&source, totals);
    }
    to.flush().await;
    to.save_counts().await
}

/// Compares the two journals, and returns the pending deliveries of all sinks. `resumed` is true if an earlier copy has appended
/// some of the events.
pub(super) async fn compare(
    from: &dyn Journal,
    to: &dyn Journal,
    sinks: &[Written],
    resumed: bool,
) -> Result<u64, TransferError> {
    let differ = |how: &str| match resumed {
        true => TransferError::CannotResume(format!("the new journal differs from the old one: {how}")),
        false => TransferError::Failed(JournalError(format!(
            "the new journal differs from the old one: {how}. The old journal is as it was; report this as a bug"
        ))),
    };
    let pending: BTreeMap<String, u64> = to
        .sinks()
        .await?
        .into_iter()
        .map(|sink| (sink.name.clone(), sink.pending()))
        .collect();
    for sink in sinks {
        let found = pending.get(&sink.name).copied().unwrap_or_default();
        if found != sink.pending {
            return Err(differ(&format!(
                "the sink {} has {found} pending events there, and should have {}",
                sink.name, sink.pending
            )));
        }
    }
    let kept = |journal: &dyn Journal| {
        let counts = journal
            .letter_counts()
            .into_iter()
            .filter(|(_, counts)| counts.kept > 0);
        counts
            .map(|(name, counts)| (name, counts.kept))
            .collect::<BTreeMap<_, _>>()
    };
    let (old, new) = (kept(from), kept(to));
    if old != new {
        return Err(differ(&format!(
            "{} dead letters lie there, and {} here",
            new.values().sum::<u64>(),
            old.values().sum::<u64>()
        )));
    }
    let sources = |totals: Vec<(String, SourceTotals)>| {
        let known = totals.into_iter().filter(|(name, _)| name != MARK_SOURCE);
        known.collect::<BTreeMap<_, _>>()
    };
    if sources(from.source_totals().await?) != sources(to.source_totals().await?) {
        return Err(differ("the counts of the sources are not the same"));
    }
    Ok(pending.values().sum())
}
