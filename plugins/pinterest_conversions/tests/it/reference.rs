//! The reference in the README is generated from the field table and the presets: `UPDATE_DOCS=1` writes it anew.

use std::fmt::Write;

use serde_json::Value as Json;
use signalbox_pinterest_conversions::action::{Default, Derive, FIELDS, Listens, PRESETS, row as row_of};
use signalbox_segment::schema::{Field, FieldType, Required};

const BEGIN: &str = "<!-- begin of the generated reference -->\n";
const END: &str = "<!-- end of the generated reference -->";

fn type_name(field: &Field<'_>) -> String {
    let name = match field.kind {
        FieldType::String => "text",
        FieldType::Number => "number",
        FieldType::Integer => "whole number",
        FieldType::Boolean => "true or false",
        FieldType::Datetime => "time",
        FieldType::Object => "object",
    };
    if field.multiple {
        format!("{name}, one or a list")
    } else {
        name.to_owned()
    }
}

fn path(mapping: &Json) -> Option<&str> {
    mapping["@path"]
        .as_str()
        .map(|path| path.trim_start_matches("$."))
}

/// A default of Segment's.
fn segment_default(json: &str) -> String {
    let mapping: Json = serde_json::from_str(json).unwrap();
    let choice = &mapping["@if"];
    if let Some(path) = path(&mapping) {
        format!("`{path}`")
    } else if choice.is_object() {
        format!(
            "`{}`, else `{}`",
            path(&choice["then"]).unwrap(),
            path(&choice["else"]).unwrap()
        )
    } else if mapping["@arrayPath"].is_array() {
        "each of `properties.products`".to_owned()
    } else {
        format!("`{mapping}`")
    }
}

fn first_of(paths: &[&str]) -> String {
    let quoted: Vec<String> = paths.iter().map(|path| format!("`{path}`")).collect();
    match quoted.as_slice() {
        [only] => only.clone(),
        several => format!("first of {}", several.join(", ")),
    }
}

fn default_of(name: &str, field: &Field<'_>) -> String {
    let mut text = match row_of(name).and_then(|row| row.pinterest_default()) {
        Some(Default::FirstOf(paths) | Default::FirstNumberOf(paths)) => first_of(paths),
        Some(Default::Json(_)) => {
            "each of `properties.products`, or the one product that `properties` describe".into()
        }
        Some(Default::Nothing) => String::new(),
        None => field.default.map(segment_default).unwrap_or_default(),
    };
    if let Some(derive) = row_of(name).and_then(|row| row.derive()) {
        let derived = match derive {
            Derive::ActionSource => "`app_ios` or `app_android` for events of mobile apps",
            Derive::OptOut => "the opposite of `context.device.adTrackingEnabled`",
            Derive::FirstName => "the given name in `traits.name` or `context.traits.name`",
            Derive::LastName => "the family name in `traits.name` or `context.traits.name`",
            Derive::ClickId => "`epik` in the query of `context.page.search` or `context.page.url`",
            Derive::ContentIds => "the ids of the contents",
            Derive::NumItems => "the quantities of the contents, added up",
            Derive::OsFamily => "the family of `context.os.name`",
        };
        text = if text.is_empty() {
            derived.to_owned()
        } else {
            format!("{text}; {derived}")
        };
    }
    text
}

fn notes(field: &Field<'_>) -> String {
    let mut text = field.description.to_owned();
    if matches!(field.required, Required::Always) {
        text.push_str(" Required.");
    }
    if !field.choices.is_empty() {
        let choices: Vec<String> = field
            .choices
            .iter()
            .map(|choice| format!("`{}`", choice.label))
            .collect();
        write!(text, " One of {}.", choices.join(", ")).unwrap();
    }
    if let Some(most) = field.maximum {
        write!(text, " At most {most} characters.").unwrap();
    }
    text
}

fn row(out: &mut String, name: &str, field: &Field<'_>) {
    let ours = default_of(name, field);
    let segments = field.default.map(segment_default).unwrap_or_default();
    let segments = if segments == ours {
        "the same".to_owned()
    } else {
        segments
    };
    let segments = if ours.is_empty() && segments == "the same" {
        String::new()
    } else {
        segments
    };
    writeln!(
        out,
        "| `{name}` | {} | {ours} | {segments} | {} |",
        type_name(field),
        notes(field)
    )
    .unwrap();
}

fn reference() -> String {
    let mut out = String::from("\n### Presets\n\n| preset | listens to | event_name |\n|---|---|---|\n");
    for preset in PRESETS {
        let listens = match preset.listens {
            Listens::Track(event) => format!("track \"{event}\""),
            Listens::Page => "any page call".to_owned(),
        };
        writeln!(out, "| {} | {listens} | `{}` |", preset.name, preset.event_name).unwrap();
    }
    out.push_str("\n### Fields\n\n| field | type | default | default with `compat = \"segment\"` | meaning |\n|---|---|---|---|---|\n");
    for field in FIELDS {
        row(&mut out, field.key, field);
        for member in field.properties.unwrap_or_default() {
            if field.multiple {
                let key = format!("{}[].{}", field.key, member.key);
                writeln!(out, "| `{key}` | {} | | | {} |", type_name(member), notes(member)).unwrap();
            } else {
                row(&mut out, &format!("{}.{}", field.key, member.key), member);
            }
        }
    }
    out.push('\n');
    out
}

#[test]
fn the_readme_holds_the_reference() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(file).unwrap();
    let (before, rest) = readme.split_once(BEGIN).unwrap();
    let (found, after) = rest.split_once(END).unwrap();
    let wanted = reference();
    if found != wanted && std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(file, format!("{before}{BEGIN}{wanted}{END}{after}")).unwrap();
    } else {
        assert!(
            found == wanted,
            "the README's reference is out of date; run the tests once with UPDATE_DOCS=1"
        );
    }
}
