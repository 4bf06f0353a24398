//! Where the default mode differs from Segment, and that the documentation says so.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;
use signalbox_conversions::Compat;

use crate::support::{Case, Golden, Made, body, known_failures, pairs, run, settings_are_taken};
use crate::vectors::kind;

/// Differences between Segment's result and ours: fields of the record, or the outcome.
fn differences(case: &Case, golden: &Golden) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let expected = golden.results.first();
    match (expected, run(case, Compat::Vendor)) {
        (Some(result), Ok(Made::Sent(record))) => match result.event() {
            Some(event) => fields(event, &body(&record), "", &mut found),
            None => {
                found.insert(format!("sent: {}", kind(result.error.as_ref().unwrap())));
            }
        },
        (Some(result), Ok(Made::Refused(code, _))) => {
            if result.event().is_some() {
                found.insert(format!("refused: {code}"));
            }
        }
        (Some(result), Err(kind)) => {
            if result.event().is_some() {
                found.insert(format!("refused: {kind}"));
            }
        }
        (None, Ok(Made::Nothing)) => {}
        (Some(_), Ok(Made::Nothing)) => {
            found.insert("nothing listens".to_owned());
        }
        (None, _) => {
            found.insert("listens".to_owned());
        }
    }
    found
}

/// The paths at which two events differ, list indices left out.
fn fields(left: &Json, right: &Json, path: &str, found: &mut BTreeSet<String>) {
    match (left, right) {
        (Json::Object(left), Json::Object(right)) => {
            for key in left.keys().chain(right.keys()) {
                let path = if path.is_empty() {
                    key.clone()
                } else {
                    format!("{path}.{key}")
                };
                let absent = Json::Null;
                match (left.get(key), right.get(key)) {
                    // Only one side has this object: its members differ.
                    (Some(value @ Json::Object(_)), None) => {
                        fields(value, &Json::Object(Default::default()), &path, found)
                    }
                    (None, Some(value @ Json::Object(_))) => {
                        fields(&Json::Object(Default::default()), value, &path, found)
                    }
                    (left, right) => fields(left.unwrap_or(&absent), right.unwrap_or(&absent), &path, found),
                }
            }
        }
        (Json::Array(left), Json::Array(right)) if left.len() == right.len() => {
            for (left, right) in left.iter().zip(right) {
                fields(left, right, path, found);
            }
        }
        _ if crate::support::same(left, right) && left.is_null() == right.is_null() => {}
        _ => {
            found.insert(path.to_owned());
        }
    }
}

/// A row of the table: its name and the differences it covers.
struct Row {
    name: String,
    covers: Vec<String>,
}

const FILE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../docs/differences-from-segment.md"
);
const BEGIN: &str = "<!-- begin of the generated lists -->\n";
const END: &str = "<!-- end of the generated lists -->";

/// The first two columns of the table; both hold code in backticks.
fn rows(text: &str) -> Vec<Row> {
    let code = |cell: &str| {
        cell.split('`')
            .skip(1)
            .step_by(2)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let lines = text.lines().filter(|line| line.starts_with("| `"));
    lines
        .map(|line| {
            let cells: Vec<&str> = line.split('|').collect();
            Row {
                name: code(cells[1]).remove(0),
                covers: code(cells[2]),
            }
        })
        .collect()
}

#[test]
fn every_difference_from_segment_is_a_row() {
    let text = std::fs::read_to_string(FILE).unwrap();
    let rows = rows(&text);
    let known = known_failures();
    let (pairs, _) = pairs("cases.jsonl", "golden.jsonl");
    let mut lists: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut uncovered = Vec::new();
    for (case, golden) in &pairs {
        if known.contains_key(&case.name) || !settings_are_taken(case) {
            continue;
        }
        let mut of_case = BTreeSet::new();
        for difference in differences(case, golden) {
            match rows.iter().find(|row| row.covers.contains(&difference)) {
                Some(row) => {
                    of_case.insert(row.name.as_str());
                }
                None => uncovered.push(format!("{}: {difference}", case.name)),
            }
        }
        for name in of_case {
            lists.entry(name).or_default().push(&case.name);
        }
    }
    if std::env::var_os("VECTORS_DIR").is_some() {
        println!("differences that no row covers: {uncovered:#?}");
        return;
    }
    assert!(uncovered.is_empty(), "no row covers these: {uncovered:#?}");
    for row in &rows {
        assert!(
            lists.contains_key(row.name.as_str()),
            "the row {} changes no case",
            row.name
        );
    }

    let mut wanted = String::new();
    for row in &rows {
        let names: Vec<String> = lists[row.name.as_str()]
            .iter()
            .map(|name| format!("`{name}`"))
            .collect();
        wanted.push_str(&format!(
            "\n### {} ({})\n\n{}\n",
            row.name,
            names.len(),
            names.join(", ")
        ));
    }
    wanted.push('\n');
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (found, after) = rest.split_once(END).unwrap();
    if found != wanted && std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(FILE, format!("{before}{BEGIN}{wanted}{END}{after}")).unwrap();
    } else {
        assert!(
            found == wanted,
            "the lists of cases are out of date; run the tests once with UPDATE_DOCS=1"
        );
    }
}
