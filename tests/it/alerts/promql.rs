//! The part of PromQL that the shipped alerts use, over two scrapes.
//!
//! Every range stands for the time between the scrapes: `increase` is the growth of a series that both hold. A series
//! that only the second holds has not grown, as in Prometheus.

use std::collections::BTreeMap;

/// The labels of a series, with its name as `__name__`.
pub(super) type Labels = BTreeMap<String, String>;
/// An instant vector.
type Series = Vec<(Labels, f64)>;

/// The content of `/metrics` at a moment (Unix seconds).
pub(super) struct Scrape {
    at: f64,
    series: Series,
}

impl Scrape {
    pub(super) fn of(at: f64, text: &str) -> Scrape {
        let lines = text
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty());
        let series = lines.map(|line| {
            let (series, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            let mut all = pairs(labels.strip_suffix('}').unwrap());
            all.insert("__name__".to_owned(), name.to_owned());
            (all, value.parse().unwrap())
        });
        Scrape {
            at,
            series: series.collect(),
        }
    }

    /// The names of all series.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.series.iter().map(|(labels, _)| labels["__name__"].as_str())
    }
}

fn pairs(text: &str) -> Labels {
    let pairs = text.split("\",").filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once("=\"").unwrap();
            (name.to_owned(), value.trim_end_matches('"').to_owned())
        })
        .collect()
}

