//! Mappings as the pipeline file has them: presets changed, and mappings made from scratch.

use std::path::{Path, PathBuf};

use bumpalo::Bump;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use signalbox_core::{BuildError, BuildErrors};
use signalbox_segment::schema::{Field, FieldErrorKind, Leniency, Required, Schema};
use signalbox_segment::settings::{self, Findings, child};
use signalbox_segment::value::parse_json;

use crate::action::{self, Derives, FIELDS, PRESETS, Preset, preset};
use crate::mapping::{CompiledMapping, Trigger, leave_out_other_format};
use crate::options::Compat;

/// A mapping: what it listens to, and what it makes of it.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MappingConfig {
    /// Its name, shown with every record. Default: the preset's name.
    #[serde(default)]
    pub name: Option<String>,
    /// The preset it begins from, in whose place it stands.
    #[serde(default)]
    pub preset: Option<String>,
    /// What it listens to, in Segment's trigger language. Default: what the preset listens to.
    #[serde(default)]
    pub trigger: Option<String>,
    /// False: neither this mapping nor the preset it stands for.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Mappings of single fields, `user_data.email` for instance: a literal, or a directive such as
    /// `{ "@path" = "$.traits.email" }`. The other fields keep their defaults.
    #[serde(default)]
    pub fields: Map<String, Json>,
    /// Fields that get no mapping, though they have one by default.
    #[serde(default)]
    pub unset: Vec<String>,
    /// A file with a whole mapping in JSON, as Segment's API writes it, in place of all defaults.
    #[serde(default)]
    pub fields_file: Option<PathBuf>,
}

fn yes() -> bool {
    true
}

