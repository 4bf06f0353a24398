//! A destination of Segment's becomes a table of the pipeline file that makes the same records.

use serde_json::{Map, Value as Json, json};
use signalbox_conversions::{Compat, set};
use signalbox_core::{ImportError, Imported, Imports};
use signalbox_pinterest_conversions::{IMPORT, SPEC};
use signalbox_testkit::golden::GoldenImport;

use crate::support::PinterestCases;

const TOKEN: &str = "pina_EXAMPLE_OF_A_SECRET";

const PINTEREST: GoldenImport = GoldenImport {
    import: &IMPORT,
    ids: &[("ad_account_id", "549755885175")],
    token: Some("conversion_token"),
    settings: "partner_name = \"ss-segment\"\nnp = \"ss-segment\"\non_incomplete = \"send\"",
};

#[test]
fn the_golden_cases_make_the_same_records() {
    PINTEREST.check(&PinterestCases);
}

fn import(json: &str) -> Result<Imports, ImportError> {
    let imports = IMPORT.run(json);
    let all = format!("{imports:?}");
    assert!(!all.contains(TOKEN), "{all}");
    imports
}

/// Returns the only sink.
fn imported(json: &str) -> Imported {
    let mut sinks = import(json).unwrap().sinks;
    assert_eq!(sinks.len(), 1, "{sinks:?}");
    sinks.remove(0)
}

#[test]
fn only_what_differs_is_written() {
    let mut checkout = SPEC.default_mapping(
        SPEC.presets.iter().find(|one| one.name == "Checkout"),
        Compat::Segment,
    );
    set(&mut checkout, "opt_out", Some(json!(false)));
    set(
        &mut checkout,
        "user_data.email",
        Some(json!({ "@path": "$.traits.mail" })),
    );
    set(&mut checkout, "user_data.client_ip_address", None);
    set(&mut checkout, "wifi", None);
    set(
        &mut checkout,
        "custom_data_2.order_id",
        Some(json!("a\"b${c}\u{1}\u{7f}\u{9b}")),
    );
    checkout.insert("enable_batching".into(), json!(true));
    let subscriptions = json!([
        { "name": "Checkout", "enabled": false, "partnerAction": "reportConversionEvent",
          "subscribe": "type = \"track\" and event = \"Order Completed\"", "mapping": checkout },
        { "name": "Everything", "partnerAction": "reportConversionEvent", "subscribe": "type = \"track\"", "mapping": custom() },
    ]);
    let json = json!({ "settings": { "ad_account_id": 7, "conversion_token": TOKEN }, "subscriptions": subscriptions });
    let toml = imported(&json.to_string()).toml;
    let expected = r#"ad_account_id = "7"
conversion_token = "${PINTEREST_TOKEN}"
compat = "segment"
presets = "none"

[[sinks.pinterest.mappings]]
preset = "Checkout"
enabled = false
unset = ["user_data.client_ip_address", "wifi"]
[sinks.pinterest.mappings.fields]
opt_out = false
"user_data.email" = { "@path" = "$.traits.mail" }
"custom_data_2.order_id" = "a\"b$${c}\u0001\u007f\u009b"

[[sinks.pinterest.mappings]]
name = "Everything"
trigger = "type = \"track\""
[sinks.pinterest.mappings.fields]
event_name = "custom"
"#;
    let (_, rest) = toml.split_once("your source\n").unwrap();
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(rest), sorted(expected), "{toml}");
    PINTEREST.sink(&toml);
}

