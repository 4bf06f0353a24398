//! Before and after hashing, the decision is the same. The test hashes as `hash_pii` does: by the same function, and
//! values without a hash are removed.

use proptest::prelude::*;
use serde_json::{Value, json};
use signalbox_conversions::personal::geo::{COUNTRIES, STATES};
use signalbox_conversions::personal::rules::{META, PINTEREST, SEGMENT, TIKTOK};
use signalbox_conversions::personal::{Field, Rules, hash};
use signalbox_core::{Event, Flow, LimitedDataProcessing, Path, Scalar, Side};
use signalbox_testkit::event_of;

use crate::build;

const SETTINGS: &str = "opted_out = [{ path = \"properties.opt_out\" }]\nstates = [\"CA\", \"NY\", \"VA\"]";

const HASHED: [(&str, Field); 4] = [
    ("traits.address.state", Field::State),
    ("traits.address.country", Field::Country),
    ("properties.address.state", Field::State),
    ("properties.address.country", Field::Country),
];

fn hash_pii(event: &mut Event, rules: &'static Rules) {
    let mut scratch = String::new();
    for (path, field) in HASHED {
        let path = Path::new(path);
        match event
            .get(&path)
            .and_then(|node| node.as_str())
            .filter(|text| !text.is_empty())
            .map(|text| hash(field, rules, text, &mut scratch))
        {
            Some(Ok(hash)) => event.set(&path, Scalar::String(hash.as_str())),
            Some(Err(_)) => {
                event.remove(&path);
            }
            None => {}
        }
    }
}

fn outcome(event: &mut Event) -> (Option<String>, Option<LimitedDataProcessing>) {
    let flow = build(Side::Sink, SETTINGS).unwrap().apply(event);
    let code = match flow {
        Flow::Pass => None,
        Flow::Rejected(reason) => Some(reason.code().to_owned()),
        other => panic!("{other:?}"),
    };
    (code, event.facts().limited_data_processing.clone())
}

fn payload(texts: [String; 4], opted_out: bool) -> Value {
    let [state, country, other_state, other_country] = texts;
    json!({
        "traits": { "address": { "state": state, "country": country } },
        "properties": { "address": { "state": other_state, "country": other_country }, "opt_out": opted_out }
    })
}

/// Codes and names as they are written, in any letter case.
fn spelled(texts: Vec<String>) -> impl Strategy<Value = String> {
    (proptest::sample::select(texts), 0..3).prop_map(|(text, case)| match case {
        0 => text,
        1 => text.to_uppercase(),
        _ => text.to_lowercase(),
    })
}

fn state() -> impl Strategy<Value = String> {
    let all = STATES.iter().flat_map(|state| {
        let names = state.names().map(str::to_owned);
        names.chain([state.code.to_owned(), format!("US-{}", state.code)])
    });
    prop_oneof![3 => spelled(all.collect()), 2 => spelled(vec!["CA".into(), "New York".into(), "Virginia".into()]), 1 => Just(String::new())]
}

fn country() -> impl Strategy<Value = String> {
    let all = COUNTRIES.iter().flat_map(|country| {
        let names = country.names().map(str::to_owned);
        names.chain([country.alpha2.to_owned(), country.alpha3.to_owned()])
    });
    prop_oneof![1 => spelled(all.collect()), 2 => spelled(vec!["US".into(), "USA".into(), "United States".into()]), 1 => Just(String::new())]
}

/// Texts out of the ordinary, and texts that nearly name a state.
fn odd() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,12}",
        "[UuSs]{0,2}[- ]{0,2}[CcNn.]{1,2}[AaYy.]{1,3}",
        "[0-9a-f]{64}",
        "[&.n/a -]{1,4}",
        state(),
        country(),
    ]
}

fn same_in_both_orders(payload: &Value, rules: &'static Rules) -> Result<(), TestCaseError> {
    let (mut before, mut after) = (event_of(payload), event_of(payload));
    let decided_first = outcome(&mut before);
    hash_pii(&mut before, rules);
    hash_pii(&mut after, rules);
    prop_assert_eq!(&outcome(&mut after), &decided_first, "{}", payload);
    // And once more on hashes, as on a sink behind a source that did both.
    prop_assert_eq!(outcome(&mut before).1, decided_first.1);
    Ok(())
}

#[test]
fn punctuation_is_no_country() {
    // "&" reads as "and", and AND is Andorra.
    let texts = ["", "&\u{1f890}", "", ""].map(str::to_owned);
    same_in_both_orders(&payload(texts, true), &PINTEREST).unwrap();
}

proptest! {
    #[test]
    fn known_places_are_known_before_and_after(
        state in state(), country in country(), other in state(), land in country(), opted_out: bool,
    ) {
        let payload = payload([state, country, other, land], opted_out);
        same_in_both_orders(&payload, &PINTEREST)?;
        same_in_both_orders(&payload, &SEGMENT)?;
        same_in_both_orders(&payload, &META)?;
        same_in_both_orders(&payload, &TIKTOK)?;
    }

    #[test]
    fn anything_at_all_is_judged_alike_before_and_after(texts in [odd(), odd(), odd(), odd()], opted_out: bool) {
        same_in_both_orders(&payload(texts, opted_out), &PINTEREST)?;
    }
}
