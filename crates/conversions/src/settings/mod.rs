//! Mappings as the pipeline file has them: presets changed, and mappings made from scratch.

mod account;
mod check;
mod country;
mod endpoint;
mod formats;
mod presets;
mod sink;

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use signalbox_core::{BuildError, HumanDuration, PlainField, PlainRead, Sha256Hex, SinkDeclarations};
use signalbox_segment::settings::{self, Findings, child, template_reads, trigger_reads};

use crate::field::{Kind, Row};
use crate::mapping::{CompiledMapping, Draft, Trigger};
use crate::presets::{Listens, Preset};
use crate::spec::{Compat, Spec};
use crate::vendor::Vendor;
pub use account::{AccountId, refuse_blank, token_header};
use check::{check_field, check_required, missing, not_in, unknown_field, unknown_preset};
pub use country::DefaultCountry;
pub use endpoint::endpoint;
use formats::Place;
pub use presets::Presets;
pub use sink::{destination, sink};

/// A mapping: a trigger, and the fields it fills.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MappingConfig {
    /// Its name, shown with every record. Default: the preset's name.
    #[serde(default)]
    pub name: Option<String>,
    /// The preset it begins from, in whose place it stands.
    #[serde(default)]
    pub preset: Option<String>,
    /// Its trigger, in Segment's trigger language. Default: that of the preset.
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

/// Returns a number of days, for defaults.
pub fn days<const DAYS: u64>() -> HumanDuration {
    HumanDuration::from_secs(DAYS * 24 * 60 * 60)
}

/// Returns true, the default of settings that are on.
pub fn yes() -> bool {
    true
}

/// Makes the declarations of a sink with these mappings to the runtime, without the vendor's rate group.
pub fn declares<V: Vendor>(vendor: &V, mappings: &[MappingConfig]) -> SinkDeclarations {
    SinkDeclarations {
        rate_group: None,
        hashing_rules: Some(vendor.spec().rules_of(vendor.compat()).name()),
        plain_fields: plain_fields(vendor, mappings),
        mappings: fingerprints(mappings),
        reads: reads(mappings),
        personal_reads: personal_reads(vendor.spec(), mappings),
    }
}

/// Makes the declaration of a setting that chooses the form of the user id, which a hash no longer has.
pub fn reads_user_id(setting: &str) -> PlainRead {
    PlainRead {
        setting: setting.to_owned(),
        event_path: "userId".to_owned(),
    }
}

/// Returns the fields that the vendor wants plain.
fn plain_fields<V: Vendor>(vendor: &V, mappings: &[MappingConfig]) -> Vec<PlainField> {
    let (spec, compat) = (vendor.spec(), vendor.compat());
    let takes_hash = |field| vendor.takes_hash(field);
    let plain = spec.all_rows().filter(|(_, row)| row.wants_plain(takes_hash));
    plain
        .map(|(field, _)| plain_field(spec, compat, mappings, field))
        .collect()
}

/// Makes the declaration of a field, with the paths of its default and of the enabled mappings.
fn plain_field(spec: &Spec, compat: Compat, mappings: &[MappingConfig], field: String) -> PlainField {
    let (parent, member) = field.split_once('.').unwrap_or((&field, ""));
    let mut paths = Vec::new();
    let mut add = |fields: &Map<String, Json>| {
        let inner = fields
            .get(parent)
            .map(|parent| parent.get(member).unwrap_or(parent));
        if let Some(mapping) = fields.get(&field).or(inner) {
            event_paths(mapping, &mut paths);
        }
    };
    add(&spec.default_mapping(None, compat));
    let enabled = mappings.iter().filter(|mapping| mapping.enabled);
    enabled.for_each(|mapping| add(&mapping.fields));
    paths.sort();
    paths.dedup();
    PlainField { field, paths }
}