#[test]
fn what_is_not_carried_over_is_told() {
    let base = || {
        SPEC.default_mapping(
            SPEC.presets.iter().find(|one| one.name == "Lead"),
            Compat::Segment,
        )
    };
    let with = |path: &str, value: Json| {
        let mut mapping = base();
        set(&mut mapping, path, Some(value));
        mapping
    };
    let one = |name: &str, more: Json| {
        let mut one = json!({
            "name": name, "actionSlug": "reportConversionEvent", "trigger": "type = \"track\"", "settings": base()
        });
        one.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        one
    };
    let json = json!({ "data": {
        "destination": {
            "enabled": false, "filters": [{ "if": "x" }], "metadata": { "name": "Pinterest" },
            "settings": { "ad_account_id": "../1", "conversion_token": TOKEN, "region": "hunter2" }
        },
        "subscriptions": [
            one("other", json!({ "actionSlug": "sendAudience" })),
            one("warehouse", json!({ "modelId": "m1" })),
            one("unread", json!({ "trigger": "type !=\"page\"" })),
            one("doubtful", json!({ "trigger": "type = \"track\" OR event = \"A\"" })),
            one("no mapping", json!({ "settings": 1 })),
            one("wrong", json!({ "settings": with("opt_out", json!("hunter2")) })),
            one("wrong directive", json!({ "settings": with("language", json!({ "@pat": "$.x" })) })),
            one("unknown", json!({ "settings": with("user_data.colour", json!("hunter2")) })),
            one("null", json!({ "settings": with("user_data.email", json!({ "@if": {
                "exists": { "@path": "$.x" }, "then": Json::Null, "else": Json::Null
            } })) })),
            one("around", json!({ "settings": with("__segment_internal_directive", json!({ "@transform": {} })) })),
            one("twice", json!({})),
            one("twice", json!({ "actionSlug": Json::Null, "actionId": "a1" })),
        ]
    } });
    let Imported { toml, notes, .. } = imported(&json.to_string());
    assert!(!format!("{toml}{notes:?}").contains("hunter2"));
    assert!(
        toml.contains("inputs = [\"segment\"] # the name of your source\nenabled = false\n"),
        "{toml}"
    );
    for expected in [
        "the destination is switched off at Segment, so this sink is disabled",
        "filters of the destination",
        "ad_account_id: not there, or not 1 to 18 digits",
        "conversion_token: never copied",
        "settings.region: not known here",
        "\"other\": its action \"sendAudience\" has no counterpart here; left out",
        "\"warehouse\": it is fed from a warehouse",
        "\"unread\": its trigger cannot be read",
        "\"doubtful\": in doubt: trigger: ",
        "what is really asked: type = \"track\" and event = \"A\"",
        "\"no mapping\": it has no mapping; left out",
        "\"wrong\": fields.opt_out: Opt Out must be a boolean but it was a string.; Segment refuses",
        "\"wrong directive\": fields.language: has an invalid directive: @pat; Segment refuses",
        "\"unknown\": the field \"user_data.colour\" is not known here; left out",
        "\"null\": TOML has no null",
        "\"around\": a directive stands around its whole mapping",
        "\"twice\": another subscription has this name; this one is called \"twice 2\"",
        "\"twice\": its action has no name here",
    ] {
        assert!(
            notes.iter().any(|note| note.contains(expected)),
            "{expected}\n{notes:#?}"
        );
    }
    let names: Vec<&str> = toml
        .lines()
        .filter_map(|line| line.strip_prefix("name = "))
        .collect();
    assert_eq!(
        names,
        [
            "\"warehouse\"",
            "\"doubtful\"",
            "\"unknown\"",
            "\"null\"",
            "\"twice\"",
            "\"twice 2\""
        ]
    );
    assert!(toml.contains("ad_account_id = \"${PINTEREST_AD_ACCOUNT_ID}\"\n"));
    assert!(
        toml.contains("then = { \"@json\" = { mode = \"decode\", value = \"null\" } }")
            && !toml.contains("else")
    );
    PINTEREST.sink(&toml.replace("${PINTEREST_AD_ACCOUNT_ID}", "1"));
}

