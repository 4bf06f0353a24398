//! `compat = "tiktok"`, rule by rule.

use serde_json::{Value as Json, json};
use signalbox_core::{LimitedDataProcessing, Prepared, Record, Rejection, Resend, Sha256Hex};
use signalbox_testkit::golden::event;

use crate::support::build;

const WEB: &str = "pixel_code = \"C4\"\n";
const APP: &str = "event_source = \"app\"\ntiktok_app_id = 71\n";
const OFFLINE: &str = "event_source = \"offline\"\noffline_event_set_id = 71\n";
const CRM: &str = "event_source = \"crm\"\ncrm_event_set_id = 71\n";

/// An order on a website. Test events arrive on 2026-03-02 at noon.
fn order() -> Json {
    json!({
        "type": "track", "event": "Order Completed", "messageId": "m1", "timestamp": "2026-03-02T08:02:02.500Z",
        "userId": "User-1",
        "context": {
            "ip": "203.0.113.57", "userAgent": "Mozilla/5.0", "locale": "en_US",
            "page": {
                "url": "https://shop.example/thanks?ttclid=E.C.P.one", "referrer": "https://shop.example/cart",
            },
            "cookies": { "_ttp": "2abCDefGhIjKlMnOpQrStUvWxYz" },
            "traits": {
                "email": " Ivy@Example.com ", "phone": "+1 (312) 555-0142", "name": "Ivy Marsh",
                "address": { "city": "Köln", "state": "New York", "country": "Germany", "postalCode": "94025-1234" },
            },
        },
        "properties": {
            "order_id": "W-1", "revenue": 215, "currency": "usd",
            "products": [
                { "product_id": "lamp", "quantity": 1, "price": 129.5, "name": "Lamp" },
                { "sku": "vase", "price": "14.25", "quantity": 6 },
            ],
        },
    })
}

/// The same order in an app on iOS.
fn in_app() -> Json {
    let context = json!({
        "app": { "namespace": "123456789", "name": "Shop", "version": "2.1" },
        "device": { "type": "ios", "advertisingId": "7a3cbea0-bdf5-11e4-8dfc-aa07a5b093db", "adTrackingEnabled": true },
        "os": { "name": "iOS", "version": "17.4" },
        "page": null,
    });
    with(&order(), &json!({ "context": context }))
}

/// Lays objects over objects; null removes a member (RFC 7396).
fn with(base: &Json, patch: &Json) -> Json {
    let (Json::Object(members), Json::Object(patch)) = (base, patch) else {
        return patch.clone();
    };
    let mut merged = members.clone();
    for (key, value) in patch {
        match value {
            Json::Null => merged.remove(key),
            value => merged.insert(
                key.clone(),
                with(&members.get(key).cloned().unwrap_or_default(), value),
            ),
        };
    }
    Json::Object(merged)
}

fn prepared(settings: &str, json: &Json, opted_out: bool) -> Prepared {
    let mut event = event(&json.to_string()).unwrap();
    event.facts_mut().limited_data_processing = opted_out.then(|| LimitedDataProcessing {
        state: "NE".to_owned(),
        country: "US".to_owned(),
    });
    build(settings).unwrap().component.prepare(&event)
}

fn result(settings: &str, json: &Json, opted_out: bool) -> Result<Record, Rejection> {
    match prepared(settings, json, opted_out) {
        Prepared::Mapped(mut results) => results.remove(0),
        other => panic!("{other:?}"),
    }
}

fn record(settings: &str, json: &Json) -> Record {
    result(settings, json, false).unwrap_or_else(|rejection| panic!("{}", rejection.reason))
}

fn sent(settings: &str, json: &Json) -> Json {
    serde_json::from_slice(&record(settings, json).bytes).unwrap()
}

/// The code of the refusal, and the first word of its message.
fn refused(settings: &str, json: &Json) -> String {
    let reason = result(settings, json, false).unwrap_err().reason;
    let field = reason.message().split(':').next().unwrap_or_default();
    format!("{} {field}", reason.code())
}

