//! The rule by which events are graded. docs/quality.md explains it; a test holds the two equal.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use signalbox_core::{Identifier, Parameter, Parameters};

/// A grade, in the words of conversions APIs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Grade {
    /// Below 40 points.
    NeedsImprovement,
    /// 40 points or more.
    Fair,
    /// 70 points or more.
    Good,
}

impl Grade {
    /// Least points of a good grade.
    const GOOD: u32 = 70;
    /// Least points of a fair grade.
    const FAIR: u32 = 40;

    /// Returns the grade of points from 0 to 100.
    #[must_use]
    pub fn of(points: u32) -> Grade {
        match points {
            Grade::GOOD.. => Grade::Good,
            Grade::FAIR.. => Grade::Fair,
            _ => Grade::NeedsImprovement,
        }
    }

    /// Returns the word in answers.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Grade::Good => "GOOD",
            Grade::Fair => "FAIR",
            Grade::NeedsImprovement => "NEEDS_IMPROVEMENT",
        }
    }
}

/// Weight of matching in the score, against the [`weight`]s of the expected parameters.
const MATCHING: u64 = 12;

/// Returns the points that a match key brings if every event carries it. The sum of all counts up to 100.
pub(super) fn points(kind: Identifier) -> u64 {
    match kind {
        Identifier::Email | Identifier::MobileAdId => 40,
        Identifier::ClickId => 30,
        Identifier::Phone | Identifier::ExternalId | Identifier::BrowserId => 20,
        Identifier::IpAddress | Identifier::UserAgent => 10,
        Identifier::Detail => 2,
    }
}

/// Returns the weight of a parameter where it is expected.
pub(super) fn weight(parameter: Parameter) -> u64 {
    match parameter {
        Parameter::Value | Parameter::Contents | Parameter::EventId => 2,
        Parameter::Currency | Parameter::OrderId => 1,
        Parameter::SourceUrl => 0,
    }
}

/// Returns the share of events in percent that can carry a match key at best. Only visits that follow an ad have a click id,
/// and only apps have advertising ids, so that these are missed only where some events have one.
pub(super) fn reach(kind: Identifier, count: u64) -> u64 {
    match kind {
        Identifier::ClickId => 20,
        Identifier::MobileAdId if count == 0 => 0,
        _ => 100,
    }
}

/// Counts of the events of one name.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts {
    /// Delivered records.
    pub(super) records: u64,
    /// Records that carried each match key.
    pub(super) match_keys: Vec<(&'static str, Identifier, u64)>,
    /// Records that carried each parameter, in the order of [`Parameter::ALL`].
    pub(super) parameters: [u64; Parameter::ALL.len()],
    /// The parameters that these events should carry.
    pub(super) expected: Parameters,
    /// Records that came late.
    pub(super) late: u64,
}

impl Counts {
    /// Returns the score in hundredths of a point, 0 to 10,000. Whole numbers, so that the border of a grade is exact.
    fn hundredths(&self) -> u64 {
        let records = self.records;
        if records == 0 {
            return 0;
        }
        let matched: u64 = self
            .match_keys
            .iter()
            .map(|(_, kind, count)| points(*kind) * count)
            .sum();
        let (mut weights, mut sum) = (MATCHING, MATCHING * matched.min(100 * records));
        for (parameter, count) in Parameter::ALL.into_iter().zip(self.parameters) {
            if self.expected.has(parameter) {
                weights += weight(parameter);
                sum += 100 * weight(parameter) * count.min(records);
            }
        }
        // A late record counts half.
        let timely = u128::from(2 * records - self.late.min(records));
        let numerator = u128::from(sum) * 100 * timely;
        let denominator = u128::from(weights * records) * u128::from(2 * records);
        u64::try_from((numerator + denominator / 2) / denominator).unwrap_or(u64::MAX)
    }

    /// Returns the score in whole points, rounded, from 0 to 100.
    pub(super) fn score(&self) -> u32 {
        u32::try_from((self.hundredths() + 50) / 100).unwrap_or(100)
    }
}

/// An improvement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    /// A match key, by its place in [`Counts::match_keys`].
    MatchKey(usize),
    /// A parameter.
    Parameter(Parameter),
    /// Late events.
    Late,
}

