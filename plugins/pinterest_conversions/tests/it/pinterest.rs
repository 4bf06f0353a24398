//! `compat = "pinterest"`, rule by rule.

use serde_json::{Value as Json, json};
use signalbox_conversions::{Compat, CompiledMapping, Draft, OptOutPolicy, Trigger};
use signalbox_core::{
    HashedPath, LimitedDataProcessing, Prepared, Record, Rejection, Resend, Sha256Hex, Warning,
};
use signalbox_pinterest_conversions::{LdpHashCase, SPEC};
use signalbox_testkit::golden::event;

use crate::support::{EncodeOptions, body, with_mappings};

/// An encoder of one preset, in the default mode, with some fields mapped otherwise.
struct Setup {
    preset: &'static str,
    compat: Compat,
    options: EncodeOptions,
    fields: Vec<(&'static str, Json)>,
    fact: Option<LimitedDataProcessing>,
}

fn checkout() -> Setup {
    with_preset("Checkout")
}

fn with_preset(preset: &'static str) -> Setup {
    Setup {
        preset,
        compat: Compat::Vendor,
        options: EncodeOptions::default(),
        fields: Vec::new(),
        fact: None,
    }
}

impl Setup {
    fn map(mut self, path: &'static str, mapping: Json) -> Setup {
        self.fields.push((path, mapping));
        self
    }

    fn on(mut self, state: &str, country: &str) -> Setup {
        self.fact = Some(LimitedDataProcessing {
            state: state.into(),
            country: country.into(),
        });
        self
    }

    fn prepare(&self, event_json: &Json) -> Prepared {
        let preset = SPEC.preset(self.preset).unwrap();
        let mut draft = Draft::new(&SPEC, Some(preset), self.compat);
        for (path, mapping) in &self.fields {
            draft.set(path, Some(mapping.clone()));
        }
        let trigger = Trigger::Preset(preset.listens);
        let mapping = draft.compile(preset.name, trigger).unwrap();
        let options = EncodeOptions {
            compat: self.compat,
            ..self.options.clone()
        };
        let mut event = event(&event_json.to_string()).unwrap();
        event.facts_mut().limited_data_processing = self.fact.clone();
        with_mappings(options, vec![mapping]).encode(&event, &Default::default())
    }

    fn result(&self, event: &Json) -> Result<Record, Rejection> {
        match self.prepare(event) {
            Prepared::Mapped(mut results) => results.remove(0),
            other => panic!("{other:?}"),
        }
    }

    fn sent(&self, event: &Json) -> Json {
        body(&self.result(event).unwrap())
    }

    fn rejected(&self, event: &Json) -> String {
        self.result(event).unwrap_err().reason.code().to_owned()
    }

