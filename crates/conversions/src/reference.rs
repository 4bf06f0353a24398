//! The reference of a vendor's presets and fields, for the README of its plugin.

use std::fmt::Write;

use serde_json::Value as Json;
use signalbox_segment::schema::{Field, FieldType};

use crate::field::Default;
use crate::presets::{Listens, Preset};
use crate::spec::{Compat, Spec};

/// Writes the reference as Markdown.
pub fn reference(spec: &Spec) -> String {
    let mut out = format!(
        "\n### Presets\n\n| preset | listens to | {} |\n|---|---|---|\n",
        spec.event_field
    );
    for preset in spec.presets {
        let listens = match preset.listens {
            Listens::Track(event) => format!("track \"{event}\""),
            Listens::Event(event) => format!("any call with the event \"{event}\""),
            Listens::Page => "any page call".to_owned(),
            Listens::Screen => "any screen call".to_owned(),
            Listens::Nothing => "nothing by itself: its mapping needs a trigger".to_owned(),
        };
        let only = match preset.only {
            Some(Compat::Vendor) => ", not with `compat = \"segment\"`",
            Some(Compat::Segment) => ", with `compat = \"segment\"` only",
            None => "",
        };
        let event_name = match preset.event_name {
            "" => "as mapped".to_owned(),
            name => format!("`{name}`"),
        };
        let _ = writeln!(out, "| {} | {listens}{only} | {event_name} |", preset.name);
    }
    preset_fields(&mut out, spec);
    out.push_str("\n### Fields\n\n| field | type | default | default with `compat = \"segment\"` | meaning |\n|---|---|---|---|---|\n");
    for field in spec.fields {
        row(&mut out, spec, field.key, field);
        for member in field.properties.unwrap_or_default() {
            if field.multiple {
                let key = format!("{}[].{}", field.key, member.key);
                let _ = writeln!(out, "| `{key}` | {} | | | {} |", type_name(member), notes(member));
            } else {
                row(&mut out, spec, &format!("{}.{}", field.key, member.key), member);
            }
        }
    }
    out.push('\n');
    out
}

/// Writes a table of the places in an event that each field is read from when nothing is configured, as Markdown.
pub fn sources(spec: &Spec) -> String {
    let mut out = "| field | read from, the first usable one | else |\n|---|---|---|\n".to_owned();
    for (path, row) in spec.all_rows().filter(|(_, row)| row.format != Some("legacy")) {
        let is_in_legacy = |parent: &str| spec.row(parent).is_some_and(|row| row.format == Some("legacy"));
        if path
            .split_once('.')
            .is_some_and(|(parent, _)| is_in_legacy(parent))
        {
            continue;
        }
        let of_segment = row.field.default.map(segment_default);
        let places = match row.vendor_default {
            Some(Default::FirstOf(paths) | Default::FirstNumberOf(paths)) => {
                format!("`{}`", paths.join("`, `"))
            }
            Some(default) => vendor_default(&default),
            None => of_segment.unwrap_or_default(),
        };
        if !(places.is_empty() && row.derived.is_empty()) {
            let _ = writeln!(out, "| `{path}` | {places} | {} |", row.derived);
        }
    }
    out
}

/// Writes the defaults by which presets differ from the field table.
fn preset_fields(out: &mut String, spec: &Spec) {
    let of_both = |preset: &'static Preset| {
        let mut paths: Vec<&str> = preset.fields.iter().map(|(path, _)| *path).collect();
        for (path, _) in preset.vendor_fields {
            if !paths.contains(path) {
                paths.push(path);
            }
        }
        paths.into_iter().map(move |path| (preset, path))
    };
    let mut rows = spec.presets.iter().flat_map(of_both).peekable();
    if rows.peek().is_none() {
        return;
    }
    out.push_str("\nSome presets have other defaults of a field than the table below says:\n\n");
    out.push_str("| preset | field | default | default with `compat = \"segment\"` |\n|---|---|---|---|\n");
    for (preset, path) in rows {
        let (name, default) = (preset.name, |compat| {
            let of = |preset| {
                let mapping = Json::Object(spec.default_mapping(preset, compat));
                path.split('.').fold(mapping, |json, key| json[key].clone())
            };
            let mapping = of(Some(preset));
            let own = preset.vendor_fields.iter().find(|(own, _)| *own == path);
            match own.filter(|_| compat == Compat::Vendor) {
                _ if !preset.is_in(compat) => String::new(),
                _ if mapping == of(None) => "as below".to_owned(),
                _ if mapping.is_null() => "nothing".to_owned(),
                Some((_, default)) => vendor_default(default),
                None => segment_default(&mapping.to_string()),
            }
        });
        let (ours, segments) = (default(Compat::Vendor), default(Compat::Segment));
        let segments = if segments == ours && !ours.is_empty() {
            "the same".to_owned()
        } else {
            segments
        };
        let _ = writeln!(out, "| {name} | `{path}` | {ours} | {segments} |");
    }
}

