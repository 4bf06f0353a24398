//! The metrics and labels that rules and dashboards name, held against the tables of the operations page, which the
//! runtime's own test holds against the code.

use std::collections::{BTreeMap, BTreeSet};

use super::PAGE;

/// Labels that Prometheus or the expression adds to every metric.
const ALWAYS: [&str; 3] = ["instance", "job", "__name__"];

/// The labels of each metric by the name of its series.
pub(super) struct Metrics(BTreeMap<String, BTreeSet<String>>);

impl Metrics {
    /// Reads the tables of the page.
    pub(super) fn documented() -> Metrics {
        let mut metrics = BTreeMap::new();
        for row in PAGE.lines().filter(|line| line.starts_with("| `signalbox_")) {
            let row = row.replace('`', "");
            let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
            let (name, kind) = (cells[0], cells[2]);
            let labels = cells[3].split(", ").filter(|label| *label != "none");
            let mut labels: BTreeSet<String> = labels.map(str::to_owned).collect();
            if kind == "histogram" {
                for part in ["sum", "count"] {
                    metrics.insert(format!("{name}_{part}"), labels.clone());
                }
                labels.insert("le".to_owned());
                metrics.insert(format!("{name}_bucket"), labels);
            } else {
                metrics.insert(name.to_owned(), labels);
            }
        }
        assert!(metrics.len() > 40, "{}", metrics.len());
        Metrics(metrics)
    }

    /// True if the metric exists and has the label.
    pub(super) fn has(&self, metric: &str, label: &str) -> bool {
        let labels = self.0.get(metric);
        labels.is_some_and(|labels| labels.contains(label) || ALWAYS.contains(&label))
    }

    /// Lists the mistakes in the names of an expression.
    pub(super) fn mistakes(&self, expression: &str) -> Vec<String> {
        let names = Names::of(expression);
        let unknown = names.metrics.iter().filter(|name| !self.0.contains_key(**name));
        let mut mistakes: Vec<String> = unknown.map(|name| format!("no metric {name}")).collect();
        for (metric, label) in &names.matched {
            if !self.has(metric, label) {
                mistakes.push(format!("{metric} has no label {label}"));
            }
        }
        for label in &names.grouped {
            if !names.metrics.iter().any(|metric| self.has(metric, label)) {
                mistakes.push(format!("no metric has the label {label}"));
            }
        }
        mistakes
    }

    /// True if the result of the expression has the label.
    pub(super) fn results_have(&self, expression: &str, label: &str) -> bool {
        let names = Names::of(expression);
        if names.grouped.is_empty() {
            names.metrics.iter().any(|metric| self.has(metric, label))
        } else {
            names.grouped.contains(label)
        }
    }
}

/// The names in an expression.
#[derive(Default)]
struct Names<'a> {
    metrics: Vec<&'a str>,
    /// Labels of matchers with their metric.
    matched: Vec<(&'a str, &'a str)>,
    /// Labels of `by` and `on`.
    grouped: BTreeSet<&'a str>,
}

impl<'a> Names<'a> {
    fn of(expression: &'a str) -> Names<'a> {
        let mut names = Names::default();
        // The parts at even places lie outside of texts in quotes.
        let outside = expression.split('"').step_by(2);
        let (mut matching, mut grouping) = (false, false);
        for token in outside.flat_map(tokens) {
            match token {
                "{" => matching = true,
                "}" => matching = false,
                ")" => grouping = false,
                "by" | "on" => grouping = true,
                word if !word.starts_with(is_of_word) => {}
                word if matching => names
                    .matched
                    .extend(names.metrics.last().map(|metric| (*metric, word))),
                word if grouping => {
                    names.grouped.insert(word);
                }
                word if word.starts_with("signalbox_") => names.metrics.push(word),
                _ => {}
            }
        }
        names
    }
}

fn is_of_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// Cuts a text into words and single characters.
fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let end = if is_of_word(first) {
            rest.find(|c| !is_of_word(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (token, behind) = rest.split_at(end);
        rest = behind;
        Some(token)
    })
}

#[test]
fn mistakes_in_names_are_found() {
    let metrics = Metrics::documented();
    for (expression, wanted) in [
        ("signalbox_sink_held{sink=~\"a|b\", cause=\"x\"} == 1", vec![]),
        (
            "sum by (le, sink) (rate(signalbox_sink_event_age_seconds_bucket[5m]))",
            vec![],
        ),
        ("signalbox_sink_hold == 1", vec!["no metric signalbox_sink_hold"]),
        (
            "signalbox_sink_held{source=\"a\"}",
            vec!["signalbox_sink_held has no label source"],
        ),
        (
            "max by (reason) (signalbox_sink_held)",
            vec!["no metric has the label reason"],
        ),
        (
            "signalbox_sink_event_age_seconds > 1",
            vec!["no metric signalbox_sink_event_age_seconds"],
        ),
    ] {
        assert_eq!(metrics.mistakes(expression), wanted, "{expression}");
    }
}
