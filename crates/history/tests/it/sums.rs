//! Sums by the hour, and reports of them.

use std::collections::BTreeMap;

use signalbox_core::Money;
use signalbox_history::{By, Keep, Outcome, Record, Report, Settings, Sum};

use super::support::{filtered, keep, keys, now, record, start};

fn report(history: &signalbox_history::History, by: &[By]) -> Vec<Sum> {
    let report = Report {
        by: by.to_vec(),
        details: true,
        ..Report::default()
    };
    history.reader().report(&report).unwrap().sums
}

#[test]
fn sums_count_every_record_once() {
    let folder = tempfile::tempdir().unwrap();
    let history = start(folder.path());
    keep(&history, (0..20).map(record).collect());
    keep(&history, (0..5).map(filtered).collect());
    let dollars = |n| Record {
        value: Some(Money {
            millionths: 1_000_000,
            currency: Some("USD".into()),
        }),
        outcome: Outcome::Rejected,
        reason: Some("too_old".into()),
        ..record(n)
    };
    keep(&history, (0..3).map(dollars).collect());
    let sums = report(&history, &[By::EventName, By::Outcome, By::Reason]);
    let found: Vec<(String, &str, i64, i64)> = sums
        .iter()
        .map(|sum| {
            (
                sum.group.join("/"),
                &*sum.currency,
                sum.count,
                sum.value_millionths,
            )
        })
        .collect();
    let expected = [
        ("Order Completed/filtered/no_trigger_matched".to_owned(), "", 5, 0),
        ("checkout/delivered/".to_owned(), "EUR", 20, 20 * 72_050_000),
        ("checkout/rejected/too_old".to_owned(), "USD", 3, 3_000_000),
    ];
    assert_eq!(found, expected);
    let delivered = &sums[1];
    assert_eq!(delivered.match_keys["email"], 20);
    let carried = [("order_id".to_owned(), 10), ("value".to_owned(), 20)];
    assert_eq!(delivered.parameters, carried.into());
    assert_eq!(delivered.latency, [("2".to_owned(), 20)].into());
    assert_eq!(delivered.warnings["phone_without_country user_data.ph"], 20);
    assert_eq!(
        (delivered.attempts, delivered.bytes, delivered.valued),
        (20, 12_800, 20)
    );
    // Different currencies stay apart in all groups.
    let all = report(&history, &[]);
    let counts: Vec<i64> = all.iter().map(|sum| sum.count).collect();
    assert_eq!(counts, [5, 20, 3]);
    let days = report(&history, &[By::Day]);
    let day: i64 = days[0].group[0].parse().unwrap();
    assert_eq!(day % 86_400_000, 0);
    assert!(super::support::now() - day < 2 * 86_400_000);
    history.close();
}

#[test]
fn sums_go_on_after_a_restart_and_without_rows() {
    let folder = tempfile::tempdir().unwrap();
    for (keep_rows, rows) in [(Keep::All, 4), (Keep::Failures, 1), (Keep::Off, 0)] {
        let settings = Settings {
            rows: keep_rows,
            ..Settings::new(folder.path())
        };
        let history = signalbox_history::History::start(settings, keys()).unwrap();
        let failed = Record {
            outcome: Outcome::Expired,
            reason: Some("timed_out".into()),
            ..record(9)
        };
        keep(&history, (0..3).map(record).chain([failed]).collect());
        assert_eq!(history.health().rows, rows, "{keep_rows:?}");
        history.close();
    }
    let history = start(folder.path());
    let counts: Vec<i64> = report(&history, &[By::Outcome])
        .iter()
        .map(|sum| sum.count)
        .collect();
    assert_eq!(counts, [9, 3]);
}

#[test]
fn names_that_events_choose_are_bounded() {
    let folder = tempfile::tempdir().unwrap();
    let history = start(folder.path());
    let named = |n: u64| Record {
        event: format!("Event {n}").into(),
        ..filtered(n)
    };
    keep(&history, (0..500).map(named).collect());
    let sums = report(&history, &[By::EventName]);
    assert!(sums.len() <= 101, "{}", sums.len());
    let total: i64 = sums.iter().map(|sum| sum.count).sum();
    assert_eq!(total, 500);
    assert!(sums.iter().any(|sum| sum.group == ["…"]));
}

