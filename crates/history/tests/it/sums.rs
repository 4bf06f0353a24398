//! Sums by the hour, and reports of them.

use signalbox_core::Money;
use signalbox_history::{By, Keep, Outcome, Record, Report, Settings, Sum};

use super::support::{filtered, keep, keys, record, start};

fn report(history: &signalbox_history::History, by: &[By]) -> Vec<Sum> {
    let report = Report {
        by: by.to_vec(),
        details: true,
        ..Report::default()
    };
    history.reader().report(&report).unwrap()
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
