//! Breakdowns made of the history's sums.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Serialize;
use signalbox_history::{LATENCY_BUCKETS, Outcome, Sum};

/// Records that ended within an hour or a day, without those of sources.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Bucket {
    /// The beginning, Unix milliseconds.
    pub(super) begin: i64,
    /// The end, Unix milliseconds.
    pub(super) end: i64,
    /// Delivered records.
    pub(super) delivered: u64,
    /// Records that the destination had already.
    pub(super) duplicate: u64,
    /// Events that were not meant for the sink.
    pub(super) filtered: u64,
    /// Rejected records.
    pub(super) rejected: u64,
    /// Expired records.
    pub(super) expired: u64,
}

/// Worth of delivered conversions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Worth {
    /// The sink.
    pub(super) sink: String,
    /// ISO 4217 code.
    pub(super) currency: String,
    /// Sum in millionths of the currency.
    pub(super) value_millionths: i64,
    /// Delivered records with a value.
    pub(super) records: u64,
}

/// Times from the receipt of an event to the destination's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Latency {
    /// The sink.
    pub(super) sink: String,
    /// Delivered records.
    pub(super) records: u64,
    /// Seconds within which half of the records were delivered, rounded up to a bucket; `None` if it took longer than a day.
    pub(super) half_within: Option<u64>,
    /// Seconds within which 95 of 100 records were delivered, in the same way.
    pub(super) most_within: Option<u64>,
}

/// Returns the beginning of the first of `count` spans of `span` milliseconds, of which the last one holds `now`.
pub(super) fn first(now: i64, span: i64, count: i64) -> i64 {
    (now.div_euclid(span) - count + 1) * span
}

/// Returns true for the name of this outcome.
pub(super) fn is(outcome: Outcome, name: &str) -> bool {
    outcome.name() == name
}

fn count(sum: &Sum) -> u64 {
    u64::try_from(sum.count).unwrap_or(0)
}

/// True for the sums of a source, which has no deliveries.
fn is_source(name: &str) -> bool {
    name.starts_with(signalbox_journal::SOURCE)
}

/// Distributes sums by time, outcome and sink over spans, of which the last one holds `now`.
pub(super) fn buckets(sums: &[Sum], (now, span, spans): (i64, i64, i64)) -> Vec<Bucket> {
    let first = first(now, span, spans);
    let mut buckets: Vec<Bucket> = (0..spans)
        .map(|place| Bucket {
            begin: first + place * span,
            end: first + (place + 1) * span,
            ..Bucket::default()
        })
        .collect();
    for sum in sums {
        let [begin, outcome, sink] = &*sum.group else {
            continue;
        };
        let bucket = begin.parse::<i64>().ok().and_then(|begin| {
            let place = usize::try_from((begin - first).div_euclid(span)).ok()?;
            buckets.get_mut(place)
        });
        let (Some(bucket), false) = (bucket, is_source(sink)) else {
            continue;
        };
        let to = match Outcome::named(outcome) {
            Some(Outcome::Delivered) => &mut bucket.delivered,
            Some(Outcome::Duplicate) => &mut bucket.duplicate,
            Some(Outcome::Filtered) => &mut bucket.filtered,
            Some(Outcome::Rejected) => &mut bucket.rejected,
            Some(Outcome::Expired) => &mut bucket.expired,
            None => continue,
        };
        *to += count(sum);
    }
    buckets
}

/// Lists the worth of delivered records, from sums by sink and outcome.
pub(super) fn worth(sums: &[Sum]) -> Vec<Worth> {
    let delivered = sums.iter().filter_map(|sum| match &*sum.group {
        [sink, outcome] if is(Outcome::Delivered, outcome) && sum.valued > 0 => Some(Worth {
            sink: sink.clone(),
            currency: sum.currency.clone(),
            value_millionths: sum.value_millionths,
            records: u64::try_from(sum.valued).unwrap_or(0),
        }),
        _ => None,
    });
    delivered.collect()
}

/// Lists the times of delivery, from detailed sums by sink.
pub(super) fn latency(sums: &[Sum]) -> Vec<Latency> {
    // Sums of different currencies stay apart, times need not.
    let mut by_sink: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
    for sum in sums {
        let [sink] = &*sum.group else { continue };
        let times = by_sink.entry(sink).or_default();
        for (bound, count) in &sum.latency {
            *times.entry(bound).or_default() += u64::try_from(*count).unwrap_or(0);
        }
    }
    let latency = by_sink.into_iter().filter_map(|(sink, times)| {
        let records = times.values().sum::<u64>();
        (records > 0).then(|| Latency {
            sink: sink.to_owned(),
            records,
            half_within: within(&times, records.div_ceil(2)),
            most_within: within(&times, (records * 95).div_ceil(100)),
        })
    });
    latency.collect()
}

/// Returns the bound in seconds within which `wanted` records lie.
fn within(times: &BTreeMap<&str, u64>, wanted: u64) -> Option<u64> {
    let mut sum = 0;
    LATENCY_BUCKETS.into_iter().find(|bound| {
        sum += times.get(&*bound.to_string()).copied().unwrap_or(0);
        sum >= wanted
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(group: &[&str], count: i64) -> Sum {
        Sum {
            group: group.iter().map(ToString::to_string).collect(),
            count,
            ..Sum::default()
        }
    }

    #[test]
    fn records_lie_in_their_hours_and_sources_stay_out() {
        let now = 10 * 3_600_000 + 5;
        let at = |hour: i64| (hour * 3_600_000).to_string();
        let sums = [
            sum(&[&at(10), "delivered", "pin"], 3),
            sum(&[&at(9), "rejected", "pin"], 2),
            sum(&[&at(9), "rejected", "source:web"], 7),
            sum(&[&at(1), "delivered", "pin"], 9),
        ];
        let buckets = buckets(&sums, (now, 3_600_000, 3));
        let counts: Vec<(u64, u64)> = buckets
            .iter()
            .map(|bucket| (bucket.delivered, bucket.rejected))
            .collect();
        assert_eq!(counts, [(0, 0), (0, 2), (3, 0)]);
        assert_eq!(buckets[2].begin, 36_000_000);
        assert_eq!(buckets[2].end, 39_600_000);
    }

    #[test]
    fn latency_is_the_bound_that_holds_the_share() {
        let mut detailed = sum(&["pin"], 100);
        detailed.latency = [("1", 50), ("5", 44), ("15", 5), ("+inf", 1)]
            .map(|(bound, count)| (bound.to_owned(), count))
            .into();
        let latency = latency(&[detailed]);
        assert_eq!(latency[0].half_within, Some(1));
        assert_eq!(latency[0].most_within, Some(15));
        assert_eq!(within(&[("+inf", 3)].into(), 2), None);
    }
}
