//! What could not be delivered.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::Position;

/// Names one dead letter for as long as it is kept. Later ones are larger.
pub type DeadLetterId = u64;

/// How the component of a source's dead letters begins.
pub const SOURCE: &str = "source:";

/// One record (or event, or input of a source) that ended undelivered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// The sink's name, or `source:NAME` for what never reached the journal.
    pub component: String,
    /// The event's `messageId`, if it could be read.
    pub message_id: String,
    /// The source the event came from.
    pub source: String,
    /// The mapping that made the record; empty for a whole event.
    pub mapping: String,
    /// Stable code.
    pub reason: String,
    /// The sentence that goes with it; no personal data.
    pub message: String,
    /// Attempts made.
    pub attempts: u32,
    /// Unix milliseconds of the first attempt (or of the arrival, if there was none).
    pub first_at: i64,
    /// Unix milliseconds of the end.
    pub last_at: i64,
    /// Where the event is in the journal; `None` for what never got there.
    pub position: Option<Position>,
    /// Unix milliseconds of the event's arrival.
    pub received_at: i64,
    /// The event's payload as JSON, as far as the setting `personal_data` allows; `None` if nothing is kept.
    pub payload: Option<String>,
    /// What is known beside the payload ([`signalbox_core::Facts`] as JSON), to retry it from this letter.
    pub facts: Option<String>,
}

impl DeadLetter {
    /// Bytes that it takes on disk, about.
    pub fn size(&self) -> u64 {
        let texts = [
            &self.component,
            &self.message_id,
            &self.source,
            &self.mapping,
            &self.reason,
            &self.message,
        ];
        let kept = [&self.payload, &self.facts];
        let texts = texts.into_iter().chain(kept.into_iter().flatten());
        // The names of its members and the numbers take as much as this.
        const REST: u64 = 256;
        texts.map(|text| text.len() as u64).sum::<u64>() + REST
    }
}

/// Which dead letters; what is `None` chooses all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeadLetterFilter {
    /// Of this component.
    pub component: Option<String>,
    /// With this reason code.
    pub reason: Option<String>,
    /// Of this mapping.
    pub mapping: Option<String>,
    /// Of the event with this `messageId`.
    pub message_id: Option<String>,
    /// That ended at or after this moment, Unix milliseconds.
    pub since: Option<i64>,
    /// That ended before this moment, Unix milliseconds.
    pub before: Option<i64>,
    /// With this id.
    pub id: Option<DeadLetterId>,
    /// With this id or a smaller one: those that there were when it was the newest.
    pub up_to: Option<DeadLetterId>,
}

impl DeadLetterFilter {
    /// Whether a letter is chosen.
    pub fn admits(&self, id: DeadLetterId, letter: &DeadLetter) -> bool {
        let same = |wanted: &Option<String>, found: &String| wanted.as_ref().is_none_or(|text| text == found);
        same(&self.component, &letter.component)
            && same(&self.reason, &letter.reason)
            && same(&self.mapping, &letter.mapping)
            && same(&self.message_id, &letter.message_id)
            && self.since.is_none_or(|since| since <= letter.last_at)
            && self.before.is_none_or(|before| letter.last_at < before)
            && self.id.is_none_or(|wanted| wanted == id)
            && self.up_to.is_none_or(|last| id <= last)
    }

    /// Whether it chooses by the component alone, so that counts tell how many there are.
    pub fn by_component_only(&self) -> bool {
        let Self { component, .. } = self;
        *self
            == DeadLetterFilter {
                component: component.clone(),
                ..DeadLetterFilter::default()
            }
    }
}

/// The order in which dead letters are read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// For looking at them.
    #[default]
    NewestFirst,
    /// For doing something with all of them.
    OldestFirst,
}

/// Which part of the matching dead letters is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Page {
    /// Those behind this one; `None` begins.
    pub after: Option<DeadLetterId>,
    /// In this order.
    pub order: Order,
    /// At most so many.
    pub limit: usize,
    /// With what is kept of their events.
    pub payloads: bool,
}

impl Page {
    /// The ids among which the page's letters are; `None` if there can be none.
    pub(crate) fn ids(&self, filter: &DeadLetterFilter) -> Option<RangeInclusive<DeadLetterId>> {
        let (mut first, mut last) = (0, filter.up_to.unwrap_or(DeadLetterId::MAX));
        if let Some(id) = filter.id {
            (first, last) = (id, last.min(id));
        }
        match (self.order, self.after) {
            (_, None) => {}
            (Order::NewestFirst, Some(after)) => last = last.min(after.saturating_sub(1)),
            (Order::OldestFirst, Some(after)) => first = first.max(after.saturating_add(1)),
        }
        (first <= last).then_some(first..=last)
    }
}

/// Some dead letters. There are fewer than asked for, even none, when looking further would take long or too much
/// memory: `next` tells whether there may be more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeadLetterPage {
    /// In the order asked for.
    pub letters: Vec<StoredLetter>,
    /// The [`Page::after`] that leads on; `None` at the end.
    pub next: Option<DeadLetterId>,
}

