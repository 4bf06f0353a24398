//! Tables of events and the errors and warnings that they get.

use serde_json::{Value, json};

use super::Meta;
use crate::options::SandboxConfig;
use crate::testing::{HASH, NOW, judged, patched, told};

fn minimal() -> Value {
    json!({
        "event_name": "ViewContent",
        "event_time": NOW - 60,
        "action_source": "website",
        "event_source_url": "https://shop.example/a?b=c",
        "event_id": "e1",
        "user_data": { "em": [HASH], "client_user_agent": "UA" },
    })
}

fn request(event: &Value) -> Value {
    json!({ "data": [event] })
}

/// Compares what Meta says to the minimal event with each of these changes.
fn table(config: &SandboxConfig, cases: &[(Value, &str)]) {
    for (patch, expected) in cases {
        let event = patched(&minimal(), patch);
        assert_eq!(told(&Meta, config, &request(&event)), *expected, "{patch}");
    }
}

#[test]
fn every_property_of_the_pages_passes() {
    let extinfo = json!([
        "i2",
        "com.example",
        "1.0",
        "1.0.1",
        "18.1",
        "iPhone16,1",
        "en_US",
        "PST",
        "",
        "390",
        "844",
        "3",
        "6",
        "128",
        "64",
        "America/Los_Angeles"
    ]);
    let event = json!({
        "event_name": "Purchase", "event_time": NOW, "action_source": "app", "event_id": "e1",
        "event_source_url": "https://shop.example", "referrer_url": "https://search.example/", "opt_out": false,
        "user_data": {
            "em": HASH, "ph": [HASH, HASH], "fn": [HASH], "ln": [HASH], "ge": [HASH], "db": [HASH], "ct": [HASH],
            "st": [HASH], "zp": [HASH], "country": [HASH], "external_id": ["user-7"],
            "client_ip_address": "2001:db8::1", "client_user_agent": "UA", "fbc": "fb.1.1554763741205.AbCd",
            "fbp": "fb.1.1558571054389.1098115397", "subscription_id": "s", "fb_login_id": 12, "lead_id": "34",
            "anon_id": "a", "madid": "m", "page_id": "p", "page_scoped_user_id": "u", "ctwa_clid": "c",
            "ig_account_id": "i", "ig_sid": "s"
        },
        "custom_data": {
            "currency": "usd", "value": "12.50", "content_ids": ["1"], "content_type": "product", "content_name": "n",
            "contents": [{ "id": "1", "quantity": 2, "item_price": 6.25, "delivery_category": "curbside" }],
            "content_category": "c", "num_items": 2, "order_id": "o", "search_string": "s", "predicted_ltv": 1.5,
            "net_revenue": 3, "status": "s", "item_number": "n", "any_own_property": { "a": [1] }
        },
        "app_data": {
            "advertiser_tracking_enabled": 1, "application_tracking_enabled": 0, "extinfo": extinfo,
            "campaign_ids": "c", "install_referrer": "r", "installer_package": "p", "url_schemes": ["app"],
            "vendor_id": "v", "windows_attribution_id": "w"
        },
        "original_event_data": { "event_name": "Lead", "event_time": 1, "order_id": "o", "event_id": "e" },
        "customer_segmentation": "new_customer_to_business", "messaging_channel": "whatsapp",
        "data_processing_options": ["LDU"], "data_processing_options_country": 1,
        "data_processing_options_state": 1013
    });
    let strict = SandboxConfig {
        strict: true,
        ..SandboxConfig::default()
    };
    assert_eq!(told(&Meta, &strict, &request(&event)), "");
}