/// Warnings as `code path`.
fn warnings(settings: &str, json: &Json) -> Vec<String> {
    let warnings = record(settings, json).warnings;
    let told = |warning: &signalbox_core::Warning| format!("{} {}", warning.code, warning.path);
    warnings.iter().map(told).collect()
}

/// The settings with a mapping of the order that has these fields, as TOML.
fn mapped(settings: &str, fields: &str) -> String {
    let preset = if settings == APP {
        "Complete payment"
    } else {
        "Complete Payment"
    };
    format!("{settings}[[mappings]]\npreset = \"{preset}\"\n[mappings.fields]\n{fields}\n")
}

fn sha(text: &str) -> String {
    Sha256Hex::of(text).as_str().to_owned()
}

#[test]
fn a_whole_order() {
    let record = record(WEB, &order());
    assert_eq!(record.warnings, []);
    assert_eq!(record.dedup_key.as_deref(), Some("Purchase m1"));
    assert_eq!(record.resend, Resend::Safe);
    assert_eq!(record.expires_at.unwrap().get(), 1_772_438_522 + 28 * 24 * 3600);
    let body: Json = serde_json::from_slice(&record.bytes).unwrap();
    assert_eq!(
        body,
        json!({
            "event": "Purchase", "event_time": 1_772_438_522, "event_id": "m1",
            "user": {
                "external_id": [sha("User-1")], "phone": [sha("+13125550142")], "email": [sha("ivy@example.com")],
                "first_name": sha("ivy"), "last_name": sha("marsh"),
                "city": "köln", "state": "ny", "country": "de", "zip_code": sha("94025"),
                "ttclid": "E.C.P.one", "ttp": "2abCDefGhIjKlMnOpQrStUvWxYz",
                "ip": "203.0.113.57", "user_agent": "Mozilla/5.0", "locale": "en-US",
            },
            "properties": {
                "contents": [
                    { "price": 129.5, "quantity": 1, "content_id": "lamp", "content_name": "Lamp" },
                    { "price": 14.25, "quantity": 6, "content_id": "vase" },
                ],
                "content_type": "product", "content_ids": ["lamp", "vase"], "num_items": 7,
                "currency": "USD", "value": 215, "order_id": "W-1",
            },
            "page": { "url": "https://shop.example/thanks?ttclid=E.C.P.one", "referrer": "https://shop.example/cart" },
        })
    );
}

#[test]
fn the_addresses_of_an_order_come_last() {
    let billing = json!({
        "email": "ada@example.com", "phone": "+33612345678", "first_name": "Ada", "lastName": "Byron",
        "city": "Paris", "postcode": "75001", "province": "Île-de-France", "country_code": "FR",
    });
    let shipping = json!({ "email": "grace@example.com", "city": "Lyon", "state": "ARA" });
    let bare = with(
        &order(),
        &json!({ "properties": { "email": null, "phone": null }, "context": { "traits": null } }),
    );
    let bare = with(
        &bare,
        &json!({ "properties": { "billing_address": billing, "shipping_address": shipping } }),
    );
    for (settings, place) in [(WEB, true), (OFFLINE, false)] {
        let user = &sent(settings, &bare)["user"];
        assert_eq!(user["email"], json!([sha("ada@example.com")]), "{settings}");
        assert_eq!(user["phone"], json!([sha("+33612345678")]), "{settings}");
        if place {
            assert_eq!(user["first_name"], sha("ada"));
            assert_eq!(user["last_name"], sha("byron"));
            assert_eq!((&user["city"], &user["country"]), (&json!("paris"), &json!("fr")));
            assert_eq!(user["zip_code"], sha("75001"));
        }
    }
    // A whole name in the traits is the person's own.
    let named = with(
        &bare,
        &json!({ "context": { "traits": { "name": "Grace Hopper" } } }),
    );
    let user = &sent(WEB, &named)["user"];
    assert_eq!(
        (&user["first_name"], &user["last_name"]),
        (&json!(sha("grace")), &json!(sha("hopper")))
    );
    let given = with(
        &named,
        &json!({ "context": { "traits": { "first_name": "Ida", "last_name": "n/a" } } }),
    );
    let user = &sent(WEB, &given)["user"];
    assert_eq!(
        (&user["first_name"], &user["last_name"]),
        (&json!(sha("ida")), &json!(sha("hopper")))
    );
    let blank = with(
        &bare,
        &json!({ "properties": { "billing_address": { "email": " ", "city": "n/a" } } }),
    );
    let user = &sent(WEB, &blank)["user"];
    assert_eq!(
        (&user["email"], &user["city"]),
        (&json!([sha("grace@example.com")]), &json!("lyon"))
    );
    assert_eq!(warnings(WEB, &blank), ["empty email", "junk address.city"]);
}

