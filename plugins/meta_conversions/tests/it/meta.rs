//! `compat = "meta"`, rule by rule.

use serde_json::{Value as Json, json};
use signalbox_core::{LimitedDataProcessing, Prepared, Record, Rejection, Resend, Sha256Hex};
use signalbox_testkit::golden::event;

use crate::support::build;

/// A purchase on a website, with all that Meta asks for. Test events arrive on 2026-03-02 at noon.
fn purchase() -> Json {
    json!({
        "type": "track", "event": "Order Completed", "messageId": "m1", "timestamp": "2026-03-02T08:02:02.500Z",
        "userId": "User-1",
        "context": {
            "ip": "203.0.113.57", "userAgent": "Mozilla/5.0",
            "page": { "url": "https://shop.example/thanks", "referrer": "https://shop.example/cart" },
        },
        "properties": {
            "order_id": "W-1", "revenue": 215, "currency": "usd", "email": "ivy@example.com",
            "products": [
                { "product_id": "lamp", "quantity": 1, "price": 129.5 },
                { "sku": "vase", "quantity": 6, "price": 14.25 },
            ],
        },
    })
}

/// An event of an app on iOS.
fn app() -> Json {
    let mut event = purchase();
    event["context"] = json!({
        "ip": "203.0.113.57", "app": { "namespace": "com.example.shop", "version": "2.1", "build": "21" },
        "device": {
            "type": "ios", "model": "iPhone15,2", "advertisingId": "6D92078A-8246-4BA4-AE5B-76104861E7DC",
            "adTrackingEnabled": true,
        },
        "os": { "name": "iOS", "version": "17.4" }, "locale": "en-US", "timezone": "America/Denver",
        "screen": { "width": 390, "height": 844, "density": 3 }, "network": { "carrier": "T-Mobile" },
    });
    event
}

/// Sets a value by its path of object keys; null removes it.
fn set(event: &mut Json, path: &str, value: Json) {
    let (parents, key) = path.rsplit_once('.').unwrap_or(("", path));
    let mut at = event;
    for parent in parents.split('.').filter(|parent| !parent.is_empty()) {
        at = &mut at[parent];
    }
    match value {
        Json::Null => {
            if let Some(members) = at.as_object_mut() {
                members.remove(key);
            }
        }
        value => at[key] = value,
    }
}

fn with(mut event: Json, changes: &[(&str, Json)]) -> Json {
    for (path, value) in changes {
        set(&mut event, path, value.clone());
    }
    event
}

/// The result of an event under a privacy law of this state, if one is given.
fn result_in(state: Option<&str>, settings: &str, json: &Json) -> Result<Record, Rejection> {
    let mut event = event(&json.to_string()).unwrap();
    event.facts_mut().limited_data_processing = state.map(|state| LimitedDataProcessing {
        state: state.to_owned(),
        country: "US".to_owned(),
    });
    match build(settings).unwrap().component.prepare(&event) {
        Prepared::Mapped(mut results) => results.remove(0),
        other => panic!("{other:?}"),
    }
}

fn result(settings: &str, json: &Json) -> Result<Record, Rejection> {
    result_in(None, settings, json)
}

fn body(record: &Record) -> Json {
    serde_json::from_slice(&record.bytes).unwrap()
}

fn sent(json: &Json) -> Json {
    body(&result("", json).unwrap())
}

fn refused(settings: &str, json: &Json) -> String {
    result(settings, json).unwrap_err().reason.code().to_owned()
}

/// Warnings as `code path`.
fn warnings(json: &Json) -> Vec<String> {
    let warnings = result("", json).unwrap().warnings;
    warnings
        .iter()
        .map(|warning| format!("{} {}", warning.code, warning.path))
        .collect()
}

/// A mapping of the purchase with these fields, as TOML.
fn mapped(fields: &str) -> String {
    format!("[[mappings]]\npreset = \"Purchase\"\n[mappings.fields]\n{fields}\n")
}

