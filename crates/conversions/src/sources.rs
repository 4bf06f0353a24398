//! The sources of fields: the places in an event where a field that keeps its default is looked for.
//!
//! The mapping takes the first source that is not blank. Where that one cannot be used, the kit turns to the others
//! ([`usable`](crate::usable)), whose places the mapping's walk has looked up already.

use serde_json::{Map, Value as Json};

use crate::field::{Default, Kind, Row, Scrub};
use crate::presets::Preset;
use crate::spec::{Compat, Spec, json_of};

/// The name of the field for the event's id, which the deduplication of every vendor goes by.
pub(crate) const EVENT_ID: &str = "event_id";

/// The sources of one field.
#[derive(Debug)]
pub(crate) struct FieldSources {
    /// The field's path in the payload.
    pub(crate) field: String,
    /// The paths in the event, the likeliest first.
    paths: Vec<&'static str>,
    /// A blank is nothing to tell: SDKs of apps leave the address of a page blank.
    pub(crate) may_be_blank: bool,
    /// The mapping goes on behind a zero.
    pub(crate) zero_is_nothing: bool,
    /// The index of the first of them among the paths that the mapping looks up.
    first: usize,
}

impl FieldSources {
    /// Returns the paths, each with its index among the looked-up paths.
    pub(crate) fn paths(&self) -> impl Iterator<Item = (&'static str, usize)> + use<'_> {
        self.paths.iter().copied().zip(self.first..)
    }
}

/// The sources of a mapping's fields.
#[derive(Debug, std::default::Default)]
pub struct Sources {
    fields: Vec<FieldSources>,
    /// The paths of fields for products that keep their default.
    products: Vec<String>,
    /// The user maps the event's id.
    pub(crate) maps_event_id: bool,
}

impl Sources {
    /// Finds the fields of a mapping that keep their default. A mapping that the user writes has one source, which he chose.
    pub(crate) fn of(
        spec: &Spec,
        preset: Option<&Preset>,
        compat: Compat,
        fields: &Map<String, Json>,
    ) -> Sources {
        let mut sources = Sources::default();
        if compat == Compat::Segment {
            return sources;
        }
        let mut first = spec.paths().count();
        for (path, row) in spec.all_rows() {
            let mapped = at(fields, &path);
            if path == EVENT_ID {
                let default = row.field.default.and_then(|json| serde_json::from_str(json).ok());
                sources.maps_event_id =
                    mapped.is_some_and(|json| !json.is_null() && Some(json) != default.as_ref());
            }
            let default = default_of(row, &path, preset);
            let json = match default {
                Some(default) => json_of(default),
                None => row.field.default.and_then(|json| serde_json::from_str(json).ok()),
            };
            if mapped.is_none() || mapped != json.as_ref() {
                continue;
            }
            let paths = match default {
                Some(Default::FirstOf(paths) | Default::FirstNumberOf(paths)) => paths.to_vec(),
                Some(Default::Json(_)) if row.kind == Kind::Contents => {
                    sources.products.push(path);
                    continue;
                }
                Some(Default::Json(_) | Default::Nothing) => continue,
                None => Vec::from_iter(row.field.default.and_then(property)),
            };
            if !paths.is_empty() {
                let field = FieldSources {
                    field: path,
                    may_be_blank: row.scrub == Some(Scrub::Url),
                    zero_is_nothing: matches!(default, Some(Default::FirstOf(_))) && paths.len() > 1,
                    paths,
                    first,
                };
                first += field.paths.len();
                sources.fields.push(field);
            }
        }
        sources
    }

    /// Returns all paths, in the order in which the mapping looks them up.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &'static str> {
        self.fields.iter().flat_map(|field| field.paths.iter().copied())
    }

    /// Returns the paths of a field's sources, each with its index among the looked-up paths.
    pub(crate) fn of_field(&self, field: &str) -> impl Iterator<Item = (&'static str, usize)> + use<'_> {
        let found = self.fields.iter().find(|known| known.field == field);
        found.into_iter().flat_map(FieldSources::paths)
    }

    /// Returns the fields with their sources.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &FieldSources> {
        self.fields.iter()
    }

    /// Returns true if the products at this path of the payload come from the default places.
    pub(crate) fn has_products(&self, field: &str) -> bool {
        self.products.iter().any(|known| known == field)
    }
}

/// Returns the place that a default of Segment's names, if it is one of the properties. The context tells optional details,
/// which SDKs leave empty all the time.
fn property(default: &'static str) -> Option<&'static str> {
    let path = default.strip_prefix(r#"{"@path":"$."#)?.strip_suffix(r#""}"#)?;
    path.starts_with("properties.").then_some(path)
}

/// Returns the vendor's default of a row, which a preset may replace.
fn default_of<'r>(row: &'r Row, path: &str, preset: Option<&'r Preset>) -> Option<&'r Default> {
    let of_preset = preset.and_then(|preset| preset.vendor_fields.iter().find(|(field, _)| *field == path));
    of_preset
        .map(|(_, default)| default)
        .or(row.vendor_default.as_ref())
}

fn at<'m>(fields: &'m Map<String, Json>, path: &str) -> Option<&'m Json> {
    match path.split_once('.') {
        Some((parent, member)) => fields.get(parent)?.get(member),
        None => fields.get(path),
    }
}
