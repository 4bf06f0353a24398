//! Reading the golden cases and running an encoder on them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};
use signalbox_conversions::{Compat, CompiledMapping, Draft, Encoder, Preset, Trigger};
use signalbox_core::{BuildContext, Event, Prepared, Receipt, Record, Rejection, Side, SinkConfig};
use signalbox_pinterest_conversions::{
    LdpHashCase, OnIncomplete, Pinterest, PinterestConversionsConfig, SPEC,
};
use signalbox_segment::settings::Findings;

/// A line of `cases.jsonl`. The event stays text, as its numbers are spelled on purpose.
#[derive(serde::Deserialize)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) event: Box<RawValue>,
    #[serde(default)]
    pub(crate) preset: Option<String>,
    #[serde(default)]
    pub(crate) mapping_overrides: Map<String, Json>,
    #[serde(default)]
    pub(crate) subscribe: Option<String>,
    #[serde(default)]
    pub(crate) settings: Option<Json>,
}

/// A line of `golden.jsonl`.
#[derive(serde::Deserialize)]
pub(crate) struct Golden {
    pub(crate) name: String,
    pub(crate) results: Vec<GoldenResult>,
}

#[derive(serde::Deserialize)]
pub(crate) struct GoldenResult {
    pub(crate) preset: String,
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) request: Option<Json>,
    #[serde(default)]
    pub(crate) error: Option<Json>,
}

impl GoldenResult {
    /// The one event that was sent.
    pub(crate) fn event(&self) -> Option<&Json> {
        self.request.as_ref().filter(|_| self.status == "sent")?["body"]["data"].get(0)
    }
}

pub(crate) fn folder() -> PathBuf {
    std::env::var_os("VECTORS_DIR")
        .map_or_else(
            || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors"),
            PathBuf::from,
        )
        .join("pinterest")
}

/// Cases and their expected results, by the names of two files. Lines that cannot be read are passed over and counted.
pub(crate) fn pairs(cases: &str, golden: &str) -> (Vec<(Case, Golden)>, usize) {
    let read = |file: &str| {
        let path = folder().join(file);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let (cases, golden) = (read(cases), read(golden));
    let mut pairs = Vec::new();
    let mut unreadable = 0;
    for (case, golden) in cases.lines().zip(golden.lines()) {
        match (
            serde_json::from_str::<Case>(case),
            serde_json::from_str::<Golden>(golden),
        ) {
            (Ok(case), Ok(golden)) => {
                assert_eq!(case.name, golden.name);
                pairs.push((case, golden));
            }
            _ => unreadable += 1,
        }
    }
    (pairs, unreadable)
}

/// Returns true if our configuration accepts a case's settings.
pub(crate) fn settings_are_taken(case: &Case) -> bool {
    if case.settings.is_none() {
        return true;
    }
    let mut settings =
        serde_json::json!({ "ad_account_id": "549755885175", "conversion_token": "pina_TEST_TOKEN" });
    if let (Some(Json::Object(given)), Some(settings)) = (&case.settings, settings.as_object_mut()) {
        settings.extend(given.clone());
    }
    let context = BuildContext {
        name: "pin".into(),
        place: Side::Sink,
    };
    serde_json::from_value::<PinterestConversionsConfig>(settings)
        .is_ok_and(|config| config.build(&context).is_ok())
}

/// An encoder's result for a case.
pub(crate) enum Made {
    /// No mapping listens.
    Nothing,
    /// One record.
    Sent(Box<Record>),
    /// Refused, with the reason's code.
    Refused(String, Vec<signalbox_core::Warning>),
}

/// The settings that shape a record.
#[derive(Clone, Default)]
pub(crate) struct EncodeOptions {
    pub(crate) compat: Compat,
    pub(crate) partner_name: Option<String>,
    pub(crate) np: Option<String>,
    pub(crate) ldp_hash_case: LdpHashCase,
    pub(crate) on_incomplete: OnIncomplete,
}

/// An encoder with these settings and mappings. The account does not matter.
pub(crate) fn with_mappings(options: EncodeOptions, mappings: Vec<CompiledMapping>) -> Encoder<Pinterest> {
    let settings = serde_json::json!({ "ad_account_id": "1", "conversion_token": "pina_TEST_TOKEN" });
    let mut config: PinterestConversionsConfig = serde_json::from_value(settings).unwrap();
    config.compat = match options.compat {
        Compat::Vendor => signalbox_pinterest_conversions::Compat::Pinterest,
        Compat::Segment => signalbox_pinterest_conversions::Compat::Segment,
    };
    config.partner_name = options.partner_name;
    config.np = options.np;
    config.ldp_hash_case = options.ldp_hash_case;
    config.on_incomplete = options.on_incomplete;
    let vendor = config.vendor(&mut Findings::default()).unwrap();
    Encoder::new(vendor, mappings).unwrap()
}

/// Builds the encoder a case describes, below the settings' checks.
///
/// # Errors
/// The kind of fault in the mapping or the trigger.
pub(crate) fn encoder(case: &Case, compat: Compat) -> Result<Encoder<Pinterest>, &'static str> {
    let options = EncodeOptions {
        compat,
        partner_name: Some("ss-segment".into()),
        np: Some("ss-segment".into()),
        // Segment sends it, without a word.
        on_incomplete: OnIncomplete::Send,
        ..EncodeOptions::default()
    };
    let presets: Vec<&'static Preset> = match &case.preset {
        Some(name) => vec![SPEC.presets.iter().find(|preset| preset.name == name).unwrap()],
        None => SPEC.presets.iter().collect(),
    };
    let mut mappings = Vec::new();
    let event = event(case.event.get());
    for preset in presets {
        // Segment looks at a mapping only once its trigger has fired, and compiling all sixteen takes its time.
        let listens = Trigger::Preset(preset.listens);
        if case.subscribe.is_none() && event.as_ref().is_some_and(|event| !listens.matches(event)) {
            continue;
        }
        let mut draft = Draft::new(&SPEC, Some(preset), compat);
        for (key, value) in &case.mapping_overrides {
            let unset = value == "__unset__";
            draft.set(key, (!unset).then(|| value.clone()));
        }
        let trigger = match &case.subscribe {
            Some(text) => trigger(text)?,
            None => Trigger::Preset(preset.listens),
        };
        mappings.push(draft.compile(preset.name, trigger).map_err(|_| "mapping")?);
    }
    Ok(with_mappings(options, mappings))
}