fn sha(text: &str) -> String {
    Sha256Hex::of(text).as_str().to_owned()
}

#[test]
fn a_whole_purchase() {
    let record = result("", &purchase()).unwrap();
    assert_eq!(record.warnings, []);
    assert_eq!(
        body(&record),
        json!({
            "event_name": "Purchase", "event_time": 1_772_438_522, "event_source_url": "https://shop.example/thanks",
            "event_id": "m1", "action_source": "website", "referrer_url": "https://shop.example/cart",
            "user_data": {
                "em": [sha("ivy@example.com")], "external_id": [sha("User-1")],
                "client_ip_address": "203.0.113.57", "client_user_agent": "Mozilla/5.0",
            },
            "custom_data": {
                "currency": "USD", "value": 215, "content_ids": ["lamp", "vase"],
                "contents": [
                    { "id": "lamp", "quantity": 1, "item_price": 129.5 },
                    { "id": "vase", "quantity": 6, "item_price": 14.25 },
                ],
                "num_items": 7, "order_id": "W-1",
            },
        })
    );
    // Meta may count a second copy; the sink itself sends no key twice.
    assert_eq!(record.resend, Resend::MayDuplicate);
    assert_eq!(record.dedup_key.as_deref(), Some("Purchase m1"));
    assert_eq!(record.expires_at.map(u32::from), Some(1_772_438_522 + 7 * 86_400));
}

#[test]
fn an_app_tells_of_its_device() {
    let record = result("", &app()).unwrap();
    assert_eq!(record.warnings, []);
    let sent = body(&record);
    assert_eq!(sent["action_source"], "app");
    assert_eq!(sent["user_data"]["madid"], "6D92078A-8246-4BA4-AE5B-76104861E7DC");
    assert_eq!(
        sent["app_data"],
        json!({
            "advertiser_tracking_enabled": 1,
            "extinfo": [
                "i2", "com.example.shop", "2.1", "21", "17.4", "iPhone15,2", "en-US", "", "T-Mobile", "390", "844", "3",
                "", "", "", "America/Denver",
            ],
        })
    );
    for (changes, warned, tracking, extinfo) in [
        (
            vec![("context.device.adTrackingEnabled", json!(false))],
            vec!["opted_out user_data.madId"],
            json!(0),
            true,
        ),
        (
            vec![("context.device.adTrackingEnabled", Json::Null)],
            vec!["missing_for_app app_data_field.advertiser_tracking_enabled"],
            Json::Null,
            false,
        ),
        (
            vec![("context.os.version", Json::Null)],
            vec!["missing_for_app app_data_field.osVersion"],
            Json::Null,
            false,
        ),
        (
            vec![(
                "context.device.advertisingId",
                json!("00000000-0000-0000-0000-000000000000"),
            )],
            vec!["wrong_form user_data.madId"],
            json!(1),
            true,
        ),
    ] {
        let event = with(app(), &changes);
        assert_eq!(warnings(&event), warned, "{changes:?}");
        let app_data = &crate::meta::sent(&event)["app_data"];
        assert_eq!(app_data["advertiser_tracking_enabled"], tracking, "{changes:?}");
        assert_eq!(app_data["extinfo"].is_array(), extinfo, "{changes:?}");
    }
}