/// A comparison: its sign, and its function.
type Test = (&'static str, fn(f64, f64) -> bool);

enum Value {
    Number(f64),
    Vector(Series),
}

/// Evaluates an expression at the second scrape; an alert fires for each series of the result.
pub(super) fn fires(expression: &str, scrapes: [&Scrape; 2]) -> Vec<Labels> {
    let mut parser = Parser {
        rest: expression,
        scrapes,
    };
    let value = parser.comparison();
    assert_eq!(parser.rest.trim(), "", "of {expression}");
    match value {
        Value::Vector(series) => series.into_iter().map(|(labels, _)| labels).collect(),
        Value::Number(number) => panic!("{expression} is the number {number}"),
    }
}

struct Parser<'a> {
    rest: &'a str,
    scrapes: [&'a Scrape; 2],
}

impl<'a> Parser<'a> {
    fn eat(&mut self, token: &str) -> bool {
        self.rest = self.rest.trim_start();
        let rest = self.rest.strip_prefix(token);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn must(&mut self, token: &str) {
        assert!(self.eat(token), "{token:?} wanted at {:?}", self.rest);
    }

    fn until(&mut self, end: char) -> &'a str {
        let (text, rest) = self.rest.split_once(end).unwrap();
        self.rest = rest;
        text
    }

    fn comparison(&mut self) -> Value {
        let left = self.sum();
        let tests: [Test; 4] = [
            ("==", |a, b| a == b),
            ("!=", |a, b| a != b),
            (">", |a, b| a > b),
            ("<", |a, b| a < b),
        ];
        let Some((_, test)) = tests.iter().find(|(token, _)| self.eat(token)) else {
            return left;
        };
        let right = self.sum();
        combine(left, right, None, |a, b| test(a, b).then_some(a))
    }

    fn sum(&mut self) -> Value {
        let mut value = self.product();
        while self.eat("-") {
            let on = self.on();
            let right = self.product();
            value = combine(value, right, on, |a, b| Some(a - b));
        }
        value
    }

    fn product(&mut self) -> Value {
        let mut value = self.factor();
        loop {
            if self.eat("*") {
                value = combine(value, self.factor(), None, |a, b| Some(a * b));
            } else if self.eat("/") {
                value = combine(value, self.factor(), None, |a, b| Some(a / b));
            } else {
                return value;
            }
        }
    }

    fn on(&mut self) -> Option<Vec<String>> {
        self.eat("on").then(|| self.names())
    }

    fn names(&mut self) -> Vec<String> {
        self.must("(");
        self.until(')')
            .split(',')
            .map(|name| name.trim().to_owned())
            .collect()
    }

    fn factor(&mut self) -> Value {
        if self.eat("sum") {
            let by = if self.eat("by") { self.names() } else { Vec::new() };
            let Value::Vector(series) = self.bracketed() else {
                panic!("a sum of a number")
            };
            let mut sums: BTreeMap<Labels, f64> = BTreeMap::new();
            for (labels, value) in series {
                *sums.entry(only(&labels, &by)).or_default() += value;
            }
            return Value::Vector(sums.into_iter().collect());
        }
        if self.eat("absent") {
            let Value::Vector(series) = self.bracketed() else {
                panic!("a number")
            };
            let none = series.is_empty().then(|| (Labels::new(), 1.0));
            return Value::Vector(none.into_iter().collect());
        }
        if self.eat("time()") {
            return Value::Number(self.scrapes[1].at);
        }
        for function in ["increase", "rate"] {
            if self.eat(function) {
                return Value::Vector(self.growth(function == "rate"));
            }
        }
        if self.rest.trim_start().starts_with('(') {
            return self.bracketed();
        }
        self.rest = self.rest.trim_start();
        if self.rest.starts_with(|c: char| c.is_ascii_digit()) {
            let end = self
                .rest
                .find(|c: char| !c.is_ascii_digit() && c != '.')
                .unwrap_or(self.rest.len());
            let (number, rest) = self.rest.split_at(end);
            self.rest = rest;
            return Value::Number(number.parse().unwrap());
        }
        let wanted = self.selector();
        Value::Vector(chosen(self.scrapes[1], &wanted))
    }

    fn bracketed(&mut self) -> Value {
        self.must("(");
        let value = self.comparison();
        self.must(")");
        value
    }

    fn growth(&mut self, by_second: bool) -> Series {
        self.must("(");
        let wanted = self.selector();
        self.must("[");
        let range = self.until(']');
        assert!(
            range.ends_with(['m', 'h']) && range[..range.len() - 1].parse::<u32>().is_ok(),
            "{range}"
        );
        self.must(")");
        let [first, second] = self.scrapes;
        let before = chosen(first, &wanted);
        let seconds = if by_second { second.at - first.at } else { 1.0 };
        let grown = chosen(second, &wanted).into_iter().filter_map(|(labels, now)| {
            let (_, then) = before.iter().find(|(found, _)| *found == labels)?;
            // A counter that fell has started again from zero.
            let by = if now < *then { now } else { now - then };
            Some((unnamed(labels), by / seconds))
        });
        grown.collect()
    }

    /// Reads matchers: the label, true if the value is a pattern, and the value.
    fn selector(&mut self) -> Vec<(String, bool, String)> {
        self.rest = self.rest.trim_start();
        let end = self
            .rest
            .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
            .unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        let mut wanted = Vec::new();
        if !name.is_empty() {
            wanted.push(("__name__".to_owned(), false, name.to_owned()));
        }
        if self.rest.starts_with('{') {
            self.must("{");
            for matcher in self.until('}').split("\",") {
                let (label, value) = matcher.split_once("=").unwrap();
                let pattern = value.starts_with('~');
                let value = value.trim_start_matches('~').trim_matches('"');
                wanted.push((label.trim().to_owned(), pattern, value.to_owned()));
            }
        }
        assert!(!wanted.is_empty(), "nothing is chosen at {:?}", self.rest);
        wanted
    }
}

fn chosen(scrape: &Scrape, wanted: &[(String, bool, String)]) -> Series {
    let fits = |labels: &Labels| {
        wanted.iter().all(|(label, pattern, value)| {
            let found = labels.get(label).map_or("", String::as_str);
            if *pattern {
                alternatives(value).iter().any(|one| one == found)
            } else {
                value == found
            }
        })
    };
    scrape
        .series
        .iter()
        .filter(|(labels, _)| fits(labels))
        .cloned()
        .collect()
}

/// Expands a pattern of the form `a|b` or `a(b|c)d`.
fn alternatives(pattern: &str) -> Vec<String> {
    let (before, rest) = pattern.split_once('(').unwrap_or(("", pattern));
    let (inside, behind) = rest.split_once(')').unwrap_or((rest, ""));
    inside
        .split('|')
        .map(|one| format!("{before}{one}{behind}"))
        .collect()
}

fn only(labels: &Labels, names: &[String]) -> Labels {
    let kept = labels.iter().filter(|(name, _)| names.contains(name));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn unnamed(mut labels: Labels) -> Labels {
    labels.remove("__name__");
    labels
}

/// Combines two values, series by series with the same labels (those of `on`, if given).
fn combine(
    left: Value,
    right: Value,
    on: Option<Vec<String>>,
    how: impl Fn(f64, f64) -> Option<f64>,
) -> Value {
    let key = |labels: &Labels| match &on {
        Some(names) => only(labels, names),
        None => unnamed(labels.clone()),
    };
    match (left, right) {
        (Value::Number(a), Value::Number(b)) => Value::Number(how(a, b).unwrap_or(0.0)),
        (Value::Vector(series), Value::Number(b)) => Value::Vector(
            series
                .into_iter()
                .filter_map(|(labels, a)| Some((labels, how(a, b)?)))
                .collect(),
        ),
        (Value::Number(a), Value::Vector(series)) => Value::Vector(
            series
                .into_iter()
                .filter_map(|(labels, b)| Some((labels, how(a, b)?)))
                .collect(),
        ),
        (Value::Vector(left), Value::Vector(right)) => {
            let pairs = left.into_iter().filter_map(|(labels, a)| {
                let (_, b) = right.iter().find(|(other, _)| key(other) == key(&labels))?;
                Some((labels, how(a, *b)?))
            });
            Value::Vector(pairs.collect())
        }
    }
}