/// Collects the paths that a mapping takes values from.
fn event_paths(mapping: &Json, paths: &mut Vec<String>) {
    match mapping {
        Json::Object(members) => {
            for (key, value) in members {
                match value.as_str() {
                    Some(path) if key == "@path" => paths.push(path.trim_start_matches("$.").to_owned()),
                    _ => event_paths(value, paths),
                }
            }
        }
        Json::Array(items) => items.iter().for_each(|item| event_paths(item, paths)),
        _ => {}
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

/// Returns the paths from which enabled mappings fill personal fields.
fn personal_reads(spec: &Spec, mappings: &[MappingConfig]) -> Vec<PlainRead> {
    let mut reads = Vec::new();
    let enabled = mappings.iter().enumerate().filter(|(_, mapping)| mapping.enabled);
    for (index, mapping) in enabled {
        let personal = |(field, row): (String, &'static Row)| {
            matches!(row.kind, Kind::Hashed(_) | Kind::Plain(_)).then_some(field)
        };
        for field in spec.all_rows().filter_map(personal) {
            let (parent, member) = field.split_once('.').unwrap_or((&field, ""));
            let inner = mapping.fields.get(parent).and_then(|parent| parent.get(member));
            let (key, value) = match (mapping.fields.get(&field), inner) {
                (Some(value), _) => (&*field, value),
                (None, Some(value)) => (parent, value),
                (None, None) => continue,
            };
            let setting = child(&format!("mappings.{index}.fields"), key);
            let mut paths = Vec::new();
            event_paths(value, &mut paths);
            let of_path = |event_path| PlainRead {
                setting: setting.clone(),
                event_path,
            };
            reads.extend(paths.into_iter().map(of_path));
            reads.extend(template_reads(value, &setting));
        }
    }
    reads
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
    let presets = presets.chosen(spec, compat, &mut findings.errors);
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
    let as_they_are = presets.iter().copied().filter(|preset| !replaced(preset));
    findings
        .warnings
        .extend(incomplete_presets(spec, as_they_are.clone(), compat));
    for preset in as_they_are {
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
                findings.errors.push(settings::name_taken(&path));
            }
            result.push(compiled);
        }
    }
    result
}

/// Warns of presets that lack a required field, which Segment leaves to its users.
fn incomplete_presets(
    spec: &'static Spec,
    presets: impl Iterator<Item = &'static Preset>,
    compat: Compat,
) -> Option<BuildError> {
    if compat == Compat::Vendor {
        return None;
    }
    let mut fields: Vec<&str> = Vec::new();
    for preset in presets {
        fields.extend(missing(&Draft::new(spec, Some(preset), compat)).map(|field| field.key));
    }
    fields.sort_unstable();
    fields.dedup();
    let first = fields.first()?;
    let message = format!(
        "with compat = \"segment\" presets have no mapping of the required {}, so each event of theirs is rejected",
        quoted(&fields)
    );
    let help = format!("add a mapping for each preset that you use, with fields = {{ {first} = … }}");
    Some(BuildError::new("presets", message).help(help))
}

