//! The transform as the pipeline file builds it.

#![allow(clippy::unwrap_used, reason = "a helper that panics fails its test")]

mod config;
mod meaning;
mod parity;
mod properties;
mod several;
mod values;

use serde_json::Value;
use signalbox_core::{BuildErrors, Flow, HashedPath, Sha256Hex, Side, Transform, Warning};
use signalbox_hash_pii as _;
use signalbox_testkit::{event_of, transform};

const PLACES: [Side; 2] = [Side::Source, Side::Sink];

fn build(place: Side, settings: &str) -> Result<Box<dyn Transform>, BuildErrors> {
    transform("hash_pii", place, settings).map(|built| built.component)
}

/// The event as the transform left it.
struct Made {
    payload: Value,
    hashed: Vec<String>,
    facts: Vec<HashedPath>,
    warnings: Vec<Warning>,
}

fn apply(transform: &dyn Transform, payload: &Value) -> Made {
    let mut event = event_of(payload);
    assert_eq!(transform.apply(&mut event), Flow::Pass);
    let facts = event.facts();
    Made {
        payload: serde_json::from_str(&event.to_json()).unwrap(),
        hashed: facts
            .hashed
            .iter()
            .map(|hashed| hashed.path.to_string())
            .collect(),
        facts: facts.hashed.clone(),
        warnings: facts.warnings.clone(),
    }
}

fn made(settings: &str, payload: &Value) -> Made {
    let [source, sink] = PLACES.map(|place| apply(&*build(place, settings).unwrap(), payload));
    assert_eq!(source.payload, sink.payload);
    sink
}

fn sha(text: &str) -> Value {
    Sha256Hex::of(text).as_str().into()
}

impl Made {
    /// The hashes of a path by a set of rules; `None` if the facts name no list.
    fn list(&self, path: &str, rules: &str) -> Option<Vec<&str>> {
        let is = |entry: &&HashedPath| *entry.path == *path && *entry.rules == *rules;
        let entry = self.facts.iter().find(is)?;
        Some(entry.hashes.iter().map(|hash| &**hash).collect())
    }

    fn codes(&self) -> Vec<(&str, &str)> {
        self.warnings
            .iter()
            .map(|warning| (&*warning.path, &*warning.code))
            .collect()
    }
}
