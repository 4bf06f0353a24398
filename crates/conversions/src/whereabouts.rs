//! The place of an event's person, by which phone numbers and postal codes are read.

use signalbox_core::Node;
use signalbox_segment::value::Value;

use crate::field::Kind;
use crate::personal::{Field, Place, geo};
use crate::spec::Spec;
use crate::traits::places;

/// The places beside the addresses of a person that tell a country. A locale does not: people travel, and shops have one
/// language for several countries.
const OTHER_COUNTRIES: [&str; 4] = [
    "properties.country",
    "properties.country_code",
    "context.location.country",
    "context.location.country_code",
];

/// The place of an event's person: that of the payload, else the first one that the event tells of, else the default country
/// of the settings. Nothing is looked up before a value needs it.
#[derive(Clone, Copy)]
pub struct Whereabouts<'e> {
    event: Node<'e>,
    /// The payload that a mapping made, and its fields.
    mapped: Option<(&'static Spec, Value<'e>)>,
    default_country: Option<&'static str>,
}

impl<'e> Whereabouts<'e> {
    /// Takes the place that an event tells of. Codes and names may be hashed.
    pub fn of(event: Node<'e>, default_country: Option<&'static str>) -> Whereabouts<'e> {
        Whereabouts {
            event,
            mapped: None,
            default_country,
        }
    }

    /// Takes a payload's country and state first.
    pub(crate) fn mapped(mut self, spec: &'static Spec, payload: Value<'e>) -> Whereabouts<'e> {
        self.mapped = Some((spec, payload));
        self
    }

    /// Reads a field of the payload.
    fn of_payload(&self, field: Field, read: Read) -> Option<&'static str> {
        let (spec, payload) = self.mapped?;
        let is_field = |kind| matches!(kind, Kind::Hashed(found) | Kind::Plain(found) if found == field);
        let value = spec.rows.iter().find_map(|row| {
            if is_field(row.kind) {
                return Some(payload.get(row.field.key));
            }
            let member = row.members.iter().find(|member| is_field(member.kind))?;
            Some(payload.get(row.field.key).get(member.field.key))
        })?;
        match value {
            Value::Array(values) => values.iter().find_map(|value| read(value.as_str()?)),
            value => read(value.as_str()?),
        }
    }

    /// Reads the first of these paths that can be read.
    fn of_event(&self, paths: impl IntoIterator<Item = &'static str>, read: Read) -> Option<&'static str> {
        paths.into_iter().find_map(|path| {
            let node = path.split('.').try_fold(self.event, |node, key| node.get(key))?;
            read(node.as_str().or_else(|| node.number_text())?)
        })
    }
}

/// Returns the code of a text.
type Read = fn(&str) -> Option<&'static str>;

impl Place for Whereabouts<'_> {
    fn country(&self) -> Option<&'static str> {
        let paths = places(Field::Country).iter().chain(&OTHER_COUNTRIES).copied();
        self.of_payload(Field::Country, geo::country_code)
            .or_else(|| self.of_event(paths, geo::country_code))
            .or(self.default_country)
    }

    fn state(&self) -> Option<&'static str> {
        let paths = places(Field::State).iter().copied();
        self.of_payload(Field::State, geo::state_code)
            .or_else(|| self.of_event(paths, geo::state_code))
    }
}

#[cfg(test)]
mod tests {
    use signalbox_core::{Document, Sha256Hex};

    use super::*;

    #[test]
    fn events_tell_a_country() {
        let hash = Sha256Hex::of("gb");
        for (event, country) in [
            (
                r#"{"properties":{"address":{"country":"GB"}}}"#.to_owned(),
                Some("GB"),
            ),
            (
                r#"{"traits":{"address":{"country":"Germany"}}}"#.to_owned(),
                Some("DE"),
            ),
            (
                r#"{"context":{"traits":{"country":"FRA"}}}"#.to_owned(),
                Some("FR"),
            ),
            (r#"{"properties":{"country":840}}"#.to_owned(), Some("US")),
            (
                r#"{"context":{"location":{"country":"it"}}}"#.to_owned(),
                Some("IT"),
            ),
            (
                format!(r#"{{"traits":{{"address":{{"country":"{}"}}}}}}"#, hash.as_str()),
                Some("GB"),
            ),
            (
                r#"{"traits":{"address":{"country":"n/a"}},"context":{"location":{"country":"NL"}}}"#
                    .to_owned(),
                Some("NL"),
            ),
            (
                r#"{"context":{"locale":"fr-FR","timezone":"Europe/Paris"}}"#.to_owned(),
                None,
            ),
            (
                r#"{"properties":{"address":"12 Rue X, France"}}"#.to_owned(),
                None,
            ),
            ("[]".to_owned(), None),
        ] {
            let document = Document::parse(&event).unwrap();
            let place = Whereabouts::of(document.root(), None);
            assert_eq!(place.country(), country, "{event}");
            let place = Whereabouts::of(document.root(), Some("PL"));
            assert_eq!(place.country(), country.or(Some("PL")), "{event}");
        }
    }

    #[test]
    fn events_tell_a_state() {
        let document = Document::parse(r#"{"traits":{"address":{"state":"Massachusetts"}}}"#).unwrap();
        assert_eq!(Whereabouts::of(document.root(), None).state(), Some("MA"));
    }
}