#[test]
fn tiktoks_published_hashes() {
    let user = |patch: Json| sent(WEB, &with(&order(), &patch))["user"].clone();
    let email = user(json!({ "context": { "traits": { "email": "ALICE_ABC@gmail.com " } } }));
    assert_eq!(
        email["email"],
        json!(["848a771458438fc2ec420560d769fb9b9b86851ee338ec56517baabd79d3bb4f"])
    );
    let phone = user(json!({ "context": { "traits": { "phone": "001 (213) 373-4253" } } }));
    assert_eq!(
        phone["phone"],
        json!(["9f7ec22d72092cd3c0b58726ed9c2d91b92e51a3f29837508fb2948bb22dd2fd"])
    );
    let id = user(json!({ "userId": "user_123" }));
    assert_eq!(
        id["external_id"],
        json!(["80fba0ae1c48e3978e43e4efc365e14e12ea0c830ba8ba5b9a2dafc7e3f2ab8b"])
    );
    let lower = format!("{WEB}external_id_case = \"lower\"\n");
    assert_eq!(
        sent(&lower, &order())["user"]["external_id"],
        json!([sha("user-1")])
    );
}

#[test]
fn what_does_not_fit_is_left_out_with_a_warning() {
    for (patch, warning, absent) in [
        (
            json!({ "context": { "ip": "10.0.0.1" } }),
            "wrong_form ip",
            "/user/ip",
        ),
        (
            json!({ "context": { "ip": "nowhere" } }),
            "wrong_form ip",
            "/user/ip",
        ),
        (
            json!({ "context": { "locale": "English!" } }),
            "wrong_form locale",
            "/user/locale",
        ),
        (
            json!({ "properties": { "ttclid": "x".repeat(1001) } }),
            "wrong_form ttclid",
            "/user/ttclid",
        ),
        (
            json!({ "context": { "traits": { "address": { "city": sha("köln") } } } }),
            "wanted_plain address.city",
            "/user/city",
        ),
        (
            json!({ "context": { "traits": { "phone": "+1 312 555" } } }),
            "phone_length phone_number",
            "/user/phone",
        ),
        (
            json!({ "context": { "traits": { "email": "n/a" } } }),
            "junk email",
            "/user/email",
        ),
        (
            json!({ "properties": { "currency": "dollars" } }),
            "wrong_form currency",
            "/properties/currency",
        ),
        (
            json!({ "properties": { "currency": "LKR" } }),
            "unsupported_currency currency",
            "/properties/value",
        ),
        (
            json!({ "properties": { "revenue": "much", "products": null } }),
            "unreadable_amount value",
            "/properties/value",
        ),
        (
            json!({ "properties": { "num_items": 1.5 } }),
            "out_of_range num_items",
            "/properties/num_items",
        ),
    ] {
        let event = with(&order(), &patch);
        assert_eq!(warnings(WEB, &event), [warning], "{patch}");
        assert_eq!(sent(WEB, &event).pointer(absent), None, "{patch}");
    }
}

