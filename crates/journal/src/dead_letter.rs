//! Dead letters: records and events that could not be delivered.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Position;

/// Names one dead letter for as long as it is kept. Later ones are larger.
pub type DeadLetterId = u64;

/// The prefix of the component's name in a source's dead letters.
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
    /// The event's [`signalbox_core::Facts`] as JSON, to retry it from this letter.
    pub facts: Option<String>,
}

impl DeadLetter {
    /// Returns about how many bytes the letter takes on disk.
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
        // The names of the members and the numbers take about this much.
        const REST: u64 = 256;
        texts.map(|text| text.len() as u64).sum::<u64>() + REST
    }
}

/// A choice of dead letters; members that are `None` choose all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeadLetterFilter {
    /// The letter's component.
    pub component: Option<String>,
    /// The letter's reason code.
    pub reason: Option<String>,
    /// The letter's mapping.
    pub mapping: Option<String>,
    /// The `messageId` of the letter's event.
    pub message_id: Option<String>,
    /// The earliest moment at which the letter may have ended, Unix milliseconds.
    pub since: Option<i64>,
    /// The moment before which the letter must have ended, Unix milliseconds.
    pub before: Option<i64>,
    /// The letter's id.
    pub id: Option<DeadLetterId>,
    /// The largest id that the letter may have: it excludes letters that came after this one.
    pub up_to: Option<DeadLetterId>,
}

impl DeadLetterFilter {
    /// True if the filter chooses a letter.
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

    /// True if the filter chooses by the component alone, so that the kept counts tell how many letters match.
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
    /// The order for looking at letters.
    #[default]
    NewestFirst,
    /// The order for doing something with all of them.
    OldestFirst,
}

/// The part of the matching dead letters that is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Page {
    /// The letter after which the page begins; `None` begins with the first.
    pub after: Option<DeadLetterId>,
    /// The order of the letters.
    pub order: Order,
    /// The largest number of letters.
    pub limit: usize,
    /// True to include the kept content of the letters' events.
    pub payloads: bool,
}

impl Page {
    /// The range of ids that the page's letters are in; `None` if there can be none.
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

/// Some dead letters. There are fewer than asked for, even none, when reading on would take too long or too much
/// memory: `next` tells if there may be more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeadLetterPage {
    /// The letters, in the order asked for.
    pub letters: Vec<StoredLetter>,
    /// The [`Page::after`] of the next page; `None` at the end.
    pub next: Option<DeadLetterId>,
}

/// A dead letter in the journal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredLetter {
    /// Its id.
    pub id: DeadLetterId,
    /// The bytes that the letter takes on disk.
    pub bytes: u64,
    /// The letter.
    pub letter: DeadLetter,
}

/// Collects a page letter by letter, until it holds enough or has looked at enough.
#[derive(Debug)]
pub(crate) struct Paging<'a> {
    filter: &'a DeadLetterFilter,
    page: Page,
    found: DeadLetterPage,
    given: u64,
    looked: u64,
    bytes: u64,
}

impl<'a> Paging<'a> {
    /// Bytes of letters that a page may return.
    const GIVEN: u64 = 2_000_000;
    /// Letters that a page may look at.
    const LOOKED: u64 = 50_000;
    /// Bytes of letters that a page may look at.
    const BYTES: u64 = 64_000_000;

