//! Headers by which content delivery networks and clouds tell the country and region of a visitor.

use http::{HeaderMap, HeaderName};
use signalbox_conversions::place::Place;
use signalbox_core::BuildError;

/// The member of a place that a header tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tells {
    Country,
    Region,
}

/// The headers that are known.
const KNOWN: [(&str, Tells); 11] = [
    ("CF-IPCountry", Tells::Country),
    ("CF-Region-Code", Tells::Region),
    ("CloudFront-Viewer-Country", Tells::Country),
    ("CloudFront-Viewer-Country-Region", Tells::Region),
    ("X-AppEngine-Country", Tells::Country),
    ("X-AppEngine-Region", Tells::Region),
    ("X-Vercel-IP-Country", Tells::Country),
    ("X-Vercel-IP-Country-Region", Tells::Region),
    ("Fastly-Geo-Country", Tells::Country),
    ("X-Geo-Country", Tells::Country),
    ("X-Geo-Region", Tells::Region),
];

/// Codes for addresses without a country: unknown, Tor, anonymous proxies, satellites, and continents.
const NO_COUNTRY: [&str; 8] = ["XX", "ZZ", "T1", "A1", "A2", "EU", "AP", "O1"];

/// The headers that are believed from trusted proxies.
#[derive(Debug, Clone, Default)]
pub(crate) struct TrustedHeaders {
    countries: Vec<HeaderName>,
    regions: Vec<HeaderName>,
}

impl TrustedHeaders {
    /// Checks the names of the setting, in any letter case.
    pub(crate) fn prepare(
        names: &[String],
        has_proxies: bool,
        errors: &mut Vec<BuildError>,
    ) -> TrustedHeaders {
        let mut headers = TrustedHeaders::default();
        if !names.is_empty() && !has_proxies {
            errors.push(
                BuildError::new("trusted_headers", "no proxy is trusted, so nobody may set them")
                    .help("list the addresses of the proxies in `trusted_proxies`"),
            );
        }
        for (i, name) in names.iter().enumerate() {
            let known = KNOWN
                .iter()
                .find(|(known, _)| known.eq_ignore_ascii_case(name.trim()));
            let header = HeaderName::try_from(name.trim());
            match (known, header) {
                (Some((_, Tells::Country)), Ok(header)) => headers.countries.push(header),
                (Some((_, Tells::Region)), Ok(header)) => headers.regions.push(header),
                _ => {
                    let names = KNOWN.map(|(known, _)| known).join(", ");
                    errors.push(
                        BuildError::new(
                            format!("trusted_headers.{i}"),
                            "not a header whose meaning is known",
                        )
                        .help(format!("known are: {names}")),
                    );
                }
            }
        }
        headers
    }

    /// Returns the place that the head of a trusted proxy's request tells.
    pub(crate) fn place<'h>(&self, headers: &'h HeaderMap) -> Option<Place<'h>> {
        let country = first(&self.countries, headers, is_country)?;
        Some(Place {
            country,
            region: first(&self.regions, headers, is_region),
        })
    }
}

fn first<'h>(names: &[HeaderName], headers: &'h HeaderMap, fits: fn(&str) -> bool) -> Option<&'h str> {
    let values = names.iter().filter_map(|name| headers.get(name)?.to_str().ok());
    values.map(str::trim).find(|value| fits(value))
}

fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase()) && !NO_COUNTRY.contains(&text)
}

fn is_region(text: &str) -> bool {
    (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(headers: &[(&'static str, &'static str)]) -> Option<(String, Option<String>)> {
        let mut errors = Vec::new();
        let names = KNOWN.map(|(name, _)| name.to_owned());
        let trusted = TrustedHeaders::prepare(&names, true, &mut errors);
        assert!(errors.is_empty(), "{errors:?}");
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        let place = trusted.place(&map)?;
        Some((place.country.to_owned(), place.region.map(str::to_owned)))
    }

    #[test]
    fn codes_are_read_and_words_for_unknown_are_not() {
        let us = |region: &str| Some(("US".to_owned(), Some(region.to_owned())));
        assert_eq!(
            place(&[("cf-ipcountry", "US"), ("cf-region-code", "CA")]),
            us("CA")
        );
        assert_eq!(
            place(&[
                ("cloudfront-viewer-country", "US"),
                ("cloudfront-viewer-country-region", "TX")
            ]),
            us("TX")
        );
        assert_eq!(
            place(&[("x-appengine-country", "US"), ("x-appengine-region", "ca")]),
            us("ca")
        );
        assert_eq!(
            place(&[("x-appengine-country", "US"), ("x-appengine-region", "?")]),
            Some(("US".to_owned(), None))
        );
        for unknown in ["XX", "T1", "ZZ", "us", "USA", "", "U1"] {
            let mut map = HeaderMap::new();
            map.insert("cf-ipcountry", unknown.parse().unwrap());
            map.insert("cf-region-code", "CA".parse().unwrap());
            let trusted = TrustedHeaders::prepare(&["cf-ipcountry".to_owned()], true, &mut Vec::new());
            assert_eq!(trusted.place(&map), None, "{unknown}");
        }
        assert_eq!(place(&[("cf-region-code", "CA")]), None);
    }
}
