//! Events that are marked, passed on unmarked, or stopped.

use serde_json::{Value, json};
use signalbox_core::{Facts, Flow, LimitedDataProcessing, Sha256Hex};
use signalbox_testkit::event_of;

use crate::{DO_NOT_SELL, PLACES, build};

fn decide(settings: &str, payload: &Value) -> (Flow, Facts) {
    let [source, sink] = PLACES.map(|place| {
        let mut event = event_of(payload);
        let before = event.to_json();
        let flow = build(place, settings).unwrap().apply(&mut event);
        assert_eq!(event.to_json(), before, "the payload stays");
        (flow, event.facts().clone())
    });
    assert_eq!(source, sink);
    source
}

fn at_home(state: impl Into<Value>, country: impl Into<Value>) -> Value {
    json!({
        "traits": { "address": { "state": state.into(), "country": country.into() } },
        "properties": { "do_not_sell": true }
    })
}

fn fact(state: &str) -> Option<LimitedDataProcessing> {
    Some(LimitedDataProcessing {
        state: state.into(),
        country: "US".into(),
    })
}

fn sha(text: &str) -> String {
    Sha256Hex::of(text).as_str().to_owned()
}

#[test]
fn an_opted_out_californian_is_marked() {
    for (state, country) in [
        ("CA".to_owned(), "US".to_owned()),
        ("california".to_owned(), "United States".to_owned()),
        ("US-CA".to_owned(), "usa".to_owned()),
        (sha("CA"), sha("us").to_uppercase()),
        (sha("california"), "US".to_owned()),
    ] {
        let (flow, facts) = decide(DO_NOT_SELL, &at_home(state, country));
        assert_eq!(flow, Flow::Pass);
        assert_eq!(facts.limited_data_processing, fact("CA"));
        assert_eq!(facts.warnings, []);
    }
}

#[test]
fn whoever_is_known_to_live_elsewhere_goes_on_unmarked() {
    for (state, country) in [
        (json!("TX"), json!("US")),
        (json!(sha("texas")), json!(sha("us"))),
        (json!("Bavaria"), json!("Germany")),
        (json!(null), json!("FR")),
        // Canada's code where a state is expected does not make a Californian.
        (json!("CA"), json!("Canada")),
    ] {
        assert_eq!(
            decide(DO_NOT_SELL, &at_home(state, country)),
            (Flow::Pass, Facts::default())
        );
    }
}

#[test]
fn an_opt_out_that_cannot_be_expressed_follows_the_policy() {
    for (state, country, says) in [
        (
            json!("CA"),
            json!(null),
            "the state is known and the country is missing",
        ),
        (
            json!("TX"),
            json!(""),
            "the state is known and the country is missing",
        ),
        (
            json!("Bavaria"),
            json!("US"),
            "the state is none that is known and the country is known",
        ),
        (
            json!(sha("somewhere")),
            json!("US"),
            "the state is none that is known",
        ),
        (
            json!("CA"),
            json!({ "code": "US" }),
            "the country is none that is known",
        ),
        (
            json!([]),
            json!([null, " "]),
            "the state is missing and the country is missing",
        ),
    ] {
        let payload = at_home(state, country);
        let (Flow::Rejected(reason), _) = decide(DO_NOT_SELL, &payload) else {
            panic!("{payload}")
        };
        assert_eq!(reason.code(), "ldp_incomplete");
        assert!(reason.message().contains(says), "{reason}");
        assert!(!reason.message().contains("Bavaria"), "{reason}");

        let (flow, _) = decide(&format!("{DO_NOT_SELL}on_incomplete = \"drop\""), &payload);
        assert_eq!(flow, Flow::Filtered(reason));

        let (flow, facts) = decide(&format!("{DO_NOT_SELL}on_incomplete = \"send\""), &payload);
        assert_eq!(flow, Flow::Pass);
        assert_eq!(facts.limited_data_processing, None);
        assert_eq!(facts.warnings.len(), 1);
        assert_eq!(facts.warnings[0].code, "ldp_incomplete");
        assert!(!format!("{facts:?}").contains("Bavaria"));
    }
}

#[test]
fn whoever_did_not_opt_out_goes_on() {
    for said in [
        json!(false),
        json!("no"),
        json!("denied"),
        json!([false]),
        json!(0),
        json!(null),
        json!(""),
    ] {
        let payload = json!({ "traits": { "address": { "state": "CA", "country": "US" } }, "properties": { "do_not_sell": said } });
        assert_eq!(
            decide(DO_NOT_SELL, &payload),
            (Flow::Pass, Facts::default()),
            "{said}"
        );
    }
    assert_eq!(
        decide(DO_NOT_SELL, &json!({ "properties": {} })),
        (Flow::Pass, Facts::default())
    );
}

#[test]
fn an_answer_that_cannot_be_read_counts_as_an_opt_out() {
    for said in [json!("maybe"), json!({}), json!([false, false]), json!(7)] {
        let mut payload = at_home("CA", "US");
        payload["properties"]["do_not_sell"] = said;
        let (flow, facts) = decide(DO_NOT_SELL, &payload);
        assert_eq!(flow, Flow::Pass);
        assert_eq!(facts.limited_data_processing, fact("CA"));
        assert_eq!(facts.warnings.len(), 1);
        assert_eq!(
            (&*facts.warnings[0].code, &*facts.warnings[0].path),
            ("opt_out_unreadable", "properties.do_not_sell")
        );
    }
}