/// Compiles the presets that are on, and the mappings; a mapping of a preset stands in its place.
pub(crate) fn compile(
    presets: &[&'static Preset],
    mappings: &[MappingConfig],
    compat: Compat,
    findings: &mut Findings,
) -> Vec<CompiledMapping> {
    let mut result = Vec::new();
    let replaced = |preset: &Preset| mappings.iter().any(|mapping| mapping.preset() == Some(preset));
    for preset in presets.iter().filter(|preset| !replaced(preset)) {
        match CompiledMapping::of_preset(preset, compat) {
            Ok(mapping) => result.push(mapping),
            Err(error) => findings
                .errors
                .push(BuildError::new("presets", error.to_string())),
        }
    }
    for (index, mapping) in mappings.iter().enumerate() {
        let path = format!("mappings.{index}");
        let compiled = mapping.compile(&path, index, compat, findings);
        if let Some(compiled) = compiled.filter(|_| mapping.enabled) {
            if result
                .iter()
                .any(|earlier: &CompiledMapping| earlier.name == compiled.name)
            {
                let error = BuildError::new(format!("{path}.name"), "another mapping has this name");
                let help = "give each mapping a name of its own; outcomes are counted by it";
                findings.errors.push(error.help(help));
            }
            result.push(compiled);
        }
    }
    result
}

impl MappingConfig {
    fn preset(&self) -> Option<&'static Preset> {
        preset(self.preset.as_deref()?)
    }

    /// Disabled mappings are checked as well: they may be switched on later.
    fn compile(
        &self,
        path: &str,
        index: usize,
        compat: Compat,
        findings: &mut Findings,
    ) -> Option<CompiledMapping> {
        let before = findings.errors.len();
        if let Some(name) = &self.preset
            && self.preset().is_none()
        {
            findings
                .errors
                .push(unknown_preset(format!("{path}.preset"), name));
        }
        let name = match (&self.name, self.preset()) {
            (Some(name), _) if name.trim().is_empty() => {
                findings
                    .errors
                    .push(BuildError::new(format!("{path}.name"), "must not be empty"));
                String::new()
            }
            (Some(name), _) => name.clone(),
            (None, Some(preset)) => preset.name.to_owned(),
            (None, None) => format!("mapping {}", index + 1),
        };
        let trigger = self.trigger(path, findings);
        let (fields, derives, at) = match &self.fields_file {
            Some(file) => (
                self.whole(file, path, findings),
                Derives::NONE,
                child(path, "fields_file"),
            ),
            None => {
                let (fields, derives) = self.laid_over(path, compat, &mut findings.errors);
                (fields, derives, child(path, "fields"))
            }
        };
        if findings.errors.len() == before || self.fields_file.is_none() {
            check_required(&fields, &at, &mut findings.errors);
        }
        if findings.errors.len() > before {
            return None;
        }
        match CompiledMapping::new(&name, trigger?, &fields, derives) {
            Ok(compiled) => {
                let doubts = compiled.mapping.warnings().iter();
                let ours = doubts.filter_map(|doubt| Some((self.setting(&at, &doubt.path)?, &doubt.message)));
                findings
                    .warnings
                    .extend(ours.map(|(path, message)| BuildError::new(path, message)));
                Some(compiled)
            }
            Err(compile) => {
                for error in compile.errors {
                    let path = self.setting(&at, &error.path).unwrap_or_else(|| at.clone());
                    findings.errors.push(BuildError::new(path, error.message));
                }
                None
            }
        }
    }

    /// The setting that a place in a mapping (`/user_data/email/@if/then`) comes from; `None` if it is a default.
    fn setting(&self, base: &str, place: &str) -> Option<String> {
        let keys: Vec<&str> = place.split('/').filter(|key| !key.is_empty()).collect();
        let path = |start: String, rest: &[&str]| rest.iter().fold(start, |path, key| child(&path, key));
        if self.fields_file.is_some() {
            return Some(path(base.to_owned(), &keys));
        }
        (1..=keys.len().min(2)).rev().find_map(|steps| {
            // A field of the settings may name two steps in one.
            let named = keys[..steps].join(".");
            let given = self.fields.contains_key(&named);
            given.then(|| path(child(base, &named), &keys[steps..]))
        })
    }

    fn trigger(&self, path: &str, findings: &mut Findings) -> Option<Trigger> {
        let path = format!("{path}.trigger");
        match (&self.trigger, self.preset()) {
            (Some(text), _) => settings::trigger(text, &path, findings).map(Trigger::Fql),
            (None, Some(preset)) => Some(Trigger::Preset(preset.listens)),
            (None, None) => {
                // An unknown preset has its own error.
                if self.preset.is_none() {
                    let error = BuildError::new(path, "a mapping needs a preset or a trigger");
                    let help = "for instance: trigger = 'type = \"track\" and event = \"Order Completed\"'";
                    findings.errors.push(error.help(help));
                }
                None
            }
        }
    }

    /// The defaults with the fields of the settings laid over.
    fn laid_over(
        &self,
        path: &str,
        compat: Compat,
        errors: &mut BuildErrors,
    ) -> (Map<String, Json>, Derives) {
        let mut fields = action::default_mapping(self.preset(), compat);
        let mut derives = if compat == Compat::Pinterest {
            Derives::ALL
        } else {
            Derives::NONE
        };
        for (name, mapping) in &self.fields {
            check_field(name, mapping, &child(&child(path, "fields"), name), errors);
            derives = derives.without(name);
            action::set(&mut fields, name, Some(mapping.clone()));
        }
        for (index, name) in self.unset.iter().enumerate() {
            if action::field(name).is_none() {
                errors.push(unknown_field(format!("{path}.unset.{index}"), name));
            }
            derives = derives.without(name);
            action::set(&mut fields, name, None);
        }
        if compat == Compat::Pinterest {
            leave_out_other_format(&mut fields);
        }
        (fields, derives)
    }

    /// A whole mapping from a file.
    fn whole(&self, file: &Path, path: &str, findings: &mut Findings) -> Map<String, Json> {
        let path = child(path, "fields_file");
        if !self.fields.is_empty() || !self.unset.is_empty() {
            let error = BuildError::new(
                &path,
                "holds the whole mapping, so fields and unset have no place beside it",
            );
            findings.errors.push(error.help("put those fields into the file"));
        }
        match settings::json_file(file, &path, &|file| std::fs::read_to_string(file), findings) {
            Some(Json::Object(mut fields)) => {
                fields.retain(|name, _| !is_segments_own(name));
                for (name, mapping) in &fields {
                    check_field(name, mapping, &child(&path, name), &mut findings.errors);
                }
                fields
            }
            Some(_) => {
                findings
                    .errors
                    .push(BuildError::new(path, "must hold a JSON object of fields"));
                Map::new()
            }
            None => Map::new(),
        }
    }
}

