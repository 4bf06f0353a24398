//! Tables of events and the errors and warnings that they get.

use serde_json::{Value, json};

use super::TikTok;
use crate::options::SandboxConfig;
use crate::testing::{HASH, NOW, judged, patched, told};

fn minimal() -> Value {
    json!({
        "event": "ViewContent",
        "event_time": NOW - 60,
        "event_id": "e1",
        "user": { "email": HASH },
        "page": { "url": "https://shop.example/a?b=c" },
    })
}

fn request(source: &str, event: &Value) -> Value {
    json!({ "event_source": source, "event_source_id": "C4SANDBOX", "data": [event] })
}

/// Compares what TikTok says to the minimal event from this source with each of these changes.
fn table(source: &str, config: &SandboxConfig, cases: &[(Value, &str)]) {
    for (patch, expected) in cases {
        let event = patched(&minimal(), patch);
        assert_eq!(
            told(&TikTok, config, &request(source, &event)),
            *expected,
            "{source}: {patch}"
        );
    }
}

fn strict() -> SandboxConfig {
    SandboxConfig {
        strict: true,
        ..SandboxConfig::default()
    }
}

#[test]
fn every_property_of_the_page_passes() {
    let event = json!({
        "event": "Purchase", "event_time": NOW, "event_id": "e1",
        "user": {
            "email": [HASH, HASH], "phone": HASH, "external_id": HASH, "ttclid": "E.C.P.AbCd",
            "ttp": "94e2a4j9-h3ss-k0g5-98cc", "ip": "203.0.113.7", "user_agent": "UA", "locale": "en-US",
            "first_name": HASH, "last_name": HASH, "zip_code": HASH, "city": "köln", "state": "ca", "country": "us"
        },
        "page": { "url": "https://shop.example/", "referrer": "https://search.example/" },
        "properties": {
            "value": 12.5, "currency": "USD", "content_type": "product", "content_ids": ["1"], "num_items": 1,
            "contents": [{ "content_id": "1", "content_name": "n", "content_category": "c", "brand": "b",
                "price": 12.5, "quantity": 1 }],
            "search_string": "s", "description": "d", "order_id": "o", "shop_id": "s", "customer_type": "new"
        },
        "ad": { "attribution_share": 0.5 },
        "limited_data_use": true
    });
    assert_eq!(told(&TikTok, &strict(), &request("web", &event)), "");

    let app = json!({
        "event": "LaunchAPP", "event_time": NOW,
        "user": { "idfa": "EA7583CD-A667-48BC-B806-42ECB2B48606", "idfv": "v", "gaid": "g",
            "att_status": "AUTHORIZED", "ip": "2001:db8::1", "user_agent": "UA", "locale": "en" },
        "app": { "app_id": "123456789", "app_name": "n", "app_version": "1" },
        "ad": { "callback": "c", "campaign_id": "c", "ad_id": "a", "creative_id": "c", "is_retargeting": false,
            "attributed": true, "attribution_type": "t", "attribution_provider": "p" },
        "limited_data_use": false
    });
    assert_eq!(told(&TikTok, &strict(), &request("app", &app)), "");

    let lead = json!({
        "event": "qualified", "event_time": NOW, "event_id": "e1", "user": { "external_id": [HASH] },
        "lead": { "lead_id": "1", "lead_event_source": "our CRM" }
    });
    assert_eq!(told(&TikTok, &strict(), &request("crm", &lead)), "");
}

#[test]
fn required_properties_by_event_source() {
    let lenient = SandboxConfig::default();
    table(
        "web",
        &lenient,
        &[
            (json!({}), ""),
            (json!({ "event": "OurOwnEvent" }), ""),
            (json!({ "event": null }), "'event' is a required property"),
            (json!({ "event": "" }), "'event' is empty"),
            (
                json!({ "event_time": null }),
                "'event_time' is a required property",
            ),
            (
                json!({ "event_time": "2026-03-02T09:02:02Z" }),
                "'event_time' is of type string, expected integer",
            ),
            (
                json!({ "event_time": NOW * 1000 }),
                "'event_time' is not between 0 and 99999999999",
            ),
            // No page tells an age limit.
            (json!({ "event_time": 0 }), ""),
            (json!({ "event_id": null, "user": null }), ""),
            (
                json!({ "event_id": 7 }),
                "'event_id' is of type integer, expected string",
            ),
            (json!({ "page": null }), "'page.url' is required for web events"),
            (
                json!({ "page": { "url": "" } }),
                "'page.url' is required for web events",
            ),
        ],
    );
    table(
        "app",
        &lenient,
        &[
            (json!({}), "'app.app_id' is required for app events"),
            (json!({ "app": { "app_id": "1" } }), ""),
        ],
    );
    table(
        "offline",
        &lenient,
        &[
            (json!({ "page": null }), ""),
            (json!({ "event": "CompletePayment" }), ""),
            (
                json!({ "event": "OurOwnEvent" }),
                "'event' is not a standard event, as offline events must be",
            ),
        ],
    );
    table(
        "crm",
        &lenient,
        &[
            (json!({ "event": "qualified", "lead": { "lead_id": "1" } }), ""),
            (
                json!({ "event": "qualified" }),
                "'lead.lead_id' is required for crm events",
            ),
            (
                json!({ "event": "Lead", "lead": { "lead_id": "1" } }),
                "'event' is a standard event; crm events must be custom",
            ),
        ],
    );
}

