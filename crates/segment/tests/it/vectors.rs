//! Runs the recorded cases and prints a count for each kind: `mapping: passed/total`.

mod coercion;
mod compare;
mod fields;
mod fql;
mod liquid;
mod mapping;

use serde_json::Value as Json;
use std::path::{Path, PathBuf};

/// Returns the cases of one file, from `VECTORS_DIR` or the project's copy.
fn cases(file: &str) -> Vec<Json> {
    let folder = std::env::var_os("VECTORS_DIR").map_or_else(own_folder, PathBuf::from);
    cases_of(&folder.join("segment").join(file))
}

/// The folder of the project's copy.
fn own_folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

fn cases_of(path: &Path) -> Vec<Json> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}")))
        .collect()
}

/// Returns true for the project's cases, whose error texts count; with another folder only the kinds of errors count.
fn texts_count() -> bool {
    std::env::var_os("VECTORS_DIR").is_none()
}

/// Runs every case, prints the count, and fails with the names of the cases that differ.
///
/// Cases that `ships` denies are not run.
fn run(kind: &str, file: &str, ships: impl Fn(&Json) -> bool, check: impl Fn(&Json) -> Result<(), String>) {
    let mut cases = cases(file);
    cases.retain(|case| ships(case));
    let failures: Vec<String> = cases
        .iter()
        .filter_map(|case| {
            let name = case["name"].as_str().unwrap_or("?");
            check(case).err().map(|why| format!("{kind} {name}: {why}"))
        })
        .collect();
    println!("\n{kind}: {}/{}", cases.len() - failures.len(), cases.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
