//! Mappings as the pipeline file has them: presets changed, and mappings made from scratch.

use std::fmt;
use std::path::{Path, PathBuf};

use bumpalo::Bump;
use schemars::{JsonSchema, Schema, json_schema};
use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde_json::{Map, Value as Json};
use signalbox_core::{BuildError, BuildErrors, PlainRead, Sha256Hex, SinkDeclarations, nearest};
use signalbox_segment::schema::{Field, FieldErrorKind, Leniency, Schema as FieldSchema};
use signalbox_segment::settings::{self, Findings, child, template_reads, trigger_reads};
use signalbox_segment::value::parse_json;

use crate::mapping::{CompiledMapping, Draft, Trigger};
use crate::presets::Preset;
use crate::spec::{Compat, Spec};

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

/// The presets that are on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Presets {
    /// All of them.
    #[default]
    All,
    /// None.
    None,
    /// Those of these names.
    Some(Vec<String>),
}

impl<'de> Deserialize<'de> for Presets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Names;
        impl<'de> Visitor<'de> for Names {
            type Value = Presets;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"all\", \"none\" or a list of preset names")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Presets, E> {
                match text {
                    "all" => Ok(Presets::All),
                    "none" => Ok(Presets::None),
                    _ => Err(E::custom("expected \"all\", \"none\" or a list of preset names")),
                }
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Presets, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = access.next_element()? {
                    names.push(name);
                }
                Ok(Presets::Some(names))
            }
        }
        deserializer.deserialize_any(Names)
    }
}

impl Presets {
    /// Returns the JSON schema of the setting.
    pub fn schema(spec: &Spec) -> Schema {
        let names: Vec<&str> = spec.presets.iter().map(|preset| preset.name).collect();
        json_schema!({
            "anyOf": [
                { "type": "string", "enum": ["all", "none"] },
                { "type": "array", "items": { "type": "string", "examples": names } }
            ]
        })
    }