/// What Segment keeps in a mapping for itself.
fn is_segments_own(name: &str) -> bool {
    name.starts_with("__segment") || matches!(name, "enable_batching" | "batch_size" | "batch_keys")
}

pub(crate) fn unknown_preset(path: String, name: &str) -> BuildError {
    let known = PRESETS.iter().map(|preset| preset.name);
    let help = match nearest(name, known.clone()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("the presets are: {}", known.collect::<Vec<_>>().join(", ")),
    };
    BuildError::new(path, "no preset has this name").help(help)
}

fn unknown_field(path: String, name: &str) -> BuildError {
    let paths: Vec<String> = FIELDS
        .iter()
        .flat_map(|field| {
            let members = field
                .properties
                .unwrap_or_default()
                .iter()
                .filter(|_| !field.multiple);
            let members = members.map(|member| format!("{}.{}", field.key, member.key));
            std::iter::once(field.key.to_owned()).chain(members)
        })
        .collect();
    let error = BuildError::new(path, "no field has this name");
    match nearest(name, paths.iter().map(String::as_str)) {
        Some(near) => error.help(format!("did you mean \"{near}\"?")),
        None => error.help("the plugin's README lists the fields"),
    }
}

fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let last = |path: &'n str| path.rsplit('.').next().unwrap_or(path);
    let scored = known.map(|path| {
        // `email` for `user_data.email` is the commonest slip.
        let score = if last(path).eq_ignore_ascii_case(name) {
            0.95
        } else {
            strsim::jaro_winkler(name, path)
        };
        (path, score)
    });
    let best = scored.max_by(|(_, left), (_, right)| left.total_cmp(right))?;
    (best.1 > 0.85).then_some(best.0)
}

/// Whether a field is known and a literal fits it. Directives are checked when they are compiled.
fn check_field(name: &str, mapping: &Json, path: &str, errors: &mut BuildErrors) {
    let Some(field) = action::field(name) else {
        errors.push(unknown_field(path.to_owned(), name));
        return;
    };
    if has_directive(mapping) || mapping.is_null() {
        if let (Json::Object(members), Some(properties)) = (mapping, field.properties) {
            let unknown =
                |key: &&String| !key.starts_with('@') && properties.iter().all(|known| known.key != **key);
            for key in members.keys().filter(unknown).filter(|key| *key != "_metadata") {
                errors.push(unknown_field(child(path, key), &format!("{name}.{key}")));
            }
        }
        return;
    }
    check_literal(field, mapping, path, errors);
}

fn check_literal(field: &'static Field<'static>, literal: &Json, path: &str, errors: &mut BuildErrors) {
    let Ok(schema) = Schema::new(std::slice::from_ref(field)) else {
        return;
    };
    let payload = Json::Object(Map::from_iter([(field.key.to_owned(), literal.clone())])).to_string();
    let arena = Bump::new();
    let Some(payload) = parse_json(&payload, &arena) else {
        return;
    };
    for error in schema.coerce(payload, &arena, Leniency::Segment).errors {
        if error.kind == FieldErrorKind::Missing && !matches!(field.required, Required::Always) {
            continue;
        }
        errors.push(BuildError::new(path, error.message));
    }
}

fn has_directive(mapping: &Json) -> bool {
    match mapping {
        Json::Object(members) => members
            .iter()
            .any(|(key, value)| key.starts_with('@') || has_directive(value)),
        Json::Array(items) => items.iter().any(has_directive),
        _ => false,
    }
}

fn check_required(fields: &Map<String, Json>, path: &str, errors: &mut BuildErrors) {
    for field in FIELDS
        .iter()
        .filter(|field| matches!(field.required, Required::Always))
    {
        if fields.get(field.key).is_none_or(Json::is_null) {
            errors.push(
                BuildError::new(
                    path,
                    format!("the required field \"{}\" has no mapping", field.key),
                )
                .help(field.description),
            );
        }
    }
}
