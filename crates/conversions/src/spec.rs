//! A vendor's conversions as data: fields, presets, default mappings.

use serde_json::{Map, Value as Json, json};
use signalbox_segment::schema::Field;

use crate::field::{Default, Derives, Row};
use crate::lookups::LookupPath;
use crate::money;
use crate::personal::Rules;
use crate::presets::Preset;

/// The data of a vendor.
#[derive(Debug, Clone, Copy)]
pub struct Spec {
    /// The vendor's name, for messages.
    pub vendor: &'static str,
    /// The field table, in the order of the request.
    pub rows: &'static [Row],
    /// The schema of the rows ([`fields!`](crate::fields)).
    pub fields: &'static [Field<'static>],
    /// All presets, in Segment's order.
    pub presets: &'static [Preset],
    /// The field that holds the vendor's name of the conversion.
    pub event_field: &'static str,
    /// The field that chooses a format of the request, for vendors that have several ([`Row::format`]).
    pub format_field: Option<&'static str>,
    /// The places in an event that derived values are worked out from.
    pub places: &'static [LookupPath],
    /// The rules of normalising and hashing.
    pub rules: &'static Rules,
    /// The rules of Segment's destination.
    pub segment_rules: &'static Rules,
    /// Properties that settings fill, not mappings, and that can be left out.
    pub settings: &'static [&'static str],
}

/// The mark of test events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Testing {
    /// A parameter of the URL, with its value. The vendor checks such events and does not count them.
    Parameter(&'static str, &'static str),
    /// A member of the body, whose value is the code that the vendor's test tool shows.
    Code {
        /// Name of the member.
        member: &'static str,
        /// True if the vendor counts such events like any other.
        counts: bool,
    },
}

/// The rules that a sink follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Compat {
    /// The vendor's rules.
    #[default]
    Vendor,
    /// The rules of Segment's destination.
    Segment,
}

