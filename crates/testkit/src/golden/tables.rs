//! The checks of a vendor's tables.

use std::collections::HashSet;

use serde_json::Value as Json;
use signalbox_conversions::field::Default;
use signalbox_conversions::{Compat, CompiledMapping, Listens, Preset, Spec, Trigger};
use signalbox_segment::fql;
use signalbox_segment::schema::Schema;

use super::run::event;

/// Holds that a vendor's tables are well-formed: every field has a description, every default is JSON that compiles; every
/// preset has a unique name, maps fields that exist, and listens to the events that its trigger says.
///
/// # Panics
/// At the first mistake.
pub fn tables(spec: &'static Spec) {
    Schema::new(spec.fields).unwrap();
    let members = spec.rows.iter().flat_map(|row| row.members);
    for row in spec.rows.iter().chain(members) {
        let (key, field) = (row.field.key, &row.field);
        assert!(!field.description.is_empty(), "{key}");
        let defaults = [field.default, json(row.vendor_default.as_ref())];
        for default in defaults.into_iter().flatten() {
            serde_json::from_str::<Json>(default).unwrap_or_else(|error| panic!("{key}: {error}"));
        }
    }
    let mut names = HashSet::new();
    for preset in spec.presets {
        assert!(names.insert(preset.name.to_lowercase()), "{}", preset.name);
        check_preset(spec, preset);
        check_trigger(spec, preset);
    }
}

fn json(default: Option<&Default>) -> Option<&'static str> {
    match default {
        Some(Default::Json(json)) => Some(json),
        _ => None,
    }
}

fn check_preset(spec: &'static Spec, preset: &'static Preset) {
    let name = preset.name;
    for (path, json) in preset.fields {
        assert!(spec.field(path).is_some(), "{name}: {path}");
        serde_json::from_str::<Json>(json).unwrap_or_else(|error| panic!("{name}: {path}: {error}"));
    }
    for (path, _) in preset.vendor_fields {
        assert!(spec.field(path).is_some(), "{name}: {path}");
    }
    for path in preset.required.iter().chain(preset.absent) {
        assert!(spec.field(path).is_some(), "{name}: {path}");
        let both = preset.required.contains(path) && preset.absent.contains(path);
        assert!(!both, "{name}: {path} is required and absent");
    }
    for compat in [Compat::Vendor, Compat::Segment] {
        if preset.is_in(compat) {
            CompiledMapping::of_preset(spec, preset, compat)
                .unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
}

/// Presets compare names, their triggers are texts in Segment's language; both fire on the same events.
fn check_trigger(spec: &Spec, preset: &Preset) {
    let Some(text) = preset.trigger() else {
        assert_eq!(preset.listens, Listens::Nothing, "{}", preset.name);
        return;
    };
    let trigger = fql::Trigger::parse(&text).unwrap();
    assert!(trigger.warnings().is_empty(), "{text}");
    let listens = Trigger::Preset(preset.listens);
    let heard = spec.presets.iter().filter_map(|preset| match preset.listens {
        Listens::Track(name) | Listens::Event(name) => Some(name),
        _ => None,
    });
    let names: Vec<&str> = heard.chain(["", "order completed", "Order Completed "]).collect();
    for kind in ["track", "page", "screen", "Track", "identify"] {
        for name in &names {
            let json = serde_json::json!({ "type": kind, "event": name, "name": name }).to_string();
            let event = event(&json).unwrap();
            assert_eq!(
                listens.matches(&event),
                trigger.matches(event.root()),
                "{text}: {json}"
            );
        }
    }
    let odd = event(r#"{"type":"track","event":["Order Completed"]}"#).unwrap();
    assert_eq!(listens.matches(&odd), trigger.matches(odd.root()), "{text}");
}
