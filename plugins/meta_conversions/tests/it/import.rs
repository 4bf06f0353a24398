//! A destination of Segment's becomes a table of the pipeline file that makes the same records.

use serde_json::{Value as Json, json};
use signalbox_conversions::Compat;
use signalbox_core::Imported;
use signalbox_meta_conversions::{IMPORT, SEGMENT_SPEC};
use signalbox_testkit::golden::GoldenImport;

use crate::support::MetaCases;

const META: GoldenImport = GoldenImport {
    import: &IMPORT,
    ids: &[("pixelId", "1203948576120394")],
    token: None,
    settings: "",
};

#[test]
fn the_golden_cases_make_the_same_records() {
    META.check(&MetaCases);
}

fn imported(json: &Json) -> Imported {
    let mut sinks = IMPORT.run(&json.to_string()).unwrap().sinks;
    assert_eq!(sinks.len(), 1, "{sinks:?}");
    sinks.remove(0)
}

#[test]
fn actions_become_presets_of_either_generation() {
    let subscription = |slug: &str, sync_mode: Option<&str>| {
        let preset = IMPORT.destinations[0]
            .actions
            .iter()
            .find(|action| action.slug == slug);
        let preset = SEGMENT_SPEC.preset(preset.unwrap().preset.unwrap()).unwrap();
        let mut mapping = SEGMENT_SPEC.default_mapping(Some(preset), Compat::Segment);
        mapping.insert("action_source".into(), json!("website"));
        mapping.extend(sync_mode.map(|mode| ("__segment_internal_sync_mode".to_owned(), json!(mode))));
        json!({ "name": slug, "actionSlug": slug, "settings": mapping,
                "trigger": preset.trigger().unwrap_or_else(|| "type = \"track\"".to_owned()) })
    };
    let destination = json!({
        "metadata": { "slug": "actions-facebook-conversions-api" },
        "settings": { "pixelId": "1203948576120394", "testEventCode": "TEST1" },
        "subscriptions": [
            subscription("purchase2", Some("add")),
            subscription("custom", None),
            subscription("pageView2", Some("delete")),
            { "name": "audience", "actionSlug": "sync", "trigger": "type = \"track\"", "settings": {} },
        ],
    });
    let Imported { toml, notes, .. } = imported(&destination);
    let expected = r#"[sinks.meta]
type = "meta_conversions"
inputs = ["segment"] # the name of your source
pixel_id = "1203948576120394"
access_token = "${META_ACCESS_TOKEN}"
compat = "segment"
presets = "none"

[[sinks.meta.mappings]]
name = "purchase2"
preset = "Purchase"
[sinks.meta.mappings.fields]
action_source = "website"

[[sinks.meta.mappings]]
name = "custom"
preset = "Custom Event"
trigger = "type = \"track\""
[sinks.meta.mappings.fields]
action_source = "website"

[[sinks.meta.mappings]]
name = "pageView2"
preset = "Page View"
[sinks.meta.mappings.fields]
action_source = "website"
__segment_internal_sync_mode = "delete"
"#;
    assert_eq!(toml, expected);
    META.sink(&toml);
    for told in [
        "access_token: Segment's settings hold none, since it sends with a token of its own; put the token into the \
         environment variable META_ACCESS_TOKEN",
        "settings.testEventCode: not carried over; Meta counts test events",
        "\"audience\": its action \"sync\" has no counterpart here; left out",
    ] {
        assert!(notes.iter().any(|note| note.contains(told)), "{told}\n{notes:#?}");
    }
}

#[test]
fn other_destinations_of_the_vendor_are_none() {
    for name in [
        "Facebook Pixel",
        "Facebook Custom Audiences (Actions)",
        "facebook-offline-conversions",
    ] {
        let destination =
            json!({ "metadata": { "name": name }, "settings": { "pixelId": "1203948576120394" } });
        assert!(IMPORT.run(&destination.to_string()).is_err(), "{name}");
    }
}
