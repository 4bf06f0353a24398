//! Settings, good and bad.

use serde_json::json;

use crate::{build, config};

const URL: &str = "https://example.com/secret-in-path";

#[test]
fn every_setting_that_does_not_fit_is_told_without_its_value() {
    let settings = json!({
        "url": "ftp://ada:secret@example.com",
        "probe_url": "secret",
        "headers": {
            "no name": "secret",
            "Content-Length": "secret",
            "x-token": "secret\n",
            "X-Twice": "secret",
            "x-twice": "secret",
        },
        "retry_statuses": [200, 404],
        "hold_statuses": [404, 404],
        "connect_timeout": "0s",
    });
    let errors = build(settings).err().unwrap();
    let paths: Vec<&str> = errors.iter().map(|error| &*error.path).collect();
    assert_eq!(
        paths,
        [
            "url",
            "probe_url",
            "headers.Content-Length",
            "headers.no name",
            "headers.x-token",
            "headers.x-twice",
            "retry_statuses.0",
            "hold_statuses.0",
            "connect_timeout",
        ]
    );
    for error in errors {
        assert!(!format!("{error:?}").contains("secret"), "{error}");
    }
}

#[test]
fn a_proxy_that_is_none_is_told() {
    let errors = build(json!({ "url": URL, "proxy": "secret" })).err().unwrap();
    assert_eq!(errors[0].path, "proxy");
    assert!(!errors[0].message.contains("secret"));
}

#[test]
fn unknown_settings_are_errors() {
    let error = config(json!({ "url": URL, "retries": 3 })).unwrap_err();
    assert!(error.to_string().contains("unknown field `retries`"), "{error}");
}

#[test]
fn debug_output_shows_no_secret() {
    let settings = json!({
        "url": URL,
        "headers": { "authorization": "Bearer secret" },
        "proxy": "http://ada:secret@example.com",
        "probe_url": URL,
    });
    let shown = format!("{:?}", config(settings).unwrap());
    assert!(!shown.contains("secret"), "{shown}");
}

#[test]
fn single_mode_means_one_event_a_request() {
    let defaults = |mode| config(json!({ "url": URL, "mode": mode })).unwrap().defaults();
    assert_eq!(defaults("batch").max_events, 100);
    assert_eq!(
        (
            defaults("single").max_events,
            defaults("single").max_events_ceiling
        ),
        (1, 1)
    );
}
