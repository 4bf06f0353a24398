//! Destinations of Segment's become tables of the pipeline file that make the same records.

use serde_json::json;
use signalbox_core::Imports;
use signalbox_testkit::golden::GoldenImport;
use signalbox_tiktok_events::IMPORT;

use crate::support::TikTokCases;

const TIKTOK: GoldenImport = GoldenImport {
    import: &IMPORT,
    ids: &[
        ("pixelCode", "C4WILDROSE0HOME00001"),
        ("appID", "7123456789012345678"),
        ("eventSetID", "7198765432109876543"),
    ],
    token: Some("accessToken"),
    settings: "partner_name = \"Segment\"",
};

#[test]
fn the_golden_cases_make_the_same_records() {
    TIKTOK.check(&TikTokCases);
}

#[test]
fn three_destinations_of_one_text_become_three_sinks() {
    let destination = |id: &str, slug: &str, setting: &str| json!({ "id": id, "metadata": { "slug": slug }, "settings": { setting: "71", "accessToken": "zq-secret" } });
    let subscription = |of: &str, slug: &str| {
        json!({ "name": slug, "actionSlug": slug, "destinationId": of, "trigger": "type = \"track\"",
                "settings": { "event": "Download" } })
    };
    let text = json!({ "data": {
        "destinations": [
            destination("d1", "actions-tiktok-offline-conversions", "eventSetID"),
            destination("d2", "tiktok-conversions", "pixelCode"),
            destination("d3", "tiktok-app-events", "appID"),
            destination("d4", "actions-tiktok-audiences", "advertiser_ids"),
        ],
        "subscriptions": [
            subscription("d2", "reportWebEvent"),
            subscription("d1", "trackPaymentOfflineConversion"),
        ],
    } });
    let Imports { sinks, others, .. } = IMPORT.run(&text.to_string()).unwrap();
    assert_eq!(others, ["the destination \"actions-tiktok-audiences\""]);
    let heads: Vec<String> = sinks
        .iter()
        .map(|sink| {
            sink.toml
                .split("compat")
                .next()
                .unwrap_or_default()
                .replace("inputs = [\"segment\"] # the name of your source\n", "")
        })
        .collect();
    let head = |sink: &str, id: &str, source: &str| {
        format!(
            "[sinks.{sink}]\ntype = \"tiktok_events\"\n{id} = \"71\"\naccess_token = \"${{TIKTOK_ACCESS_TOKEN}}\"\n\
             event_source = \"{source}\"\n"
        )
    };
    assert_eq!(
        heads,
        [
            head("tiktok_offline", "offline_event_set_id", "offline"),
            head("tiktok", "pixel_code", "web"),
            head("tiktok_app", "tiktok_app_id", "app"),
        ]
    );
    let told = "its action \"trackPaymentOfflineConversion\" has no counterpart here; left out";
    assert!(
        sinks[0].notes.iter().any(|note| note.contains(told)),
        "{sinks:#?}"
    );
    for sink in &sinks {
        TIKTOK.sink(&sink.toml);
    }
}
