//! Whole requests and the keys of objects.

use super::*;

#[test]
fn a_minimal_event_passes() {
    assert_eq!(judge(&minimal()), Judged::Fine);
}

#[test]
fn every_property_of_the_description_passes() {
    let event = r#"{
        "event_name": "app_install", "action_source": "app_ios", "event_time": 1772442122, "event_id": "e1",
        "event_source_url": "https://shop.example/", "opt_out": true, "partner_name": "ss-signalbox",
        "advertiser_tracking_enabled": false, "language": "en", "wifi": true,
        "app_id": "1", "app_name": "n", "app_version": "1", "device_brand": "b", "device_carrier": "c",
        "device_model": "m", "device_type": "t", "os_version": "1",
        "user_data": {
            "em": [H], "ph": [H], "ge": [H], "db": [H], "ln": [H], "fn": [H], "ct": [H],
            "st": [H, H], "zp": [H], "country": [H], "external_id": [H], "hashed_maids": [H],
            "client_ip_address": "2001:db8::1", "client_user_agent": "UA", "click_id": "c", "partner_id": "p"
        },
        "custom_data": {
            "currency": "USD", "value": "129.5", "content_ids": ["1", "2"], "num_items": 3, "order_id": "o",
            "contents": [{ "id": "1", "item_price": "12.50", "quantity": 2, "item_name": "n", "item_category": "c",
                "item_brand": "b", "item_brand_id": "b1" }, {}],
            "search_string": "s", "opt_out_type": "LDP", "content_name": "n",
            "content_category": "c", "content_brand": "b", "predicted_ltv": "-1e2", "np": "ss-signalbox",
            "external_measurement_id": "m", "external_measurement_vendor_id": 7
        },
        "app_info": {
            "app_id": "1", "app_name": "n", "app_package_name": "p", "app_store": "s", "app_version": "1",
            "install_time": 0, "user_agent": "UA", "window_height": 0, "window_width": 30720
        },
        "device_info": {
            "battery_level": 100, "brand": "b", "carrier": "c", "cpu_cores": 1152,
            "external_storage_free_space": 1048576, "external_storage_size": 0, "form_factor": "tv",
            "kernel_version": "6", "languages": ["en", "DE"], "locale": "en-US", "model": "m",
            "network_type": "cellular_6g", "os_family": "bsd", "os_name": "n", "os_release_name": "r",
            "os_version": "1", "screen_density": 100000, "screen_height": 1, "screen_width": 1,
            "storage_free_space": 1, "storage_size": 1, "timezone": "Europe/Berlin", "timezone_abbr": "CEST",
            "type": "t"
        }
    }"#
    .replace("H]", &format!("\"{HASH}\"]"))
    .replace("[H,", &format!("[\"{HASH}\","));
    assert_eq!(judge_text(&event, Rules::default()), Judged::Fine);
}

#[test]
fn the_envelope() {
    for text in [
        "",
        "{",
        "nonsense",
        "{\"data\":[}",
        "{\"data\":[]} x",
        "\u{feff}{}",
    ] {
        assert_eq!(request(text), "The request body is not valid JSON.", "{text}");
    }
    assert_eq!(
        body(b"{\"data\":[\"\xff\"]}", Rules::default())
            .unwrap_err()
            .events,
        0
    );
    assert_eq!(
        request("[]"),
        "the request body is of type array, expected object"
    );
    assert_eq!(request("{}"), "'data' is a required property");
    assert_eq!(
        request(r#"{"data":{}}"#),
        "'data' is of type object, expected array"
    );
    assert_eq!(
        request(r#"{"data":null}"#),
        "'data' is of type null, expected array"
    );
    assert_eq!(
        request(r#"{"data":[1],"data":[1]}"#),
        "'data' is given more than once"
    );
    assert_eq!(
        request(r#"{"data":[],"test":true}"#),
        "Additional properties are not allowed ('test' was unexpected)"
    );
    assert_eq!(
        request(r#"{"data":[7]}"#),
        "'data[0]' is of type integer, expected object"
    );
}

#[test]
fn one_to_a_thousand_events() {
    let many = |count: usize| format!("{{\"data\":[{}]}}", vec![minimal().to_string(); count].join(","));
    assert_eq!(body(many(1000).as_bytes(), Rules::default()).unwrap().len(), 1000);
    assert_eq!(request(&many(0)), "'data' must hold 1 to 1000 events, not 0");
    let refusal = body(many(1001).as_bytes(), Rules::default()).unwrap_err();
    assert_eq!(refusal.events, 1001);
    assert_eq!(refusal.message, "'data' must hold 1 to 1000 events, not 1001");
}

#[test]
fn unknown_keys_are_refused_in_every_object() {
    let message = "Additional properties are not allowed ('x' was unexpected)";
    refused(&with(&["x"], json!(1)), message);
    for object in ["user_data", "custom_data", "app_info", "device_info"] {
        refused(&with(&[object, "x"], json!(1)), message);
    }
    refused(
        &with(&["custom_data", "contents"], json!([{}, { "x": null }])),
        message,
    );
    let long = "k".repeat(1000);
    let Judged::Refused(text) = judge(&with(&[&long], json!(1))) else {
        panic!("taken")
    };
    assert!(text.len() < 200);
}

#[test]
fn the_unlisted_property_is_taken_unless_strict() {
    let strict = Rules {
        strict_openapi: true,
        ..Rules::default()
    };
    let event = with(&["advertiser_tracking_enabled"], json!(true));
    assert_eq!(judge(&event), Judged::Fine);
    assert_eq!(
        judge_text(&event.to_string(), strict),
        Judged::Refused(unexpected("advertiser_tracking_enabled"))
    );
    let brand = with(&["custom_data", "contents"], json!([{ "item_brand_id": "b" }]));
    for event in [minimal(), brand] {
        assert_eq!(judge_text(&event.to_string(), strict), Judged::Fine);
    }
}

#[test]
fn a_property_can_be_made_unexpected() {
    let rules = Rules {
        unexpected_property: Some("value"),
        ..Rules::default()
    };
    let event = with(&["custom_data", "value"], json!("1"));
    assert_eq!(
        judge_text(&event.to_string(), rules),
        Judged::Refused(unexpected("value"))
    );
    assert_eq!(judge_text(&minimal().to_string(), rules), Judged::Fine);
}

#[test]
fn required_keys() {
    for name in [
        "event_name",
        "action_source",
        "event_time",
        "event_id",
        "user_data",
    ] {
        refused(
            &without(name),
            &format!("'{name}' is a required property of 'data[0]'"),
        );
    }
}

#[test]
fn a_key_given_twice_is_refused() {
    let event = minimal().to_string().replacen('{', "{\"event_id\":\"e0\",", 1);
    assert_eq!(
        judge_text(&event, Rules::default()),
        Judged::Refused("'data[0].event_id' is given more than once".to_owned())
    );
}

#[test]
fn half_a_surrogate_pair_is_no_text() {
    let event = minimal().to_string().replace("\"e1\"", r#""a\ud83db""#);
    assert_eq!(
        judge_text(&event, Rules::default()),
        Judged::Refused("'data[0].event_id' is not Unicode text".to_owned())
    );
}

#[test]
fn depth_is_refused_by_type_without_descending() {
    let deep = format!("{}{}", "[".repeat(500_000), "]".repeat(500_000));
    let event = minimal().to_string().replace("\"e1\"", &deep);
    assert_eq!(
        judge_text(&event, Rules::default()),
        Judged::Refused("'data[0].event_id' is of type array, expected string".to_owned())
    );
}