#[test]
fn values() {
    let not_hashed = "is not in sha256 hashed format";
    let user = |name: &str, value: Value| json!({ "user": { name: value } });
    let properties = |name: &str, value: Value| json!({ "properties": { name: value } });
    table(
        "web",
        &SandboxConfig::default(),
        &[
            (
                user("email", json!("ivy@example.com")),
                &format!("'user.email' {not_hashed}"),
            ),
            (
                user("phone", json!([HASH, "+1"])),
                &format!("'user.phone[1]' {not_hashed}"),
            ),
            (
                user("zip_code", json!("94025")),
                &format!("'user.zip_code' {not_hashed}"),
            ),
            (user("email", json!([""])), "warned: 'email' is empty"),
            (
                user("city", json!(HASH)),
                "warned: 'city' is hashed, but wanted as it is",
            ),
            (
                user("ip", json!("localhost")),
                "'user.ip' is not an IPv4 or IPv6 address",
            ),
            (
                user("att_status", json!("authorized")),
                "'user.att_status' is not one of AUTHORIZED, DENIED, NOT_DETERMINED, RESTRICTED, NOT_APPLICABLE",
            ),
            (
                user("gaid", json!("g")),
                "warned: 'gaid' is not read for web events",
            ),
            (
                json!({ "user": { "att_status": "DENIED" } }),
                "warned: 'att_status' is not read for web events",
            ),
            (
                properties("value", json!("12.5")),
                "'properties.value' is of type string, expected number",
            ),
            (
                properties("currency", json!("usd")),
                "warned: 'currency' is an ISO-4217 currency code not written in capitals",
            ),
            (
                properties("currency", json!("BGN")),
                "'properties.currency' is a currency that TikTok does not support",
            ),
            (
                properties("num_items", json!(1.5)),
                "'properties.num_items' is of type number, expected integer",
            ),
            (
                properties("contents", json!({})),
                "'properties.contents' is of type object, expected array",
            ),
            (
                json!({ "limited_data_use": "yes" }),
                "'limited_data_use' is of type string, expected boolean",
            ),
            (
                json!({ "ad": { "attribution_share": 1.5 } }),
                "'ad.attribution_share' is not between 0 and 1",
            ),
        ],
    );
}

#[test]
fn the_body_beside_its_events() {
    let config = SandboxConfig::default();
    let with = |patch: Value| told(&TikTok, &config, &patched(&request("web", &minimal()), &patch));
    assert_eq!(
        with(json!({ "test_event_code": "TEST1", "partner_name": "Segment" })),
        ""
    );
    assert_eq!(
        with(json!({ "event_source": null })),
        "'event_source' is a required property"
    );
    assert_eq!(
        with(json!({ "event_source": "store" })),
        "'event_source' is not one of web, app, offline, crm"
    );
    assert_eq!(
        with(json!({ "event_source_id": "" })),
        "'event_source_id' is empty"
    );
    assert_eq!(
        with(json!({ "data": [] })),
        "'data' must hold 1 to 1000 events, not 0"
    );
    let known = SandboxConfig {
        event_source_id: Some("other".to_owned()),
        ..SandboxConfig::default()
    };
    assert_eq!(
        told(
            &TikTok,
            &known,
            &patched(&request("web", &minimal()), &json!({ "data": [] }))
        ),
        "40001 No permission to operate the event source."
    );
}

#[test]
fn unknown_properties_are_taken_unless_strict() {
    let unknown = "Additional properties are not allowed ('x' was unexpected)";
    for patch in [
        json!({ "x": 1 }),
        json!({ "user": { "x": 1 } }),
        json!({ "properties": { "x": 1 } }),
    ] {
        table("web", &SandboxConfig::default(), &[(patch.clone(), "")]);
        table("web", &strict(), &[(patch, unknown)]);
    }
}

#[test]
fn limited_data_use_is_for_web_and_app() {
    for (source, limited, applied) in [
        ("web", true, Some(true)),
        ("web", false, None),
        ("app", true, Some(true)),
        ("offline", true, Some(false)),
    ] {
        let event = patched(&minimal(), &json!({ "limited_data_use": limited }));
        let body = request(source, &event).to_string();
        let verdicts = judged(&TikTok, &SandboxConfig::default(), None, body.as_bytes()).unwrap();
        assert_eq!(verdicts[0].remarks.ldp, applied, "{source} {limited}");
    }
}
