//! Tests of the loader by its public functions, with plugins for these tests.

mod accepted;
mod admin;
mod alerts;
mod cluster;
mod errors;
mod former;
mod interpolation;
mod journal;
mod outline;
mod plugins;
mod reference;
mod robust;
mod schema;
mod secrets;

use std::collections::BTreeMap;

use super::{Diagnostics, Environment, LoadedConfig, load};

/// Variables and files of a test.
#[derive(Default)]
struct Fixture {
    variables: BTreeMap<&'static str, &'static str>,
    files: BTreeMap<&'static str, &'static str>,
}

impl Environment for Fixture {
    fn variable(&self, name: &str) -> Result<Option<String>, String> {
        Ok(self.variables.get(name).map(|value| (*value).to_owned()))
    }

    fn file(&self, path: &str) -> Result<String, String> {
        self.files
            .get(path)
            .map(|text| (*text).to_owned())
            .ok_or_else(|| "no such file".to_owned())
    }
}

fn env(variables: &[(&'static str, &'static str)]) -> Fixture {
    Fixture {
        variables: variables.iter().copied().collect(),
        ..Fixture::default()
    }
}

fn good(text: &str) -> LoadedConfig {
    good_with(text, &Fixture::default())
}

fn good_with(text: &str, environment: &dyn Environment) -> LoadedConfig {
    match load("p.toml", text, environment) {
        Ok(config) => config,
        Err(errors) => panic!("{errors}"),
    }
}

fn bad(text: &str) -> Diagnostics {
    bad_with(text, &Fixture::default())
}

fn bad_with(text: &str, environment: &dyn Environment) -> Diagnostics {
    load("p.toml", text, environment).expect_err("a configuration with errors")
}

/// A source and a sink that are right, on lines 1 to 5, to put something wrong behind.
const PIPELINE: &str = "\
[sources.web]
type = \"probe_source\"
[sinks.pin]
type = \"probe_sink\"
inputs = [\"web\"]
account = \"a1\"
";

/// Returns `PIPELINE` with added lines, which belong to `[sinks.pin]` and begin on line 7.
fn pipeline(more: &str) -> String {
    format!("{PIPELINE}{more}")
}
