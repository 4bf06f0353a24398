//! URLs and search texts of a payload, without personal data and secrets.

use bumpalo::Bump;
use signalbox_core::Warning;
use signalbox_core::privacy::{Scrubbed, scrub_text, scrub_url};
use signalbox_segment::value::Value;

use crate::encode::member_at;
use crate::field::Scrub;
use crate::reasons;
use crate::spec::Spec;

fn scrub(form: Scrub, text: &str) -> Option<Scrubbed> {
    match form {
        Scrub::Url => scrub_url(text),
        Scrub::Search => scrub_text(text),
    }
}

/// The fields of a vendor's table that are scrubbed ([`Row::scrub`](crate::field::Row::scrub)).
#[derive(Debug, Default)]
pub(crate) struct Scrubbing(Vec<Place>);

/// A field's place in the payload, which has a member for each row of the table.
#[derive(Debug)]
struct Place {
    row: usize,
    /// The place in the row's object.
    member: Option<usize>,
    form: Scrub,
    path: String,
}

impl Scrubbing {
    /// Finds the fields of a table.
    pub(crate) fn of(spec: &Spec) -> Scrubbing {
        let mut places = Vec::new();
        for (at, row) in spec.rows.iter().enumerate() {
            let key = row.field.key;
            let own = row.scrub.map(|form| (None, form, key.to_owned()));
            let fields = row.field.properties.unwrap_or_default().iter().enumerate();
            let members = fields.filter_map(|(place, field)| {
                let path = format!("{key}.{}", field.key);
                let form = spec.row(&path)?.scrub?;
                Some((Some(place), form, path))
            });
            places.extend(own.into_iter().chain(members).map(|(member, form, path)| Place {
                row: at,
                member,
                form,
                path,
            }));
        }
        Scrubbing(places)
    }

    /// Returns the payload with what stays of these fields; one of which nothing stays is left out. Each change adds a
    /// warning.
    pub(crate) fn apply<'a>(
        &self,
        mut payload: Value<'a>,
        arena: &'a Bump,
        warnings: &mut Vec<Warning>,
    ) -> Value<'a> {
        for place in &self.0 {
            let mut value = member_at(payload, place.row);
            if let Some(member) = place.member {
                value = member_at(value, member);
            }
            if let Value::Str(text) = value
                && let Some(scrubbed) = scrub(place.form, text)
            {
                warnings.push(reasons::scrubbed(&place.path, scrubbed.removed));
                let stays = match scrubbed.text.trim() {
                    "" => Value::Undefined,
                    _ => Value::Str(arena.alloc_str(&scrubbed.text)),
                };
                payload = place.put(payload, stays, arena);
            }
        }
        payload
    }
}

impl Scrubbing {
    /// Returns what stays of a text of one field; `None` if nothing does. A change adds a warning.
    pub(crate) fn text<'a>(
        &self,
        field: &str,
        text: &'a str,
        arena: &'a Bump,
        warnings: &mut Vec<Warning>,
    ) -> Option<&'a str> {
        let place = self.0.iter().find(|place| place.path == field);
        let Some(scrubbed) = place.and_then(|place| scrub(place.form, text)) else {
            return Some(text);
        };
        warnings.push(reasons::scrubbed(field, scrubbed.removed));
        let stays = scrubbed.text.trim();
        (!stays.is_empty()).then(|| &*arena.alloc_str(stays))
    }
}

impl Place {
    fn put<'a>(&self, payload: Value<'a>, stays: Value<'a>, arena: &'a Bump) -> Value<'a> {
        let value = match self.member {
            None => stays,
            Some(member) => with(member_at(payload, self.row), member, stays, arena),
        };
        with(payload, self.row, value, arena)
    }
}

/// Returns an object with another value at a place.
fn with<'a>(object: Value<'a>, place: usize, value: Value<'a>, arena: &'a Bump) -> Value<'a> {
    let Value::Object(members) = object else {
        return object;
    };
    let members = arena.alloc_slice_copy(members);
    if let Some((_, member)) = members.get_mut(place) {
        *member = value;
    }
    Value::Object(members)
}

#[cfg(test)]
mod tests {
    use signalbox_segment::schema::{Field, FieldType};

    use super::*;
    use crate::field::{Kind, Row};
    use crate::personal::rules;
    use crate::{fields, key};

    const DETAILS: &[Row] = &[
        Row::member(key!("value"), "Value", Kind::Number),
        Row::member(key!("query"), "Query", Kind::Text(50)).search(),
    ];
    const ROWS: &[Row] = &[
        Row::own(key!("name"), "Name", FieldType::String),
        Row::own(key!("page"), "Page", FieldType::String).url(),
        Row::own(key!("details"), "Details", FieldType::Object).members(DETAILS, fields!(DETAILS)),
    ];
    const FIELDS: &[Field<'static>] = fields!(ROWS);
    static SPEC: Spec = Spec {
        vendor: "Acme",
        rows: ROWS,
        fields: FIELDS,
        presets: &[],
        event_field: "name",
        format_field: None,
        places: &[],
        rules: &rules::SEGMENT,
        segment_rules: &rules::SEGMENT,
        settings: &[],
    };

    #[test]
    fn fields_are_scrubbed_where_they_stand() {
        let arena = Bump::new();
        for (page, query, [page_stays, query_stays], warned) in [
            (
                "https://s.example/",
                "lamp",
                [Some("https://s.example/"), Some("lamp")],
                &[][..],
            ),
            (
                "https://s.example/?email=a@example.com&x=1",
                "of a@example.com lamp",
                [Some("https://s.example/?x=1"), Some("of lamp")],
                &["page", "details.query"],
            ),
            (
                "mailto:a@example.com",
                "a@example.com",
                [None, None],
                &["page", "details.query"],
            ),
        ] {
            let details = [("value", Value::Undefined), ("query", Value::Str(query))];
            let payload = [
                ("name", Value::Str("a@example.com")),
                ("page", Value::Str(page)),
                ("details", Value::Object(&details)),
            ];
            let mut warnings = Vec::new();
            let scrubbed = Scrubbing::of(&SPEC).apply(Value::Object(&payload), &arena, &mut warnings);
            assert_eq!(scrubbed.get("name").as_str(), Some("a@example.com"), "{page}");
            let stays = [scrubbed.get("page"), scrubbed.get("details").get("query")];
            assert_eq!(
                stays.map(|value| value.as_str().map(str::to_owned)),
                [page_stays, query_stays].map(|text| text.map(str::to_owned)),
                "{page}"
            );
            let paths: Vec<&str> = warnings.iter().map(|warning| &*warning.path).collect();
            assert_eq!(paths, warned, "{page}");
        }
    }
}