fn trigger(text: &str) -> Result<Trigger, &'static str> {
    signalbox_segment::fql::Trigger::parse(text)
        .map(Trigger::Fql)
        .map_err(|_| "trigger")
}

pub(crate) fn event(json: &str) -> Option<Event> {
    let receipt = Receipt {
        source: "test".into(),
        received_at: 1_772_442_000_000,
    };
    Event::parse(json, receipt).ok()
}

/// Runs a case.
///
/// # Errors
/// As [`encoder`].
pub(crate) fn run(case: &Case, compat: Compat) -> Result<Made, &'static str> {
    let encoder = encoder(case, compat)?;
    let Some(event) = event(case.event.get()) else {
        // No source passes a payload that is no object; Segment's code fails on null and ignores the rest.
        return if case.event.get() == "null" {
            Err("crash")
        } else {
            Ok(Made::Nothing)
        };
    };
    Ok(match encoder.encode(&event, &Default::default()) {
        Prepared::Filtered(_) => Made::Nothing,
        Prepared::Rejected(reason) => Made::Refused(reason.code().to_owned(), Vec::new()),
        Prepared::Mapped(mut results) => {
            assert_eq!(results.len(), 1, "{}", case.name);
            match results.remove(0) {
                Ok(record) => Made::Sent(Box::new(record)),
                Err(Rejection { reason, warnings, .. }) => Made::Refused(reason.code().to_owned(), warnings),
            }
        }
    })
}

/// Deep equality; numbers as doubles, members in any order.
pub(crate) fn same(left: &Json, right: &Json) -> bool {
    match (left, right) {
        (Json::Number(left), Json::Number(right)) => left.as_f64() == right.as_f64(),
        (Json::Array(left), Json::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Json::Object(left), Json::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(key, left)| right.get(key).is_some_and(|right| same(left, right)))
        }
        _ => left == right,
    }
}

pub(crate) fn body(record: &Record) -> Json {
    serde_json::from_slice(&record.bytes).unwrap()
}

/// `name: reason` lines.
pub(crate) fn known_failures() -> BTreeMap<String, String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/known_failures.txt");
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, reason)| (name.to_owned(), reason.to_owned()))
        .collect()
}