#[test]
fn choices_and_answers_that_tiktok_does_not_know_are_told() {
    for (properties, member, value, told) in [
        (
            json!({ "customer_type": "New" }),
            "customer_type",
            json!("new"),
            &[][..],
        ),
        (
            json!({ "customer_type": "vip" }),
            "customer_type",
            Json::Null,
            &["unknown_choice customer_type"],
        ),
        (
            json!({ "delivery_category": "Home" }),
            "delivery_category",
            Json::Null,
            &["unknown_choice delivery_category"],
        ),
    ] {
        let event = with(&order(), &json!({ "properties": properties }));
        assert_eq!(sent(WEB, &event)["properties"][member], value, "{event}");
        assert_eq!(warnings(WEB, &event), told, "{event}");
    }
    let consent = json!({ "categoryPreferences": { "advertising": "perhaps" } });
    let context = json!({ "consent": consent, "device": { "adTrackingEnabled": "perhaps" } });
    let event = with(&order(), &json!({ "context": context }));
    assert_eq!(sent(WEB, &event)["limited_data_use"], true);
    assert_eq!(
        warnings(WEB, &event),
        [
            "opt_out_unreadable context.consent.categoryPreferences.advertising",
            "wrong_type context.device.adTrackingEnabled"
        ]
    );
    for referrer in ["undefined", "$direct"] {
        let event = with(
            &order(),
            &json!({ "context": { "page": { "referrer": referrer } } }),
        );
        assert_eq!(sent(WEB, &event)["page"].get("referrer"), None, "{referrer}");
    }
}

#[test]
fn nothing_empty_is_sent() {
    let event = json!({
        "type": "track", "event": "Order Completed", "messageId": "m1", "timestamp": 1_772_438_522,
        "userId": " ", "context": { "userAgent": "", "page": { "url": "https://shop.example/", "referrer": "" } },
        "properties": { "order_id": " ", "products": [{ "product_id": "", "name": " " }, {}], "email": ["", null] },
    });
    assert_eq!(
        sent(WEB, &event),
        json!({
            "event": "Purchase", "event_time": 1_772_438_522, "event_id": "m1", "user": {},
            "page": { "url": "https://shop.example/" },
        })
    );
}

#[test]
fn values_and_currencies_are_read_as_shops_write_them() {
    for (properties, currency, value) in [
        (
            json!({ "revenue": "1.234,50 €", "currency": null }),
            json!("EUR"),
            json!(1234.5),
        ),
        (
            json!({ "revenue": null, "price": "19,90", "quantity": 2, "products": null, "currency": "Kč" }),
            json!("CZK"),
            json!(39.8),
        ),
        (
            json!({ "revenue": "$12", "currency": "US$" }),
            json!("USD"),
            json!(12),
        ),
        (json!({ "revenue": 12, "currency": "¥" }), Json::Null, json!(12)),
        // TikTok has no such currency, so neither goes.
        (
            json!({ "revenue": "500 LKR", "currency": null }),
            Json::Null,
            Json::Null,
        ),
    ] {
        let sent = sent(WEB, &with(&order(), &json!({ "properties": properties })));
        let sent = &sent["properties"];
        assert_eq!(
            (&sent["currency"], &sent["value"]),
            (&currency, &value),
            "{properties}"
        );
    }
}

