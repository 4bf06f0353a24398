//! Transforms: an event passes, is filtered or rejected with a reason; pure and idempotent as far as they claim.

use serde_json::{Value, json};
use signalbox_core::{BuildContext, Side, Transform, TransformConfig};
use signalbox_testkit::contract::transform::{Claims, check};

/// The transforms that this file checks.
pub(super) const CHECKED: [&str; 6] = [
    "filter",
    "geo_ip",
    "hash_pii",
    "limited_data_processing",
    "map",
    "rate_limit",
];

/// A transform as a pipeline file would build it.
fn build(plugin: &str, mut settings: Value, place: Side) -> Box<dyn Transform> {
    settings["type"] = plugin.into();
    let config: Box<dyn TransformConfig> = serde_json::from_value(settings).unwrap();
    let context = BuildContext {
        name: "under_test".into(),
        place,
    };
    config.build(&context).unwrap().component
}

#[test]
fn filter() {
    for invert in [false, true] {
        let settings = json!({ "trigger": "type = \"track\"", "invert": invert });
        check(
            "filter",
            Claims::default(),
            |place| build("filter", settings.clone(), place),
            &[],
        );
    }
}

#[test]
fn geo_ip() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("country.mmdb");
    let record = json!({ "country": { "iso_code": "US" }, "subdivisions": [{ "iso_code": "CA" }] });
    std::fs::write(
        &path,
        signalbox_testkit::mmdb("City", &[("203.0.113.0/24", record)]),
    )
    .unwrap();
    let from_us = r#"{"type":"track","event":"E","context":{"ip":"203.0.113.7"}}"#;
    let placed = r#"{"type":"track","event":"E","context":{"ip":"203.0.113.7","location":"home"}}"#;
    check(
        "geo_ip",
        Claims::default(),
        |place| build("geo_ip", json!({ "database": path }), place),
        &[from_us, placed],
    );
}

#[test]
fn hash_pii() {
    for rules in ["pinterest", "segment"] {
        let settings = json!({ "rules": rules, "paths": { "properties.email": "email" } });
        check(
            "hash_pii",
            Claims::default(),
            |place| build("hash_pii", settings.clone(), place),
            &[],
        );
    }
}

#[test]
fn limited_data_processing() {
    let opted_out = r#"{"type":"track","event":"E","properties":{"do_not_sell":true,"address":{"state":"CA","country":"US"}}}"#;
    let nowhere = r#"{"type":"track","event":"E","properties":{"do_not_sell":true}}"#;
    for on_incomplete in ["reject", "send", "drop"] {
        let settings = json!({
            "opted_out": [{ "path": "properties.do_not_sell" }, { "consent_category": "ads" }],
            "on_incomplete": on_incomplete,
        });
        let build = |place| build("limited_data_processing", settings.clone(), place);
        check(
            "limited_data_processing",
            Claims::default(),
            build,
            &[opted_out, nowhere],
        );
    }
}

#[test]
fn map() {
    let merged = json!({
        "fields": { "properties.value": { "@path": "$.properties.total" } }, "remove": ["context.ip"],
    });
    check(
        "map",
        Claims::default(),
        |place| build("map", merged.clone(), place),
        &[],
    );
    // A mapping that reads its own output gives another result the second time.
    let replaced = json!({
        "mode": "replace",
        "fields": { "type": "track", "event": "E", "properties": { "before": { "@path": "$.properties" } } },
    });
    let claims = Claims {
        idempotent: false,
        ..Claims::default()
    };
    check("map", claims, |place| build("map", replaced.clone(), place), &[]);
}

/// The limiter counts events, so earlier events decide.
#[test]
fn rate_limit() {
    let claims = Claims {
        pure: false,
        idempotent: false,
    };
    for on_exceeded in [None, Some("drop")] {
        let mut settings = json!({ "limit": 2, "per": "hour", "key": "{{ userId }}" });
        if let Some(on_exceeded) = on_exceeded {
            settings["on_exceeded"] = on_exceeded.into();
        }
        check(
            "rate_limit",
            claims,
            |place| build("rate_limit", settings.clone(), place),
            &[],
        );
    }
}