/// Adds the sums of hours up as a report over longer spans should.
fn added_up(hours: &[Sum], by: &[By], since: Option<i64>) -> BTreeMap<(Vec<String>, String), Sum> {
    let mut added: BTreeMap<(Vec<String>, String), Sum> = BTreeMap::new();
    for hour in hours {
        let begin: i64 = hour.group[0].parse().unwrap();
        if since.is_some_and(|since| begin + 3_600_000 <= since) {
            continue;
        }
        let day = (begin.div_euclid(86_400_000) * 86_400_000).to_string();
        let column = |by: &By| match by {
            By::Day => day.clone(),
            By::Sink => hour.group[1].clone(),
            _ => hour.group[2].clone(),
        };
        let group: Vec<String> = by.iter().map(column).collect();
        let sum = added.entry((group, hour.currency.clone())).or_default();
        sum.count += hour.count;
        sum.value_millionths += hour.value_millionths;
        sum.late += hour.late;
        for (mine, theirs) in [
            (&mut sum.match_keys, &hour.match_keys),
            (&mut sum.parameters, &hour.parameters),
            (&mut sum.warnings, &hour.warnings),
            (&mut sum.latency, &hour.latency),
        ] {
            for (name, count) in theirs {
                *mine.entry(name.clone()).or_default() += count;
            }
        }
    }
    added
}

#[test]
fn long_reports_tell_what_the_hours_tell() {
    let folder = tempfile::tempdir().unwrap();
    let history = start(folder.path());
    let begin = now();
    let ended = |n: u64| Record {
        // Four days, in steps that fall on all hours.
        ended_at: begin - i64::try_from(n).unwrap() * 17 * 60_000,
        received_at: begin - i64::try_from(n * n).unwrap() * 17 * 60_000,
        sink: ["ads", "pin", "tok"][usize::try_from(n % 3).unwrap()].into(),
        outcome: if n.is_multiple_of(7) {
            Outcome::Rejected
        } else {
            Outcome::Delivered
        },
        reason: n.is_multiple_of(7).then(|| "too_old".into()),
        late: n.is_multiple_of(5),
        ..record(n)
    };
    for part in 0..4 {
        // Sums are added to those of earlier commits.
        keep(&history, (0..340).filter(|n| n % 4 == part).map(ended).collect());
    }
    let hours = report(&history, &[By::Hour, By::Sink, By::Outcome]);
    let hour = 3_600_000;
    let midnight = begin.div_euclid(86_400_000) * 86_400_000;
    for by in [
        &[][..],
        &[By::Sink],
        &[By::Day],
        &[By::Day, By::Outcome],
        &[By::Sink, By::Day, By::Outcome],
    ] {
        for since in [
            None,
            Some(begin - 2 * hour),
            Some(begin - 50 * hour),
            Some(midnight),
            Some(midnight - 1),
            Some(midnight - 48 * hour),
            Some(begin + hour),
        ] {
            let wanted = Report {
                since,
                by: by.to_vec(),
                details: true,
                ..Report::default()
            };
            let found = history.reader().report(&wanted).unwrap().sums;
            let expected = added_up(&hours, by, since);
            assert_eq!(found.len(), expected.len(), "{by:?} {since:?}");
            for (sum, ((group, currency), expected)) in found.iter().zip(&expected) {
                assert_eq!((&sum.group, &sum.currency), (group, currency), "{by:?} {since:?}");
                let mut sum = sum.clone();
                // The test adds up no more than this.
                (sum.group, sum.currency) = (Vec::new(), String::new());
                (sum.valued, sum.attempts, sum.bytes) = (0, 0, 0);
                assert_eq!(sum, *expected, "{by:?} {since:?}");
            }
        }
    }
    let one = Report {
        sink: Some("pin".into()),
        ..Report::default()
    };
    let count: i64 = history
        .reader()
        .report(&one)
        .unwrap()
        .sums
        .iter()
        .map(|sum| sum.count)
        .sum();
    assert_eq!(count, 113);
}

#[test]
fn values_beyond_the_largest_number_stay_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let history = start(folder.path());
    for millionths in [i64::MAX, i64::MAX - 7] {
        let worth = Record {
            value: Some(Money {
                millionths,
                currency: Some("EUR".into()),
            }),
            ..record(1)
        };
        keep(&history, vec![worth]);
    }
    for by in [By::Sink, By::Hour] {
        let sums = report(&history, &[by]);
        assert_eq!((sums[0].count, sums[0].value_millionths), (2, i64::MAX));
    }
}
