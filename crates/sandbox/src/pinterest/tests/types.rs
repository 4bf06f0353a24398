//! JSON types.

use super::*;

#[test]
fn wrong_types_refuse_the_request_and_name_the_path() {
    for (path, value, message) in [
        (
            &["event_name"][..],
            json!(1),
            "'data[0].event_name' is of type integer, expected string",
        ),
        (
            &["action_source"],
            json!(["web"]),
            "'data[0].action_source' is of type array, expected string",
        ),
        (
            &["event_id"],
            json!(1),
            "'data[0].event_id' is of type integer, expected string",
        ),
        (
            &["event_time"],
            json!("1"),
            "'data[0].event_time' is of type string, expected integer",
        ),
        (
            &["event_time"],
            json!(1.5),
            "'data[0].event_time' is of type number, expected integer",
        ),
        (
            &["event_time"],
            json!(1.0),
            "'data[0].event_time' is of type number, expected integer",
        ),
        (
            &["opt_out"],
            json!("true"),
            "'data[0].opt_out' is of type string, expected boolean",
        ),
        (
            &["wifi"],
            json!(1),
            "'data[0].wifi' is of type integer, expected boolean",
        ),
        (
            &["user_data"],
            json!([]),
            "'data[0].user_data' is of type array, expected object",
        ),
        (
            &["user_data", "em"],
            json!(HASH),
            "'data[0].user_data.em' is of type string, expected array",
        ),
        (
            &["user_data", "ph"],
            json!([HASH, 1]),
            "'data[0].user_data.ph[1]' is of type integer, expected string",
        ),
        (
            &["custom_data", "value"],
            json!(1.5),
            "'data[0].custom_data.value' is of type number, expected string",
        ),
        (
            &["custom_data", "num_items"],
            json!("1"),
            "'data[0].custom_data.num_items' is of type string, expected integer",
        ),
        (
            &["custom_data", "contents"],
            json!([{}, { "quantity": 1.0 }]),
            "'data[0].custom_data.contents[1].quantity' is of type number, expected integer",
        ),
        (
            &["custom_data", "contents"],
            json!({}),
            "'data[0].custom_data.contents' is of type object, expected array",
        ),
        (
            &["device_info", "languages"],
            json!("en"),
            "'data[0].device_info.languages' is of type string, expected array",
        ),
    ] {
        refused(&with(path, value), message);
    }
}

#[test]
fn null_only_where_the_description_allows_it() {
    for (object, names) in [
        (
            None,
            &[
                "event_source_url",
                "partner_name",
                "language",
                "app_id",
                "app_name",
                "app_version",
                "device_brand",
                "device_carrier",
                "device_model",
                "device_type",
                "os_version",
            ][..],
        ),
        (Some("user_data"), &["click_id", "partner_id"]),
        (
            Some("custom_data"),
            &[
                "currency",
                "value",
                "order_id",
                "search_string",
                "opt_out_type",
                "content_name",
                "content_category",
                "content_brand",
                "predicted_ltv",
                "np",
                "external_measurement_id",
                "external_measurement_vendor_id",
            ],
        ),
    ] {
        for name in names {
            let path: Vec<&str> = object.into_iter().chain([*name]).collect();
            assert_eq!(judge(&with(&path, Value::Null)), Judged::Fine, "{path:?}");
        }
    }
    for path in [
        &["event_name"][..],
        &["event_id"],
        &["event_time"],
        &["opt_out"],
        &["wifi"],
        &["advertiser_tracking_enabled"],
        &["user_data"],
        &["custom_data"],
        &["app_info"],
        &["device_info"],
        &["user_data", "em"],
        &["user_data", "client_ip_address"],
        &["user_data", "client_user_agent"],
        &["custom_data", "content_ids"],
        &["custom_data", "contents"],
        &["custom_data", "num_items"],
        &["app_info", "app_id"],
        &["device_info", "model"],
        &["device_info", "languages"],
    ] {
        let judged = judge(&with(path, Value::Null));
        assert!(
            matches!(&judged, Judged::Refused(text) if text.contains("of type null")),
            "{path:?} {judged:?}"
        );
    }
}

#[test]
fn integers_are_judged_by_their_digits() {
    let event = |number: &str| minimal().to_string().replace("1772442122", number);
    for fine in ["0", "-1", "9223372036854775807", "-9223372036854775808"] {
        assert_eq!(judge_text(&event(fine), Rules::default()), Judged::Fine, "{fine}");
    }
    for far in [
        "9223372036854775808",
        "-9223372036854775809",
        "18446744073709551616",
        "123456789012345678901234",
    ] {
        let judged = judge_text(&event(far), Rules::default());
        assert!(matches!(&judged, Judged::Failed(text) if text.starts_with("'event_time' is not between")));
    }
    for not in ["1e9", "1772442122.0", "-0.0", "1e400"] {
        assert!(
            matches!(judge_text(&event(not), Rules::default()), Judged::Refused(_)),
            "{not}"
        );
    }
}