#[test]
fn what_tiktok_needs_rejects_the_event_where_it_is_missing() {
    let crm = mapped(CRM, "event = \"Deal Won\"");
    for (settings, patch, refusal) in [
        (WEB, json!({ "context": { "page": null } }), "missing_field url"),
        (
            WEB,
            json!({ "context": { "page": { "url": "/thanks" } } }),
            "missing_field url",
        ),
        (WEB, json!({ "messageId": " " }), "missing_field event_id"),
        (WEB, json!({ "timestamp": null }), "missing_field timestamp"),
        (WEB, json!({ "timestamp": "soon" }), "unreadable_time timestamp"),
        (
            WEB,
            json!({ "timestamp": "2026-03-04T08:00:00Z" }),
            "in_the_future timestamp",
        ),
        (
            WEB,
            json!({ "timestamp": "2026-01-02T08:00:00Z" }),
            "too_old timestamp",
        ),
        (WEB, json!({ "timestamp": "1960-01-01" }), "too_old timestamp"),
        (&crm, json!({}), "missing_field lead_fields.lead_id"),
        (
            CRM,
            json!({ "properties": { "lead_id": "7" } }),
            "unsupported_event event",
        ),
    ] {
        assert_eq!(refused(settings, &with(&order(), &patch)), refusal, "{patch}");
    }
    assert_eq!(
        refused(&mapped(OFFLINE, "event = \"Own Name\""), &order()),
        "unsupported_event event"
    );
    assert_eq!(
        refused(&mapped(CRM, "event = \"Registration\""), &lead()),
        "unsupported_event event"
    );
    let no_app = with(&in_app(), &json!({ "context": { "app": null } }));
    assert!(refused(APP, &no_app).starts_with("missing_field"));
}

#[test]
fn settings_admit_other_ages_and_events_without_id() {
    let old = with(&order(), &json!({ "timestamp": "2026-01-02T08:00:00Z" }));
    record(&format!("{WEB}max_age = \"90d\"\n"), &old);
    let future = with(&order(), &json!({ "timestamp": "2026-03-04T08:00:00Z" }));
    record(&format!("{WEB}max_future = \"7d\"\n"), &future);
    let without_id = with(&order(), &json!({ "messageId": null }));
    let record = record(&format!("{WEB}require_event_id = false\n"), &without_id);
    assert_eq!((record.dedup_key, record.resend), (None, Resend::MayDuplicate));
}

#[test]
fn old_names_become_the_present_ones() {
    for (mapped_name, name) in [
        ("CompletePayment", "Purchase"),
        ("SubmitForm", "Lead"),
        ("PlaceAnOrder", "PlaceAnOrder"),
        (" Own Name ", "Own Name"),
    ] {
        let settings = mapped(WEB, &format!("event = \"{mapped_name}\""));
        assert_eq!(sent(&settings, &order())["event"], name);
    }
}

#[test]
fn an_opt_out_is_sent_whatever_the_state() {
    let flag = |settings: &str, event: &Json, opted_out| {
        let record = result(settings, event, opted_out).unwrap();
        let body: Json = serde_json::from_slice(&record.bytes).unwrap();
        body.get("limited_data_use").cloned()
    };
    assert_eq!(flag(WEB, &order(), false), None);
    assert_eq!(flag(WEB, &order(), true), Some(json!(true)));
    assert_eq!(flag(APP, &in_app(), true), Some(json!(true)));
    for (value, wanted) in [
        (json!(true), Some(json!(true))),
        (json!(false), Some(json!(false))),
        // An opt-out that cannot be read counts as one.
        (json!("yes"), Some(json!(true))),
    ] {
        let event = with(&order(), &json!({ "properties": { "limited_data_use": value } }));
        assert_eq!(flag(WEB, &event, false), wanted, "{value}");
    }
    let consent = json!({ "consent": { "categoryPreferences": { "Advertising": false } } });
    assert_eq!(
        flag(
            WEB,
            &with(&order(), &json!({ "context": consent.clone() })),
            false
        ),
        Some(json!(true))
    );
    // A mapped value takes back neither.
    let both = with(
        &order(),
        &json!({ "context": consent, "properties": { "limited_data_use": false } }),
    );
    assert_eq!(flag(WEB, &both, false), Some(json!(true)));
    let forbidden = with(
        &in_app(),
        &json!({ "context": { "device": { "adTrackingEnabled": false } } }),
    );
    assert_eq!(flag(APP, &forbidden, false), Some(json!(true)));
}

