//! Quality of the events that destinations get: the share that carries each match key and parameter, graded by a rule that
//! docs/quality.md explains.
//!
//! The numbers come from the history's sums of delivered records, so they are there without rows of events.

mod rule;
mod words;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use signalbox_core::{Identifier, NO_TRIGGER_MATCHED, Parameter, Rated, RatedKey};
use signalbox_history::{By, Outcome, Reader, Report, Sum};

pub use self::rule::Grade;
use self::rule::{Counts, Missing, lifts, points, reach};
pub use self::words::warning_in_words;
use crate::history;
use crate::operate::StatusSource;
use crate::scores::DestinationScores;

/// The quality of the events of a sink.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SinkQuality {
    /// The sink.
    pub sink: String,
    /// The grade over all names; `None` without delivered records.
    pub grade: Option<Grade>,
    /// The score over all names: the mean of theirs, each weighted by its records. 0 to 100.
    pub score: u32,
    /// Delivered records.
    pub records: u64,
    /// The names, the one with the most records first.
    pub events: Vec<EventQuality>,
    /// Names of events that no mapping listens to, the most frequent first.
    pub unheard: Vec<Unheard>,
    /// The destination's own rating; `None` if it cannot be asked.
    pub destination: Option<DestinationScores>,
}

/// The quality of the events of one name at a sink.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct EventQuality {
    /// The destination's name of the conversion.
    pub event_name: String,
    /// Delivered records.
    pub records: u64,
    /// The score, 0 to 100.
    pub score: u32,
    /// The grade of the score.
    pub grade: Grade,
    /// Improvements that would raise the score by a point or more, the largest first.
    pub lifts: Vec<Lift>,
    /// Match keys that the destination takes, those with the most points first.
    pub match_keys: Vec<Coverage>,
    /// Other parameters.
    pub parameters: Vec<Coverage>,
    /// Records that were so old at delivery that the destination values them less.
    pub late: Share,
    /// Warnings by code and path, the most frequent first.
    pub warnings: Vec<WarningShare>,
}

/// A number of records and their share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Share {
    /// Records.
    pub records: u64,
    /// Their share in percent, rounded: `41`, `0.4`, `less than 0.1`. Only none is `0`, only all is `100`.
    pub percent: String,
}

impl Share {
    fn of(records: u64, total: u64) -> Share {
        Share {
            records,
            percent: words::percent(records, total),
        }
    }
}

/// The records that carried a match key or a parameter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Coverage {
    /// The name in mappings.
    pub name: String,
    /// The name in plain words.
    pub label: String,
    /// The kind of match key; `None` for other parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Identifier>,
    /// The names of the match key in records, of which a record carries one; empty for other parameters.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sent_as: Vec<String>,
    /// The records that carried it.
    #[serde(flatten)]
    pub share: Share,
    /// True if the score counts it: every match key, and the parameters that events of this name should carry.
    pub expected: bool,
}

/// Something that would raise a score.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Lift {
    /// The match key or parameter, by its name in mappings, or `late`.
    pub name: String,
    /// The score afterwards.
    pub score: u32,
    /// The grade afterwards.
    pub grade: Grade,
    /// The advice as a sentence.
    pub sentence: String,
}

/// The records with a warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct WarningShare {
    /// The code.
    pub code: String,
    /// The path of the field; empty if it is about the event.
    pub path: String,
    /// The records with it.
    #[serde(flatten)]
    pub share: Share,
    /// The same in words: `phone: 41 % without country code`.
    pub sentence: String,
}

/// Events that no mapping listens to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Unheard {
    /// The event's own name: that of a track event, else its type. `…` stands for names that look personal or are too many.
    pub event: String,
    /// Events.
    pub events: u64,
}

