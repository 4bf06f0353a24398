//! Values within their types.

use super::*;

#[test]
fn names_and_sources_and_lists_fail_the_event() {
    for (path, value, start) in [
        (
            &["event_name"][..],
            "purchase",
            "'event_name' is not one of add_payment_info, ",
        ),
        (&["event_name"], "Checkout", "'event_name' is not one of "),
        (
            &["action_source"],
            "app",
            "'action_source' is not one of app_android, app_ios, web, offline",
        ),
        (
            &["device_info", "form_factor"],
            "phone",
            "'device_info.form_factor' is not one of ",
        ),
        (
            &["device_info", "network_type"],
            "4g",
            "'device_info.network_type' is not one of ",
        ),
        (
            &["device_info", "os_family"],
            "iOS",
            "'device_info.os_family' is not one of ",
        ),
    ] {
        let judged = judge(&with(path, json!(value)));
        assert!(
            matches!(&judged, Judged::Failed(text) if text.starts_with(start)),
            "{path:?} {judged:?}"
        );
    }
}

#[test]
fn ranges_fail_the_event_just_beyond_their_ends() {
    for (object, name, most) in [
        ("app_info", "window_height", 30_720_i64),
        ("app_info", "window_width", 30_720),
        ("device_info", "battery_level", 100),
        ("device_info", "cpu_cores", 1152),
        ("device_info", "external_storage_free_space", 1_048_576),
        ("device_info", "external_storage_size", 1_048_576),
        ("device_info", "screen_density", 100_000),
        ("device_info", "screen_height", 30_720),
        ("device_info", "screen_width", 30_720),
        ("device_info", "storage_free_space", 1_048_576),
        ("device_info", "storage_size", 1_048_576),
    ] {
        assert_eq!(judge(&with(&[object, name], json!(most))), Judged::Fine);
        for beyond in [-1, most + 1] {
            failed(
                &with(&[object, name], json!(beyond)),
                &format!("'{object}.{name}' is not between 0 and {most}"),
            );
        }
    }
    assert!(matches!(
        judge(&with(&["app_info", "install_time"], json!(-1))),
        Judged::Failed(_)
    ));
}

#[test]
fn lengths_count_characters() {
    for (object, name, most) in [
        ("app_info", "app_id", 200),
        ("app_info", "app_name", 200),
        ("app_info", "app_package_name", 200),
        ("app_info", "app_store", 100),
        ("app_info", "app_version", 100),
        ("app_info", "user_agent", 16_384),
        ("device_info", "brand", 100),
        ("device_info", "carrier", 100),
        ("device_info", "kernel_version", 100),
        ("device_info", "locale", 35),
        ("device_info", "model", 100),
        ("device_info", "os_name", 100),
        ("device_info", "os_release_name", 100),
        ("device_info", "os_version", 100),
        ("device_info", "timezone", 40),
        ("device_info", "timezone_abbr", 5),
        ("device_info", "type", 100),
    ] {
        assert_eq!(
            judge(&with(&[object, name], json!("é".repeat(most)))),
            Judged::Fine
        );
        failed(
            &with(&[object, name], json!("a".repeat(most + 1))),
            &format!("'{object}.{name}' is longer than {most} characters"),
        );
    }
    failed(
        &with(
            &["custom_data", "contents"],
            json!([{ "item_brand_id": "b".repeat(65) }]),
        ),
        "'custom_data.contents[0].item_brand_id' is longer than 64 characters",
    );
    assert_eq!(
        judge(&with(&["device_info", "languages"], json!(vec!["en"; 100]))),
        Judged::Fine
    );
    failed(
        &with(&["device_info", "languages"], json!(vec!["en"; 101])),
        "'device_info.languages' holds more than 100 items",
    );
}

#[test]
fn contents_of_strings() {
    failed(
        &with(&["custom_data", "value"], json!("$12")),
        "'custom_data.value' does not hold a number",
    );
    failed(
        &with(&["custom_data", "predicted_ltv"], json!("")),
        "'custom_data.predicted_ltv' does not hold a number",
    );
    failed(
        &with(&["custom_data", "contents"], json!([{ "item_price": "1,5" }])),
        "'custom_data.contents[0].item_price' does not hold a number",
    );
    failed(
        &with(&["custom_data", "currency"], json!("840")),
        "'custom_data.currency' is not an ISO-4217 currency code",
    );
    failed(
        &with(&["language"], json!("en-US")),
        "'language' is not a two-letter ISO-639-1 language code",
    );
    failed(
        &with(&["device_info", "languages"], json!(["en", "eng"])),
        "'device_info.languages[1]' is not a two-letter ISO-639-1 language code",
    );
    failed(
        &with(&["user_data", "client_ip_address"], json!("nowhere")),
        "'user_data.client_ip_address' is not an IPv4 or IPv6 address",
    );
    failed(
        &with(&["partner_name"], json!("Segment")),
        "'partner_name' is not a lowercase name of the form ss-<name>",
    );
}

#[test]
fn what_is_not_hashed_is_taken_with_pinterests_warning() {
    let warned = |path: &[&str], value: Value| judge(&with(path, value));
    assert_eq!(
        warned(&["user_data", "external_id"], json!([HASH, "user-7", "user-8"])),
        Judged::Warned("'external_id' is not in sha256 hashed format".to_owned())
    );
    let names = [
        "em",
        "ph",
        "ge",
        "db",
        "ln",
        "fn",
        "ct",
        "st",
        "zp",
        "country",
        "external_id",
        "hashed_maids",
    ];
    for name in names {
        let judged = warned(&["user_data", name], json!([HASH.to_uppercase()]));
        assert_eq!(
            judged,
            Judged::Warned(format!("'{name}' is not in sha256 hashed format"))
        );
    }
}

#[test]
fn messages_are_few_and_hold_no_values() {
    let mut event = with(&["device_info", "languages"], json!(vec!["ivy.marsh"; 5000]));
    event["event_name"] = json!("ivy.marsh");
    event["user_data"] = json!({ "em": ["ivy.marsh@example.com"], "client_ip_address": "ivy.marsh" });
    let Judged::Failed(message) = judge(&event) else {
        panic!("taken")
    };
    assert!(!message.contains("ivy"), "{message}");
    assert!(message.len() < 2000);
}
