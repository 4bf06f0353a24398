//! Descriptions of a sink's mappings for people, and their answers to an event.

use serde_json::{Map, Value as Json};
use signalbox_core::{Clause, Event, FieldOutline, Firing, MappingOutline};
use signalbox_segment::fql;
use signalbox_segment::mapping::outline as outline_of;

use crate::field::{Derives, Row};
use crate::mapping::{CompiledMapping, Trigger};
use crate::presets::Preset;
use crate::spec::{Compat, Spec};

/// Describes a mapping: its trigger, and the fields that it fills or that are worked out beside it.
pub(crate) fn outline(mapping: &CompiledMapping, spec: &'static Spec, compat: Compat) -> MappingOutline {
    let fields = match &mapping.fields {
        Some(fields) => Map::clone(fields),
        None => preset_fields(mapping, spec, compat),
    };
    let event_name = fields.get(spec.event_field).and_then(Json::as_str);
    let described = outline_of(&Json::Object(fields.clone()));
    let mut rows = Vec::new();
    for (path, row) in spec.all_rows() {
        let of_row = described.iter().filter(|field| is_of(&field.field, &path, row));
        let derived = derived(row, mapping.derives);
        let before = rows.len();
        rows.extend(of_row.map(|field| FieldOutline {
            sent_as: sent_as(spec, &field.field),
            derived: derived.to_owned(),
            ..field.clone()
        }));
        if rows.len() == before && !derived.is_empty() {
            rows.push(FieldOutline {
                sent_as: sent_as(spec, &path),
                field: path,
                derived: derived.to_owned(),
                ..FieldOutline::default()
            });
        }
    }
    MappingOutline {
        name: mapping.name.to_string(),
        trigger: trigger(mapping),
        event_name: event_name.map(str::to_owned),
        fields: rows,
    }
}

/// Tells whether a mapping takes the event, and why.
pub(crate) fn firing(mapping: &CompiledMapping, event: &Event) -> Firing {
    let trigger = match &mapping.trigger {
        Trigger::Fql(trigger) => trigger.explain(event.root()),
        Trigger::Preset(_) => {
            let text = mapping.preset.and_then(Preset::trigger);
            match text.and_then(|text| fql::Trigger::parse(&text).ok()) {
                Some(trigger) => trigger.explain(event.root()),
                None => Clause::Never {
                    text: "the preset listens to nothing by itself; its mapping needs a trigger".to_owned(),
                },
            }
        }
    };
    Firing {
        mapping: mapping.name.to_string(),
        fires: mapping.trigger.matches(event),
        trigger: Some(trigger),
    }
}

/// Returns the mappings of a preset's fields when nothing is configured.
fn preset_fields(mapping: &CompiledMapping, spec: &Spec, compat: Compat) -> Map<String, Json> {
    let mut fields = spec.default_mapping(None, compat);
    if compat == Compat::Vendor {
        spec.leave_out_other_formats(&mut fields);
    }
    if let Some(preset) = mapping.preset {
        spec.lay_over(&mut fields, preset, compat);
    }
    fields
}

fn trigger(mapping: &CompiledMapping) -> Option<String> {
    match &mapping.trigger {
        Trigger::Fql(trigger) => Some(trigger.meaning().unwrap_or_else(|| trigger.tree().to_string())),
        Trigger::Preset(_) => Some(mapping.preset.and_then(Preset::trigger).unwrap_or_default()),
    }
}

/// Returns true for the description of a row, or of the members of a list's items.
fn is_of(described: &str, path: &str, row: &Row) -> bool {
    let Some(rest) = described.strip_prefix(path) else {
        return false;
    };
    rest.is_empty() || rest.starts_with("[]") || (row.members.is_empty() && rest.starts_with('.'))
}

/// Returns the words for the value that is worked out when the mapping leaves a field empty.
fn derived(row: &Row, derives: Derives) -> &'static str {
    match row.derive {
        Some(derive) if derives.has(derive) => row.derived,
        _ => "",
    }
}

/// Returns the path of a field in the record: the keys of the request in place of the names in mappings.
fn sent_as(spec: &Spec, field: &str) -> String {
    let mut rows = spec.rows;
    let mut steps = Vec::new();
    for step in field.split('.') {
        let name = step.trim_end_matches("[]");
        let list = &step[name.len()..];
        match rows.iter().find(|row| row.field.key == name) {
            Some(row) => {
                steps.push(format!("{}{list}", row.key.name()));
                rows = row.members;
            }
            None => {
                steps.push(step.to_owned());
                rows = &[];
            }
        }
    }
    steps.join(".")
}