/// Reads the quality of one sink, or of all whose destination rates events: of hours that end after `since` (Unix
/// milliseconds). Also returns sentences about the routers whose records are missing. Blocks while it reads a file.
///
/// # Errors
/// A sentence about the file that cannot be read.
pub fn read(
    reader: &Reader,
    source: &dyn StatusSource,
    sinks: &[String],
    since: Option<i64>,
) -> Result<(Vec<SinkQuality>, Vec<String>), String> {
    let request = Report {
        since,
        sink: match sinks {
            [one] => Some(one.clone()),
            _ => None,
        },
        by: vec![By::Sink, By::EventName, By::Outcome, By::Reason],
        details: true,
    };
    let mut by_sink: BTreeMap<String, Vec<Sum>> = BTreeMap::new();
    let reported = history::report(reader, &request)?;
    for sum in reported.sums {
        if let Some(sink) = sum.group.first() {
            by_sink.entry(sink.clone()).or_default().push(sum);
        }
    }
    let quality = |sink: &String| {
        let sums = by_sink.get(sink).map_or(&[][..], Vec::as_slice);
        // A destination that rates events rates those of any name.
        source.rated(sink, "")?;
        let mut quality = of_sink(sink, sums, |name| source.rated(sink, name));
        quality.destination = source.scores(sink);
        Some(quality)
    };
    Ok((sinks.iter().filter_map(quality).collect(), reported.unread))
}

/// Makes the quality of a sink from its sums by sink, name, outcome and reason.
fn of_sink(sink: &str, sums: &[Sum], rated: impl Fn(&str) -> Option<Rated>) -> SinkQuality {
    let mut by_name: BTreeMap<&str, Tally> = BTreeMap::new();
    let mut unheard: BTreeMap<&str, u64> = BTreeMap::new();
    for sum in sums {
        let [_, name, outcome, reason] = &*sum.group else {
            continue;
        };
        if *outcome == Outcome::Delivered.name() {
            by_name.entry(name).or_default().add(sum);
        } else if *outcome == Outcome::Filtered.name() && reason == NO_TRIGGER_MATCHED {
            *unheard.entry(name).or_default() += number(sum.count);
        }
    }
    let mut events: Vec<EventQuality> = by_name
        .into_iter()
        .filter_map(|(name, tally)| Some(tally.quality(name, &rated(name)?)))
        .collect();
    events.sort_by_key(|event| std::cmp::Reverse(event.records));
    let mut unheard: Vec<Unheard> = unheard
        .into_iter()
        .map(|(event, events)| Unheard {
            event: event.to_owned(),
            events,
        })
        .collect();
    unheard.sort_by_key(|unheard| std::cmp::Reverse(unheard.events));
    let records: u64 = events.iter().map(|event| event.records).sum();
    let weighted: u64 = events
        .iter()
        .map(|event| u64::from(event.score) * event.records)
        .sum();
    let score = (weighted + records / 2).checked_div(records).unwrap_or(0);
    let score = u32::try_from(score).unwrap_or(100);
    SinkQuality {
        sink: sink.to_owned(),
        grade: (records > 0).then(|| Grade::of(score)),
        score,
        records,
        events,
        unheard,
        destination: None,
    }
}

/// The sums of one name.
#[derive(Default)]
struct Tally {
    records: u64,
    late: u64,
    match_keys: BTreeMap<String, u64>,
    parameters: BTreeMap<String, u64>,
    warnings: BTreeMap<String, u64>,
}

/// Returns the names under which records carry a match key.
fn sent_as(key: &RatedKey) -> &[&'static str] {
    if key.sent_as.is_empty() {
        std::slice::from_ref(&key.name)
    } else {
        key.sent_as
    }
}

/// Sums are signed in SQLite, and never negative.
fn number(count: i64) -> u64 {
    u64::try_from(count).unwrap_or(0)
}

impl Tally {
    fn add(&mut self, sum: &Sum) {
        self.records += number(sum.count);
        self.late += number(sum.late);
        for (mine, theirs) in [
            (&mut self.match_keys, &sum.match_keys),
            (&mut self.parameters, &sum.parameters),
            (&mut self.warnings, &sum.warnings),
        ] {
            for (name, count) in theirs {
                *mine.entry(name.clone()).or_default() += number(*count);
            }
        }
    }

