//! Checks of mappings in settings against the field table.

use bumpalo::Bump;
use serde_json::{Map, Value as Json};
use signalbox_core::{BuildError, BuildErrors, nearest};
use signalbox_segment::schema::{Field, FieldErrorKind, Leniency, Schema};
use signalbox_segment::settings::child;
use signalbox_segment::value::parse_json;

use crate::mapping::Draft;
use crate::presets::Preset;
use crate::spec::{Compat, Spec};

pub(super) fn unknown_preset(spec: &Spec, path: String, name: &str) -> BuildError {
    let known = spec.presets.iter().map(|preset| preset.name);
    let help = match nearest(name, known.clone()) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("the presets are: {}", known.collect::<Vec<_>>().join(", ")),
    };
    BuildError::new(path, "no preset has this name").help(help)
}

/// Returns the error that these rules do not have the preset; `None` if they have it.
pub(super) fn not_in(preset: &Preset, compat: Compat, path: &str) -> Option<BuildError> {
    if preset.is_in(compat) {
        return None;
    }
    let message = match compat {
        Compat::Segment => "Segment's destination has no such preset, so compat = \"segment\" has none",
        Compat::Vendor => "only compat = \"segment\" has this preset",
    };
    Some(BuildError::new(path, message).help("take it out, or add a mapping with a trigger"))
}

pub(super) fn unknown_field(spec: &Spec, path: String, name: &str) -> BuildError {
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
    // `email` for `user_data.email` is the commonest slip. The last field of that name belongs to the latest format.
    let named = |path: &&str| {
        path.rsplit('.')
            .next()
            .is_some_and(|last| last.eq_ignore_ascii_case(name))
    };
    let known = paths.iter().map(String::as_str);
    match known.clone().rev().find(named).or_else(|| nearest(name, known)) {
        Some(near) => error.help(format!("did you mean \"{near}\"?")),
        None => error.help("the plugin's README lists the fields"),
    }
}

/// Checks that a field is known and that a literal fits it. Directives are checked when they are compiled.
pub(super) fn check_field(spec: &Spec, name: &str, mapping: &Json, path: &str, errors: &mut BuildErrors) {
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
    let Ok(schema) = Schema::new(std::slice::from_ref(field)) else {
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
        let is_choice = error.kind == FieldErrorKind::Choice;
        let problem = BuildError::new(path, error.message);
        errors.push(match is_choice {
            true => problem.help(field.description),
            false => problem,
        });
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

pub(super) fn check_required(draft: &Draft, path: &str, errors: &mut BuildErrors) {
    errors.extend(missing(draft).map(|field| {
        let message = format!("the required field \"{}\" has no mapping", field.key);
        BuildError::new(path, message).help(field.description)
    }));
}

/// Returns the required fields without a mapping.
pub(super) fn missing(draft: &Draft) -> impl Iterator<Item = &'static Field<'static>> {
    let of_preset = |field: &Field<'_>| {
        let required = draft.preset.map_or(&[][..], |preset| preset.required);
        draft.compat == Compat::Segment && required.contains(&field.key)
    };
    let is_missing = move |field: &&Field<'_>| {
        (field.required || of_preset(field)) && draft.fields.get(field.key).is_none_or(Json::is_null)
    };
    draft.spec.fields.iter().filter(is_missing)
}
