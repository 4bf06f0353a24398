//! The sink that settings describe.

use signalbox_core::{BuildError, BuildErrors, Built, Sink, SinkDeclarations};
use signalbox_http::{ClientOptions, HttpSink};
use signalbox_segment::settings::Findings;

use super::{DefaultCountry, MappingConfig, Presets, sink_mappings};
use crate::destination::Conversions;
use crate::encoder::Encoder;
use crate::spec::{Compat, Spec};
use crate::vendor::Vendor;

/// Returns a vendor's sink without its client, with these presets and mappings, and the settings `scrub_urls` and
/// `default_country`; `None` only beside an error. Mistakes in mappings are reported even if there is no vendor.
pub fn destination<V: Vendor>(
    vendor: Option<V>,
    (spec, compat): (&'static Spec, Compat),
    (presets, mappings, scrub_urls, default_country): (&Presets, &[MappingConfig], bool, DefaultCountry),
    findings: &mut Findings,
) -> Option<Conversions<V>> {
    let mappings = sink_mappings(spec, presets, mappings, compat, findings);
    match Encoder::new(vendor?, mappings) {
        Ok(encoder) => {
            let encoder = encoder.scrub_urls(scrub_urls).default_country(default_country.0);
            Some(Conversions::new(encoder))
        }
        Err(error) => {
            findings.errors.push(BuildError::new("", error));
            None
        }
    }
}

/// Builds a sink of a destination, with its client.
///
/// # Errors
/// Those of the findings, or of the client.
pub fn sink<V: Vendor>(
    destination: Option<Conversions<V>>,
    findings: Findings,
    declares: impl FnOnce(&V) -> SinkDeclarations,
) -> Result<Built<dyn Sink>, BuildErrors> {
    let Some(destination) = destination.filter(|_| findings.errors.is_empty()) else {
        return Err(findings.errors);
    };
    let declares = declares(destination.encoder().vendor());
    match HttpSink::new(destination, &ClientOptions::default()) {
        Ok(sink) => Ok(Built::sink(sink).warnings(findings.warnings).declares(declares)),
        Err(error) => Err(vec![BuildError::new("", error.to_string())]),
    }
}