#[test]
fn the_policy_settles_opt_outs_that_tiktok_does_not_know() {
    let lead = with(&order(), &json!({ "properties": { "lead_id": "7" } }));
    let crm = |more: &str| mapped(&format!("{CRM}{more}"), "event = \"Deal Won\"");
    let offline = |more: &str| format!("{OFFLINE}{more}");
    for (settings, event) in [(&crm as &dyn Fn(&str) -> String, &lead), (&offline, &order())] {
        let rejection = result(&settings(""), event, true).unwrap_err();
        assert_eq!(rejection.reason.code(), "opt_out_unsupported");
        let dropped = prepared(&settings("on_unsupported = \"drop\"\n"), event, true);
        assert!(matches!(dropped, Prepared::Filtered(reason) if reason.code() == "opt_out_unsupported"));
        let record = result(&settings("on_unsupported = \"send\"\n"), event, true).unwrap();
        assert_eq!(record.warnings[0].code, "opt_out_unsupported");
        let body: Json = serde_json::from_slice(&record.bytes).unwrap();
        assert_eq!(body.get("limited_data_use"), None);
        result(&settings(""), event, false).unwrap();
    }
}

#[test]
fn events_of_apps() {
    let body = sent(APP, &in_app());
    assert_eq!(
        body["app"],
        json!({ "app_id": "123456789", "app_name": "Shop", "app_version": "2.1" })
    );
    assert_eq!(body["properties"]["order_id"], "W-1");
    assert_eq!(body["user"]["idfa"], "7A3CBEA0-BDF5-11E4-8DFC-AA07A5B093DB");
    assert_eq!(body["user"]["att_status"], "AUTHORIZED");
    assert_eq!(body.get("page"), None);
    for (device, member, value) in [
        (
            json!({ "type": "android" }),
            "gaid",
            json!("7a3cbea0-bdf5-11e4-8dfc-aa07a5b093db"),
        ),
        (
            json!({ "type": "android" }),
            "att_status",
            json!("NOT_APPLICABLE"),
        ),
        (
            json!({ "advertisingId": "00000000-0000-0000-0000-000000000000" }),
            "idfa",
            Json::Null,
        ),
        (json!({ "advertisingId": "no id" }), "idfa", Json::Null),
        (
            json!({ "advertisingId": sha("x").to_uppercase() }),
            "idfa",
            json!(sha("x")),
        ),
        (
            json!({ "trackingStatus": "restricted" }),
            "att_status",
            json!("RESTRICTED"),
        ),
        (
            json!({ "adTrackingEnabled": false }),
            "att_status",
            json!("DENIED"),
        ),
        (
            json!({ "adTrackingEnabled": null }),
            "att_status",
            json!("NOT_DETERMINED"),
        ),
        (
            json!({ "id": "EA7583CD-A667-48BC-B806-42ECB2B48606" }),
            "idfv",
            json!("EA7583CD-A667-48BC-B806-42ECB2B48606"),
        ),
        (
            json!({ "type": null }),
            "idfa",
            json!("7A3CBEA0-BDF5-11E4-8DFC-AA07A5B093DB"),
        ),
    ] {
        let event = with(&in_app(), &json!({ "context": { "device": device } }));
        assert_eq!(sent(APP, &event)["user"][member], value, "{device} {member}");
    }
    let refused = json!({ "context": { "device": { "adTrackingEnabled": "no" } } });
    let refused = with(&in_app(), &refused);
    assert_eq!(sent(APP, &refused)["user"].get("idfa"), None);
    assert_eq!(warnings(APP, &refused), ["opted_out advertising_id"]);
    let unknown = with(
        &in_app(),
        &json!({ "context": { "device": { "type": null, "advertisingId": null }, "os": null } }),
    );
    assert_eq!(sent(APP, &unknown)["user"].get("att_status"), None);
    let package = with(
        &in_app(),
        &json!({ "context": { "app": { "namespace": "com.example.shop" } } }),
    );
    assert_eq!(warnings(APP, &package), ["wrong_form app.app_id"]);
    let ad = mapped(
        APP,
        "\"ad.attribution_share\" = 1.5\n\"ad.is_retargeting\" = false\nevent = \"Own\"",
    );
    let body = sent(&ad, &in_app());
    assert_eq!(
        (&body["ad"], &body["event"]),
        (&json!({ "is_retargeting": false }), &json!("Own"))
    );
}

