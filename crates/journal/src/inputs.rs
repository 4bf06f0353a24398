//! Which events of the log a sink is owed: those that were in the log for it when they were acknowledged, whatever the
//! pipeline says later.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::names::{Names, Roster};
use crate::ranges::{self, OPEN, Span};
use crate::{Position, Progress, Start};

/// What a sink asks for when its reader is opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subscription {
    /// The sources it listens to from now on. What it was owed of others it stays owed.
    pub inputs: Vec<String>,
    /// Where it begins if the journal does not know it, and with sources that it did not listen to before.
    pub start: Start,
    /// Of a sink that is no longer in the pipeline: it is owed what it was owed, whatever the source.
    pub orphan: bool,
    /// Its mappings by name, each with a fingerprint of what it is, without the name.
    pub mappings: BTreeMap<String, String>,
}

impl Subscription {
    /// To what is left of a sink that is no longer in the pipeline.
    pub fn orphan() -> Subscription {
        Subscription {
            orphan: true,
            ..Subscription::default()
        }
    }

    /// To these sources.
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

/// What a sink is owed, for its reader.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owed {
    sources: Vec<OwedSource>,
    /// The inputs, with all names they had before.
    inputs: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct OwedSource {
    name: String,
    standing: Standing,
    spans: Vec<Span>,
}

/// How a sink came to be owed an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Its source is one of the sink's inputs, or was renamed to one.
    Input,
    /// Its source was an input when the event was acknowledged, and is no longer.
    Removed,
}

impl Owed {
    /// How a sink is owed an event of this source; `None` if it is not.
    pub fn at(&self, position: Position, source: &str) -> Option<Standing> {
        let owed = self.sources.iter().find(|owed| owed.name == source)?;
        let there = match owed.spans.as_slice() {
            // By far the most.
            [(from, to)] => *from <= position && position < *to,
            spans => ranges::holds(spans, position),
        };
        there.then_some(owed.standing)
    }

    /// Whether events of this source that are acknowledged from now on are for the sink.
    pub fn listens_to(&self, source: &str) -> bool {
        let owed = self.sources.iter().find(|owed| owed.name == source);
        owed.is_some_and(|owed| owed.spans.last().is_some_and(|(_, to)| *to == OPEN))
    }

    /// Whether a source is not an input of the sink, under no name that it ever had.
    pub fn is_removed(&self, source: &str) -> bool {
        !self.inputs.iter().any(|input| input == source)
    }
}

/// The sources of a sink, as they are kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Inputs {
    /// Its inputs when it was last opened.
    pub(crate) named: Vec<String>,
    /// By source, the ranges whose events of that source are for the sink.
    pub(crate) spans: BTreeMap<String, Vec<Span>>,
    /// A version of the program that did not write ranges by source has left this sink: in these it is owed the events
    /// of all inputs that it will be opened with.
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
    /// Of a sink that another version has left.
    pub(crate) fn unknown() -> Inputs {
        Inputs {
            all: vec![(0, OPEN)],
            ..Inputs::default()
        }
    }

    /// The sink is opened with these inputs. `progress` says how far it has come, and may go back for a source that
    /// is to be read from its beginning. `unsettled` are the sources of the events that it has not settled; they are
    /// asked for only if another version has left the sink.
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
            // A source that is no longer there sends nothing but what it has under way, and that is still for the
            // sink. Should the source come back, it is new to the sink, unless it is an input again.
            let may_send = roster.is_none_or(|roster| roster.has_source(source));
            if may_send && !subscription.names(source) {
                *spans = ranges::both(spans, &[(0, held.to)]);
            }
        }
        let listens = |spans: &Vec<Span>| spans.last().is_some_and(|(_, to)| *to == OPEN);
        let added: Vec<&String> = subscription.inputs.iter().collect();
        let added: Vec<&String> = added
            .into_iter()
            .filter(|source| !self.spans.get(*source).is_some_and(listens))
            .collect();
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

    /// Of what another version has left, the inputs are for the sink; and so are sources that nobody in the pipeline
    /// has, since somebody must have had them: most likely they were renamed.
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

    /// Lets the sink begin with sources at the oldest event held, though it has gone further with others: these stay
    /// settled as far as they are.
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

    /// The sink is no longer in the pipeline: what comes from now on is not for it.
    pub(crate) fn leave(&mut self, end: Position) {
        for spans in self.spans.values_mut().chain([&mut self.all]) {
            *spans = ranges::both(spans, &[(0, end)]);
        }
        self.named.clear();
    }

    /// A replay: what the sink had settled and has no longer is for it again, if its source is an input now.
    pub(crate) fn replay(&mut self, before: &Progress, now: &Progress) {
        let again = ranges::without(&ranges::unsettled(now), &ranges::unsettled(before));
        for source in &self.named {
            let spans = self.spans.entry(source.clone()).or_default();
            *spans = ranges::either(spans, &again);
        }
    }

    /// What two sinks are owed that become one, with their progress.
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

    /// Ranges in which the sink has events to come, with the sources of these; `None` for all sources.
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

    /// Whether a source is not among the sink's inputs, under no name.
    pub(crate) fn is_removed(&self, source: &str, names: &Names) -> bool {
        let now = names.now(source);
        !self.named.iter().any(|input| input == source || input == now)
    }

    /// For a reader.
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