/// Defines the setting `compat` of a vendor: an enum `Compat` with the vendor's rules, the default, and Segment's.
#[macro_export]
macro_rules! compat_setting {
    ($(#[doc = $rules:literal])* $vendor:ident) => {
        /// The rules that a sink follows.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, schemars::JsonSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum Compat {
            $(#[doc = $rules])*
            #[default]
            $vendor,
            /// Exactly what Segment's destination sends.
            Segment,
        }

        impl From<Compat> for $crate::Compat {
            fn from(compat: Compat) -> Self {
                match compat {
                    Compat::$vendor => $crate::Compat::Vendor,
                    Compat::Segment => $crate::Compat::Segment,
                }
            }
        }
    };
}

impl Compat {
    /// Returns the values that are derived while nothing is configured.
    pub fn derives(self) -> Derives {
        match self {
            Compat::Vendor => Derives::ALL,
            Compat::Segment => Derives::NONE,
        }
    }
}

impl Spec {
    /// Returns the rules of hashing that a sink follows.
    pub fn rules_of(&self, compat: Compat) -> &'static Rules {
        match compat {
            Compat::Vendor => self.rules,
            Compat::Segment => self.segment_rules,
        }
    }

    /// Returns the mark of test events that the fields tell: the code of a test tool.
    pub fn testing(&self) -> Option<Testing> {
        let code = |row: &Row| Testing::Code {
            member: row.field.key,
            counts: row.test_code.unwrap_or_default(),
        };
        self.rows.iter().find(|row| row.test_code.is_some()).map(code)
    }

    /// Returns the preset of a name: as Segment shows it, in any letter case, or the vendor's event name.
    pub fn preset(&self, name: &str) -> Option<&'static Preset> {
        let is = |preset: &&Preset| {
            preset.name.eq_ignore_ascii_case(name)
                || !preset.event_name.is_empty() && preset.event_name == name
        };
        self.presets.iter().find(is)
    }

    /// Returns the mapping a preset has when nothing is configured; without a preset, that of a mapping made from scratch.
    pub fn default_mapping(&self, preset: Option<&Preset>, compat: Compat) -> Map<String, Json> {
        let mut mapping = Map::new();
        for field in self.fields {
            let value = match field.default {
                Some(default) => parse(default),
                None => members(field),
            };
            if !value.is_null() {
                mapping.insert(field.key.to_owned(), value);
            }
        }
        if compat == Compat::Vendor {
            for (path, row) in self.all_rows() {
                if let Some(default) = &row.vendor_default {
                    set(&mut mapping, &path, json_of(default));
                }
            }
        }
        if let Some(preset) = preset {
            self.lay_over(&mut mapping, preset, compat);
        }
        mapping
    }

    /// Replaces the defaults of the field table by those of a preset.
    pub(crate) fn lay_over(&self, mapping: &mut Map<String, Json>, preset: &Preset, compat: Compat) {
        if !preset.event_name.is_empty() {
            mapping.insert(self.event_field.to_owned(), json!(preset.event_name));
        }
        let vendor = compat == Compat::Vendor;
        let vendors_own =
            |path: &str| vendor && self.row(path).is_some_and(|row| row.vendor_default.is_some());
        for (path, json) in preset.fields.iter().filter(|(path, _)| !vendors_own(path)) {
            let json = parse(json);
            set(mapping, path, (!json.is_null()).then_some(json));
        }
        if vendor {
            for (path, default) in preset.vendor_fields {
                set(mapping, path, json_of(default));
            }
        } else {
            mapping.retain(|field, _| !preset.absent.contains(&field.as_str()));
        }
    }

    /// Removes the fields that the chosen format never sends; without a choice and a default, the fields of every format.
    /// (Segment maps and checks them all the same, and loses events by it.)
    pub fn leave_out_other_formats(&self, fields: &mut Map<String, Json>) {
        if let Some(chosen) = self.chosen_format(fields) {
            fields.retain(|field, _| self.is_sent(field, &chosen));
        }
    }

    /// Returns the format that a mapping chooses: blank without a choice and a default, `None` if each event chooses.
    pub(crate) fn chosen_format(&self, fields: &Map<String, Json>) -> Option<String> {
        let field = self.format_field?;
        let chosen = match fields.get(field) {
            Some(mapping) => mapping.as_str()?.to_owned(),
            None if self.field(field).is_some_and(|field| field.default.is_none()) => String::new(),
            None => return None,
        };
        // A format that the schema will refuse chooses nothing.
        let known = chosen.is_empty() || self.rows.iter().any(|row| row.format == Some(&*chosen));
        known.then_some(chosen)
    }

    /// Returns false for a field, or a member of one, that the chosen format never sends.
    pub(crate) fn is_sent(&self, path: &str, chosen: &str) -> bool {
        let parent = path.split('.').next().unwrap_or_default();
        let format = self.row(parent).and_then(|row| row.format);
        format.is_none_or(|format| format == chosen)
    }

    /// Returns the row of a path: a top-level field, or a member of an object field.
    pub fn row(&self, path: &str) -> Option<&'static Row> {
        let find = |rows: &'static [Row], key: &str| rows.iter().find(|row| row.field.key == key);
        let Some((parent, member)) = path.split_once('.') else {
            return find(self.rows, path);
        };
        let parent = find(self.rows, parent)?;
        find(parent.members, member).filter(|_| has_member(parent, member))
    }

    /// Returns the field at a path: a top-level field, or a member of an object field.
    pub fn field(&self, path: &str) -> Option<&'static Field<'static>> {
        self.row(path).map(|row| &row.field)
    }

    /// Returns all rows with their paths, each object before its members.
    pub(crate) fn all_rows(&self) -> impl Iterator<Item = (String, &'static Row)> {
        self.rows.iter().flat_map(|row| {
            let name = row.field.key;
            let members = row
                .members
                .iter()
                .filter(|member| has_member(row, member.field.key));
            let members = members.map(move |member| (format!("{name}.{}", member.field.key), member));
            std::iter::once((name.to_owned(), row)).chain(members)
        })
    }

    /// Returns the values that are derived with a preset: all, but for the fields that the preset leaves empty.
    pub(crate) fn derives(&self, preset: Option<&Preset>, compat: Compat) -> Derives {
        let empty = preset.map_or(&[][..], |preset| preset.vendor_fields).iter();
        let empty = empty.filter(|(_, default)| matches!(default, Default::Nothing));
        empty.fold(compat.derives(), |derives, (path, _)| self.without(derives, path))
    }

    /// Stops deriving values for a field, and for the fields below it, because the user has mapped it.
    pub(crate) fn without(&self, derives: Derives, field: &str) -> Derives {
        let below = |path: &str| {
            path.strip_prefix(field)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        let derived = self
            .all_rows()
            .filter(|(path, _)| below(path))
            .filter_map(|(_, row)| row.derive);
        derived.fold(derives, Derives::except)
    }

    /// Returns the property of this name if it can be left out of the request when the destination refuses it.
    pub fn strippable(&self, name: &str) -> Option<&'static str> {
        let rows = self
            .rows
            .iter()
            .flat_map(|row| std::iter::once(row).chain(row.members));
        let known = rows.filter(|row| row.strippable).map(|row| row.key.name());
        self.settings
            .iter()
            .copied()
            .chain(known)
            .find(|key| *key == name)
    }

    /// Returns the paths that mappings look up beside their own and those of the sources.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &'static str> {
        let places = self.places.iter().chain(&money::PLACES);
        places.map(|place| place.path)
    }
}

/// A row may serve several objects, not all of which have each of its members.
fn has_member(parent: &Row, member: &str) -> bool {
    let fields = parent.field.properties.unwrap_or_default();
    fields.iter().any(|field| field.key == member)
}

/// The mappings of an object field's members; null if none has one.
fn members(field: &Field<'_>) -> Json {
    let members = field.properties.unwrap_or_default().iter();
    let members: Map<String, Json> = members
        .filter_map(|member| Some((member.key.to_owned(), parse(member.default?))))
        .collect();
    if members.is_empty() {
        Json::Null
    } else {
        Json::Object(members)
    }
}

/// Reads a default of a table. A test of each vendor holds that it is JSON.
fn parse(json: &str) -> Json {
    serde_json::from_str(json).unwrap_or(Json::Null)
}

/// Returns a default as a mapping; `None` for none.
pub(crate) fn json_of(default: &Default) -> Option<Json> {
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

/// Puts a field's mapping, or removes it. `path` is a field, or a member of an object field.
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