/// The order with the id of a lead.
fn lead() -> Json {
    with(
        &order(),
        &json!({ "properties": { "lead_id": "7001", "lead_event_source": "HubSpot" } }),
    )
}

#[test]
fn a_lead_of_a_crm_system() {
    let event = lead();
    let body = sent(&mapped(CRM, "event = \"Deal Won\""), &event);
    assert_eq!(
        body["lead"],
        json!({ "lead_id": "7001", "lead_event_source": "HubSpot" })
    );
    assert_eq!(sent(WEB, &event).get("lead"), None);
}

#[test]
fn a_placeholder_is_the_id_of_no_lead_and_no_app() {
    let crm = mapped(CRM, "event = \"Deal Won\"");
    let told = |fields: Json| with(&lead(), &json!({ "properties": fields }));
    for id in ["undefined", "n/a", "0"] {
        let event = told(json!({ "lead_id": id }));
        assert_eq!(refused(&crm, &event), "missing_field lead_fields.lead_id", "{id}");
        assert_eq!(sent(OFFLINE, &event)["user"].get("lead_id"), None, "{id}");
        let event = with(&in_app(), &json!({ "context": { "app": { "namespace": id } } }));
        assert_eq!(refused(APP, &event), "missing_field app.app_id", "{id}");
    }
    let event = told(json!({ "lead_event_source": "null" }));
    assert_eq!(sent(&crm, &event)["lead"], json!({ "lead_id": "7001" }));
    assert_eq!(warnings(&crm, &event), ["junk lead_fields.lead_event_source"]);
}

#[test]
fn an_event_never_goes_to_the_id_of_another_source() {
    for (settings, source) in [(WEB, "crm"), (CRM, "web")] {
        let settings = mapped(
            settings,
            &format!("event = \"Deal Won\"\nevent_source = \"{source}\""),
        );
        assert_eq!(refused(&settings, &lead()), "no_event_source_id event_source");
    }
}

#[test]
fn each_source_and_test_code_has_requests_of_its_own() {
    let settings = format!(
        "{WEB}crm_event_set_id = 72\n[[mappings]]\npreset = \"Complete Payment\"\n[mappings.fields]\n\
         test_event_code = {{ \"@path\" = \"$.properties.code\" }}\nevent = \"Deal Won\"\n\
         event_source = {{ \"@path\" = \"$.properties.source\" }}\n"
    );
    let sink = build(&settings).unwrap().component;
    let key = |properties: Json| {
        let event = with(&order(), &json!({ "properties": properties }));
        match sink.prepare(&event_of(&event)) {
            Prepared::Mapped(results) => results[0].as_ref().unwrap().batch_key,
            other => panic!("{other:?}"),
        }
    };
    let (none, test) = (key(json!({})), key(json!({ "code": "TEST1" })));
    let crm = key(json!({ "source": "crm", "lead_id": "7" }));
    assert_eq!((none, key(json!({}))), (0, 0));
    assert!(test != 0 && crm != 0 && test != crm);
    assert_eq!(key(json!({ "code": "TEST1" })), test);
}

fn event_of(json: &Json) -> signalbox_core::Event {
    event(&json.to_string()).unwrap()
}

