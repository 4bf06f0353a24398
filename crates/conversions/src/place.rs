//! Fills `context.location` with the country and region of an address.

use std::sync::LazyLock;

use signalbox_core::{Event, Kind, Path, Scalar};

use crate::personal::geo;

static LOCATION: LazyLock<Path> = LazyLock::new(|| Path::new("context.location"));
static COUNTRY: LazyLock<Path> = LazyLock::new(|| Path::new("context.location.country"));
static REGION: LazyLock<Path> = LazyLock::new(|| Path::new("context.location.region"));
static STATE: LazyLock<Path> = LazyLock::new(|| Path::new("context.location.state"));

/// The country and region of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place<'p> {
    /// ISO 3166 alpha-2 code in upper case.
    pub country: &'p str,
    /// Code of the country's first subdivision without the country, such as `CA`, or its name.
    pub region: Option<&'p str>,
}

impl Place<'_> {
    /// Writes `country` and `region` of `context.location`, each only where the event has none. A region is written only
    /// beside its own country. Leaves a location that is no object alone. Returns true if the event changed.
    pub fn fill(self, event: &mut Event) -> bool {
        let is_open = event
            .get(&LOCATION)
            .is_none_or(|node| matches!(node.kind(), Kind::Object | Kind::Null));
        if !is_open {
            return false;
        }
        let lacks = |event: &Event, path: &Path| {
            event
                .get(path)
                .is_none_or(|node| node.is_null() || node.as_str().is_some_and(|text| text.trim().is_empty()))
        };
        let country = if lacks(event, &COUNTRY) {
            event.set(&COUNTRY, Scalar::String(self.country));
            true
        } else {
            false
        };
        let is_own = country
            || event
                .get(&COUNTRY)
                .and_then(|node| geo::country_code(node.as_str()?.trim()))
                .is_some_and(|code| code == self.country);
        match self.region {
            Some(region) if is_own && lacks(event, &REGION) && lacks(event, &STATE) => {
                event.set(&REGION, Scalar::String(region));
                true
            }
            _ => country,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use signalbox_core::Receipt;

    #[test]
    fn only_absent_members_are_filled_and_a_region_only_beside_its_country() {
        for (context, filled) in [
            ("{}", r#"{"location":{"country":"US","region":"CA"}}"#),
            (
                r#"{"location":{"city":"X","country":" ","region":null}}"#,
                r#"{"location":{"city":"X","country":"US","region":"CA"}}"#,
            ),
            (
                r#"{"location":{"country":"usa"}}"#,
                r#"{"location":{"country":"usa","region":"CA"}}"#,
            ),
            (
                r#"{"location":{"country":"FR"}}"#,
                r#"{"location":{"country":"FR"}}"#,
            ),
            (
                r#"{"location":{"region":"Texas"}}"#,
                r#"{"location":{"region":"Texas","country":"US"}}"#,
            ),
            (
                r#"{"location":{"state":"TX"}}"#,
                r#"{"location":{"state":"TX","country":"US"}}"#,
            ),
            (r#"{"location":"here"}"#, r#"{"location":"here"}"#),
        ] {
            let receipt = Receipt {
                source: "site".into(),
                received_at: 0,
            };
            let mut event = Event::parse(&format!(r#"{{"context":{context}}}"#), receipt).unwrap();
            let place = Place {
                country: "US",
                region: Some("CA"),
            };
            assert_eq!(place.fill(&mut event), context != filled, "{context}");
            assert_eq!(event.to_json(), format!(r#"{{"context":{filled}}}"#));
            assert!(
                !place.fill(&mut event),
                "a second time changes nothing: {context}"
            );
        }
    }
}