/// A dead letter as it is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredLetter {
    /// Its id.
    pub id: DeadLetterId,
    /// What it takes on disk.
    pub bytes: u64,
    /// The letter.
    pub letter: DeadLetter,
}

/// How much one page may take: what is given out, and what is looked at.
#[derive(Debug)]
pub(crate) struct Budget {
    letters: usize,
    given: u64,
    looked: u64,
    bytes: u64,
}

impl Budget {
    /// Bytes of letters that are given out.
    const GIVEN: u64 = 2_000_000;
    /// Letters that are looked at.
    const LOOKED: u64 = 50_000;
    /// Bytes of letters that are looked at.
    const BYTES: u64 = 64_000_000;

    pub(crate) fn new(limit: usize) -> Budget {
        Budget {
            letters: limit.max(1),
            given: 0,
            looked: 0,
            bytes: 0,
        }
    }

    /// Notes that one was looked at.
    pub(crate) fn look(&mut self, bytes: u64) {
        self.looked += 1;
        self.bytes += bytes;
    }

    /// Notes that one is given out.
    pub(crate) fn give(&mut self, letter: &DeadLetter) {
        self.letters -= 1;
        self.given += letter.size() + size_of::<StoredLetter>() as u64;
    }

    /// Whether the page ends here.
    pub(crate) fn is_spent(&self) -> bool {
        self.letters == 0
            || self.given >= Self::GIVEN
            || self.looked >= Self::LOOKED
            || self.bytes >= Self::BYTES
    }
}

/// How many dead letters there are, by component, reason and mapping.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeadLetterSummary {
    /// The largest first.
    pub groups: Vec<DeadLetterGroup>,
    /// The newest id among them.
    pub newest: Option<DeadLetterId>,
}

/// Dead letters that have component, reason and mapping in common.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetterGroup {
    /// As [`DeadLetter::component`].
    pub component: String,
    /// As [`DeadLetter::reason`].
    pub reason: String,
    /// As [`DeadLetter::mapping`].
    pub mapping: String,
    /// How many.
    pub count: u64,
    /// What they take.
    pub bytes: u64,
    /// Unix milliseconds of the end that is longest ago.
    pub oldest: i64,
    /// Unix milliseconds of the latest end.
    pub newest: i64,
}

/// Sums up dead letters page by page.
#[derive(Debug, Default)]
pub(crate) struct Summing {
    groups: BTreeMap<(String, String, String), DeadLetterGroup>,
    newest: Option<DeadLetterId>,
}

impl Summing {
    pub(crate) fn add(&mut self, stored: StoredLetter) {
        let StoredLetter { id, bytes, letter } = stored;
        self.newest = self.newest.max(Some(id));
        let key = (letter.component, letter.reason, letter.mapping);
        let group = self
            .groups
            .entry(key)
            .or_insert_with_key(|(component, reason, mapping)| DeadLetterGroup {
                component: component.clone(),
                reason: reason.clone(),
                mapping: mapping.clone(),
                oldest: letter.last_at,
                newest: letter.last_at,
                ..DeadLetterGroup::default()
            });
        group.count += 1;
        group.bytes += bytes;
        group.oldest = group.oldest.min(letter.last_at);
        group.newest = group.newest.max(letter.last_at);
    }

    pub(crate) fn done(self) -> DeadLetterSummary {
        let mut groups: Vec<_> = self.groups.into_values().collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.count));
        DeadLetterSummary {
            groups,
            newest: self.newest,
        }
    }
}

/// How many bytes of dead letters are kept, and what happens when there would be more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeadLetterQuota {
    /// For each sink.
    pub sink_bytes: u64,
    /// For a sink whose letters are full.
    pub on_full: OnFull,
    /// For each source. Its oldest go beyond: anybody may send it junk, which must not stop deliveries.
    pub source_bytes: u64,
}

/// What happens when the dead letters of a sink are full.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnFull {
    /// The sink is to take no decision that makes another one ([`crate::Reader::dead_letters_full`]).
    #[default]
    HoldSink,
    /// The oldest are dropped, and counted.
    DropOldest,
}

impl Default for DeadLetterQuota {
    fn default() -> Self {
        DeadLetterQuota {
            sink_bytes: 1_000_000_000,
            on_full: OnFull::HoldSink,
            source_bytes: 256_000_000,
        }
    }
}

impl DeadLetterQuota {
    /// The bytes for a component.
    pub fn bytes(&self, component: &str) -> u64 {
        if component.starts_with(SOURCE) {
            self.source_bytes
        } else {
            self.sink_bytes
        }
    }

    /// Whether the oldest of a component are dropped.
    pub fn drops(&self, component: &str) -> bool {
        component.starts_with(SOURCE) || self.on_full == OnFull::DropOldest
    }
}

/// What is kept of a component's dead letters, and what is not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LetterCounts {
    /// Letters kept.
    pub kept: u64,
    /// Bytes they take.
    pub bytes: u64,
    /// Bytes they may take.
    pub max_bytes: u64,
    /// Letters dropped to make room for newer ones, over all time.
    pub dropped: u64,
}