/// Returns names as a list in a sentence.
fn quoted(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("\"{name}\"")).collect();
    names.join(" and ")
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
        if let Some(name) = &self.preset {
            let at = format!("{path}.preset");
            let error = match self.preset(spec) {
                Some(preset) => not_in(preset, compat, &at),
                None => Some(unknown_preset(spec, at, name)),
            };
            findings.errors.extend(error);
        }
        let otherwise = || match self.preset(spec) {
            Some(preset) => preset.name.to_owned(),
            None => format!("mapping {}", index + 1),
        };
        let name = settings::mapping_name(self.name.as_deref(), otherwise, path, findings);
        let trigger = self.trigger(spec, path, findings);
        let (draft, at) = match &self.fields_file {
            Some(file) => {
                let fields = self.whole(spec, file, path, findings);
                let draft = Draft::whole(spec, self.preset(spec), compat, fields);
                (draft, child(path, "fields_file"))
            }
            None => {
                let draft = self.laid_over(spec, path, compat, findings);
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
                let doubts = compiled.planned.mapping.warnings().iter();
                let ours =
                    doubts.filter_map(|doubt| Some((self.setting(spec, &at, &doubt.path)?, &doubt.message)));
                findings
                    .warnings
                    .extend(ours.map(|(path, message)| BuildError::new(path, message)));
                Some(compiled)
            }
            Err(compile) => {
                for error in compile.errors {
                    let path = self.setting(spec, &at, &error.path).unwrap_or_else(|| at.clone());
                    findings.errors.push(BuildError::new(path, error.message));
                }
                None
            }
        }
    }

    /// The setting that a place in a mapping (`/user_data/email/@if/then`) comes from; `None` if it is a default.
    fn setting(&self, spec: &Spec, base: &str, place: &str) -> Option<String> {
        let keys: Vec<&str> = place.split('/').filter(|key| !key.is_empty()).collect();
        let path = |start: String, rest: &[&str]| rest.iter().fold(start, |path, key| child(&path, key));
        if self.fields_file.is_some() {
            return Some(path(base.to_owned(), &keys));
        }
        (1..=keys.len().min(2)).rev().find_map(|steps| {
            // A field of the settings may name two steps in one.
            let named = keys[..steps].join(".");
            let given = self.fields.contains_key(&named).then_some(&named);
            let carried = || {
                let format = spec.row(keys[0])?.format?;
                let from = |name: &&String| formats::counterpart(spec, name, format).as_ref() == Some(&named);
                self.fields.keys().find(from)
            };
            let given = given.or_else(carried)?;
            Some(path(child(base, given), &keys[steps..]))
        })
    }

    fn trigger(&self, spec: &Spec, path: &str, findings: &mut Findings) -> Option<Trigger> {
        let path = format!("{path}.trigger");
        match (&self.trigger, self.preset(spec)) {
            (Some(text), _) => settings::trigger(text, &path, findings).map(Trigger::Fql),
            (None, Some(preset)) if preset.listens != Listens::Nothing => {
                Some(Trigger::Preset(preset.listens))
            }
            (None, preset) => {
                // An unknown preset has its own error.
                if self.preset.is_none() || preset.is_some() {
                    let message = match preset {
                        Some(_) => {
                            "this preset listens to no event by itself, so the mapping needs a trigger"
                        }
                        None => "a mapping needs a preset or a trigger",
                    };
                    let help = "for instance: trigger = 'type = \"track\" and event = \"Order Completed\"'";
                    findings.errors.push(BuildError::new(path, message).help(help));
                }
                None
            }
        }
    }

    /// The format that the settings choose, or the default; `None` if there is none, or each event chooses.
    fn chosen_format(&self, spec: &Spec, draft: &Draft) -> Option<String> {
        let choice = spec.format_field?;
        let mut fields = draft.fields.clone();
        if let Some(mapping) = self.fields.get(choice) {
            fields.insert(choice.to_owned(), mapping.clone());
        }
        if self.unset.iter().any(|field| field == choice) {
            fields.remove(choice);
        }
        spec.chosen_format(&fields)
    }

    /// The defaults with the fields of the settings laid over. A field of a format that is not chosen goes to the same
    /// field of the chosen one.
    fn laid_over(&self, spec: &'static Spec, path: &str, compat: Compat, findings: &mut Findings) -> Draft {
        let errors = &mut findings.errors;
        let mut draft = Draft::new(spec, self.preset(spec), compat);
        let chosen = self.chosen_format(spec, &draft);
        for (name, mapping) in &self.fields {
            let at = child(&child(path, "fields"), name);
            let before = errors.len();
            check_field(spec, name, mapping, &at, errors);
            if draft.is_absent(name) {
                let message = "has no effect: Segment's destination has no such field in this preset";
                findings.warnings.push(BuildError::new(&at, message));
            }
            match formats::place(spec, self, (name, &at), chosen.as_deref(), compat) {
                Place::Named => draft.set(name, Some(mapping.clone())),
                Place::Carried(to) => {
                    if errors.len() == before {
                        check_field(spec, &to, mapping, &at, errors);
                    }
                    draft.set(&to, Some(mapping.clone()));
                }
                Place::Nowhere(error) => errors.push(error),
                Place::Ignored(warning) => {
                    findings.warnings.push(warning);
                    draft.set(name, Some(mapping.clone()));
                }
            }
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

/// Returns true for members of a mapping that only Segment reads.
fn is_segments_own(name: &str) -> bool {
    name.starts_with("__segment") || matches!(name, "enable_batching" | "batch_size" | "batch_keys")
}