    fn chosen(&self, spec: &'static Spec, errors: &mut BuildErrors) -> Vec<&'static Preset> {
        match self {
            Presets::All => spec.presets.iter().collect(),
            Presets::None => Vec::new(),
            Presets::Some(names) => {
                let mut chosen: Vec<&'static Preset> = Vec::new();
                for (index, name) in names.iter().enumerate() {
                    match spec.preset(name) {
                        Some(preset) if chosen.contains(&preset) => {
                            errors.push(BuildError::new(
                                format!("presets.{index}"),
                                "this preset is there already",
                            ));
                        }
                        Some(preset) => chosen.push(preset),
                        None => errors.push(unknown_preset(spec, format!("presets.{index}"), name)),
                    }
                }
                chosen
            }
        }
    }
}

/// Declares what the runtime needs to know of a sink with these mappings; the rate group is the vendor's.
pub fn declares(spec: &Spec, compat: Compat, mappings: &[MappingConfig]) -> SinkDeclarations {
    SinkDeclarations {
        rate_group: None,
        hashing_rules: Some(spec.rules_of(compat).name()),
        mappings: fingerprints(mappings),
        reads: reads(mappings),
    }
}

/// Returns the enabled mappings by name, each with a fingerprint.
fn fingerprints(mappings: &[MappingConfig]) -> Vec<(String, String)> {
    let one = |mapping: &MappingConfig| {
        let name = mapping.name.clone().or_else(|| mapping.preset.clone())?;
        let what = MappingConfig {
            name: None,
            ..mapping.clone()
        };
        Some((name, Sha256Hex::of(&format!("{what:?}")).as_str().to_owned()))
    };
    let enabled = mappings.iter().filter(|mapping| mapping.enabled);
    enabled.filter_map(one).collect()
}

/// Returns the values of the event that enabled mappings compare or write into texts.
fn reads(mappings: &[MappingConfig]) -> Vec<PlainRead> {
    let mut reads = Vec::new();
    for (index, mapping) in mappings.iter().enumerate().filter(|(_, mapping)| mapping.enabled) {
        let path = format!("mappings.{index}");
        let trigger = mapping.trigger.as_deref().unwrap_or_default();
        reads.extend(trigger_reads(trigger, &format!("{path}.trigger")));
        for (key, value) in &mapping.fields {
            reads.extend(template_reads(value, &child(&format!("{path}.fields"), key)));
        }
    }
    reads
}

/// Compiles the mappings of a sink, and warns if there is none.
pub fn sink_mappings(
    spec: &'static Spec,
    presets: &Presets,
    mappings: &[MappingConfig],
    compat: Compat,
    findings: &mut Findings,
) -> Vec<CompiledMapping> {
    let presets = presets.chosen(spec, &mut findings.errors);
    let result = compile(spec, &presets, mappings, compat, findings);
    if result.is_empty() && findings.errors.is_empty() {
        let warning = BuildError::new(
            "presets",
            "no preset and no mapping is on, so nothing is ever sent",
        );
        let help = "take presets out, which switches all on, or add mappings";
        findings.warnings.push(warning.help(help));
    }
    result
}

/// Compiles the presets that are on, and the mappings; a mapping of a preset stands in its place.
pub(crate) fn compile(
    spec: &'static Spec,
    presets: &[&'static Preset],
    mappings: &[MappingConfig],
    compat: Compat,
    findings: &mut Findings,
) -> Vec<CompiledMapping> {
    let mut result = Vec::new();
    let replaced = |preset: &Preset| {
        mappings
            .iter()
            .any(|mapping| mapping.preset(spec) == Some(preset))
    };
    for preset in presets.iter().filter(|preset| !replaced(preset)) {
        match CompiledMapping::of_preset(spec, preset, compat) {
            Ok(mapping) => result.push(mapping),
            Err(error) => findings
                .errors
                .push(BuildError::new("presets", error.to_string())),
        }
    }
    for (index, mapping) in mappings.iter().enumerate() {
        let path = format!("mappings.{index}");
        let compiled = mapping.compile(spec, &path, index, compat, findings);
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
    fn preset(&self, spec: &Spec) -> Option<&'static Preset> {
        spec.preset(self.preset.as_deref()?)
    }

    /// Disabled mappings are checked as well: they may be switched on later.
    fn compile(
        &self,
        spec: &'static Spec,
        path: &str,
        index: usize,
        compat: Compat,
        findings: &mut Findings,
    ) -> Option<CompiledMapping> {
        let before = findings.errors.len();
        if let Some(name) = &self.preset
            && self.preset(spec).is_none()
        {
            findings
                .errors
                .push(unknown_preset(spec, format!("{path}.preset"), name));
        }
        let name = match (&self.name, self.preset(spec)) {
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
        let trigger = self.trigger(spec, path, findings);
        let (draft, at) = match &self.fields_file {
            Some(file) => {
                let fields = self.whole(spec, file, path, findings);
                (Draft::whole(spec, fields), child(path, "fields_file"))
            }
            None => {
                let draft = self.laid_over(spec, path, compat, &mut findings.errors);
                (draft, child(path, "fields"))
            }
        };
        if findings.errors.len() == before || self.fields_file.is_none() {
            check_required(&draft, &at, &mut findings.errors);
        }
        if findings.errors.len() > before {
            return None;
        }
        match draft.compile(&name, trigger?) {
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

    fn trigger(&self, spec: &Spec, path: &str, findings: &mut Findings) -> Option<Trigger> {
        let path = format!("{path}.trigger");
        match (&self.trigger, self.preset(spec)) {
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
    fn laid_over(&self, spec: &'static Spec, path: &str, compat: Compat, errors: &mut BuildErrors) -> Draft {
        let mut draft = Draft::new(spec, self.preset(spec), compat);
        for (name, mapping) in &self.fields {
            check_field(spec, name, mapping, &child(&child(path, "fields"), name), errors);
            draft.set(name, Some(mapping.clone()));
        }
        for (index, name) in self.unset.iter().enumerate() {
            if spec.field(name).is_none() {
                errors.push(unknown_field(spec, format!("{path}.unset.{index}"), name));
            }
            draft.set(name, None);
        }
        if compat == Compat::Vendor {
            spec.leave_out_other_formats(&mut draft.fields);
        }
        draft
    }

    /// A whole mapping from a file.
    fn whole(&self, spec: &Spec, file: &Path, path: &str, findings: &mut Findings) -> Map<String, Json> {
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
                    check_field(spec, name, mapping, &child(&path, name), &mut findings.errors);
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

fn unknown_preset(spec: &Spec, path: String, name: &str) -> BuildError {
    let known = spec.presets.iter().map(|preset| preset.name);
    let help = match nearest(name, known.clone()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("the presets are: {}", known.collect::<Vec<_>>().join(", ")),
    };
    BuildError::new(path, "no preset has this name").help(help)
}

fn unknown_field(spec: &Spec, path: String, name: &str) -> BuildError {
    let paths: Vec<String> = spec
        .fields
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
    // `email` for `user_data.email` is the commonest slip.
    let named = |path: &&str| {
        path.rsplit('.')
            .next()
            .is_some_and(|last| last.eq_ignore_ascii_case(name))
    };
    let known = paths.iter().map(String::as_str);
    match known.clone().find(named).or_else(|| nearest(name, known)) {
        Some(near) => error.help(format!("did you mean \"{near}\"?")),
        None => error.help("the plugin's README lists the fields"),
    }
}

/// Whether a field is known and a literal fits it. Directives are checked when they are compiled.
fn check_field(spec: &Spec, name: &str, mapping: &Json, path: &str, errors: &mut BuildErrors) {
    let Some(field) = spec.field(name) else {
        errors.push(unknown_field(spec, path.to_owned(), name));
        return;
    };
    if has_directive(mapping) || mapping.is_null() {
        if let (Json::Object(members), Some(properties)) = (mapping, field.properties) {
            let unknown =
                |key: &&String| !key.starts_with('@') && properties.iter().all(|known| known.key != **key);
            for key in members.keys().filter(unknown).filter(|key| *key != "_metadata") {
                errors.push(unknown_field(spec, child(path, key), &format!("{name}.{key}")));
            }
        }
        return;
    }
    check_literal(field, mapping, path, errors);
}

fn check_literal(field: &'static Field<'static>, literal: &Json, path: &str, errors: &mut BuildErrors) {
    let Ok(schema) = FieldSchema::new(std::slice::from_ref(field)) else {
        return;
    };
    let payload = Json::Object(Map::from_iter([(field.key.to_owned(), literal.clone())])).to_string();
    let arena = Bump::new();
    let Some(payload) = parse_json(&payload, &arena) else {
        return;
    };
    for error in schema.coerce(payload, &arena, Leniency::Segment).errors {
        if error.kind == FieldErrorKind::Missing && !field.required {
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

fn check_required(draft: &Draft, path: &str, errors: &mut BuildErrors) {
    for field in draft.spec.fields.iter().filter(|field| field.required) {
        if draft.fields.get(field.key).is_none_or(Json::is_null) {
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