#[test]
fn what_is_no_such_destination_is_an_error() {
    assert_eq!(
        import("{\n  oops"),
        Err(ImportError::NotJson { line: 2, column: 3 })
    );
    for nothing in [
        "",
        "[]",
        "7",
        "null",
        r#"{"data":null}"#,
        r#"{"message":"Unauthorized"}"#,
        r#"{"error":"rate limited"}"#,
        r#"{"code":401,"data":{"message":"Unauthorized"}}"#,
    ] {
        assert_eq!(import(nothing), Err(ImportError::Nothing), "{nothing}");
    }
    for other in [
        r#"{"data":{"subscriptions":[]}}"#,
        r#"{"settings":{"apiKey":"x"}}"#,
        r#"{"data":{"destination":{"metadata":{"slug":"braze"},"settings":{"ad_account_id":"1"}}}}"#,
        r#"{"subscriptions":[{"partnerAction":"trackEvent","subscribe":"type = \"track\"","mapping":{}}]}"#,
    ] {
        assert_eq!(import(other), Err(ImportError::OtherDestination), "{other}");
    }
}

/// A mapping that has everything that is required.
fn custom() -> Map<String, Json> {
    let mut mapping = SPEC.default_mapping(None, Compat::Segment);
    set(&mut mapping, "event_name", Some(json!("custom")));
    mapping
}

#[test]
fn several_destinations_become_several_sinks() {
    let destination = |id: &str, name: &str| {
        json!({ "id": id, "metadata": { "name": name },
                "settings": { "ad_account_id": id, "conversion_token": TOKEN } })
    };
    let subscription = |name: &str, of: Json| {
        json!({ "name": name, "actionSlug": "reportConversionEvent", "trigger": "type = \"track\"",
                "destinationId": of, "settings": custom() })
    };
    let destinations = json!({ "data": { "destinations": [
        destination("1", "Pinterest"), destination("2", "Braze"), destination("3", "Pinterest"),
    ] } });
    let subscriptions = json!({ "data": { "subscriptions": [
        subscription("of the third", json!("3")),
        subscription("of the second", json!("2")),
        subscription("of the first", json!("1")),
        subscription("of the last before it", Json::Null),
        { "name": "of another", "actionSlug": "trackEvent", "trigger": "type = \"track\"", "settings": {} },
    ] } });
    let Imports { sinks, others, .. } = import(&format!("{destinations}{subscriptions}")).unwrap();
    let holds = |at: usize, texts: &[&str]| {
        let toml: &str = &sinks[at].toml;
        assert!(texts.iter().all(|text| toml.contains(text)), "{toml}");
        assert_eq!(toml.matches("\nname = ").count(), texts.len() - 2, "{toml}");
    };
    assert_eq!(
        (sinks.len(), &*sinks[0].sink, &*sinks[1].sink),
        (2, "pinterest", "pinterest_2")
    );
    holds(0, &["[sinks.pinterest]", "ad_account_id = \"1\"", "of the first"]);
    holds(
        1,
        &[
            "[sinks.pinterest_2]",
            "ad_account_id = \"3\"",
            "of the third",
            "of the last before it",
        ],
    );
    assert_eq!(
        others,
        ["the destination \"Braze\"", "the subscription \"of another\""]
    );
}

#[test]
fn subscriptions_alone_are_taken_for_their_actions_destination() {
    let subscription = json!({ "name": "A", "actionSlug": "report-conversion-event", "trigger": "type = \"track\"",
                               "settings": custom() });
    let Imported { toml, notes, .. } =
        imported(&json!({ "data": { "subscriptions": [subscription] } }).to_string());
    assert!(toml.contains("name = \"A\""), "{toml}");
    assert!(
        notes[0].contains("taken for Segment's \"Pinterest Conversions API\""),
        "{notes:?}"
    );
}

#[test]
fn no_text_makes_it_panic() {
    let case = json!({ "settings": { "ad_account_id": "1" }, "subscriptions": [{
        "name": "é", "partnerAction": "reportConversionEvent", "subscribe": "type = \"track\"", "enabled": true,
        "mapping": { "event_name": "lead", "user_data": { "email": [1, 1.5, null, true, 18446744073709551615u64] } }
    }] })
    .to_string();
    for (end, _) in case.char_indices() {
        assert!(import(&case[..end]).is_err());
    }
    for (at, _) in case.match_indices(['{', '[', '"', ':']) {
        let mut text = case.clone();
        text.replace_range(at..=at, " ");
        let _ = import(&text);
    }
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(matches!(import(&deep), Err(ImportError::NotJson { .. })));
}
