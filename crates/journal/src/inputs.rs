//! The events of the log that a sink is owed: those of its inputs at the time when they were acknowledged. Later changes
//! of the pipeline do not alter them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::names::{Names, Roster};
use crate::ranges::{self, OPEN, Span};
use crate::{Position, Progress};

/// The place where a sink starts that the journal does not know yet, and with sources that are added to its inputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Start {
    /// After the newest event.
    #[default]
    End,
    /// At the oldest event still held.
    Beginning,
}

/// The subscription with which a sink opens its reader.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subscription {
    /// The sources that the sink listens to from now on. It is still owed the events that it was owed of others.
    pub inputs: Vec<String>,
    /// The place where the sink begins if the journal does not know it, and with sources that it did not listen to
    /// before.
    pub start: Start,
    /// True for a sink that is no longer in the pipeline: it keeps its earlier claims and gets no new ones.
    pub orphan: bool,
    /// The sink's mappings by name, each with a fingerprint of its contents without the name.
    pub mappings: BTreeMap<String, String>,
}

impl Subscription {
    /// Makes the subscription of a sink that is no longer in the pipeline.
    pub fn orphan() -> Subscription {
        Subscription {
            orphan: true,
            ..Subscription::default()
        }
    }

    /// Makes a subscription to these sources.
    pub fn new<'a>(inputs: impl IntoIterator<Item = &'a str>, start: Start) -> Subscription {
        Subscription {
            inputs: inputs.into_iter().map(str::to_owned).collect(),
            start,
            orphan: false,
            mappings: BTreeMap::new(),
        }
    }

    fn names(&self, source: &str) -> bool {
        self.inputs.iter().any(|input| input == source)
    }
}

/// The events that a sink is owed, for its reader.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owed {
    sources: Vec<OwedSource>,
    /// The inputs, with all their earlier names.
    inputs: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct OwedSource {
    name: String,
    standing: Standing,
    spans: Vec<Span>,
}

/// The reason why a sink is owed an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Its source is one of the sink's inputs, or was renamed to one.
    Input,
    /// Its source was an input when the event was acknowledged, and is no longer.
    Removed,
}

impl Owed {
    /// Returns why the sink is owed an event of this source; `None` if it is not owed it.
    pub fn at(&self, position: Position, source: &str) -> Option<Standing> {
        let owed = self.sources.iter().find(|owed| owed.name == source)?;
        let there = match owed.spans.as_slice() {
            // Nearly every source has one span.
            [(from, to)] => *from <= position && position < *to,
            spans => ranges::holds(spans, position),
        };
        there.then_some(owed.standing)
    }

    /// True if the sink is owed events of this source that are acknowledged from now on.
    pub fn listens_to(&self, source: &str) -> bool {
        let owed = self.sources.iter().find(|owed| owed.name == source);
        owed.is_some_and(|owed| owed.spans.last().is_some_and(|(_, to)| *to == OPEN))
    }

    /// Lists the sources of which the sink is owed events, past or future, by the names under which these came.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &str> {
        self.sources.iter().map(|owed| owed.name.as_str())
    }

    /// Lists the sources whose future events the sink is owed.
    pub(crate) fn open_sources(&self) -> impl Iterator<Item = &str> {
        let names = self.sources.iter().map(|owed| owed.name.as_str());
        names.filter(|name| self.listens_to(name))
    }

    /// True if a source is not an input of the sink under any of its names, present or earlier.
    pub fn is_removed(&self, source: &str) -> bool {
        !self.inputs.iter().any(|input| input == source)
    }
}

/// The inputs of a sink, as the journal keeps them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Inputs {
    /// The inputs with which the sink was last opened.
    pub(crate) named: Vec<String>,
    /// The ranges in which the sink is owed the events of a source, by source.
    pub(crate) spans: BTreeMap<String, Vec<Span>>,
    /// The ranges of a sink whose record comes from a version of the program that did not write them by source: in these
    /// the sink is owed the events of all inputs with which it will be opened.
    #[serde(default)]
    pub(crate) all: Vec<Span>,
}

/// The part of the log that is there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    pub(crate) from: Position,
    pub(crate) to: Position,
}

impl Inputs {
    /// Makes the inputs of a sink whose record comes from another version.
    pub(crate) fn unknown() -> Inputs {
        Inputs {
            all: vec![(0, OPEN)],
            ..Inputs::default()
        }
    }

