//! Reports: sums, in the groups that a reader compares.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A column by which sums are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The hour, as Unix milliseconds of its beginning.
    Hour,
    /// The day (UTC), as Unix milliseconds of its beginning.
    Day,
    /// The sink.
    Sink,
    /// The mapping; empty for events that made no record.
    Mapping,
    /// The name at the destination; the event's own if it made no record.
    EventName,
    /// The outcome.
    Outcome,
    /// The code of the reason; empty for delivered records.
    Reason,
}

impl By {
    /// All columns.
    pub const ALL: [By; 7] = [
        By::Hour,
        By::Day,
        By::Sink,
        By::Mapping,
        By::EventName,
        By::Outcome,
        By::Reason,
    ];

    /// Returns the name in requests and answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            By::Hour => "hour",
            By::Day => "day",
            By::Sink => "sink",
            By::Mapping => "mapping",
            By::EventName => "event_name",
            By::Outcome => "outcome",
            By::Reason => "reason",
        }
    }

    /// Finds a column by its name.
    #[must_use]
    pub fn named(name: &str) -> Option<By> {
        By::ALL.into_iter().find(|by| by.name() == name)
    }
}

/// The sums that a reader wants. Sums of different currencies are never added up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Report {
    /// Sums of hours that end after this moment, Unix milliseconds. Default: all.
    pub since: Option<i64>,
    /// Only of this sink.
    pub sink: Option<String>,
    /// The groups. Default: one.
    pub by: Vec<By>,
    /// If true, counts of match keys, parameters, warnings and latencies are included.
    pub details: bool,
}

impl Report {
    /// Returns a column that stands in [`Report::by`] twice.
    #[must_use]
    pub fn repeated(&self) -> Option<By> {
        let mut columns = self.by.iter().enumerate();
        let twice = columns.find(|(index, by)| self.by.iter().take(*index).any(|earlier| earlier == *by));
        twice.map(|(_, by)| *by)
    }
}

/// The answer to a [`Report`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reported {
    /// The sums, ordered by group.
    pub sums: Vec<Sum>,
    /// Routers whose sums are missing, with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<String>,
}

/// The sum of a group.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sum {
    /// The group, in the order of [`Report::by`].
    pub group: Vec<String>,
    /// ISO 4217 code of the values' currency; empty for records without one.
    pub currency: String,
    /// Records.
    pub count: i64,
    /// Sum of values in millionths.
    pub value_millionths: i64,
    /// Records with a value.
    pub valued: i64,
    /// Attempts of all records.
    pub attempts: i64,
    /// Bytes of all records.
    pub bytes: i64,
    /// Late records.
    pub late: i64,
    /// Records that carried a match key, by its name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub match_keys: BTreeMap<String, i64>,
    /// Records that carried another parameter by which destinations rate events, by its name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, i64>,
    /// Records with a warning, by `code path`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub warnings: BTreeMap<String, i64>,
    /// Delivered records by the time from receipt to answer: upper bounds in seconds, and `+inf`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub latency: BTreeMap<String, i64>,
}

impl Sum {
    /// Adds another sum of the same group.
    pub(crate) fn add(&mut self, other: Sum) {
        self.count += other.count;
        self.value_millionths = self.value_millionths.saturating_add(other.value_millionths);
        self.valued += other.valued;
        self.attempts += other.attempts;
        self.bytes += other.bytes;
        self.late += other.late;
        for (mine, others) in [
            (&mut self.match_keys, other.match_keys),
            (&mut self.parameters, other.parameters),
            (&mut self.warnings, other.warnings),
            (&mut self.latency, other.latency),
        ] {
            for (name, count) in others {
                *mine.entry(name).or_default() += count;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_requests() {
        for by in By::ALL {
            assert_eq!(serde_json::to_value(by).unwrap(), by.name());
            assert_eq!(By::named(by.name()), Some(by));
        }
        assert_eq!(By::named("week"), None);
        let repeated = |by: &[By]| {
            let by = by.to_vec();
            Report {
                by,
                ..Report::default()
            }
            .repeated()
        };
        assert_eq!(repeated(&By::ALL), None);
        assert_eq!(repeated(&[By::Day, By::Sink, By::Day, By::Sink]), Some(By::Day));
    }
}