    fn quality(&self, event_name: &str, rated: &Rated) -> EventQuality {
        let count = |counts: &BTreeMap<String, u64>, name: &str| counts.get(name).copied().unwrap_or(0);
        let key = |key: &RatedKey| {
            let names = sent_as(key);
            let records = names.iter().map(|name| count(&self.match_keys, name)).sum();
            (key.name, key.kind, records)
        };
        let mut match_keys: Vec<_> = rated.match_keys.iter().map(key).collect();
        match_keys.sort_by_key(|(_, kind, _)| std::cmp::Reverse(points(*kind)));
        let counts = Counts {
            records: self.records,
            match_keys,
            parameters: Parameter::ALL.map(|parameter| count(&self.parameters, parameter.name())),
            expected: rated.expected,
            late: self.late,
        };
        let names = |name: &str| {
            let key = rated.match_keys.iter().find(|key| key.name == name);
            let names = key.map_or(&[][..], sent_as);
            names.iter().map(ToString::to_string).collect()
        };
        let match_keys = counts.match_keys.iter().map(|(name, kind, count)| Coverage {
            name: (*name).to_owned(),
            label: words::identifier(name, *kind),
            kind: Some(*kind),
            sent_as: names(name),
            share: Share::of(*count, self.records),
            expected: points(*kind) > 0,
        });
        let parameters = Parameter::ALL.into_iter().zip(counts.parameters);
        let parameters = parameters.map(|(parameter, count)| Coverage {
            name: parameter.name().to_owned(),
            label: words::parameter(parameter).to_owned(),
            kind: None,
            sent_as: Vec::new(),
            share: Share::of(count, self.records),
            expected: rated.expected.has(parameter),
        });
        let mut warnings: Vec<WarningShare> = self
            .warnings
            .iter()
            .map(|(warning, count)| warning_share(warning, *count, self.records))
            .collect();
        warnings.sort_by_key(|warning| std::cmp::Reverse(warning.share.records));
        let score = counts.score();
        EventQuality {
            event_name: event_name.to_owned(),
            records: self.records,
            score,
            grade: Grade::of(score),
            lifts: lifts(&counts)
                .into_iter()
                .map(|(missing, to)| lift(&counts, missing, to))
                .collect(),
            match_keys: match_keys.collect(),
            parameters: parameters.collect(),
            late: Share::of(self.late, self.records),
            warnings,
        }
    }
}

fn warning_share(warning: &str, count: u64, total: u64) -> WarningShare {
    let (code, path) = warning.split_once(' ').unwrap_or((warning, ""));
    let share = Share::of(count, total);
    let field = path.rsplit('.').next().filter(|field| !field.is_empty());
    let said = format!("{} % {}", share.percent, words::warning(code));
    WarningShare {
        code: code.to_owned(),
        path: path.to_owned(),
        share,
        sentence: match field {
            Some(field) => format!("{field}: {said}"),
            None => said,
        },
    }
}

fn lift(counts: &Counts, missing: Missing, score: u32) -> Lift {
    let share = |count| words::percent(count, counts.records);
    let grade = Grade::of(score);
    let rise = format!(
        "the score would rise from {} to {score} ({})",
        counts.score(),
        grade.word()
    );
    let (name, sentence) = match missing {
        Missing::MatchKey(place) => {
            let (name, kind, count) =
                counts
                    .match_keys
                    .get(place)
                    .copied()
                    .unwrap_or(("", Identifier::Detail, 0));
            let label = words::identifier(name, kind);
            let many = match reach(kind, count) {
                100 => "all did".to_owned(),
                part => format!("{part} % did, which is the share of visits that may come from ads"),
            };
            let sentence = format!(
                "{label}: {} % of the events carry it. If {many}, {rise}.",
                share(count)
            );
            (name, sentence)
        }
        Missing::Parameter(parameter) => {
            let place = Parameter::ALL.iter().position(|one| *one == parameter);
            let count = place
                .and_then(|place| counts.parameters.get(place))
                .copied()
                .unwrap_or(0);
            let label = words::parameter(parameter);
            let sentence = format!(
                "{label}: {} % of the events carry it. If all did, {rise}.",
                share(count)
            );
            (parameter.name(), sentence)
        }
        Missing::Late => {
            let sentence = format!(
                "Delay: {} % of the events reach the platform late. If none did, {rise}.",
                share(counts.late)
            );
            ("late", sentence)
        }
    };
    Lift {
        name: name.to_owned(),
        score,
        grade,
        sentence,
    }
}

#[cfg(test)]
mod tests;
