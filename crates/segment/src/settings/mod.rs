//! Triggers and mappings in pipeline files: reads them for plugins and reports mistakes and doubts with their paths.
//!
//! ```
//! use signalbox_segment::settings::{Findings, trigger};
//!
//! let mut findings = Findings::default();
//! assert!(trigger("type = \"track\" OR event = \"A\"", "trigger", &mut findings).is_some());
//! let doubt = &findings.warnings[0];
//! assert_eq!(doubt.path, "trigger");
//! let meaning = doubt.help.as_deref().unwrap();
//! assert!(meaning.ends_with("type = \"track\" and event = \"A\""));
//! ```

mod mappings;
mod reads;

pub use mappings::{
    Configured, Fields, Given, MappingConfig, ReadFile, compile_mappings, given_fields, json_file,
    mapping_name, name_taken,
};

pub use reads::{template_reads, trigger_reads};

pub use signalbox_core::child_path as child;

use std::cell::RefCell;

use bumpalo::Bump;
use serde_json::Value as Json;
use signalbox_core::{BuildError, BuildErrors, Warning};

use crate::fql::Trigger;
use crate::mapping::{Mapping, MappingErrorKind, RuntimeError};

/// Errors and warnings about settings.
#[derive(Debug, Default)]
pub struct Findings {
    /// Errors, which keep the component from being built.
    pub errors: BuildErrors,
    /// Warnings about misleading settings.
    pub warnings: Vec<BuildError>,
}

/// Reads the trigger at `path`. Warns about each misleading part; the last warning spells out the meaning.
pub fn trigger(text: &str, path: &str, findings: &mut Findings) -> Option<Trigger> {
    let trigger = match Trigger::parse(text) {
        Ok(trigger) => trigger,
        Err(error) => {
            findings.errors.push(
                BuildError::new(path, error.to_string())
                    .help("for instance: type = \"track\" and event = \"Order Completed\""),
            );
            return None;
        }
    };
    let warnings = trigger.warnings().iter();
    findings
        .warnings
        .extend(warnings.map(|warning| BuildError::new(path, warning.to_string())));
    if let (Some(meaning), Some(last)) = (trigger.meaning(), findings.warnings.last_mut())
        && !trigger.warnings().is_empty()
    {
        last.help = Some(format!("what is really asked: {meaning}"));
    }
    Some(trigger)
}

/// Compiles the mapping at `path`. Each error and warning has its path below that.
pub fn mapping(fields: &Json, path: &str, findings: &mut Findings) -> Option<Mapping> {
    match Mapping::compile(fields) {
        Ok(mapping) => {
            let warnings = mapping.warnings().iter();
            findings.warnings.extend(
                warnings.map(|warning| BuildError::new(below(path, &warning.path), &warning.message)),
            );
            Some(mapping)
        }
        Err(compile) => {
            for error in compile.errors {
                let help = match error.kind {
                    MappingErrorKind::Validation => {
                        "docs/mappings.md lists the directives and what each takes"
                    }
                    MappingErrorKind::Runtime => "it would fail on every event",
                };
                findings
                    .errors
                    .push(BuildError::new(below(path, &error.path), error.message).help(help));
            }
            None
        }
    }
}

/// Maximum memory of an arena that is kept; a very large event may have needed more.
const KEPT_ARENA: usize = 1 << 20;

thread_local! {
    static ARENA: RefCell<Bump> = RefCell::default();
}

/// Runs with an empty arena, which the thread reuses for the next event.
pub fn with_arena<R>(run: impl FnOnce(&Bump) -> R) -> R {
    let mut arena = ARENA.take();
    let result = run(&arena);
    if arena.allocated_bytes() <= KEPT_ARENA {
        arena.reset();
        ARENA.set(arena);
    }
    result
}

/// Returns a warning for each field that a mapping left out because it failed.
pub fn failed_fields(failed: &[RuntimeError]) -> impl Iterator<Item = Warning> {
    failed.iter().map(|error| {
        let field = error.field().unwrap_or_default();
        Warning::new("mapping_failed", field, format!("left out: {}", error.message()))
    })
}

/// Joins the mapping's path and a path inside it as the mapping's messages write it (`/user/@if/then`).
fn below(path: &str, place: &str) -> String {
    place
        .split('/')
        .filter(|key| !key.is_empty())
        .fold(path.to_owned(), |path, key| child(&path, key))
}

#[cfg(test)]
mod tests;
