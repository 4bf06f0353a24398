//! The parts of golden cases that differ between vendors.

use serde_json::{Map, Value as Json};
use signalbox_conversions::{Compat, CompiledMapping, Conversions, Encoder, Preset, Spec, Vendor};
use signalbox_http::Destination;

use super::case::{Case, Error};

/// A vendor's side of its golden cases.
pub trait GoldenVendor {
    /// The vendor in the printed lines, in lower case; also the heading of its section in
    /// `docs/differences-from-segment.md`, in any letter case.
    const NAME: &'static str;
    /// The folder of the vendor's crate.
    const ROOT: &'static str;
    /// The folder of the cases, below `tests/vectors` or `VECTORS_DIR`.
    const FOLDER: &'static str;
    /// Errors of Segment's code that only this destination has: class, code (`None`: any), kind.
    const ERRORS: &'static [(&'static str, Option<&'static str>, &'static str)];
    /// Codes of our reasons in addition to those of `crates/conversions`, with the kinds of [`ERRORS`](GoldenVendor::ERRORS).
    const REASONS: &'static [(&'static str, &'static str)];
    /// Segment's destination refuses a list in place of an event. Default: true.
    const REFUSES_LISTS: bool = true;

    /// Returns the data that a sink of these rules has for this case.
    fn spec(&self, case: &Case, compat: Compat) -> &'static Spec;

    /// Makes the sink of a case without its client, with these mappings.
    ///
    /// # Errors
    /// The message with which our configuration refuses the case's settings.
    fn destination(
        &self,
        case: &Case,
        compat: Compat,
        mappings: Vec<CompiledMapping>,
    ) -> Result<Box<dyn Destination>, String>;

    /// Returns the preset behind a preset's name in a case. Default: the one of this name.
    fn preset(&self, spec: &'static Spec, name: &str) -> Option<&'static Preset> {
        spec.presets.iter().find(|preset| preset.name == name)
    }

    /// Returns the mappings that a preset of a case has beyond our defaults. Default: none.
    fn overrides(&self, _preset: &str, _compat: Compat) -> Map<String, Json> {
        Map::new()
    }

    /// Returns the trigger, in Segment's language, of a preset that a case names and that has none by default. Default:
    /// that of the preset.
    fn trigger(&self, _preset: &str) -> Option<&'static str> {
        None
    }
}

/// Makes a sink of a vendor without its client.
///
/// # Panics
/// If the vendor's field table is not well-formed.
pub fn conversions<V: Vendor>(vendor: V, mappings: Vec<CompiledMapping>) -> Box<dyn Destination> {
    Box::new(Conversions::new(Encoder::new(vendor, mappings).unwrap()))
}

/// Returns the kind of an error of Segment's code.
pub(crate) fn kind<G: GoldenVendor>(error: &Error) -> &'static str {
    let is = |class: &str, code: Option<&str>| {
        class == error.class && (code.is_none() || code == error.code.as_deref())
    };
    let own = G::ERRORS.iter().find(|(class, code, _)| is(class, *code));
    if let Some((_, _, kind)) = own {
        return kind;
    }
    match (error.class.as_str(), error.code.as_deref()) {
        ("AggregateAjvError", _) => "validation",
        ("IntegrationError", Some("NotImplemented")) => "list",
        ("AggregateError" | "Error" | "ParseError" | "RenderError" | "TokenizationError", _) => "mapping",
        ("TypeError", _) => "crash",
        ("NotExecuted" | "InvalidSubscription", _) => "trigger",
        _ => "other",
    }
}

/// Returns the kind of Segment's error behind a code of ours.
pub(crate) fn kind_of_code<G: GoldenVendor>(code: &str) -> &'static str {
    let own = G::REASONS.iter().find(|(own, _)| *own == code);
    if let Some((_, kind)) = own {
        return kind;
    }
    match code {
        "segment_validation" => "validation",
        "mapping_failed" => "mapping",
        "segment_crash" => "crash",
        _ => "another",
    }
}