#[test]
fn the_advertising_id_of_a_user_who_allows_no_tracking_stays_out() {
    for no in [
        json!(false),
        json!("FALSE"),
        json!(0),
        json!("denied"),
        json!([false]),
    ] {
        let event = with(app(), &[("context.device.adTrackingEnabled", no)]);
        let record = result("", &event).unwrap();
        let body = body(&record);
        assert_eq!(body["user_data"].get("madid"), None, "{event}");
        assert_eq!(body["app_data"]["advertiser_tracking_enabled"], 0, "{event}");
        assert_eq!(warnings(&event), ["opted_out user_data.madId"], "{event}");
    }
    // One that the configuration maps from elsewhere is its own choice.
    let mapping = mapped(r#""user_data.madId" = { "@path" = "$.properties.idfa" }"#);
    let idfa = json!("6D92078A-8246-4BA4-AE5B-76104861E7DC");
    let event = with(
        app(),
        &[
            ("context.device.adTrackingEnabled", json!(false)),
            ("properties.idfa", idfa),
        ],
    );
    let own = body(&result(&mapping, &event).unwrap());
    assert_eq!(own["user_data"]["madid"], "6D92078A-8246-4BA4-AE5B-76104861E7DC");
}

#[test]
fn an_installation_is_an_event_of_its_app() {
    let install = with(
        app(),
        &[
            ("event", json!("Application Installed")),
            ("properties", json!({})),
        ],
    );
    let sent = sent(&install);
    assert_eq!(
        (&sent["event_name"], &sent["action_source"]),
        (&json!("MobileAppInstall"), &json!("app"))
    );
}

#[test]
fn events_happen_somewhere() {
    let server = [
        ("context.library", json!({ "name": "analytics-node" })),
        ("context.userAgent", Json::Null),
        ("context.page", Json::Null),
    ];
    for (event, source) in [
        (purchase(), "website"),
        (app(), "app"),
        (with(purchase(), &server), "system_generated"),
        (with(purchase(), &server[..2]), "website"),
        (with(purchase(), &server[1..]), "other"),
    ] {
        assert_eq!(sent(&event)["action_source"], source, "{event}");
    }
    // `other` replaces a guess, and never the source of a mapping.
    let no_page = with(purchase(), &[("context.page", Json::Null)]);
    assert_eq!(sent(&no_page)["action_source"], "other");
    for (source, event) in [
        ("website", &no_page),
        ("app", &purchase()),
        ("business_messaging", &purchase()),
    ] {
        let mapped = mapped(&format!("action_source = \"{source}\""));
        assert_eq!(refused(&mapped, event), "missing_field", "{source}");
    }
    let messaging = mapped("action_source = \"business_messaging\"\n\"user_data.page_id\" = \"77\"");
    assert_eq!(
        body(&result(&messaging, &purchase()).unwrap())["user_data"]["page_id"],
        "77"
    );
    let store = result(&mapped("action_source = \"physical_store\""), &app()).unwrap();
    assert_eq!(body(&store)["action_source"], "physical_store");
    assert_eq!(store.expires_at.map(u32::from), Some(1_772_438_522 + 62 * 86_400));
}

#[test]
fn times_are_in_meta_s_bounds() {
    let store = mapped("action_source = \"physical_store\"");
    for (time, settings, outcome) in [
        ("2026-03-02T08:02:02Z", "", Ok(1_772_438_522)),
        ("1772438522", "", Ok(1_772_438_522)),
        ("1772438522500", "", Ok(1_772_438_522)),
        ("2026-03-03T12:00:00Z", "", Ok(1_772_539_200)),
        ("2026-03-03T12:00:01Z", "", Err("in_the_future")),
        ("2026-03-03T12:00:01Z", "max_future = \"2d\"", Ok(1_772_539_201)),
        ("2026-02-23T12:00:01Z", "", Ok(1_771_848_001)),
        ("2026-02-23T12:00:00Z", "", Err("too_old")),
        ("2026-02-23T12:00:00Z", &store, Ok(1_771_848_000)),
        ("2025-12-01T09:00:00Z", &store, Err("too_old")),
        ("yesterday", "", Err("unreadable_time")),
        (" ", "", Err("missing_field")),
    ] {
        let found = result(settings, &with(purchase(), &[("timestamp", json!(time))]));
        let found = found.map(|record| body(&record)["event_time"].as_i64().unwrap());
        let found = found.map_err(|rejection| rejection.reason.code().to_owned());
        assert_eq!(found, outcome.map_err(str::to_owned), "{time} {settings}");
    }
}

#[test]
fn an_event_without_a_timestamp_happened_when_it_arrived() {
    let event = with(
        purchase(),
        &[
            ("timestamp", Json::Null),
            ("receivedAt", json!("2026-03-02T08:02:04Z")),
        ],
    );
    assert_eq!(sent(&event)["event_time"], 1_772_438_524);
}

#[test]
fn a_user_who_could_be_anybody_is_refused() {
    let nobody = [
        ("userId", Json::Null),
        ("context.ip", Json::Null),
        ("properties.email", Json::Null),
    ];
    let mut event = with(purchase(), &nobody);
    assert_eq!(refused("", &event), "no_identifier");
    set(
        &mut event,
        "context.traits",
        json!({ "address": { "city": "Oslo", "country": "Norway" }, "gender": "f" }),
    );
    assert_eq!(refused("", &event), "no_identifier");
    set(&mut event, "context.traits.firstName", json!("Ivy"));
    assert_eq!(sent(&event)["user_data"]["ct"], json!([sha("oslo")]));
    let anonymous = with(event, &[("anonymousId", json!("a-1"))]);
    assert_eq!(sent(&anonymous)["user_data"]["external_id"], json!([sha("a-1")]));
}

#[test]
fn external_ids_equal_those_of_the_pixel() {
    let padded = with(purchase(), &[("userId", json!(" User-1 "))]);
    for (form, id) in [
        ("sha256", sha("User-1")),
        ("sha256-lower", sha("user-1")),
        ("plain", "User-1".to_owned()),
    ] {
        let record = result(&format!("external_id = \"{form}\""), &padded).unwrap();
        assert_eq!(body(&record)["user_data"]["external_id"], json!([id]), "{form}");
    }
    let several = mapped("\"user_data.externalId\" = [\"A\", \" \", \"A\", \"b\"]");
    let record = result(&format!("external_id = \"plain\"\n{several}"), &padded).unwrap();
    assert_eq!(body(&record)["user_data"]["external_id"], json!(["A", "b"]));
    // Texts that stand for no user are no ids, hashed or not.
    let hash = sha("User-1");
    for (id, sent, warned) in [
        ("null", Json::Null, "junk"),
        ("00000000-0000-0000-0000-000000000000", Json::Null, "junk"),
        (hash.as_str(), json!([hash]), ""),
    ] {
        let event = with(purchase(), &[("userId", json!(id))]);
        let record = result("external_id = \"plain\"", &event).unwrap();
        assert_eq!(body(&record)["user_data"]["external_id"], sent, "{id}");
        let warnings: Vec<&str> = record.warnings.iter().map(|warning| &*warning.code).collect();
        assert_eq!(warnings.concat(), warned, "{id}");
    }
}

#[test]
fn click_and_browser_ids_are_found() {
    const MADE: &str = "fb.1.1772438522500.IwAR_x";
    let long = format!("https://shop.example/?fbclid={}", "a".repeat(501));
    for (path, value, fbc) in [
        (
            "context.page.url",
            json!("https://shop.example/?a=1&fbclid=IwAR_x#top"),
            Some(MADE),
        ),
        ("context.page.search", json!("?fbclid=IwAR_x"), Some(MADE)),
        (
            "context.page.referrer",
            json!("https://www.shop.example/?fbclid=IwAR_x"),
            Some(MADE),
        ),
        (
            "context.page.referrer",
            json!("https://other.example/?fbclid=IwAR_x"),
            None,
        ),
        ("context.cookies", json!({ "_fbc": "fb.2.1.c" }), Some("fb.2.1.c")),
        ("context.cookies", json!("a=b; _fbc=fb.2.1.c"), Some("fb.2.1.c")),
        ("context._fbc", json!("fb.2.1.c.Bg"), Some("fb.2.1.c.Bg")),
        ("properties.fbc", json!("fb.2.1.p"), Some("fb.2.1.p")),
        ("properties.fbc", json!("IwAR_x"), None),
        ("context.page.url", json!(long), None),
    ] {
        let event = with(purchase(), &[(path, value.clone())]);
        assert_eq!(sent(&event)["user_data"]["fbc"].as_str(), fbc, "{path} {value}");
        let dropped = value == json!(long) || path == "properties.fbc" && fbc.is_none();
        let warned = ["wrong_form user_data.fbc"].iter().take(usize::from(dropped));
        assert!(warnings(&event).iter().eq(warned), "{path} {value}");
    }
    let cookies = with(purchase(), &[("context.cookies", json!("_fbp=fb.1.2.3"))]);
    assert_eq!(sent(&cookies)["user_data"]["fbp"], "fb.1.2.3");
    // An id of another form leaves its place to the one that the page brings.
    let both = [
        ("properties.fbc", json!("IwAR_x")),
        ("context.page.search", json!("?fbclid=IwAR_x")),
    ];
    let both = with(purchase(), &both);
    assert_eq!(sent(&both)["user_data"]["fbc"], MADE);
    assert_eq!(warnings(&both), ["wrong_form user_data.fbc"]);
    // A mapped field is not derived.
    let clicked = with(purchase(), &[("context.page.search", json!("?fbclid=IwAR_x"))]);
    let record = result(
        &mapped("\"user_data.fbc\" = { \"@path\" = \"$.properties.click\" }"),
        &clicked,
    );
    assert_eq!(body(&record.unwrap())["user_data"]["fbc"], Json::Null);
}

#[test]
fn ids_that_meta_gave_are_whole_numbers_above_zero() {
    let fields = mapped("\"user_data.leadID\" = { \"@path\" = \"$.properties.lead\" }");
    let wrong = Some("wrong_form");
    for (lead, sent, warned) in [
        (
            json!(123_456_789_012_345_678_u64),
            json!(123_456_789_012_345_678_u64),
            None,
        ),
        (json!("77"), json!(77), None),
        (json!(0), Json::Null, None),
        (json!(""), Json::Null, None),
        (json!(-1), Json::Null, wrong),
        (json!("123456789012345678901234"), Json::Null, wrong),
        (json!("abc"), Json::Null, Some("wrong_type")),
    ] {
        let record = result(&fields, &with(purchase(), &[("properties.lead", lead.clone())])).unwrap();
        assert_eq!(body(&record)["user_data"]["lead_id"], sent, "{lead}");
        let code = record.warnings.first().map(|warning| &*warning.code);
        assert_eq!(code, warned, "{lead}");
    }
}

#[test]
fn websites_should_tell_page_and_agent() {
    for (path, value, warned) in [
        (
            "context.userAgent",
            Json::Null,
            vec!["missing_for_website user_data.client_user_agent"],
        ),
        (
            "context.page.url",
            Json::Null,
            vec!["missing_for_website event_source_url"],
        ),
        (
            "context.page.url",
            json!("/thanks"),
            vec![
                "wrong_form event_source_url",
                "missing_for_website event_source_url",
            ],
        ),
        (
            "context.ip",
            json!("unknown"),
            vec!["wrong_form user_data.client_ip_address"],
        ),
    ] {
        assert_eq!(
            warnings(&with(purchase(), &[(path, value.clone())])),
            warned,
            "{path} {value}"
        );
    }
    let v6 = with(purchase(), &[("context.ip", json!(" 2001:db8::1 "))]);
    assert_eq!(sent(&v6)["user_data"]["client_ip_address"], "2001:db8::1");
}

#[test]
fn whoever_opted_out_is_marked() {
    let consent = json!({ "categoryPreferences": { "advertising": false } });
    for (event, opt_out) in [
        (purchase(), Json::Null),
        (app(), Json::Null),
        (
            with(app(), &[("context.device.adTrackingEnabled", json!(false))]),
            json!(true),
        ),
        (with(purchase(), &[("context.consent", consent)]), json!(true)),
    ] {
        assert_eq!(sent(&event)["opt_out"], opt_out, "{event}");
    }
}

#[test]
fn an_opt_out_that_cannot_be_read_counts() {
    let consent = json!({ "categoryPreferences": { "Advertising": "maybe" } });
    let event = with(purchase(), &[("context.consent", consent)]);
    assert_eq!(sent(&event)["opt_out"], true);
    assert_eq!(
        warnings(&event),
        ["opt_out_unreadable context.consent.categoryPreferences.Advertising"]
    );
    let event = with(purchase(), &[("properties.out", json!("maybe"))]);
    let out = body(&result(&mapped(r#"opt_out = { "@path" = "$.properties.out" }"#), &event).unwrap());
    assert_eq!(out["opt_out"], true);
    let limited = mapped(r#"data_processing_options = { "@path" = "$.properties.out" }"#);
    let out = body(&result(&limited, &event).unwrap());
    assert_eq!(out["data_processing_options"], json!(["LDU"]));
}

#[test]
fn a_referrer_is_an_address_and_a_blank_click_id_hides_none() {
    for (referrer, found) in [
        (json!("https://shop.example/"), json!("https://shop.example/")),
        (
            json!("android-app://com.example/"),
            json!("android-app://com.example/"),
        ),
        (json!("undefined"), Json::Null),
        (json!("$direct"), Json::Null),
        (json!("about:blank"), Json::Null),
    ] {
        let event = with(purchase(), &[("context.page.referrer", referrer)]);
        assert_eq!(sent(&event)["referrer_url"], found, "{event}");
    }
    let fbc = json!("fb.1.1772438522500.AbC");
    let event = with(
        purchase(),
        &[("properties.fbc", json!(" ")), ("context.fbc", fbc.clone())],
    );
    assert_eq!(sent(&event)["user_data"]["fbc"], fbc);
}

#[test]
fn limited_data_use_has_codes_or_an_address() {
    let options = |record: Record| {
        let sent = body(&record);
        ["", "_country", "_state"].map(|end| sent[format!("data_processing_options{end}")].clone())
    };
    let of = |country: i64, state: i64| [json!(["LDU"]), json!(country), json!(state)];
    let nothing = [Json::Null, Json::Null, Json::Null];
    let no_address = with(purchase(), &[("context.ip", Json::Null)]);
    for (state, fields, event, wanted) in [
        (None, "", purchase(), nothing),
        (Some("CA"), "", purchase(), of(1, 1000)),
        (Some("RI"), "", no_address.clone(), of(1, 1013)),
        (Some("VA"), "", purchase(), of(0, 0)),
        (
            Some("CA"),
            "data_processing_options = false",
            purchase(),
            of(1, 1000),
        ),
        (None, "data_processing_options = true", purchase(), of(0, 0)),
        (
            None,
            "data_processing_options = true\ndata_processing_options_state = 1011",
            no_address.clone(),
            of(1, 1011),
        ),
        (
            None,
            "data_processing_options = true\ndata_processing_options_country = 1",
            purchase(),
            of(0, 0),
        ),
        (
            None,
            "data_processing_options = false",
            purchase(),
            [json!([]), Json::Null, Json::Null],
        ),
        (
            None,
            "data_processing_options_state = 1000",
            purchase(),
            [Json::Null, Json::Null, Json::Null],
        ),
    ] {
        let found = result_in(state, &mapped(fields), &event).unwrap();
        assert_eq!(options(found), wanted, "{state:?} {fields}");
    }
    let code = |settings: &str| {
        let rejection = result_in(Some("VA"), settings, &no_address).unwrap_err();
        rejection.reason.code().to_owned()
    };
    assert_eq!(code(""), "ldu_incomplete");
    let record = result_in(Some("VA"), "on_incomplete = \"send\"", &no_address).unwrap();
    assert_eq!(record.warnings[0].code, "ldu_incomplete");
    assert_eq!(options(record), of(0, 0));
    let mut event = event(&no_address.to_string()).unwrap();
    event.facts_mut().limited_data_processing = Some(LimitedDataProcessing {
        state: "VA".to_owned(),
        country: "US".to_owned(),
    });
    let dropped = build("on_incomplete = \"drop\"")
        .unwrap()
        .component
        .prepare(&event);
    let Prepared::Filtered(reason) = dropped else {
        panic!("{dropped:?}")
    };
    assert_eq!(reason.code(), "ldu_incomplete");
}

#[test]
fn a_purchase_has_a_value_in_a_currency() {
    for (changes, outcome) in [
        (
            vec![
                ("properties.revenue", Json::Null),
                ("properties.total", json!(9.5)),
            ],
            Ok(json!(9.5)),
        ),
        (vec![("properties.revenue", json!(0))], Ok(json!(0))),
        (vec![("properties.revenue", json!("12.50"))], Ok(json!(12.5))),
        (
            vec![("properties.revenue", json!("1.234,50 €"))],
            Ok(json!(1234.5)),
        ),
        (
            vec![
                ("properties.revenue", json!("1.234,50 €")),
                ("properties.currency", Json::Null),
            ],
            Ok(json!(1234.5)),
        ),
        (vec![("properties.revenue", Json::Null)], Ok(json!(215))),
        (
            vec![
                ("properties.revenue", json!("free")),
                ("properties.products", Json::Null),
            ],
            Err("missing_field"),
        ),
        (vec![("properties.currency", Json::Null)], Err("missing_field")),
        (
            vec![("properties.currency", json!("dollars"))],
            Err("missing_field"),
        ),
    ] {
        let found = result("", &with(purchase(), &changes));
        let found = found.map(|record| body(&record)["custom_data"]["value"].clone());
        let found = found.map_err(|rejection| rejection.reason.code().to_owned());
        assert_eq!(found, outcome.map_err(str::to_owned), "{changes:?}");
    }
    // Properties of the user's own may bring them, and are no less checked.
    let neither = [
        ("properties.revenue", Json::Null),
        ("properties.products", Json::Null),
        ("properties.currency", Json::Null),
    ];
    for (free, outcome) in [
        ("{ currency = \"usd\", value = 12.5 }", Ok(json!(["USD", 12.5]))),
        (
            "{ currency = \"usd\", value = \" 12.5 \" }",
            Ok(json!(["USD", 12.5])),
        ),
        ("{ currency = 840, value = 12.5 }", Err("missing_field")),
        ("{ currency = [\"usd\"], value = 12.5 }", Err("missing_field")),
        ("{ currency = \"usd\", value = \"inf\" }", Err("missing_field")),
        ("{ currency = \"usd\", value = true }", Err("missing_field")),
    ] {
        let found = result(
            &mapped(&format!("custom_data = {free}")),
            &with(purchase(), &neither),
        );
        let found = found.map(|record| body(&record)["custom_data"].clone());
        let found = found.map(|custom| json!([custom["currency"], custom["value"]]));
        let found = found.map_err(|rejection| rejection.reason.code().to_owned());
        assert_eq!(found, outcome.map_err(str::to_owned), "{free}");
    }
    // Only purchases need them.
    let cart = with(
        purchase(),
        &[
            ("event", json!("Product Added")),
            ("properties", json!({ "currency": "dollars", "sku": "s" })),
        ],
    );
    assert_eq!(
        sent(&cart)["custom_data"],
        json!({ "content_ids": ["s"], "contents": [{ "id": "s" }] })
    );
    assert_eq!(warnings(&cart), ["wrong_form currency"]);
}

#[test]
fn a_product_never_costs_the_order() {
    let products = json!([
        { "product_id": "lamp", "quantity": 1.5, "price": null },
        { "name": "no id" },
        null,
        { "sku": "vase", "price": "14.25", "quantity": 2 },
    ]);
    let event = with(purchase(), &[("properties.products", products)]);
    let custom = &sent(&event)["custom_data"];
    assert_eq!(
        custom["contents"],
        json!([{ "id": "lamp" }, { "id": "vase", "quantity": 2, "item_price": 14.25 }])
    );
    assert_eq!(custom["content_ids"], json!(["lamp", "vase"]));
    assert!(warnings(&event).contains(&"content_without_id contents[1].id".to_owned()));
    let delivery = r#"contents = { "@path" = "$.properties.boxes" }"#;
    let boxes =
        json!([{ "id": "a", "delivery_category": "curbside" }, { "id": "b", "delivery_category": "drone" }]);
    let event = with(purchase(), &[("properties.boxes", boxes)]);
    let record = result(&mapped(delivery), &event).unwrap();
    assert_eq!(
        body(&record)["custom_data"]["contents"],
        json!([{ "id": "a", "delivery_category": "curbside" }, { "id": "b" }])
    );
}

#[test]
fn a_content_type_that_meta_does_not_know_is_left_out() {
    let fields = mapped("content_type = { \"@path\" = \"$.properties.kind\" }");
    for (kind, sent, warned) in [
        ("product_group", json!("product_group"), 0),
        ("shoes", Json::Null, 1),
    ] {
        let event = with(purchase(), &[("properties.kind", json!(kind))]);
        let record = result(&fields, &event).unwrap();
        assert_eq!(body(&record)["custom_data"]["content_type"], sent);
        assert_eq!(record.warnings.len(), warned, "{:?}", record.warnings);
    }
}

#[test]
fn a_search_needs_no_product() {
    let search = with(
        purchase(),
        &[
            ("event", json!("Products Searched")),
            ("properties", json!({ "query": "lamps" })),
        ],
    );
    assert_eq!(sent(&search)["custom_data"], json!({ "search_string": "lamps" }));
}

#[test]
fn an_event_can_add_to_an_earlier_one() {
    let fields = r#""original_event_data.event_name" = "Purchase"
        "original_event_data.event_time" = "2026-02-28T08:00:00Z"
        "original_event_data.order_id" = { "@path" = "$.properties.order_id" }"#;
    let record = result(&mapped(fields), &purchase()).unwrap();
    let expected = json!({ "event_name": "Purchase", "event_time": 1_772_265_600, "order_id": "W-1" });
    assert_eq!(body(&record)["original_event_data"], expected);
}

#[test]
fn properties_of_the_user_s_own_are_sent() {
    let record = result(
        &mapped(
            "custom_data = { colour = \"red\", currency = \"EUR\", order_id = { \"@path\" = \"$.nothing\" } }",
        ),
        &purchase(),
    );
    let custom = &body(&record.unwrap())["custom_data"];
    assert_eq!(
        (&custom["colour"], &custom["currency"]),
        (&json!("red"), &json!("USD"))
    );
    assert_eq!(custom["order_id"], "W-1");
}

#[test]
fn a_property_named_like_an_empty_field_is_sent_as_it_is() {
    let mut order = purchase();
    set(&mut order, "properties.order_id", Json::Null);
    let fields = "custom_data = { order_id = 77, content_ids = \"a\", value = 5 }";
    let custom = &body(&result(&mapped(fields), &order).unwrap())["custom_data"];
    assert_eq!(custom["order_id"], 77);
    assert_eq!(
        custom["content_ids"],
        json!(["lamp", "vase"]),
        "the field is derived"
    );
    assert_eq!(custom["value"], 215);
}

#[test]
fn test_codes_count_only_if_that_is_meant() {
    let fields = mapped("test_event_code = \"TEST9\"");
    let record = result(&fields, &purchase()).unwrap();
    assert_eq!(
        (record.batch_key, &*record.warnings[0].code),
        (0, "test_code_left_out")
    );
    let record = result(&format!("test_events_count = true\n{fields}"), &purchase()).unwrap();
    assert_eq!((record.batch_key, record.warnings.len()), (1, 0));
}