    /// Codes and paths of the warnings.
    fn warnings(&self, event: &Json) -> Vec<(String, String)> {
        let warnings = match self.result(event) {
            Ok(record) => record.warnings,
            Err(rejection) => rejection.warnings,
        };
        warnings
            .into_iter()
            .map(|warning| (warning.code.into_owned(), warning.path))
            .collect()
    }
}

/// An order of an identified user, with more laid over it.
fn order(more: Json) -> Json {
    let mut event = json!({
        "type": "track", "event": "Order Completed", "messageId": "m1", "timestamp": "2026-03-02T09:02:02.014Z",
        "context": { "ip": "203.0.113.57", "userAgent": "Mozilla/5.0" },
        "properties": { "currency": "USD" },
    });
    lay_over(&mut event, more);
    event
}

fn lay_over(under: &mut Json, over: Json) {
    match (under, over) {
        (Json::Object(under), Json::Object(over)) => {
            for (key, value) in over {
                lay_over(under.entry(key).or_insert(Json::Null), value);
            }
        }
        (under, over) => *under = over,
    }
}

fn hash(text: &str) -> Json {
    json!([Sha256Hex::of(text).as_str()])
}

fn warning(code: &str, path: &str) -> (String, String) {
    (code.to_owned(), path.to_owned())
}

#[test]
fn the_smallest_event() {
    assert_eq!(
        String::from_utf8(
            checkout()
                .result(&order(json!({ "properties": null })))
                .unwrap()
                .bytes
                .to_vec()
        )
        .unwrap(),
        concat!(
            r#"{"event_name":"checkout","action_source":"web","event_time":1772442122,"event_id":"m1","#,
            r#""user_data":{"client_ip_address":"203.0.113.57","client_user_agent":"Mozilla/5.0"},"#,
            r#""app_info":{"user_agent":"Mozilla/5.0"}}"#
        )
    );
}

#[test]
fn everything_that_is_known_of_a_user_is_used() {
    let event = order(json!({
        "userId": "u_80417",
        "context": {
            "traits": {
                "email": " Ivy@Example.com ", "phone": "+1 (555) 010-0001", "name": "Ivy Jane Marsh", "gender": "female",
                "birthday": "1990-01-15",
                "address": { "city": "San José", "state": "California", "postalCode": "94103-1234", "country": "USA" },
            },
            "device": { "advertisingId": "7A3CBEA0-BDF5-11E4-8DFC-AA07A5B093DB" },
            "page": { "url": "https://wildrose.example/p?epik=dj0yJnU9" },
        },
    }));
    let user = &checkout().sent(&event)["user_data"];
    for (key, plain) in [
        ("em", "ivy@example.com"),
        ("ph", "15550100001"),
        ("ge", "f"),
        ("db", "19900115"),
        ("ln", "marsh"),
        ("fn", "ivy"),
        ("ct", "sanjosé"),
        ("st", "ca"),
        ("zp", "94103"),
        ("country", "us"),
        ("external_id", "u_80417"),
        ("hashed_maids", "7a3cbea0-bdf5-11e4-8dfc-aa07a5b093db"),
    ] {
        assert_eq!(user[key], hash(plain), "{key}");
    }
    assert_eq!(user["click_id"], "dj0yJnU9");
}

#[test]
fn phones_take_the_code_of_the_country_that_the_event_tells() {
    let london =
        json!({ "phone": "020 7946 0958 / (0161) 496 0000", "address": { "country": "Great Britain" } });
    let event = order(json!({ "context": { "traits": london } }));
    let numbers = json!([hash("442079460958")[0], hash("441614960000")[0]]);
    let setup = checkout();
    assert_eq!(setup.sent(&event)["user_data"]["ph"], numbers);
    assert_eq!(setup.warnings(&event), []);
    let location = json!({ "location": { "country": "FR" }, "traits": { "phone": "06 12 34 56 78" } });
    let event = order(json!({ "context": location }));
    assert_eq!(setup.sent(&event)["user_data"]["ph"], hash("33612345678"));
    // A locale is no country.
    let event = order(json!({ "context": { "locale": "fr-FR", "traits": { "phone": "06 12 34 56 78" } } }));
    assert_eq!(setup.sent(&event)["user_data"]["ph"], hash("612345678"));
    assert_eq!(
        setup.warnings(&event),
        [warning("no_country_code", "user_data.phone")]
    );
}

#[test]
fn a_blank_value_hides_no_other() {
    let event = order(json!({
        "properties": { "email": "", "phone": null },
        "traits": { "email": "  ", "phone": "+1 206 555 0100" },
        "context": { "traits": { "email": "ivy@example.com", "phone": "999" } },
    }));
    let setup = checkout();
    assert_eq!(setup.sent(&event)["user_data"]["ph"], hash("12065550100"));
    // One for each place that is passed over; null needs none.
    let blank = warning("empty", "user_data.email");
    assert_eq!(setup.warnings(&event), [blank.clone(), blank]);
    let event = order(json!({ "properties": { "email": "" }, "traits": { "email": "ivy@example.com" } }));
    assert_eq!(setup.sent(&event)["user_data"]["em"], hash("ivy@example.com"));
}

#[test]
fn parts_of_a_name_come_before_the_whole() {
    let event = order(json!({ "traits": { "firstName": "Ada", "name": "Ivy Marsh" } }));
    let user = &checkout().sent(&event)["user_data"];
    assert_eq!((&user["fn"], &user["ln"]), (&hash("ada"), &hash("marsh")));
    // Mapped by the user, and empty: then it stays empty.
    let setup = checkout().map("user_data.last_name", json!({ "@path": "$.traits.surname" }));
    assert_eq!(setup.sent(&event)["user_data"]["ln"], Json::Null);
    // A placeholder is nobody's name.
    for nobody in ["Guest User", "n/a", "undefined undefined"] {
        let context = json!({ "traits": { "name": "Ivy Marsh" } });
        let event = order(json!({ "traits": { "name": nobody }, "context": context }));
        let user = &checkout().sent(&event)["user_data"];
        assert_eq!(
            (&user["fn"], &user["ln"]),
            (&hash("ivy"), &hash("marsh")),
            "{nobody}"
        );
    }
    let event = order(json!({ "traits": { "name": "Guest User" } }));
    let told = checkout().warnings(&event);
    assert!(
        told.contains(&warning("junk", "user_data.first_name")),
        "{told:?}"
    );
    // A product's name is not a person's.
    let event = order(json!({ "properties": { "name": "Brass Lamp" } }));
    assert_eq!(checkout().sent(&event)["user_data"]["fn"], Json::Null);
}

#[test]
fn hashes_are_passed_on_in_lower_case() {
    let given = Sha256Hex::of("ivy@example.com").as_str().to_uppercase();
    let mut event =
        event(&order(json!({ "properties": { "email": format!(" {given} ") } })).to_string()).unwrap();
    event.facts_mut().hashed.push(HashedPath {
        path: "properties.email".into(),
        rules: "pinterest".into(),
        kind: None,
        hashes: Vec::new(),
    });
    event.facts_mut().warnings.push(Warning {
        code: "junk".into(),
        path: "traits.email".into(),
        message: "m".into(),
    });
    let mapping =
        CompiledMapping::of_preset(&SPEC, SPEC.preset("checkout").unwrap(), Compat::Vendor).unwrap();
    let encoder = with_mappings(EncodeOptions::default(), vec![mapping]);
    let Prepared::Mapped(mut results) = encoder.encode(&event, &Default::default()) else {
        panic!()
    };
    let record = results.remove(0).unwrap();
    assert_eq!(body(&record)["user_data"]["em"], hash("ivy@example.com"));
    // A value that a transform left out stays visible as a warning.
    assert_eq!(record.warnings[0].path, "traits.email");
}

#[test]
fn several_values_are_kept_and_doubles_go() {
    let event = order(
        json!({ "properties": { "email": ["a@example.com", "A@example.com", "junk", "b@example.com", null] } }),
    );
    let setup = checkout();
    let found = setup.sent(&event);
    let both = json!([
        Sha256Hex::of("a@example.com").as_str(),
        Sha256Hex::of("b@example.com").as_str()
    ]);
    assert_eq!(found["user_data"]["em"], both);
    assert_eq!(
        setup.warnings(&event),
        [warning("not_an_email", "user_data.email[2]")]
    );
    // More than a few go another way.
    let many: Vec<String> = (0..200).map(|n| format!("u{}@example.com", n % 100)).collect();
    let found = setup.sent(&order(json!({ "properties": { "email": many } })));
    assert_eq!(found["user_data"]["em"].as_array().unwrap().len(), 100);
}

#[test]
fn junk_is_no_identity() {
    let setup = checkout();
    for (more, code, path) in [
        (
            json!({ "properties": { "email": "n/a" } }),
            "junk",
            "user_data.email",
        ),
        (
            json!({ "properties": { "email": "false" } }),
            "junk",
            "user_data.email",
        ),
        (
            json!({ "properties": { "email": "d41d8cd98f00b204e9800998ecf8427e" } }),
            "foreign_hash",
            "user_data.email",
        ),
        (
            json!({ "properties": { "phone": "call me" } }),
            "no_digits",
            "user_data.phone",
        ),
        (
            json!({ "traits": { "birthday": "01/02/1990" } }),
            "ambiguous_date",
            "user_data.date_of_birth",
        ),
        (
            json!({ "traits": { "gender": "yes" } }),
            "unknown_gender",
            "user_data.gender",
        ),
        (
            json!({ "context": { "device": { "advertisingId": "00000000-0000-0000-0000-000000000000" } } }),
            "junk",
            "user_data.hashed_maids",
        ),
        (
            json!({ "context": { "ip": "unknown" }, "traits": { "email": "a@b.c" } }),
            "wrong_form",
            "user_data.client_ip_address",
        ),
    ] {
        let event = order(more);
        assert_eq!(setup.warnings(&event), [warning(code, path)]);
        assert!(setup.result(&event).is_ok());
    }
}

#[test]
fn nobody_is_rejected_with_an_honest_text() {
    let nobody = |more: Json| {
        let mut event = order(json!({ "context": null }));
        lay_over(&mut event, more);
        event
    };
    for more in [
        json!({}),
        json!({ "traits": { "phone": "5550100", "firstName": "Ivy" }, "userId": "u1" }),
        json!({ "context": { "ip": "203.0.113.57" } }),
        json!({ "context": { "ip": "203.0.113.57", "userAgent": "  " } }),
        json!({ "context": { "ip": "elsewhere", "userAgent": "Mozilla/5.0" } }),
        json!({ "context": { "ip": "192.168.1.4", "userAgent": "Mozilla/5.0" } }),
        json!({ "context": { "ip": "203.0.113.57", "userAgent": "undefined" } }),
        json!({ "properties": { "email": "  " } }),
        json!({ "properties": { "email": ["", "n/a"] } }),
        json!({ "context": { "device": { "advertisingId": "00000000-0000-0000-0000-000000000000" } } }),
    ] {
        assert_eq!(checkout().rejected(&nobody(more)), "no_identifier");
    }
    for more in [
        json!({ "properties": { "email": "ivy@example.com" } }),
        json!({ "context": { "ip": "10.0.0.5, [2001:db8::1]:443", "userAgent": "x" } }),
        json!({ "context": { "device": { "advertisingId": "7A3CBEA0-BDF5-11E4-8DFC-AA07A5B093DB" } } }),
    ] {
        assert!(checkout().result(&nobody(more)).is_ok());
    }
    let reason = checkout().result(&nobody(json!({}))).unwrap_err().reason;
    assert!(
        reason
            .message()
            .contains("a phone number or an external id alone will not do")
    );
}

#[test]
fn opting_out_is_what_the_device_says() {
    let opt_out = |tracking: Json| {
        let event = order(json!({ "context": { "device": { "adTrackingEnabled": tracking } } }));
        checkout().sent(&event)["opt_out"].clone()
    };
    assert_eq!(checkout().sent(&order(json!({})))["opt_out"], Json::Null);
    assert_eq!(opt_out(json!(true)), json!(false));
    assert_eq!(opt_out(json!(false)), json!(true));
    assert_eq!(opt_out(json!("false")), json!(true));
    assert_eq!(opt_out(json!("who knows")), Json::Null);
    let mapped = checkout().map("opt_out", json!({ "@path": "$.properties.no_ads" }));
    assert_eq!(
        mapped.sent(&order(json!({ "properties": { "no_ads": true } })))["opt_out"],
        json!(true)
    );
    let event = order(json!({ "context": { "device": { "adTrackingEnabled": false } } }));
    assert_eq!(mapped.sent(&event)["opt_out"], Json::Null);
}

#[test]
fn times() {
    let time = |time: Json| checkout().result(&order(json!({ "timestamp": time })));
    for (given, seconds) in [
        (json!("2026-03-02T09:02:02.999Z"), 1_772_442_122),
        (json!(1_772_442_122), 1_772_442_122),
        (json!(1_772_442_122_999_i64), 1_772_442_122),
        (json!("1772442122999"), 1_772_442_122),
        (json!(1_772_442_122.5), 1_772_442_122),
        (json!(" 2026-03-02T10:02:02+01:00 "), 1_772_442_122),
    ] {
        assert_eq!(
            body(&time(given.clone()).unwrap())["event_time"],
            json!(seconds),
            "{given}"
        );
    }
    for given in [json!("yesterday"), json!(true), json!("2026-13-01T00:00:00Z")] {
        assert_eq!(time(given).unwrap_err().reason.code(), "unreadable_time");
    }
    for given in [json!(null), json!(""), json!("  ")] {
        assert_eq!(time(given).unwrap_err().reason.code(), "missing_field");
    }
    assert_eq!(
        time(json!({ "t": 1 })).unwrap_err().reason.code(),
        "invalid_field"
    );
}

#[test]
fn required_fields() {
    assert_eq!(
        checkout().rejected(&order(json!({ "messageId": null }))),
        "missing_field"
    );
    let setup = checkout().map("event_name", json!("purchase"));
    assert_eq!(setup.rejected(&order(json!({}))), "invalid_field");
    let setup = checkout().map("action_source", json!("tv"));
    assert_eq!(setup.rejected(&order(json!({}))), "invalid_field");
}

#[test]
fn apps_are_no_web() {
    let source = |context: Json| {
        let event = order(json!({ "context": context }));
        checkout().sent(&event)["action_source"].clone()
    };
    assert_eq!(source(json!({ "device": { "type": "ios" } })), "app_ios");
    assert_eq!(
        source(json!({ "os": { "name": "Android" }, "app": { "name": "W" } })),
        "app_android"
    );
    assert_eq!(source(json!({ "os": { "name": "Android" } })), "web");
    let mapped = checkout().map("action_source", json!("web"));
    let event = order(json!({ "context": { "device": { "type": "ios" } } }));
    assert_eq!(mapped.sent(&event)["action_source"], "web");
}

#[test]
fn duplicates_are_known_by_name_and_id_but_not_offline() {
    let record = checkout().result(&order(json!({}))).unwrap();
    assert_eq!(record.dedup_key.as_deref(), Some("checkout m1"));
    assert_eq!(record.resend, Resend::Safe);
    let offline = checkout().map("action_source", json!("offline"));
    let record = offline.result(&order(json!({}))).unwrap();
    assert_eq!(record.dedup_key, None);
    assert_eq!(record.resend, Resend::MayDuplicate);
}

#[test]
fn products() {
    let event = order(json!({ "properties": { "products": [
        { "product_id": "lamp", "name": "Lamp", "brand": "Wildrose", "category": "Light", "price": 129.50, "quantity": 2 },
        { "sku": "WR-1", "product_id": "", "price": "14.25" },
        { "sku": 12_345_678_901_234_567_890_u64, "price": 0.1 },
    ] } }));
    let custom = &checkout().sent(&event)["custom_data"];
    assert_eq!(
        custom["contents"],
        json!([
            { "id": "lamp", "item_price": "129.5", "quantity": 2, "item_name": "Lamp", "item_category": "Light", "item_brand": "Wildrose" },
            { "id": "WR-1", "item_price": "14.25" },
            { "id": "12345678901234567890", "item_price": "0.1" },
        ])
    );
    assert_eq!(
        custom["content_ids"],
        json!(["lamp", "WR-1", "12345678901234567890"])
    );
    assert_eq!(custom["num_items"], json!(4));
}

#[test]
fn an_object_with_numbers_for_keys_is_a_list_of_products() {
    let event = order(
        json!({ "properties": { "revenue": null, "total": null, "products": {
        "0": { "product_id": "n/a", "sku": "lamp", "price": "5,50", "quantity": "2" },
        "3": { "id": 7, "price": 5 },
    } } }),
    );
    let custom = &checkout().sent(&event)["custom_data"];
    assert_eq!(
        custom["contents"],
        json!([{ "id": "lamp", "item_price": "5.5", "quantity": 2 }, { "id": "7", "item_price": "5" }])
    );
    assert_eq!(
        (&custom["num_items"], &custom["value"]),
        (&json!(3), &json!("16"))
    );
}

#[test]
fn what_is_no_product_among_products_adds_nothing() {
    let event = order(
        json!({ "properties": { "revenue": null, "total": null, "products": [
        false, 0, null, "", { "product_id": "lamp", "price": 5, "quantity": "\u{200b}" },
        { "product_id": Sha256Hex::of("null").as_str(), "sku": "b", "price": 1 },
    ] } }),
    );
    let custom = &checkout().sent(&event)["custom_data"];
    let contents = json!([{ "id": "lamp", "item_price": "5" }, { "id": "b", "item_price": "1" }]);
    assert_eq!(custom["contents"], contents);
    assert_eq!((&custom["num_items"], &custom["value"]), (&json!(2), &json!("6")));
}

#[test]
fn a_bad_product_costs_only_itself() {
    let event = order(json!({ "properties": { "products": [
        { "product_id": "a", "price": null, "quantity": null, "name": null },
        { "product_id": "b", "price": "12 a piece", "quantity": 1 },
        { "product_id": "c", "price": "Infinity", "quantity": "0x1F" },
        "text",
        null,
        { "product_id": "d", "price": " ", "quantity": -1 },
        {},
    ] } }));
    let setup = checkout();
    let custom = &setup.sent(&event)["custom_data"];
    assert_eq!(
        custom["contents"],
        json!([{ "id": "a" }, { "id": "b", "quantity": 1 }, { "id": "c" }, { "id": "d" }])
    );
    assert_eq!(custom["content_ids"], json!(["a", "b", "c", "d"]));
    // One quantity is not known, so neither is the sum.
    assert_eq!(custom["num_items"], Json::Null);
    let paths: Vec<String> = setup.warnings(&event).into_iter().map(|(_, path)| path).collect();
    for path in [
        "contents[1].item_price",
        "contents[2].item_price",
        "contents[2].quantity",
    ] {
        assert!(paths.contains(&path.to_owned()), "{path}: {paths:?}");
    }
}

#[test]
fn events_of_one_product_have_contents() {
    let mut event = order(json!({ "properties": {
        "product_id": "lamp", "sku": "WR", "name": "Lamp", "price": 9.99, "quantity": 3, "category": "Light", "brand": "W",
    } }));
    event["event"] = json!("Product Added");
    let custom = &with_preset("Add to Cart").sent(&event)["custom_data"];
    assert_eq!(
        custom["contents"],
        json!([{ "id": "lamp", "item_price": "9.99", "quantity": 3, "item_name": "Lamp", "item_category": "Light", "item_brand": "W" }])
    );
    assert_eq!(
        (&custom["content_ids"], &custom["num_items"]),
        (&json!(["lamp"]), &json!(3))
    );
    assert_eq!(custom["value"], "29.97");
    event["properties"] = json!({ "sku": "WR", "price": 1 });
    let custom = &with_preset("Add to Cart").sent(&event)["custom_data"];
    assert_eq!(
        (&custom["content_ids"], &custom["num_items"]),
        (&json!(["WR"]), &Json::Null)
    );
    event["properties"] = json!({ "price": 1, "products": [] });
    assert_eq!(
        with_preset("Add to Cart").sent(&event)["custom_data"],
        json!({ "value": "1" })
    );
}

#[test]
fn the_value_is_that_of_the_order() {
    let value = |properties: Json| {
        checkout().sent(&order(json!({ "properties": properties })))["custom_data"]["value"].clone()
    };
    assert_eq!(
        value(json!({ "value": 1, "revenue": 2, "total": 3, "price": 4 })),
        "1"
    );
    assert_eq!(value(json!({ "revenue": 2, "total": 3, "price": 4 })), "2");
    assert_eq!(value(json!({ "total": 3, "price": 4 })), "3");
    assert_eq!(value(json!({ "price": 4 })), "4");
    assert_eq!(value(json!({ "value": "", "revenue": 2 })), "2");
    assert_eq!(value(json!({ "value": 0, "revenue": 2 })), "0");
    assert_eq!(value(json!({ "value": 0.1 + 0.2 })), "0.3");
    assert_eq!(value(json!({ "value": 1e-7 })), "0.0000001");
    assert_eq!(value(json!({ "value": "12.50" })), "12.5");
    assert_eq!(value(json!({ "value": "12,50 €" })), "12.5");
    assert_eq!(
        value(json!({ "value": "free", "revenue": true, "total": {} })),
        Json::Null
    );
    assert_eq!(value(json!({ "value": "free", "revenue": ["12"] })), "12");
    assert_eq!(value(json!({ "subtotal": 22, "total": 30, "tax": 3 })), "22");
    assert_eq!(
        value(json!({ "total": "€ 119,00", "tax": "€ 19,00", "shipping": "€ 4,90" })),
        "95.1"
    );
    assert_eq!(value(json!({ "total": 30, "tax": 3, "shipping": "free" })), "27");
    assert_eq!(value(json!({ "total": 2, "shipping": 5 })), "2");
    assert_eq!(value(json!({ "price": 0.1, "quantity": 3 })), "0.3");
    assert_eq!(value(json!({ "price": "19,90", "quantity": "2" })), "39.8");
    assert_eq!(value(json!({ "price": 5, "quantity": null })), "5");
    assert_eq!(value(json!({ "price": 5, "quantity": "some" })), Json::Null);
    assert_eq!(value(json!({ "price": 5, "quantity": -1 })), Json::Null);
    let products = json!([{ "price": 10, "quantity": 4 }, { "price": "5,50" }]);
    assert_eq!(value(json!({ "products": products, "price": 1 })), "45.5");
    assert_eq!(value(json!({ "products": products[0] })), "40");
    assert_eq!(
        value(json!({ "products": [{ "price": 10 }, { "quantity": 1 }] })),
        Json::Null
    );
    assert_eq!(value(json!({ "products": [] })), Json::Null);
}

#[test]
fn the_currency_is_one_of_iso_4217() {
    for (properties, currency, warnings) in [
        (json!({ "currency": "usd" }), Some("USD"), vec![]),
        (json!({ "currency": "Kč" }), Some("CZK"), vec![]),
        (
            json!({ "currency": "¥" }),
            None,
            vec!["wrong_form custom_data_2.currency"],
        ),
        (
            json!({ "currency": "BTC" }),
            None,
            vec!["wrong_form custom_data_2.currency"],
        ),
        (
            json!({ "revenue": "12,50 €", "currency": null }),
            Some("EUR"),
            vec!["currency_of_amount custom_data_2.currency"],
        ),
        (
            json!({ "revenue": "$12", "currency": null }),
            None,
            vec!["wrong_form custom_data_2.currency"],
        ),
        (
            json!({ "revenue": "€12", "currency": "XXX" }),
            Some("EUR"),
            vec![
                "wrong_form custom_data_2.currency",
                "currency_of_amount custom_data_2.currency",
            ],
        ),
        (
            json!({ "revenue": "€12", "currency": "USD" }),
            Some("USD"),
            vec!["other_currency custom_data_2.currency"],
        ),
        (
            json!({ "revenue": "free", "currency": "USD" }),
            Some("USD"),
            vec!["unreadable_amount custom_data_2.value"],
        ),
        (
            json!({ "products": [{ "price": 1 }], "currency": "USD" }),
            Some("USD"),
            vec!["value_of_products custom_data_2.value"],
        ),
    ] {
        let (setup, event) = (checkout(), order(json!({ "properties": properties })));
        let custom = setup.sent(&event)["custom_data"].clone();
        assert_eq!(custom["currency"].as_str(), currency, "{properties}");
        let mut found: Vec<String> = setup
            .warnings(&event)
            .into_iter()
            .map(|(code, path)| format!("{code} {path}"))
            .collect();
        found.retain(|warning| !warning.contains("empty_content"));
        assert_eq!(found, warnings, "{properties}");
    }
}

#[test]
fn prices_and_quantities_are_read_like_values() {
    let event = order(json!({ "properties": { "products": [
        { "product_id": "a", "price": "12,50 €", "quantity": "२", "brand_id": "wr-1" },
        { "product_id": "b", "price": "1.234,50", "quantity": "1,000" },
        { "product_id": "c", "price": "1,23,4", "quantity": "2 pcs" },
    ] } }));
    let setup = checkout().map("custom_data_2.predicted_ltv", json!("US$ 1,500"));
    let custom = &setup.sent(&event)["custom_data"];
    assert_eq!(
        custom["contents"],
        json!([
            { "id": "a", "item_price": "12.5", "quantity": 2, "item_brand_id": "wr-1" },
            { "id": "b", "item_price": "1234.5", "quantity": 1000 },
            { "id": "c" },
        ])
    );
    assert_eq!(custom["predicted_ltv"], "1500");
    let setup = checkout().map("custom_data_2.value", json!({ "@path": "$.properties.paid" }));
    let paid = |paid: &str| {
        let event = order(json!({ "properties": { "paid": paid, "revenue": 5 } }));
        setup.sent(&event)["custom_data"]["value"].clone()
    };
    assert_eq!(paid("$1,299.00"), "1299");
    // A mapped field has the one source that its mapping names.
    assert_eq!(paid("free"), Json::Null);
}

#[test]
fn a_list_that_somebody_looks_at_is_not_worth_its_sum() {
    let mut event =
        order(json!({ "properties": { "query": "lamp", "products": [{ "product_id": "a", "price": 10 }] } }));
    event["event"] = json!("Products Searched");
    assert_eq!(
        with_preset("Search").sent(&event)["custom_data"]["value"],
        Json::Null
    );
}

#[test]
fn codes_and_ids() {
    let event =
        order(json!({ "properties": { "currency": " eur", "order_id": 12_345_678_901_234_567_890_u64 } }));
    let custom = &checkout().sent(&event)["custom_data"];
    assert_eq!(
        *custom,
        json!({ "currency": "EUR", "order_id": "12345678901234567890" })
    );
    let setup = checkout().map("language", json!({ "@path": "$.properties.l" }));
    let event = order(json!({ "properties": { "currency": "Dollars", "l": "german" } }));
    assert_eq!(
        setup.warnings(&event),
        [
            warning("wrong_form", "custom_data_2.currency"),
            warning("wrong_form", "language")
        ]
    );
    let event = order(json!({ "properties": { "l": "de-AT" } }));
    assert_eq!(setup.sent(&event)["language"], "de");
}

#[test]
fn details_that_do_not_fit_are_left_out() {
    let given = json!({
        "battery_level": 101, "brand": "b".repeat(101), "cpu_cores": 8, "form_factor": "phone", "os_version": "v".repeat(101),
        "timezone_abbr": "CENTRAL", "screen_height": 411.4, "screen_width": "2400", "languages": ["en", "en-US", "x", "de"],
        "locale": "😀".repeat(35), "model": "", "carrier": null, "storage_size": -1,
    });
    let setup = checkout().map("device_info", given);
    let event = order(json!({}));
    assert_eq!(
        setup.sent(&event)["device_info"],
        json!({ "cpu_cores": 8, "screen_width": 2400, "languages": ["en", "de"], "locale": "😀".repeat(35) })
    );
    let mut found = setup.warnings(&event);
    found.sort();
    let mut expected = [
        warning("out_of_range", "device_info.battery_level"),
        warning("too_long", "device_info.brand"),
        warning("unknown_choice", "device_info.form_factor"),
        warning("too_long", "device_info.os_version"),
        warning("too_long", "device_info.timezone_abbr"),
        warning("wrong_type", "device_info.screen_height"),
        warning("wrong_form", "device_info.languages[2]"),
        warning("out_of_range", "device_info.storage_size"),
    ];
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn install_times() {
    let setup = checkout().map(
        "app_info.install_time",
        json!({ "@path": "$.properties.installed" }),
    );
    let time = |given: Json| {
        setup.sent(&order(json!({ "properties": { "installed": given } })))["app_info"]["install_time"]
            .clone()
    };
    assert_eq!(time(json!("2026-01-05T08:00:00Z")), json!(1_767_600_000));
    assert_eq!(time(json!(1_767_600_000_123_i64)), json!(1_767_600_000));
    assert_eq!(time(json!("1767600000")), json!(1_767_600_000));
    for bad in [
        json!("soon"),
        json!(-5),
        json!(true),
        json!("1950-01-01T00:00:00Z"),
    ] {
        assert_eq!(time(bad), Json::Null);
    }
}

#[test]
fn devices_of_apps() {
    let event = order(json!({ "context": {
        "app": { "id": "12", "name": "Wildrose", "namespace": "example.wildrose", "version": "4.11" },
        "os": { "name": "iPadOS", "version": "17.4" },
        "screen": { "width": 393, "height": 852, "density": 2.625 },
        "device": { "manufacturer": "Apple", "model": "iPad" },
        "network": { "wifi": true, "carrier": "O2" },
    } }));
    let setup = checkout();
    let found = setup.sent(&event);
    assert_eq!(
        found["app_info"],
        json!({ "app_id": "12", "app_name": "Wildrose", "app_package_name": "example.wildrose", "app_version": "4.11", "user_agent": "Mozilla/5.0" })
    );
    assert_eq!(
        found["device_info"],
        json!({ "brand": "Apple", "carrier": "O2", "model": "iPad", "os_family": "ios", "os_name": "iPadOS", "os_version": "17.4", "screen_height": 852, "screen_width": 393 })
    );
    assert_eq!(found["wifi"], true);
    assert_eq!(setup.warnings(&event), []);
}

#[test]
fn the_legacy_format_sends_the_flat_fields() {
    let event = order(json!({
        "properties": { "products": [{ "product_id": "a" }] },
        "context": { "os": { "version": "17" }, "device": { "manufacturer": "Apple" }, "app": { "version": "1" } },
    }));
    let found = checkout().map("data_format", json!("legacy")).sent(&event);
    assert_eq!(found["custom_data"]["contents"], json!([{ "id": "a" }]));
    assert_eq!(
        (
            &found["device_brand"],
            &found["os_version"],
            &found["app_version"]
        ),
        (&json!("Apple"), &json!("17"), &json!("1"))
    );
    assert_eq!(
        (&found["app_info"], &found["device_info"]),
        (&Json::Null, &Json::Null)
    );
}

#[test]
fn null_is_never_sent() {
    let event = order(json!({ "properties": { "currency": null, "order_id": null, "products": null } }));
    let setup = checkout()
        .map("user_data.click_id", json!(null))
        .map("user_data.partner_id", json!({ "@path": "$.x" }));
    let text = String::from_utf8(setup.result(&event).unwrap().bytes.to_vec()).unwrap();
    assert!(
        !text.contains("null") && !text.contains("[]") && !text.contains("{}"),
        "{text}"
    );
}

#[test]
fn a_broken_directive_costs_one_field() {
    let setup = checkout().map(
        "event_source_url",
        json!({ "@template": { "@path": "$.properties.n" } }),
    );
    let event = order(json!({ "properties": { "n": 5 } }));
    assert_eq!(
        setup.warnings(&event),
        [warning("mapping_failed", "event_source_url")]
    );
    assert!(setup.result(&event).is_ok());
}

#[test]
fn partner_names_are_sent_if_set() {
    let mut setup = checkout();
    setup.options.partner_name = Some("ss-acme".into());
    setup.options.np = Some("ss-acme-np".into());
    let found = setup.sent(&order(json!({})));
    assert_eq!(found["partner_name"], "ss-acme");
    assert_eq!(found["custom_data"]["np"], "ss-acme-np");
    let found = checkout().sent(&order(json!({})));
    assert_eq!(
        (&found["partner_name"], &found["custom_data"]["np"]),
        (&Json::Null, &Json::Null)
    );
}

fn both(code: &str) -> [String; 2] {
    [code.to_lowercase(), code.to_uppercase()].map(|text| Sha256Hex::of(&text).as_str().to_owned())
}

#[test]
fn an_opt_out_is_written_whatever_the_mapping_says() {
    for compat in [Compat::Vendor, Compat::Segment] {
        let mut setup = checkout()
            .map("user_data.state", json!("NY"))
            .map("user_data.country", json!(["DE", "FR"]))
            .map("custom_data_2.opt_out_type", json!("OTHER"))
            .on("CA", "US");
        setup.compat = compat;
        let found = setup.sent(&order(json!({})));
        assert_eq!(found["custom_data"]["opt_out_type"], "OTHER,LDP");
        assert_eq!(found["user_data"]["st"], json!(both("ca")));
        assert_eq!(found["user_data"]["country"], json!(both("us")));
        for (case, at) in [(LdpHashCase::Lower, 0), (LdpHashCase::Upper, 1)] {
            setup.options.ldp_hash_case = case;
            assert_eq!(
                setup.sent(&order(json!({})))["user_data"]["st"],
                json!([both("ca")[at]])
            );
        }
        setup.fields.clear();
        let found = setup.sent(&order(json!({})));
        assert_eq!(found["custom_data"]["opt_out_type"], "LDP");
    }
    assert_eq!(both("ca")[0][..8], *"69590970");
    assert_eq!(both("us")[1][..8], *"9b202ecb");
}

#[test]
fn a_mapped_opt_out_must_be_complete() {
    for compat in [Compat::Vendor, Compat::Segment] {
        let mut setup = checkout().map("custom_data_2.opt_out_type", json!("LDP"));
        setup.compat = compat;
        let event = order(json!({}));
        assert_eq!(setup.rejected(&event), "ldp_incomplete");
        setup.options.on_incomplete = OptOutPolicy::Drop;
        assert!(
            matches!(setup.prepare(&event), Prepared::Filtered(reason) if reason.code() == "ldp_incomplete")
        );
        setup.options.on_incomplete = OptOutPolicy::Send;
        assert_eq!(setup.sent(&event)["custom_data"]["opt_out_type"], "LDP");
        setup.options.on_incomplete = OptOutPolicy::Reject;
        let complete = setup
            .map("user_data.state", json!("California"))
            .map("user_data.country", json!("us"));
        let found = complete.sent(&event);
        if compat == Compat::Vendor {
            assert_eq!(found["user_data"]["st"], json!(both("ca")));
            assert_eq!(found["user_data"]["country"], json!(both("us")));
        } else {
            assert_eq!(found["user_data"]["st"], hash("california"));
        }
    }
}

#[test]
fn events_nobody_asked_for_are_filtered() {
    let mut event = order(json!({}));
    event["event"] = json!("order completed");
    assert!(
        matches!(checkout().prepare(&event), Prepared::Filtered(reason) if reason.code() == "no_trigger_matched")
    );
}

#[test]
fn hostile_events_end_soon() {
    let setup = checkout();
    for event in [
        order(json!({ "properties": { "products": vec![json!({ "product_id": "a" }); 20_000] } })),
        order(
            json!({ "properties": { "email": (0..20_000).map(|n| format!("{n}@x")).collect::<Vec<_>>() } }),
        ),
        order(json!({ "properties": { "email": "@".repeat(100_000), "phone": "0".repeat(100_000) } })),
        order(json!({ "traits": { "name": "a ".repeat(100_000), "birthday": "1".repeat(100_000) } })),
        order(json!({ "context": { "page": { "url": "?epik=%".repeat(50_000) } } })),
        order(json!({ "properties": { "value": "9".repeat(100_000), "currency": "$".repeat(100_000) } })),
    ] {
        let record = setup.result(&event).unwrap();
        serde_json::from_slice::<Json>(&record.bytes).unwrap();
    }
}
