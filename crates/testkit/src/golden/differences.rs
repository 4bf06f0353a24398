//! The default mode differs from Segment's destination only where `docs/differences-from-segment.md` says so.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Map, Value as Json};
use signalbox_conversions::Compat;

use super::case::{Golden, GoldenResult, known_failures, pairs, same};
use super::document::generated;
use super::run::{Made, Ran, run};
use super::vendor::{GoldenVendor, kind};

/// Differences between Segment's results and ours: members of the request, or the outcome.
fn found<G: GoldenVendor>(golden: &Golden, ran: &[Ran]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (results, ran) in golden.results().into_iter().zip(ran) {
        match ran {
            Ran::Made(made) => of_event::<G>(results, made, &mut found),
            Ran::NoEvent(_) => {
                if results.iter().any(|result| result.body().is_ok()) {
                    found.insert("nothing listens".to_owned());
                }
            }
        }
    }
    found
}

fn of_event<G: GoldenVendor>(
    results: &[GoldenResult],
    made: &[(String, Made)],
    found: &mut BTreeSet<String>,
) {
    for result in results {
        let made = made.iter().find(|(preset, _)| *preset == result.preset);
        let difference = match (made.map(|(_, made)| made), result.body()) {
            (Some(Made::Sent(_, body)), Ok(wanted)) => {
                fields(wanted, body, "", found);
                continue;
            }
            (Some(Made::Sent(..)), Err(error)) => format!("sent: {}", kind::<G>(error)),
            (Some(Made::Refused(code, _)), Ok(_)) => format!("refused: {code}"),
            (Some(Made::Broken(kind)), Ok(_)) => format!("refused: {kind}"),
            (Some(_), Err(_)) => continue,
            (None, _) => "nothing listens".to_owned(),
        };
        found.insert(difference);
    }
    let is_expected = |preset: &str| results.iter().any(|result| result.preset == preset);
    if made.iter().any(|(preset, _)| !is_expected(preset)) {
        found.insert("listens".to_owned());
    }
}

/// Inserts the paths at which two bodies differ; indices of lists and the list of events are left out of the paths.
fn fields(left: &Json, right: &Json, path: &str, found: &mut BTreeSet<String>) {
    match (left, right) {
        (Json::Object(left), Json::Object(right)) => {
            let (absent, empty) = (Json::Null, Json::Object(Map::new()));
            for key in left.keys().chain(right.keys()) {
                let path = match path {
                    "" | "data" => key.clone(),
                    path => format!("{path}.{key}"),
                };
                match (left.get(key), right.get(key)) {
                    // Only one side has this object: its members differ.
                    (Some(value @ Json::Object(_)), None) => fields(value, &empty, &path, found),
                    (None, Some(value @ Json::Object(_))) => fields(&empty, value, &path, found),
                    (left, right) => fields(left.unwrap_or(&absent), right.unwrap_or(&absent), &path, found),
                }
            }
        }
        (Json::Array(left), Json::Array(right)) if left.len() == right.len() => {
            for (left, right) in left.iter().zip(right) {
                fields(left, right, path, found);
            }
        }
        _ if same(left, right) && left.is_null() == right.is_null() => {}
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

/// The first two columns of the table in the section below the vendor's heading; both hold code in backticks.
fn rows<G: GoldenVendor>(text: &str) -> Vec<Row> {
    let code = |cell: &str| {
        let code = cell.split('`').skip(1).step_by(2);
        code.map(str::to_owned).collect::<Vec<_>>()
    };
    let is_heading = |line: &&str| {
        line.strip_prefix("## ")
            .is_some_and(|name| name.eq_ignore_ascii_case(G::NAME))
    };
    let section = text.lines().skip_while(|line| !is_heading(line)).skip(1);
    let section = section.take_while(|line| !line.starts_with("## "));
    section
        .filter(|line| line.starts_with("| `"))
        .map(|line| {
            let cells: Vec<&str> = line.split('|').collect();
            Row {
                name: code(cells[1]).remove(0),
                covers: code(cells[2]),
            }
        })
        .collect()
}

/// Holds that each difference between the default mode and Segment's destination is covered by a row in the vendor's
/// section (`## Name`) of `docs/differences-from-segment.md`, that each row changes a case, and that the lists of cases
/// between `<!-- begin of the lists of name -->` and `<!-- end of the lists of name -->` are complete. With `UPDATE_DOCS=1`
/// it writes the lists. With `VECTORS_DIR` it prints the differences that no row covers.
///
/// # Panics
/// If one of these does not hold.
pub fn differences<G: GoldenVendor>(vendor: &G) {
    let file = Path::new(G::ROOT).join("../../docs/differences-from-segment.md");
    let text = std::fs::read_to_string(&file).unwrap();
    let rows = rows::<G>(&text);
    let known = known_failures::<G>();
    let (pairs, _) = pairs::<G>("cases.jsonl", "golden.jsonl");
    let mut lists: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut uncovered = Vec::new();
    for (case, golden) in &pairs {
        let Ok(ran) = run(vendor, case, Compat::Vendor) else {
            continue;
        };
        if known.contains_key(&case.name) {
            continue;
        }
        let mut of_case = BTreeSet::new();
        for difference in found::<G>(golden, &ran) {
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
    let mut wanted = String::new();
    for row in &rows {
        let cases = lists.get(row.name.as_str());
        let cases = cases.unwrap_or_else(|| panic!("the row {} changes no case", row.name));
        let names: Vec<String> = cases.iter().map(|name| format!("`{name}`")).collect();
        wanted.push_str(&format!(
            "\n#### {} ({})\n\n{}\n",
            row.name,
            names.len(),
            names.join(", ")
        ));
    }
    wanted.push('\n');
    let name = G::NAME;
    let begin = format!("<!-- begin of the lists of {name} -->\n");
    let end = format!("<!-- end of the lists of {name} -->");
    generated(&file, &begin, &end, &wanted);
}
