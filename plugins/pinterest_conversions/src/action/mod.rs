//! The action as data: fields, presets, default mappings.

mod defaults;
pub(crate) mod fields;
mod keys;
mod presets;
mod row;

use serde_json::{Map, Value as Json, json};
use signalbox_segment::schema::Field;

pub use defaults::{Default, Derive, Derives};
pub(crate) use fields::EVENT;
pub use fields::FIELDS;
pub use keys::{HashedKey, PlainKey};
pub use presets::{Listens, PRESETS, Preset, preset};
pub use row::{Kind, Row};

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
        for (path, row) in rows() {
            if let Some(default) = &row.pinterest {
                set(&mut mapping, &path, json_of(default));
            }
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

/// Returns the row of a path: a top-level field, or a member of an object field.
pub fn row(path: &str) -> Option<&'static Row> {
    let find = |rows: &'static [Row], key: &str| rows.iter().find(|row| row.field.key == key);
    let Some((parent, member)) = path.split_once('.') else {
        return find(EVENT, path);
    };
    let parent = find(EVENT, parent)?;
    find(parent.members, member).filter(|_| has_member(parent, member))
}

/// The rows of the custom data serve both formats; only the legacy one has `contents`.
fn has_member(parent: &Row, member: &str) -> bool {
    let fields = parent.field.properties.unwrap_or_default();
    fields.iter().any(|field| field.key == member)
}

/// Returns the field at a path: a top-level field, or a member of an object field.
pub fn field(path: &str) -> Option<&'static Field<'static>> {
    row(path).map(|row| &row.field)
}

/// Returns all rows with their paths, each object before its members.
fn rows() -> impl Iterator<Item = (String, &'static Row)> {
    EVENT.iter().flat_map(|row| {
        let name = row.field.key;
        let members = row
            .members
            .iter()
            .filter(|member| has_member(row, member.field.key));
        let members = members.map(move |member| (format!("{name}.{}", member.field.key), member));
        std::iter::once((name.to_owned(), row)).chain(members)
    })
}

impl Derives {
    /// Stops deriving values for a field, and for the fields below it, because the user has mapped it.
    pub fn without(self, field: &str) -> Derives {
        let below = |path: &str| {
            path.strip_prefix(field)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let derived = rows()
            .filter(|(path, _)| below(path))
            .filter_map(|(_, row)| row.derive);
        derived.fold(self, Derives::except)
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
        for (path, row) in rows() {
            assert!(field(&path).is_some(), "{path}");
            if let Some(default) = &row.pinterest {
                assert!(
                    json_of(default).is_some() || matches!(default, Default::Nothing),
                    "{path}"
                );
            }
            if let Some(derive) = row.derive {
                assert!(!Derives::ALL.without(&path).has(derive), "{path}");
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