    /// Opens the sink with the inputs of its subscription. `progress` is the sink's progress, and may go back for a
    /// source that is to be read from its beginning. `unsettled` are the sources of events that the sink has not
    /// settled; they matter only if the sink's record comes from another version.
    pub(crate) fn open(
        &mut self,
        progress: &mut Progress,
        subscription: &Subscription,
        (roster, names): (Option<&Roster>, &Names),
        held: Held,
        unsettled: &BTreeSet<String>,
    ) {
        self.take_over(subscription, (roster, names), held, unsettled);
        for (source, spans) in &mut self.spans {
            // A removed source finishes its requests under way, and the sink is owed their events. A source that comes
            // back is new to the sink, unless it is an input again.
            let may_send = roster.is_none_or(|roster| roster.has_source(source));
            if may_send && !subscription.names(source) {
                *spans = ranges::both(spans, &[(0, held.to)]);
            }
        }
        let listens = |spans: &Vec<Span>| spans.last().is_some_and(|(_, to)| *to == OPEN);
        let is_new = |source: &&String| !self.spans.get(*source).is_some_and(listens);
        let new = subscription.inputs.iter().filter(is_new);
        // A sink that was disabled goes on with the next event: its inputs are not added ones.
        let was_named = |source: &&String| self.named.iter().any(|input| names.now(input) == *source);
        let (back, added): (Vec<&String>, Vec<&String>) = new.partition(was_named);
        for source in back {
            ranges::add(self.spans.entry(source.clone()).or_default(), (held.to, OPEN));
        }
        match subscription.start {
            Start::Beginning if !added.is_empty() => self.add_from_the_beginning(progress, &added, held),
            _ => {
                for source in added {
                    ranges::add(self.spans.entry(source.clone()).or_default(), (held.to, OPEN));
                }
            }
        }
        self.named.clone_from(&subscription.inputs);
        let gone = held.from.min(progress.cursor);
        for spans in self.spans.values_mut() {
            spans.retain(|(_, to)| *to > gone);
        }
        self.spans.retain(|_, spans| !spans.is_empty());
    }

    /// Assigns the ranges that another version left without sources to the sink's inputs, and also to sources outside
    /// the pipeline: some sink must have had them, and most likely they were renamed.
    fn take_over(
        &mut self,
        subscription: &Subscription,
        (roster, names): (Option<&Roster>, &Names),
        held: Held,
        unsettled: &BTreeSet<String>,
    ) {
        let all = std::mem::take(&mut self.all);
        if all.is_empty() {
            return;
        }
        for source in &subscription.inputs {
            let spans = self.spans.entry(source.clone()).or_default();
            *spans = ranges::either(spans, &all);
        }
        let there = ranges::both(&all, &[(0, held.to)]);
        for source in unsettled {
            let now = names.now(source);
            let others = roster.is_none_or(|roster| roster.has_source(now));
            let of_it = subscription.orphan || subscription.names(now) || !others;
            if !subscription.names(source) && of_it {
                let spans = self.spans.entry(source.clone()).or_default();
                *spans = ranges::either(spans, &there);
            }
        }
    }

    /// Lets the sink begin with added sources at the oldest event held, even if it is further ahead with others, whose
    /// settled events stay settled.
    fn add_from_the_beginning(&mut self, progress: &mut Progress, added: &[&String], held: Held) {
        let open = ranges::unsettled(progress);
        let settled = ranges::without(&[(0, OPEN)], &open);
        for source in added {
            let spans = self.spans.entry((*source).clone()).or_default();
            let done = ranges::both(spans, &settled);
            *spans = ranges::without(&[(held.from, OPEN)], &done);
        }
        for (source, spans) in &mut self.spans {
            if !added.contains(&source) {
                *spans = ranges::both(spans, &open);
            }
        }
        progress.cursor = held.from.min(progress.cursor);
        progress.settled = Vec::new();
    }

    /// Notes that the sink is no longer delivered to: it is not owed events from `end` on. A disabled sink keeps the names
    /// of its inputs.
    pub(crate) fn leave(&mut self, end: Position, disabled: bool) {
        for spans in self.spans.values_mut().chain([&mut self.all]) {
            *spans = ranges::both(spans, &[(0, end)]);
        }
        if !disabled {
            self.named.clear();
        }
    }