#[test]
fn a_product_alone_has_a_worth() {
    let viewed = |properties: Json| {
        let event = json!({ "event": "Product Viewed", "properties": null });
        sent(
            WEB,
            &with(&with(&order(), &event), &json!({ "properties": properties })),
        )["properties"]
            .clone()
    };
    assert_eq!(
        viewed(json!({ "sku": "S", "price": 12.5, "quantity": 3, "currency": "EUR" })),
        json!({
            "contents": [{ "price": 12.5, "quantity": 3, "content_id": "S" }], "content_ids": ["S"], "num_items": 3,
            "content_type": "product", "currency": "EUR", "value": 37.5,
        })
    );
    assert_eq!(
        viewed(json!({ "product_id": "P", "value": 0, "price": 5 }))["value"],
        0
    );
    let searched =
        json!({ "event": "Products Searched", "properties": { "products": null, "query": "lamp" } });
    for settings in [WEB, OFFLINE] {
        let body = sent(settings, &with(&order(), &searched));
        assert_eq!(body["properties"]["search_string"], "lamp");
        assert_eq!(body["properties"].get("query"), None);
    }
    let body = sent(OFFLINE, &order());
    assert_eq!(body["properties"]["content_ids"], json!(["lamp", "vase"]));
    assert_eq!(body["properties"]["num_items"], 7);
}

#[test]
fn journeys_and_vehicles_are_sent_on_demand() {
    let event = with(
        &order(),
        &json!({ "properties": { "year": "junk", "city": "Rome", "num_adults": 2 } }),
    );
    assert_eq!(warnings(WEB, &event), [""; 0]);
    assert_eq!(sent(WEB, &event)["properties"].get("city"), None);
    let body = sent(&mapped(WEB, "event_spec_type = \"travel_fields\""), &event);
    assert_eq!(
        (&body["properties"]["city"], &body["properties"]["num_adults"]),
        (&json!("Rome"), &json!(2))
    );
}

#[test]
fn an_empty_value_hides_no_other() {
    let patch = json!({
        "properties": { "email": "", "ttclid": "", "value": "", "customer_type": "new" },
        "context": { "traits": { "name": null, "firstName": "Ivy", "lastName": "Marsh" } },
    });
    let body = sent(WEB, &with(&order(), &patch));
    assert_eq!(body["user"]["email"], json!([sha("ivy@example.com")]));
    assert_eq!(body["user"]["ttclid"], "E.C.P.one");
    assert_eq!(body["user"]["first_name"], sha("ivy"));
    assert_eq!(body["properties"]["value"], 215);
    assert_eq!(body["properties"]["customer_type"], "new");
}

#[test]
fn a_price_of_zero_is_a_price() {
    let free = json!({ "properties": { "revenue": 0, "products": [{ "product_id": "gift", "price": 0 }] } });
    for (settings, event) in [(WEB, order()), (APP, in_app())] {
        let properties = sent(settings, &with(&event, &free))["properties"].clone();
        assert_eq!(
            properties["contents"],
            json!([{ "price": 0, "content_id": "gift" }])
        );
        assert_eq!(properties["value"], 0);
    }
}

#[test]
fn a_hash_that_arrived_is_sent_in_lower_case() {
    let hash = sha("ivy@example.com");
    let patch =
        json!({ "context": { "traits": { "email": format!(" {} ", hash.to_uppercase()), "phone": hash } } });
    let user = sent(WEB, &with(&order(), &patch))["user"].clone();
    assert_eq!((&user["email"], &user["phone"]), (&json!([hash]), &json!([hash])));
}

#[test]
fn the_test_code_of_an_offline_event_stands_in_the_request() {
    let record = record(&mapped(OFFLINE, "test_event_code = \"TEST1\""), &order());
    assert_ne!(record.batch_key, 0);
    let body: Json = serde_json::from_slice(&record.bytes).unwrap();
    assert_eq!(body.get("test_event_code"), None);
}