#[test]
fn required_properties_by_action_source() {
    let page = json!({ "page_id": "p", "page_scoped_user_id": "u" });
    let no_app = "'app_data.advertiser_tracking_enabled' is required for app events; \
                  'app_data.extinfo' is required for app events";
    let not_16 = "'app_data.extinfo' is not a list of 16 items";
    let app = |extinfo: Value| {
        json!({
            "action_source": "app",
            "app_data": { "advertiser_tracking_enabled": 0, "extinfo": extinfo },
        })
    };
    let places = |first: &str, system: &str| {
        let mut places = vec![Value::from(""); 16];
        places[0] = first.into();
        places[4] = system.into();
        app(Value::from(places))
    };
    table(
        &SandboxConfig::default(),
        &[
            (json!({}), ""),
            (
                json!({ "event_name": null }),
                "'event_name' is a required property",
            ),
            (json!({ "event_name": "" }), "'event_name' is empty"),
            (json!({ "event_name": "OurOwnEvent" }), ""),
            (
                json!({ "event_time": null }),
                "'event_time' is a required property",
            ),
            (
                json!({ "action_source": null }),
                "'action_source' is a required property",
            ),
            (
                json!({ "action_source": "web" }),
                "'action_source' is not one of email, website, app, phone_call, chat, physical_store, \
                 system_generated, business_messaging, other",
            ),
            (json!({ "user_data": null }), "'user_data' is a required property"),
            (json!({ "event_id": null }), ""),
            (
                json!({ "event_source_url": null }),
                "'event_source_url' is required for website events",
            ),
            (
                json!({ "event_source_url": "shop" }),
                "'event_source_url' is not an http or https URL",
            ),
            (
                json!({ "user_data": { "client_user_agent": null } }),
                "warned: 'client_user_agent' is required for website events",
            ),
            (json!({ "action_source": "email", "event_source_url": null }), ""),
            (json!({ "action_source": "app" }), no_app),
            (app(json!(["i2"])), not_16),
            (app(json!("[]")), not_16),
            (places("a2", "15"), ""),
            (places("ios", "18"), "'app_data.extinfo[0]' is not a2 or i2"),
            (
                places("i2", ""),
                "'app_data.extinfo[4]' must hold the version of the operating system",
            ),
            (
                json!({ "action_source": "business_messaging", "user_data": page }),
                "",
            ),
            (
                json!({ "action_source": "business_messaging", "user_data": { "ctwa_clid": "c" } }),
                "",
            ),
            (
                json!({ "action_source": "business_messaging" }),
                "'user_data' needs ctwa_clid, or the ids of a page, for business_messaging events",
            ),
            (
                json!({ "event_name": "Purchase" }),
                "'custom_data.currency' is required for Purchase; 'custom_data.value' is required for Purchase",
            ),
            (
                json!({ "event_name": "Purchase", "custom_data": { "currency": "EUR", "value": 0 } }),
                "",
            ),
        ],
    );
}

#[test]
fn customer_data_must_find_a_person() {
    let weak = "2804050 'user_data' holds a combination that is too broad to find a person with";
    let none = "2804050 'user_data' holds no customer information";
    for (user_data, expected) in [
        (json!({}), none),
        (json!({ "em": [], "ph": "" }), none),
        (
            json!({ "ct": HASH, "country": HASH, "st": HASH, "zp": HASH, "ge": HASH, "client_user_agent": "UA" }),
            weak,
        ),
        (json!({ "client_user_agent": "UA" }), weak),
        (json!({ "db": HASH, "client_user_agent": "UA" }), weak),
        (json!({ "fn": HASH, "ge": HASH }), weak),
        (json!({ "ln": HASH }), weak),
        (json!({ "fn": HASH, "ln": HASH }), ""),
        (json!({ "db": HASH, "ge": HASH }), ""),
        (
            json!({ "client_ip_address": "203.0.113.7", "client_user_agent": "UA" }),
            "",
        ),
        (json!({ "external_id": "user-7" }), ""),
        (json!({ "fbp": "fb.1.1558571054389.1098115397" }), ""),
    ] {
        let mut event = patched(&minimal(), &json!({ "action_source": "other" }));
        event["user_data"] = user_data.clone();
        let mut said = told(&Meta, &SandboxConfig::default(), &request(&event));
        // An empty text is no hash either.
        said.truncate(said.find("; ").unwrap_or(said.len()));
        assert_eq!(said, expected, "{user_data}");
    }
}

#[test]
fn values() {
    let not_hashed = "is not in sha256 hashed format";
    let custom = |name: &str, value: Value| json!({ "custom_data": { name: value } });
    table(
        &SandboxConfig::default(),
        &[
            (
                json!({ "user_data": { "em": "ivy@example.com" } }),
                &format!("'user_data.em' {not_hashed}"),
            ),
            (
                json!({ "user_data": { "ph": [HASH, "1"] } }),
                &format!("'user_data.ph[1]' {not_hashed}"),
            ),
            (
                json!({ "user_data": { "em": HASH.to_uppercase() } }),
                &format!("warned: 'em' {not_hashed}"),
            ),
            (
                json!({ "user_data": { "client_ip_address": "10.0.0" } }),
                "'user_data.client_ip_address' is not an IPv4 or IPv6 address",
            ),
            (
                json!({ "user_data": { "fbc": "AbCd" } }),
                "'user_data.fbc' is not of the form fb.index.milliseconds.value",
            ),
            (
                custom("currency", json!("€")),
                "'custom_data.currency' is not an ISO-4217 currency code",
            ),
            (
                custom("value", json!("ten")),
                "'custom_data.value' does not hold a number",
            ),
            (
                custom("value", json!(true)),
                "'custom_data.value' is of type boolean, expected number",
            ),
            (custom("value", json!(1.5)), ""),
            (
                custom("content_type", json!("hat")),
                "'custom_data.content_type' is not one of product, product_group",
            ),
            (
                custom("contents", json!([{ "quantity": 1 }])),
                "'id' is a required property of 'custom_data.contents[0]'",
            ),
            (
                custom("contents", json!("hat")),
                "'custom_data.contents' is of type string, expected array",
            ),
            (custom("own", json!({ "a": null })), ""),
            (
                json!({ "opt_out": "yes" }),
                "'opt_out' is of type string, expected boolean",
            ),
        ],
    );
}