    /// Removes the sink's claims to the events of one source, or of all.
    pub(crate) fn forget(&mut self, source: Option<&str>) {
        match source {
            Some(source) => {
                self.spans.remove(source);
                self.named.retain(|input| input != source);
            }
            None => {
                self.spans.clear();
                self.all.clear();
            }
        }
    }

    /// Notes a replay: the sink is owed again the events that it had settled and has not settled now, if their source
    /// is an input now.
    pub(crate) fn replay(&mut self, before: &Progress, now: &Progress) {
        let again = ranges::without(&ranges::unsettled(now), &ranges::unsettled(before));
        for source in &self.named {
            let spans = self.spans.entry(source.clone()).or_default();
            *spans = ranges::either(spans, &again);
        }
    }

    /// Merges the inputs and the progress of two sinks that become one.
    pub(crate) fn merge(&mut self, progress: &mut Progress, mut other: Inputs, past: Progress) {
        let (open, past_open) = (ranges::unsettled(progress), ranges::unsettled(&past));
        for spans in self.spans.values_mut().chain([&mut self.all]) {
            *spans = ranges::both(spans, &open);
        }
        for (source, spans) in std::mem::take(&mut other.spans) {
            let mine = self.spans.entry(source).or_default();
            *mine = ranges::either(mine, &ranges::both(&spans, &past_open));
        }
        self.all = ranges::either(&self.all, &ranges::both(&other.all, &past_open));
        progress.settled = Vec::new();
        progress.cursor = progress.cursor.min(past.cursor);
        progress.open.extend(past.open);
        progress.totals.add(past.totals);
    }

    /// Returns the ranges in which the sink has events to come, with their sources; `None` for all sources.
    pub(crate) fn pieces(&self, progress: &Progress, end: Position) -> Vec<(Span, Option<Vec<&str>>)> {
        let open = ranges::both(&ranges::unsettled(progress), &[(0, end)]);
        let owed: Vec<(&str, Vec<Span>)> = self
            .spans
            .iter()
            .map(|(source, spans)| (source.as_str(), ranges::both(spans, &open)))
            .collect();
        let all = ranges::both(&open, &self.all);
        let every = || owed.iter().flat_map(|(_, spans)| spans).chain(&all);
        let mut cuts: Vec<Position> = every().flat_map(|(from, to)| [*from, *to]).collect();
        cuts.sort_unstable();
        cuts.dedup();
        let mut pieces = Vec::new();
        for cut in cuts.windows(2) {
            let &[from, to] = cut else { continue };
            if ranges::holds(&all, from) {
                pieces.push(((from, to), None));
                continue;
            }
            let sources = owed.iter().filter(|(_, spans)| ranges::holds(spans, from));
            let sources: Vec<&str> = sources.map(|(source, _)| *source).collect();
            if !sources.is_empty() {
                pieces.push(((from, to), Some(sources)));
            }
        }
        pieces
    }

    /// The first position that the sink still needs; `None` if it needs none of those before `end`.
    pub(crate) fn first(&self, progress: &Progress, end: Position) -> Option<Position> {
        let pieces = self.pieces(progress, end);
        pieces.first().map(|((from, _), _)| *from)
    }

    /// Lists the positions at which the sink's claims begin and end.
    #[cfg(feature = "nats")]
    pub(crate) fn places(&self) -> impl Iterator<Item = Position> {
        let spans = self.spans.values().flatten().chain(&self.all);
        let ends = spans.flat_map(|(from, to)| [*from, *to]);
        ends.filter(|position| *position != OPEN)
    }

    /// True if a source is not among the sink's inputs under any of its names.
    pub(crate) fn is_removed(&self, source: &str, names: &Names) -> bool {
        let now = names.now(source);
        !self.named.iter().any(|input| input == source || input == now)
    }

    /// Makes the record of the sink's claims, for its reader.
    pub(crate) fn owed(&self, names: &Names) -> Owed {
        let source = |(name, spans): (&String, &Vec<Span>)| OwedSource {
            name: name.clone(),
            standing: if self.is_removed(name, names) {
                Standing::Removed
            } else {
                Standing::Input
            },
            spans: spans.clone(),
        };
        let before = self.named.iter().flat_map(|input| names.earlier(input));
        Owed {
            sources: self.spans.iter().map(source).collect(),
            inputs: before.map(str::to_owned).chain(self.named.clone()).collect(),
        }
    }
}
