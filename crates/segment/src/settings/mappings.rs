//! `[[mappings]]` for destinations that take JSON of any shape.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value as Json;
use signalbox_core::{BuildError, Event, FieldOutline, Firing, MappingOutline};

use super::{Findings, child, mapping, trigger};
use crate::fql::Trigger;
use crate::mapping::{Mapping, outline};

/// Reads a file that settings name. The caller does the I/O, this crate does none.
pub type ReadFile<'f> = &'f dyn Fn(&Path) -> std::io::Result<String>;

/// A mapping: a trigger, and the fields to make of its events.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MappingConfig {
    /// Name, shown with every record. Default: `mapping 1`, `mapping 2` and so on, in the order of the file.
    #[serde(default)]
    pub name: Option<String>,
    /// Trigger that selects events, in Segment's trigger language. Default: all events.
    #[serde(default)]
    pub trigger: Option<String>,
    /// If false, the mapping is checked but not used.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// JSON of any shape to send, in which directives such as `{ "@path" = "$.traits.email" }` stand for values of the
    /// event. Default: the event as it is.
    #[serde(default)]
    pub fields: Option<Fields>,
    /// File with `fields` in JSON, as Segment's API writes a mapping; instead of `fields`.
    #[serde(default)]
    pub fields_file: Option<PathBuf>,
}

fn yes() -> bool {
    true
}

/// The JSON of a mapping.
#[derive(Clone, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Fields(pub Json);

/// Shows no value: a mapping may hold a token of the receiver.
impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fields(…)")
    }
}

impl JsonSchema for Fields {
    fn schema_name() -> Cow<'static, str> {
        "Fields".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({})
    }
}

/// A compiled mapping.
#[derive(Debug)]
pub struct Configured {
    /// Name of the mapping.
    pub name: Arc<str>,
    /// Trigger that selects events; `None` selects all.
    pub trigger: Option<Trigger>,
    /// Mapping of the selected events; `None` sends them as they are.
    pub mapping: Option<Mapping>,
    /// Description of the mapping's fields.
    fields: Vec<FieldOutline>,
}

impl Configured {
    /// Describes the mapping for people.
    pub fn outline(&self) -> MappingOutline {
        let trigger = self.trigger.as_ref();
        let meaning = |trigger: &Trigger| trigger.meaning().unwrap_or_else(|| trigger.tree().to_string());
        MappingOutline {
            name: self.name.to_string(),
            trigger: trigger.map(meaning),
            event_name: None,
            fields: self.fields.clone(),
        }
    }

    /// Returns true if the mapping takes the event.
    pub fn takes(&self, event: &Event) -> bool {
        let trigger = self.trigger.as_ref();
        trigger.is_none_or(|trigger| trigger.matches(event.root()))
    }

    /// Tells whether the mapping takes the event, and why.
    pub fn firing(&self, event: &Event) -> Firing {
        Firing {
            mapping: self.name.to_string(),
            fires: self.takes(event),
            trigger: self.trigger.as_ref().map(|trigger| trigger.explain(event.root())),
        }
    }
}

/// Compiles the list at `path`. Disabled mappings are checked too, since they may be enabled later, and left out. Names
/// must differ, since outcomes are counted by name.
pub fn compile_mappings(
    list: &[MappingConfig],
    path: &str,
    read: ReadFile<'_>,
    findings: &mut Findings,
) -> Vec<Configured> {
    let mut compiled: Vec<Configured> = Vec::new();
    for (index, config) in list.iter().enumerate() {
        let path = format!("{path}.{index}");
        let otherwise = || format!("mapping {}", index + 1);
        let name = mapping_name(config.name.as_deref(), otherwise, &path, findings);
        let before = findings.errors.len();
        let trigger = config
            .trigger
            .as_ref()
            .and_then(|text| trigger(text, &format!("{path}.trigger"), findings));
        let file = config.fields_file.as_deref();
        let mut described = Vec::new();
        let mapping = match given_fields(config.fields.as_ref(), file, &path, read, findings) {
            Given::Nothing | Given::Wrong => None,
            Given::Fields(fields, at) => {
                described = outline(&fields);
                mapping(&fields, &at, findings)
            }
        };
        // A wrong trigger or mapping must not pass for an absent one.
        if !config.enabled || findings.errors.len() > before {
            continue;
        }
        if compiled.iter().any(|earlier| *earlier.name == *name) {
            findings.errors.push(name_taken(&path));
        }
        compiled.push(Configured {
            name: name.into(),
            trigger,
            mapping,
            fields: described,
        });
    }
    compiled
}

/// Returns the name of a mapping: the given one, which must not be blank, or the other.
pub fn mapping_name(
    given: Option<&str>,
    otherwise: impl FnOnce() -> String,
    path: &str,
    findings: &mut Findings,
) -> String {
    if given.is_some_and(|name| name.trim().is_empty()) {
        let error = BuildError::new(format!("{path}.name"), "must not be empty");
        findings.errors.push(error);
    }
    given.map_or_else(otherwise, str::to_owned)
}

/// Returns the error about a name that an earlier mapping has.
pub fn name_taken(path: &str) -> BuildError {
    BuildError::new(format!("{path}.name"), "another mapping has this name")
        .help("give each mapping a name of its own; outcomes are counted by it")
}

/// The outcome of reading `fields` and `fields_file` of one table.
#[derive(Debug)]
pub enum Given<'f> {
    /// Neither setting is present.
    Nothing,
    /// A setting is wrong, and the error is in the findings.
    Wrong,
    /// The JSON, and the path of the setting that holds it.
    Fields(Cow<'f, Json>, String),
}

/// Reads `fields` or `fields_file` of the table at `path`.
pub fn given_fields<'f>(
    fields: Option<&'f Fields>,
    file: Option<&Path>,
    path: &str,
    read: ReadFile<'_>,
    findings: &mut Findings,
) -> Given<'f> {
    let at_file = child(path, "fields_file");
    match (fields, file) {
        (None, None) => Given::Nothing,
        (Some(_), Some(_)) => {
            let error = BuildError::new(
                at_file,
                "holds the whole mapping, so fields has no place beside it",
            )
            .help("put those fields into the file, or take one of the two out");
            findings.errors.push(error);
            Given::Wrong
        }
        (Some(fields), None) => Given::Fields(Cow::Borrowed(&fields.0), child(path, "fields")),
        (None, Some(file)) => match json_file(file, &at_file, read, findings) {
            Some(json) => Given::Fields(Cow::Owned(json), at_file),
            None => Given::Wrong,
        },
    }
}

/// Reads the JSON in a file that the setting at `path` names.
pub fn json_file(file: &Path, path: &str, read: ReadFile<'_>, findings: &mut Findings) -> Option<Json> {
    let text = match read(file) {
        Ok(text) => text,
        Err(error) => {
            let error = BuildError::new(path, format!("cannot be read: {}", error.kind()));
            findings.errors.push(error);
            return None;
        }
    };
    match serde_json::from_str(&text) {
        Ok(json) => Some(json),
        Err(error) => {
            let place = format!("line {}, column {}", error.line(), error.column());
            let error = BuildError::new(path, format!("is not JSON ({place})"));
            findings.errors.push(error);
            None
        }
    }
}
