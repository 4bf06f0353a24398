//! The data of the pipeline.

use schemars::JsonSchema;
use serde::Serialize;
use signalbox_core::MappingOutline;

/// The running pipeline.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Pipeline {
    /// Sources, transforms and sinks, each in the order of the file.
    pub(super) components: Vec<Component>,
}

/// A component.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Component {
    /// `source`, `transform` or `sink`.
    pub(super) kind: String,
    /// Its name in the file.
    pub(super) name: String,
    /// Its `type`.
    pub(super) plugin: String,
    /// The purpose of the type in one sentence.
    pub(super) summary: String,
    /// The sources that a sink listens to.
    pub(super) inputs: Vec<String>,
    /// The names of its transforms.
    pub(super) through: Vec<String>,
    /// False for a sink with `enabled = false`.
    pub(super) enabled: bool,
    /// The reason why a sink is on hold.
    pub(super) held: Option<String>,
    /// Events received by a source, records delivered by a sink, since the journal began; null for transforms.
    pub(super) events: Option<u64>,
    /// Address of the rows behind the number; empty if none are kept, and for transforms.
    pub(super) rows: String,
    /// The same in a minute, over the last two minutes or less; null until two samples exist, and for transforms.
    pub(super) per_minute: Option<f64>,
    /// The settings that the file gives.
    pub(super) settings: Vec<Setting>,
    /// The keys that the type knows.
    pub(super) reference: Vec<Key>,
    /// The mappings of a sink. Only the one that the query names has its fields.
    pub(super) mappings: Vec<MappingOutline>,
}

/// A setting of the file.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Setting {
    /// Its path below the component.
    pub(super) path: String,
    /// The value as TOML writes it; null if it is set and not shown, such as a secret.
    pub(super) value: Option<String>,
}

/// A key of a type.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Key {
    /// The key.
    pub(super) key: String,
    /// True if it must be given.
    pub(super) required: bool,
    /// The default, as JSON.
    pub(super) default: Option<String>,
    /// The meaning.
    pub(super) about: String,
}

impl Component {
    /// Returns the id of the component's part of the page.
    pub(super) fn anchor(&self) -> String {
        format!("{}-{}", self.kind, self.name)
    }
}

impl Key {
    /// Returns the words for the need of the key.
    pub(super) fn need(&self) -> String {
        match (&self.default, self.required) {
            (_, true) => "required".to_owned(),
            (Some(default), false) => format!("default {default}"),
            (None, false) => "optional".to_owned(),
        }
    }
}