#[test]
fn limited_data_use_and_its_codes() {
    let ldu = |country: Value, state: Value, ip: Value| {
        json!({
            "data_processing_options": ["LDU"],
            "data_processing_options_country": country,
            "data_processing_options_state": state,
            "user_data": { "client_ip_address": ip },
        })
    };
    let null = Value::Null;
    let ip = json!("203.0.113.7");
    let config = SandboxConfig::default();
    for (patch, applied) in [
        (json!({}), None),
        (json!({ "data_processing_options": [] }), None),
        (ldu(json!(1), json!(1000), null.clone()), Some(true)),
        (ldu(json!(0), json!(0), ip.clone()), Some(true)),
        (ldu(json!(0), json!(0), null.clone()), Some(false)),
        (ldu(json!(1), json!(0), ip), Some(false)),
        (ldu(null.clone(), json!(1000), null.clone()), Some(false)),
    ] {
        let body = request(&patched(&minimal(), &patch)).to_string();
        let verdicts = judged(&Meta, &config, None, body.as_bytes()).unwrap();
        assert_eq!(
            (verdicts[0].remarks.ldp, &verdicts[0].error),
            (applied, &None),
            "{patch}"
        );
    }
    table(
        &config,
        &[
            (
                ldu(json!(1), json!(1014), null.clone()),
                "'data_processing_options_state' is not 0 or 1000 to 1013",
            ),
            (
                ldu(json!(1), null.clone(), null),
                "'data_processing_options_country' needs data_processing_options_state",
            ),
            (
                json!({ "data_processing_options": ["GDPR"] }),
                "'data_processing_options[0]' is not LDU",
            ),
        ],
    );
}

#[test]
fn age() {
    const DAY: i64 = 86_400;
    let at = |time: i64, source: &str| json!({ "event_time": time, "action_source": source });
    let cases = [
        (at(NOW - 7 * DAY, "website"), ""),
        (
            at(NOW - 7 * DAY - 1, "website"),
            "2804003 'event_time' is more than 7 days ago",
        ),
        (at(NOW - 62 * DAY, "physical_store"), ""),
        (
            at(NOW - 62 * DAY - 1, "physical_store"),
            "2804003 'event_time' is more than 62 days ago",
        ),
        (at(NOW + 7 * DAY, "website"), ""),
        (
            json!({ "event_time": NOW * 1000 }),
            "'event_time' does not hold Unix seconds",
        ),
        (json!({ "event_time": "yesterday" }), "'event_time' is not a time"),
        (
            json!({ "event_time": "2026-03-02T09:02:02Z" }),
            "warned: 'event_time' is not an integer of Unix seconds",
        ),
    ];
    table(&SandboxConfig::default(), &cases);
    let any_age = SandboxConfig {
        any_age: true,
        ..SandboxConfig::default()
    };
    table(&any_age, &[(at(0, "website"), "")]);
}

#[test]
fn unknown_properties_are_taken_unless_strict() {
    let unknown = "Additional properties are not allowed ('x' was unexpected)";
    let strict = SandboxConfig {
        strict: true,
        ..SandboxConfig::default()
    };
    for patch in [
        json!({ "x": 1 }),
        json!({ "user_data": { "x": 1 } }),
        json!({ "app_data": { "x": 1 } }),
    ] {
        table(&SandboxConfig::default(), &[(patch.clone(), "")]);
        table(&strict, &[(patch, unknown)]);
    }
    table(&strict, &[(json!({ "custom_data": { "x": 1 } }), "")]);
}

#[test]
fn the_body_beside_its_events() {
    let config = SandboxConfig::default();
    let with = |patch: Value| told(&Meta, &config, &patched(&request(&minimal()), &patch));
    assert_eq!(
        with(json!({ "test_event_code": "TEST1", "partner_agent": "signalbox" })),
        ""
    );
    assert_eq!(
        with(json!({ "partner_agent": "1" })),
        "'partner_agent' needs fewer than 23 characters, two of them letters"
    );
    assert_eq!(
        with(json!({ "data": [] })),
        "'data' must hold 1 to 1000 events, not 0"
    );
    assert_eq!(with(json!({ "data": null })), "'data' is a required property");
}