    pub(crate) fn new(filter: &'a DeadLetterFilter, page: Page) -> Paging<'a> {
        Paging {
            filter,
            page,
            found: DeadLetterPage::default(),
            given: 0,
            looked: 0,
            bytes: 0,
        }
    }

    /// Takes the next letter of a range in the order of the page; `None` at the end of the page or of the range.
    pub(crate) fn next<I: DoubleEndedIterator>(&self, letters: &mut I) -> Option<I::Item> {
        match self.page.order {
            _ if self.found.next.is_some() => None,
            Order::NewestFirst => letters.next_back(),
            Order::OldestFirst => letters.next(),
        }
    }

    /// Looks at a letter of `bytes` bytes and adds it if the filter chooses it. `outline` is the letter, at least without
    /// the kept content of its event, or `None` if it is damaged; `whole` reads all of it.
    pub(crate) fn look(
        &mut self,
        id: DeadLetterId,
        bytes: u64,
        outline: Option<Cow<'_, DeadLetter>>,
        whole: impl FnOnce() -> Option<DeadLetter>,
    ) {
        self.looked += 1;
        self.bytes += bytes;
        if let Some(outline) = outline.filter(|letter| self.filter.admits(id, letter)) {
            let whole = if self.page.payloads { whole() } else { None };
            let letter = whole.unwrap_or_else(|| DeadLetter {
                payload: None,
                facts: None,
                ..outline.into_owned()
            });
            self.given += letter.size() + size_of::<StoredLetter>() as u64;
            self.found.letters.push(StoredLetter { id, bytes, letter });
        }
        let spent = self.found.letters.len() >= self.page.limit.max(1)
            || self.given >= Self::GIVEN
            || self.looked >= Self::LOOKED
            || self.bytes >= Self::BYTES;
        self.found.next = spent.then_some(id);
    }

    /// Returns the page.
    pub(crate) fn done(self) -> DeadLetterPage {
        self.found
    }
}

/// The number of dead letters by component, reason and mapping.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeadLetterSummary {
    /// The groups, the largest first.
    pub groups: Vec<DeadLetterGroup>,
    /// The newest id among the letters.
    pub newest: Option<DeadLetterId>,
}

/// Dead letters that have component, reason and mapping in common.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetterGroup {
    /// The letters' [`DeadLetter::component`].
    pub component: String,
    /// The letters' [`DeadLetter::reason`].
    pub reason: String,
    /// The letters' [`DeadLetter::mapping`].
    pub mapping: String,
    /// The number of letters.
    pub count: u64,
    /// The bytes that the letters take.
    pub bytes: u64,
    /// The end of the letter that ended first, Unix milliseconds.
    pub oldest: i64,
    /// The end of the letter that ended last, Unix milliseconds.
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

/// The bytes of dead letters that are kept, the rule for more than these, and the age of the oldest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeadLetterQuota {
    /// The bytes for each sink.
    pub sink_bytes: u64,
    /// The rule for a sink whose letters have reached their quota.
    pub on_full: OnFull,
    /// The bytes for each source. Beyond them its oldest letters are dropped: anybody may send it junk, which must not
    /// stop deliveries.
    pub source_bytes: u64,
    /// The age above which letters of all components are dropped; `None` sets no limit.
    pub max_age: Option<Duration>,
}

/// The rule for a sink whose dead letters have reached their quota.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OnFull {
    /// Holds the sink: it must take no decision that makes another letter ([`crate::Reader::dead_letters_full`]).
    #[default]
    HoldSink,
    /// Drops the oldest letters, and counts them.
    DropOldest,
}

impl Default for DeadLetterQuota {
    fn default() -> Self {
        DeadLetterQuota {
            sink_bytes: 1_000_000_000,
            on_full: OnFull::HoldSink,
            source_bytes: 256_000_000,
            max_age: None,
        }
    }
}

impl DeadLetterQuota {
    /// The quota of a component, in bytes.
    pub fn bytes(&self, component: &str) -> u64 {
        if component.starts_with(SOURCE) {
            self.source_bytes
        } else {
            self.sink_bytes
        }
    }

    /// The moment before which letters that ended are too old, Unix milliseconds; `None` if there is no limit.
    pub(crate) fn too_old(&self, now: i64) -> Option<i64> {
        let age = i64::try_from(self.max_age?.as_millis()).unwrap_or(i64::MAX);
        Some(now.saturating_sub(age))
    }

    /// True if a component's oldest letters are dropped when its quota is reached.
    pub fn drops(&self, component: &str) -> bool {
        component.starts_with(SOURCE) || self.on_full == OnFull::DropOldest
    }
}

/// Counts of a component's dead letters, kept and dropped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LetterCounts {
    /// Letters kept.
    pub kept: u64,
    /// Bytes that the letters take.
    pub bytes: u64,
    /// Bytes that the letters may take.
    pub max_bytes: u64,
    /// Letters dropped to make room for newer ones, or for their age, over all time.
    pub dropped: u64,
}