/// Lists the improvements that would raise the score by a point or more, the largest first, each with the score after it.
pub(super) fn lifts(counts: &Counts) -> Vec<(Missing, u32)> {
    let now = counts.hundredths();
    let mut better: Vec<(Missing, Counts)> = Vec::new();
    for (place, (_, kind, count)) in counts.match_keys.iter().enumerate() {
        let mut with = counts.clone();
        with.match_keys[place].2 = (counts.records * reach(*kind, *count) / 100).max(*count);
        better.push((Missing::MatchKey(place), with));
    }
    for (place, parameter) in Parameter::ALL.into_iter().enumerate() {
        let mut with = counts.clone();
        with.parameters[place] = counts.records;
        better.push((Missing::Parameter(parameter), with));
    }
    let with = Counts {
        late: 0,
        ..counts.clone()
    };
    better.push((Missing::Late, with));
    let mut lifts: Vec<(u64, Missing, u32)> = better
        .into_iter()
        .map(|(missing, with)| (with.hundredths().saturating_sub(now), missing, with.score()))
        .filter(|(rise, _, score)| *rise >= 100 && *score > counts.score())
        .collect();
    lifts.sort_by_key(|(rise, ..)| std::cmp::Reverse(*rise));
    lifts
        .into_iter()
        .map(|(_, missing, score)| (missing, score))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMAIL: (&str, Identifier, u64) = ("email", Identifier::Email, 0);

    fn counts(
        records: u64,
        match_keys: &[(&'static str, Identifier, u64)],
        expected: &[Parameter],
    ) -> Counts {
        let mut set = Parameters::default();
        expected.iter().for_each(|parameter| set.add(*parameter, true));
        Counts {
            records,
            match_keys: match_keys.to_vec(),
            expected: set,
            ..Counts::default()
        }
    }

    #[test]
    fn grades_change_at_their_borders() {
        for (points, grade) in [
            (0, Grade::NeedsImprovement),
            (39, Grade::NeedsImprovement),
            (40, Grade::Fair),
            (69, Grade::Fair),
            (70, Grade::Good),
            (100, Grade::Good),
        ] {
            assert_eq!(Grade::of(points), grade, "{points}");
            assert_eq!(serde_json::to_value(grade).unwrap(), grade.word());
        }
    }

    #[test]
    fn the_score_reaches_each_border_exactly() {
        // Only matching counts: 40 points for e-mail, 30 for the click id, at these coverages of 1,000 records.
        for (email, click, score) in [
            (1_000, 0, 40),
            (987, 0, 39),
            (988, 0, 40),
            (1_000, 983, 69),
            (1_000, 984, 70),
            (1_000, 1_000, 70),
        ] {
            let keys = [
                ("email", Identifier::Email, email),
                ("click_id", Identifier::ClickId, click),
            ];
            assert_eq!(counts(1_000, &keys, &[]).score(), score, "{email} {click}");
        }
    }

    #[test]
    fn more_keys_than_needed_bring_no_more_than_all_points() {
        let keys = [
            ("email", Identifier::Email, 10),
            ("phone", Identifier::Phone, 10),
            ("external_id", Identifier::ExternalId, 10),
            ("click_id", Identifier::ClickId, 10),
        ];
        assert_eq!(counts(10, &keys, &[]).score(), 100);
        assert_eq!(counts(0, &keys, &[]).score(), 0, "without records");
    }

    #[test]
    fn expected_parameters_and_late_records_count() {
        let expected = [
            Parameter::Value,
            Parameter::Currency,
            Parameter::OrderId,
            Parameter::Contents,
            Parameter::EventId,
        ];
        let mut checkout = counts(100, &[("email", Identifier::Email, 100)], &expected);
        // 12 of 20 parts: 40 points, the rest nothing.
        assert_eq!(checkout.score(), 24);
        checkout.parameters = [100; Parameter::ALL.len()];
        assert_eq!(checkout.score(), 64);
        checkout.late = 50;
        assert_eq!(checkout.score(), 48);
        checkout.late = 100;
        assert_eq!(checkout.score(), 32);
        let page_visit = counts(100, &[("email", Identifier::Email, 100)], &[Parameter::EventId]);
        assert_eq!(page_visit.score(), 34, "12 of 14 parts");
    }

    #[test]
    fn the_largest_lift_comes_first() {
        let keys = [
            ("phone", Identifier::Phone, 50),
            EMAIL,
            ("click_id", Identifier::ClickId, 0),
            ("maid", Identifier::MobileAdId, 0),
            ("city", Identifier::Detail, 0),
        ];
        let mut counts = counts(100, &keys, &[Parameter::EventId]);
        counts.parameters = [100; Parameter::ALL.len()];
        let found = lifts(&counts);
        // 10 of 100 points for phone numbers now: (12 × 10 + 2 × 100) / 14 = 22.86.
        assert_eq!(counts.score(), 23);
        let expected = [
            (Missing::MatchKey(1), 57),
            (Missing::MatchKey(0), 31),
            (Missing::MatchKey(2), 28),
            (Missing::MatchKey(4), 25),
        ];
        assert_eq!(found, expected);
        counts.late = 100;
        let late: Vec<Missing> = lifts(&counts).into_iter().map(|(missing, _)| missing).collect();
        assert_eq!(late[..2], [Missing::MatchKey(1), Missing::Late]);
    }
}
