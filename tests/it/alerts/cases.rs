//! Unit cases of the alerts, in cases.txt.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::promql::{Labels, Scrape, fires};
use super::rules::rules;

const FILE: &str = include_str!("cases.txt");

/// Time of the second scrape in Unix seconds.
const NOW: f64 = 1_900_000_000.0;
const TEN_MINUTES: f64 = 600.0;
const DAY: f64 = 86_400.0;

/// A series with its values ten minutes ago and now.
struct Values {
    series: &'static str,
    values: [f64; 2],
}

struct Case {
    what: &'static str,
    series: Vec<Values>,
    firing: BTreeSet<&'static str>,
}

/// Reads the cases; the first is a router without trouble.
fn cases() -> Vec<Case> {
    let blocks = FILE.split("\n\n").filter(|block| !block.starts_with('#'));
    blocks.map(case).collect()
}

fn case(block: &'static str) -> Case {
    let (what, rest) = block.split_once('\n').unwrap();
    let (series, firing) = rest.split_once("=>").unwrap();
    let values = |line: &'static str| {
        let [now, before, series] = <[&str; 3]>::try_from(line.rsplitn(3, ' ').collect::<Vec<_>>()).unwrap();
        Values {
            series,
            values: [number(before), number(now)],
        }
    };
    Case {
        what,
        series: series.lines().map(values).collect(),
        firing: firing.split_whitespace().collect(),
    }
}

fn number(text: &str) -> f64 {
    match text.strip_prefix("now").and_then(|days| days.strip_suffix('d')) {
        Some(days) => NOW + DAY * days.parse::<f64>().unwrap(),
        None => text.parse().unwrap(),
    }
}

/// Makes two scrapes of two instances: `a`, to which it happens, and `b` without trouble.
fn scrapes(quiet: &Case, case: &Case) -> [Scrape; 2] {
    let mut texts = [String::new(), String::new()];
    for usual in &quiet.series {
        let changed = case.series.iter().find(|values| values.series == usual.series);
        for (instance, values) in [("a", changed.unwrap_or(usual)), ("b", usual)] {
            let series = match values.series.strip_suffix('}') {
                Some(open) => format!("{open},instance=\"{instance}\"}}"),
                None => format!("{}{{instance=\"{instance}\"}}", values.series),
            };
            for (text, value) in texts.iter_mut().zip(values.values) {
                writeln!(text, "{series} {value}").unwrap();
            }
        }
    }
    let [before, after] = texts;
    [Scrape::of(NOW - TEN_MINUTES, &before), Scrape::of(NOW, &after)]
}

/// Lists the alerts that fire, each with its labels.
fn firing([before, after]: [&Scrape; 2]) -> Vec<(&'static str, Labels)> {
    let mut firing = Vec::new();
    for rule in rules() {
        for labels in fires(rule.expression, [before, after]) {
            for label in rule.quoted_labels() {
                let has = labels.contains_key(label);
                assert!(has, "{} quotes {label} and has {labels:?}", rule.name);
            }
            firing.push((rule.name, labels));
        }
    }
    firing
}

#[test]
fn each_alert_fires_in_its_cases_and_in_no_other() {
    let mut fired = BTreeSet::new();
    let cases = cases();
    let quiet = &cases[0];
    for case in &cases {
        let what = case.what;
        for Values { series, .. } in &case.series {
            let is_known = quiet.series.iter().any(|usual| usual.series == *series);
            assert!(is_known, "{what}: the first case lacks {series}");
        }
        let [before, after] = scrapes(quiet, case);
        let firing = firing([&before, &after]);
        let names: BTreeSet<&str> = firing.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, case.firing, "{what}");
        for (name, labels) in &firing {
            assert_eq!(labels["instance"], "a", "{what}: {name}");
        }
        fired.extend(names);
    }
    let nothing = Scrape::of(NOW, "");
    assert_eq!(firing([&nothing, &nothing]), [("SignalboxDown", Labels::new())]);
    fired.insert("SignalboxDown");
    let all: BTreeSet<&str> = rules().iter().map(|rule| rule.name).collect();
    assert_eq!(fired, all, "each alert has a case");
}
