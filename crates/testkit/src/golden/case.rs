//! The files of golden cases.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};

use super::vendor::GoldenVendor;

/// The text that removes a member of a mapping, or a setting.
const UNSET: &str = "__unset__";

/// A line of `cases.jsonl`. Events stay text, as their numbers are spelled on purpose.
#[derive(Deserialize)]
pub struct Case {
    /// The case's name, `category/what`.
    pub name: String,
    /// The event; `None` for a batch.
    #[serde(default, deserialize_with = "raw")]
    pub event: Option<Box<RawValue>>,
    /// The events of a batch; empty for a single event.
    #[serde(default)]
    pub events: Vec<Box<RawValue>>,
    /// The only preset to run; `None`: all.
    #[serde(default)]
    pub preset: Option<String>,
    /// Segment's destination, for vendors with several; `None`: the first.
    #[serde(default)]
    pub destination: Option<String>,
    /// Mappings laid over those of the preset. A key with a dot names a member of an object field.
    #[serde(default)]
    mapping_overrides: Map<String, Json>,
    /// The trigger in place of the preset's, in Segment's language.
    #[serde(default)]
    pub subscribe: Option<String>,
    /// Settings laid over the usual ones, under Segment's names.
    #[serde(default)]
    settings: Option<Map<String, Json>>,
}

/// Reads the value as text, also if it is null.
fn raw<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(deserializer).map(Some)
}

impl Case {
    /// Returns the texts of the events, in their order.
    pub fn events(&self) -> impl Iterator<Item = &str> {
        self.event.iter().chain(&self.events).map(|event| event.get())
    }

    /// Returns the mappings laid over the preset's, by path; `None` removes one.
    pub fn overrides(&self) -> impl Iterator<Item = (&str, Option<&Json>)> {
        let overrides = self.mapping_overrides.iter();
        overrides.map(|(path, value)| (path.as_str(), (value != UNSET).then_some(value)))
    }

    /// Returns true if the case has settings beside the usual ones.
    pub fn has_settings(&self) -> bool {
        self.settings.is_some()
    }

    /// Returns the case's settings laid over the usual ones, under Segment's names.
    pub fn settings(&self, usual: &[(&str, &str)]) -> Map<String, Json> {
        let usual = usual.iter();
        let mut settings: Map<String, Json> = usual
            .map(|(name, value)| ((*name).to_owned(), (*value).into()))
            .collect();
        for (name, value) in self.settings.iter().flatten() {
            if value == UNSET {
                settings.remove(name);
            } else {
                settings.insert(name.clone(), value.clone());
            }
        }
        settings
    }
}

/// A line of `golden.jsonl`.
#[derive(Deserialize)]
pub struct Golden {
    name: String,
    #[serde(default)]
    results: Vec<GoldenResult>,
    /// The results of each event of a batch.
    #[serde(default)]
    items: Option<Vec<Item>>,
}

/// The results of one event of a batch.
#[derive(Deserialize)]
struct Item {
    results: Vec<GoldenResult>,
}

impl Golden {
    /// Returns the results of each event, in the order of [`Case::events`].
    pub fn results(&self) -> Vec<&[GoldenResult]> {
        match &self.items {
            None => vec![&self.results],
            Some(items) => items.iter().map(|item| item.results.as_slice()).collect(),
        }
    }

    /// Returns true if there are results and all are errors.
    pub(crate) fn is_refused(&self) -> bool {
        let mut all = self.results().into_iter().flatten().peekable();
        all.peek().is_some() && all.all(|result| result.body().is_err())
    }
}

/// Segment's result of one preset for one event.
#[derive(Deserialize)]
pub struct GoldenResult {
    /// The preset's name.
    pub preset: String,
    #[serde(default)]
    request: Option<Request>,
    #[serde(default)]
    error: Option<Error>,
}

#[derive(Deserialize)]
struct Request {
    body: Json,
}

/// An error of Segment's code.
#[derive(Deserialize, Default)]
pub struct Error {
    /// The class.
    pub class: String,
    /// The code that errors of some classes have.
    #[serde(default)]
    pub code: Option<String>,
}

impl GoldenResult {
    /// Returns the body that was sent.
    ///
    /// # Errors
    /// Segment's error if it sent none.
    pub fn body(&self) -> Result<&Json, &Error> {
        match (&self.request, &self.error) {
            (_, Some(error)) => Err(error),
            (Some(request), None) => Ok(&request.body),
            (None, None) => panic!("{}: neither a request nor an error", self.preset),
        }
    }
}

fn folder<G: GoldenVendor>() -> PathBuf {
    let vectors = std::env::var_os("VECTORS_DIR").map(PathBuf::from);
    vectors
        .unwrap_or_else(|| Path::new(G::ROOT).join("tests/vectors"))
        .join(G::FOLDER)
}

/// Reads cases and their golden results, by the names of two files in the vendor's folder. Counts the lines that cannot
/// be read.
///
/// # Panics
/// If a file cannot be read, or the two do not hold the same cases.
pub fn pairs<G: GoldenVendor>(cases: &str, golden: &str) -> (Vec<(Case, Golden)>, usize) {
    let read = |file: &str| {
        let path = folder::<G>().join(file);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let (cases, golden) = (read(cases), read(golden));
    let mut pairs = Vec::new();
    let mut unreadable = 0;
    for (case, golden) in cases.lines().zip(golden.lines()) {
        match (
            serde_json::from_str::<Case>(case),
            serde_json::from_str::<Golden>(golden),
        ) {
            (Ok(case), Ok(golden)) => {
                assert_eq!(case.name, golden.name);
                assert_eq!(case.events().count(), golden.results().len(), "{}", case.name);
                pairs.push((case, golden));
            }
            _ => unreadable += 1,
        }
    }
    (pairs, unreadable)
}

/// The cases that do not match, with their reasons: the `name: reason` lines of `known_failures.txt`, if there is one.
pub(crate) fn known_failures<G: GoldenVendor>() -> BTreeMap<String, String> {
    let path = Path::new(G::ROOT).join("tests/vectors/known_failures.txt");
    if !path.exists() {
        return BTreeMap::new();
    }
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, reason)| (name.to_owned(), reason.to_owned()))
        .collect()
}

/// Returns true if two values are equal: numbers as doubles, members in any order.
pub fn same(left: &Json, right: &Json) -> bool {
    match (left, right) {
        (Json::Number(left), Json::Number(right)) => left.as_f64() == right.as_f64(),
        (Json::Array(left), Json::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Json::Object(left), Json::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(key, left)| right.get(key).is_some_and(|right| same(left, right)))
        }
        _ => left == right,
    }
}
