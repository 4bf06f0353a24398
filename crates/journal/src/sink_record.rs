//! The record of a sink: in the state, and in the heading of each file of frames.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::inputs::{Held, Inputs};
use crate::mappings::Mappings;
use crate::names::Names;
use crate::panic_guard::{Trouble, newer_with};
use crate::{Position, Progress, Roster, SinkState, Subscription};

/// A sink as it is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SinkRecord {
    pub(crate) progress: Progress,
    pub(crate) last_opened: i64,
    /// An orphan that holds nothing any more.
    pub(crate) released: bool,
    /// The inputs that decide which events the sink is owed; earlier versions did not record them.
    #[serde(default = "Inputs::unknown")]
    pub(crate) inputs: Inputs,
    #[serde(default)]
    pub(crate) mappings: Mappings,
    /// Properties that later versions may give to a record, a bit for each. This version knows none and sets none.
    #[serde(default)]
    pub(crate) flags: u64,
    /// The id of the key by which later versions may encrypt what belongs to the sink; 0 if nothing is encrypted.
    #[serde(default)]
    pub(crate) key: u64,
    /// The rate group whose lease counts for the sink in a shared journal; `None` if that of any router's file does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) group: Option<String>,
}

impl SinkRecord {
    /// Sets the position at which a new sink begins. A sink that held nothing begins at the end of the log.
    pub(crate) fn begin(&mut self, new_at: Option<Position>, held: Held) {
        match new_at {
            Some(position) => self.progress.cursor = position,
            None if self.released => {
                (self.progress.cursor, self.progress.settled) = (held.to, Vec::new());
            }
            None => {}
        }
    }

    /// Opens the sink with a subscription; see [`Inputs::open`].
    pub(crate) fn open(
        &mut self,
        subscription: &Subscription,
        roster: (Option<&Roster>, &Names),
        held: Held,
        unsettled: &BTreeSet<String>,
        now: i64,
    ) {
        self.inputs
            .open(&mut self.progress, subscription, roster, held, unsettled);
        self.mappings.open(&subscription.mappings);
        (self.last_opened, self.released) = (now, false);
    }

    /// Moves the sink to another progress, for a replay. It then holds its events for a while even without a reader.
    pub(crate) fn replay(&mut self, progress: Progress, held: Held, now: i64) {
        let cursor = progress.cursor.max(held.from).min(held.to);
        let before = std::mem::replace(&mut self.progress, Progress { cursor, ..progress });
        self.inputs.replay(&before, &self.progress);
        (self.last_opened, self.released) = (now, false);
    }

    /// Forgets the events of a source or of all, and counts them.
    pub(crate) fn forget(&mut self, source: Option<&str>, events: u64) {
        self.inputs.forget(source);
        if source.is_none() {
            self.released = true;
            self.progress.open.clear();
        }
        self.count_forgotten(events);
    }

    /// Counts forgotten events.
    pub(crate) fn count_forgotten(&mut self, events: u64) {
        if events > 0 {
            let filtered = &mut self.progress.totals.filtered;
            *filtered.entry("forgotten".into()).or_default() += events;
        }
    }

    /// Makes the record of a sink whose former one cannot be read: all events before `end` are settled, and some of them are
    /// forgotten. If it is `delivered`, the sink is owed later events of whatever inputs it will be opened with.
    #[cfg(feature = "nats")]
    pub(crate) fn given_up(end: Position, forgotten: u64, delivered: bool) -> SinkRecord {
        let mut record = SinkRecord::default();
        record.progress.cursor = end;
        record.forget(None, forgotten);
        if delivered {
            (record.released, record.inputs) = (false, Inputs::unknown());
        }
        record
    }

    /// Adds the record that the sink had under its earlier name.
    pub(crate) fn merge(&mut self, past: SinkRecord) {
        self.inputs.merge(&mut self.progress, past.inputs, past.progress);
        self.released &= past.released;
        self.group = self.group.take().or(past.group);
    }

    /// The position behind all places in the log that the record speaks of.
    #[cfg(feature = "nats")]
    pub(crate) fn behind(&self) -> Position {
        let settled = self.progress.settled.last().map(|(_, to)| *to);
        let places = [self.progress.cursor]
            .into_iter()
            .chain(settled)
            .chain(self.inputs.places());
        places.max().unwrap_or(0)
    }

    /// Describes the sink.
    pub(crate) fn describe(
        self,
        name: String,
        parked: u64,
        unread: Vec<(String, u64)>,
        oldest_pending: Option<i64>,
        names: &Names,
    ) -> SinkState {
        let removed = |source: &&String| self.inputs.is_removed(source, names);
        let sources = unread.iter().map(|(source, _)| source);
        SinkState {
            name,
            removed: sources.clone().filter(removed).cloned().collect(),
            renamed: names.renamed_among(sources),
            owed: self.inputs.owed(names),
            progress: self.progress,
            parked,
            unread,
            oldest_pending,
            last_opened: self.last_opened,
            unreadable: false,
        }
    }

    /// Fails if the record has a property that this version does not know: it must neither use nor change the record.
    pub(crate) fn check(&self, name: &str) -> Result<(), Trouble> {
        let (flags, key) = (self.flags, self.key);
        if flags == 0 && key == 0 {
            return Ok(());
        }
        Err(newer_with(&format!(
            "the state of the sink '{name}' has flags {flags} and key {key}"
        )))
    }
}
