//! The action as data: fields, presets, default mappings.

mod defaults;
mod fields;
mod presets;

use serde_json::{Map, Value as Json, json};
use signalbox_segment::schema::Field;

pub use defaults::{Default, Derive, Derives, PINTEREST};
pub use fields::FIELDS;
pub use presets::{Listens, PRESETS, Preset, preset};

use crate::options::Compat;

/// The mapping a preset has when nothing is configured; without a preset, that of a mapping made from scratch.
pub fn default_mapping(preset: Option<&Preset>, compat: Compat) -> Map<String, Json> {
    let mut mapping = Map::new();
    for field in FIELDS {
        let value = match field.default {
            Some(default) => parse(default),
            None => members(field),
        };
        if !value.is_null() {
            mapping.insert(field.key.to_owned(), value);
        }
    }
    if let Some(preset) = preset {
        mapping.insert("event_name".to_owned(), json!(preset.event_name));
    }
    if compat == Compat::Pinterest {
        for (path, default) in PINTEREST {
            set(&mut mapping, path, json_of(default));
        }
    }
    mapping
}

/// The mappings of an object field's members; null if none has one.
fn members(field: &Field<'_>) -> Json {
    let members: Map<String, Json> = field
        .properties
        .unwrap_or_default()
        .iter()
        .filter_map(|member| Some((member.key.to_owned(), parse(member.default?))))
        .collect();
    if members.is_empty() {
        Json::Null
    } else {
        Json::Object(members)
    }
}

/// A test holds that every default of the tables is JSON.
fn parse(json: &str) -> Json {
    serde_json::from_str(json).unwrap_or(Json::Null)
}

fn json_of(default: &Default) -> Option<Json> {
    let path = |path: &str| json!({ "@path": format!("$.{path}") });
    // As text, so that 0 does not count as blank.
    let text = |path: &str| json!({ "@template": format!("{{{{{path}}}}}") });
    match default {
        Default::Nothing => None,
        Default::Json(json) => Some(parse(json)),
        Default::FirstOf(paths) => first_of(paths, path, path),
        Default::FirstNumberOf(paths) => first_of(paths, text, path),
    }
}

fn first_of(paths: &[&str], ask: impl Fn(&str) -> Json, take: impl Fn(&str) -> Json) -> Option<Json> {
    let (last, others) = paths.split_last()?;
    Some(others.iter().rev().fold(take(last), |rest, next| {
        // Segment's `blank` asks the opposite of its name: `then` counts if there is something.
        json!({ "@if": { "blank": ask(next), "then": take(next), "else": rest } })
    }))
}

/// Puts a field's mapping, or takes it out. `path` is a field, or a member of an object field.
pub fn set(mapping: &mut Map<String, Json>, path: &str, value: Option<Json>) {
    let Some((parent, member)) = path.split_once('.') else {
        match value {
            Some(value) => mapping.insert(path.to_owned(), value),
            None => mapping.remove(path),
        };
        return;
    };
    let parent = mapping.entry(parent).or_insert_with(|| Json::Object(Map::new()));
    if !parent.is_object() {
        *parent = Json::Object(Map::new());
    }
    if let Json::Object(members) = parent {
        match value {
            Some(value) => members.insert(member.to_owned(), value),
            None => members.remove(member),
        };
    }
}

/// The field at a path: a top-level field, or a member of an object field.
pub fn field(path: &str) -> Option<&'static Field<'static>> {
    let find = |fields: &'static [Field<'static>], key: &str| fields.iter().find(|field| field.key == key);
    match path.split_once('.') {
        None => find(FIELDS, path),
        Some((parent, member)) => find(find(FIELDS, parent)?.properties?, member),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use signalbox_segment::mapping::Mapping;
    use signalbox_segment::schema::Schema;

    #[test]
    fn the_tables_are_well_formed() {
        Schema::new(FIELDS).unwrap();
        for field in FIELDS.iter().chain(
            FIELDS
                .iter()
                .flat_map(|field| field.properties.unwrap_or_default()),
        ) {
            if let Some(default) = field.default {
                serde_json::from_str::<Json>(default).unwrap();
            }
            assert!(!field.description.is_empty(), "{}", field.key);
        }
        for (path, default) in PINTEREST {
            assert!(field(path).is_some(), "{path}");
            assert!(
                json_of(default).is_some() || matches!(default, Default::Nothing),
                "{path}"
            );
        }
        for (derive, paths) in Derive::ALL {
            for path in paths {
                assert!(field(path).is_some(), "{path}");
                assert!(!Derives::ALL.without(path).has(derive), "{path}");
            }
        }
    }

    #[test]
    fn every_preset_compiles_in_both_modes() {
        assert_eq!(PRESETS.len(), 16);
        for compat in [Compat::Pinterest, Compat::Segment] {
            for preset in PRESETS {
                Mapping::compile(&Json::Object(default_mapping(Some(preset), compat))).unwrap();
            }
        }
    }

    #[test]
    fn presets_have_two_names() {
        assert_eq!(preset("checkout").unwrap().name, "Checkout");
        assert_eq!(preset("Add to cart").unwrap().event_name, "add_to_cart");
        assert_eq!(preset("purchase"), None);
    }

    #[test]
    fn a_mapped_field_is_no_longer_derived() {
        let derives = Derives::ALL.without("user_data");
        assert!(!derives.has(Derive::FirstName) && !derives.has(Derive::ClickId));
        assert!(derives.has(Derive::OptOut) && derives.has(Derive::ContentIds));
        let derives = Derives::ALL.without("user_data.last_name");
        assert!(derives.has(Derive::FirstName) && !derives.has(Derive::LastName));
    }
}