#[test]
fn one_of_several_is_enough() {
    let settings = r#"opted_out = [
        { path = "properties.do_not_sell" }, { path = "context.device.adTrackingEnabled", is = false },
        { path = "traits.privacy", equals = "CCPA" }, { consent_category = "ads" },
    ]"#;
    let with = |path: &str, value: Value| {
        let mut payload = at_home("CA", "US");
        payload["properties"]["do_not_sell"] = false.into();
        let (object, key) = path.rsplit_once('.').unwrap();
        let mut at = &mut payload;
        for step in object.split('.') {
            at = &mut at[step];
        }
        at[key] = value;
        decide(settings, &payload).1.limited_data_processing
    };
    assert_eq!(with("properties.do_not_sell", json!("Yes")), fact("CA"));
    assert_eq!(with("context.device.adTrackingEnabled", json!(false)), fact("CA"));
    assert_eq!(with("context.device.adTrackingEnabled", json!(true)), None);
    assert_eq!(with("traits.privacy", json!(["x", "ccpa"])), fact("CA"));
    assert_eq!(
        with("context.consent.categoryPreferences", json!({ "ads": false })),
        fact("CA")
    );
    assert_eq!(
        with("context.consent.categoryPreferences", json!({ "ads": true })),
        None
    );
}

#[test]
fn states_and_paths_are_settings() {
    let settings = format!(
        "{DO_NOT_SELL}states = [\"Virginia\", \"tx\"]\nstate_paths = [\"properties.where.0\"]\ncountry_paths = [\"properties.land\"]"
    );
    let payload =
        |state: &str| json!({ "properties": { "do_not_sell": 1, "where": [state], "land": ["?", "us"] } });
    assert_eq!(
        decide(&settings, &payload("VA")).1.limited_data_processing,
        fact("VA")
    );
    assert_eq!(
        decide(&settings, &payload("Texas")).1.limited_data_processing,
        fact("TX")
    );
    assert_eq!(decide(&settings, &payload("CA")), (Flow::Pass, Facts::default()));
}

#[test]
fn the_first_path_with_a_known_value_counts() {
    let payload = json!({
        "context": { "traits": { "address": { "state": "unheard of", "country": null } } },
        "traits": { "address": { "state": "CA" } },
        "properties": { "do_not_sell": true, "shipping_address": { "state": "TX", "country": "US" } }
    });
    assert_eq!(
        decide(DO_NOT_SELL, &payload).1.limited_data_processing,
        fact("CA")
    );
}

#[test]
fn a_mark_stays_and_a_second_run_adds_nothing() {
    let mut marked = event_of(&at_home("CA", "US"));
    for settings in [DO_NOT_SELL, &format!("{DO_NOT_SELL}states = [\"TX\"]")] {
        assert_eq!(build(PLACES[1], settings).unwrap().apply(&mut marked), Flow::Pass);
        assert_eq!(marked.facts().limited_data_processing, fact("CA"));
    }
    let mut sent = event_of(&json!({ "properties": { "do_not_sell": "hm" } }));
    for place in PLACES {
        let transform = build(place, &format!("{DO_NOT_SELL}on_incomplete = \"send\"")).unwrap();
        assert_eq!(transform.apply(&mut sent), Flow::Pass);
        assert_eq!(sent.facts().warnings.len(), 2);
    }
}

#[test]
fn signals_of_browsers_and_consent_managers_opt_out() {
    let all = r#"opted_out = [{ signal = "gpc" }, { signal = "us_privacy" }, { signal = "gpp" }, { signal = "opt_out_type" }]"#;
    for (signal, opted_out) in [
        (json!({ "privacy": { "gpc": true } }), true),
        (json!({ "us_privacy": "1YYN" }), true),
        (
            json!({ "consent": { "gpp": "DBABLA~BVVVkkkkkpFY.YA", "gpp_sid": [7] } }),
            true,
        ),
        (json!({ "optOutType": "LDP" }), true),
        (json!({ "privacy": { "gpc": "0" }, "us_privacy": "1YNN" }), false),
        (json!({}), false),
    ] {
        let payload =
            json!({ "context": signal, "traits": { "address": { "state": "CA", "country": "US" } } });
        let (flow, facts) = decide(all, &payload);
        assert_eq!(
            (flow, facts.limited_data_processing),
            (Flow::Pass, fact("CA").filter(|_| opted_out)),
            "{signal}"
        );
        assert_eq!(facts.warnings, []);
    }
    let payload = json!({ "context": { "us_privacy": "canary" }, "traits": { "address": { "state": "CA", "country": "US" } } });
    let (_, facts) = decide(all, &payload);
    assert_eq!(facts.limited_data_processing, fact("CA"));
    assert_eq!(
        (&*facts.warnings[0].code, &*facts.warnings[0].path),
        ("opt_out_unreadable", "context.us_privacy")
    );
    assert!(!format!("{facts:?}").contains("canary"));
}

#[test]
fn an_unknown_state_may_be_flagged() {
    let settings = format!("{DO_NOT_SELL}states = [\"VA\", \"CA\"]\non_unknown_state = \"flag\"");
    for (state, country, flagged) in [
        (json!(null), json!("US"), Some("VA")),
        (json!(null), json!(null), Some("VA")),
        (json!("nowhere"), json!("US"), Some("VA")),
        (json!("CA"), json!(null), Some("CA")),
        // Not subject in any country.
        (json!("TX"), json!(null), None),
        (json!(null), json!("FR"), None),
    ] {
        let (flow, facts) = decide(&settings, &at_home(state.clone(), country.clone()));
        assert_eq!(flow, Flow::Pass);
        assert_eq!(
            facts.limited_data_processing,
            flagged.and_then(fact),
            "{state} {country}"
        );
        assert_eq!(
            facts.warnings.len(),
            usize::from(flagged.is_some()),
            "{state} {country}"
        );
    }
    let filter = format!("{DO_NOT_SELL}on_unknown_state = \"filter\"");
    assert!(matches!(decide(&filter, &at_home("CA", "")).0, Flow::Filtered(_)));
}