fn row(out: &mut String, spec: &Spec, name: &str, field: &Field<'_>) {
    let ours = default_of(spec, name, field);
    let segments = match field.default.map(segment_default).unwrap_or_default() {
        same if same == ours && ours.is_empty() => String::new(),
        same if same == ours => "the same".to_owned(),
        other => other,
    };
    let (kind, notes) = (type_name(field), notes(field));
    let _ = writeln!(out, "| `{name}` | {kind} | {ours} | {segments} | {notes} |");
}

fn default_of(spec: &Spec, name: &str, field: &Field<'_>) -> String {
    let row = spec.row(name);
    let text = match row.and_then(|row| row.vendor_default) {
        Some(default) => vendor_default(&default),
        None => field.default.map(segment_default).unwrap_or_default(),
    };
    match row.map(|row| row.derived).unwrap_or_default() {
        "" => text,
        derived if text.is_empty() => derived.to_owned(),
        derived => format!("{text}; {derived}"),
    }
}

/// Describes a default of the vendor's; empty for none.
fn vendor_default(default: &Default) -> String {
    match default {
        Default::FirstOf(paths) | Default::FirstNumberOf(paths) => first_of(paths),
        Default::Json(json) if json.contains("$.properties.products") => {
            "each of `properties.products`, or the one product that `properties` describe".to_owned()
        }
        Default::Json(json) => segment_default(json),
        Default::Nothing => String::new(),
    }
}

fn first_of(paths: &[&str]) -> String {
    match paths {
        [only] => format!("`{only}`"),
        several => format!("first of `{}`", several.join("`, `")),
    }
}

/// Describes a default of Segment's.
fn segment_default(json: &str) -> String {
    let mapping: Json = serde_json::from_str(json).unwrap_or_default();
    if mapping.is_null() {
        return String::new();
    }
    let choice = &mapping["@if"];
    if let Some(path) = path(&mapping) {
        format!("`{path}`")
    } else if let (Some(then), Some(otherwise)) = (path(&choice["then"]), path(&choice["else"])) {
        format!("`{then}`, else `{otherwise}`")
    } else if mapping["@arrayPath"][0] == "$.properties" {
        "the one product that `properties` describe".to_owned()
    } else if mapping["@arrayPath"].is_array() {
        "each of `properties.products`".to_owned()
    } else {
        format!("`{mapping}`")
    }
}

fn path(mapping: &Json) -> Option<&str> {
    let path = mapping["@path"].as_str()?;
    Some(path.trim_start_matches("$."))
}

fn type_name(field: &Field<'_>) -> String {
    let name = match field.kind {
        FieldType::String => "text",
        FieldType::Number => "number",
        FieldType::Integer => "whole number",
        FieldType::Boolean => "true or false",
        FieldType::Datetime => "time",
        FieldType::Object => "object",
    };
    let more = if field.multiple { ", one or a list" } else { "" };
    format!("{name}{more}")
}

fn notes(field: &Field<'_>) -> String {
    let mut text = field.description.to_owned();
    if field.required {
        text.push_str(" Required.");
    }
    if !field.choices.is_empty() {
        let choices: Vec<&str> = field.choices.iter().map(|choice| choice.label).collect();
        let _ = write!(text, " One of `{}`.", choices.join("`, `"));
    }
    if let Some(most) = field.maximum {
        let _ = write!(text, " At most {most} characters.");
    }
    text
}
