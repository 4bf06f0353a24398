//! Segment's three TikTok destinations, each a sink for one source of events.

use signalbox_conversions::import::{Action, Destination, Import, Setting};
use signalbox_core::register_segment_import;

use crate::fields::{APP_SPEC, OFFLINE_SPEC, WEB_SPEC};

register_segment_import!("tiktok_events", IMPORT);

/// Returns the settings of a destination: its id, under Segment's and our name, and the source of its events.
#[rustfmt::skip]
const fn settings(segment: &'static str, key: &'static str, variable: &'static str, source: &'static str) -> [Setting; 4] {
    let is_valid = |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    [
        Setting::Id { segment, key, variable, is_valid, form: "letters and digits only" },
        Setting::Secret { segment: Some("accessToken"), key: "access_token", variable: "TIKTOK_ACCESS_TOKEN" },
        Setting::Own { key: "event_source", value: source, note: "" },
        Setting::Own {
            key: "compat",
            value: "segment",
            note: "\"segment\" keeps the requests as they were, but for partner_name, which named Segment as the sender; \
                   \"tiktok\" makes better ones, see docs/differences-from-segment.md",
        },
    ]
}

/// Segment's destinations, as the import reads them.
#[rustfmt::skip]
pub static IMPORT: Import = Import {
    plugin: "tiktok_events",
    destinations: &[
        Destination { name: "TikTok Conversions", known_as: "tiktokconversions", spec: &WEB_SPEC, sink: "tiktok", actions: &[Action::by_event("reportWebEvent")],
            settings: &settings("pixelCode", "pixel_code", "TIKTOK_PIXEL_CODE", "web") },
        Destination { name: "TikTok App Events", known_as: "tiktokappevents", spec: &APP_SPEC, sink: "tiktok_app", actions: &[Action::by_event("reportAppEvent")],
            settings: &settings("appID", "tiktok_app_id", "TIKTOK_APP_ID", "app") },
        Destination { name: "TikTok Offline Conversions", known_as: "tiktokofflineconversions", spec: &OFFLINE_SPEC, sink: "tiktok_offline", actions: &[Action::by_event("reportOfflineEvent")],
            settings: &settings("eventSetID", "offline_event_set_id", "TIKTOK_OFFLINE_EVENT_SET_ID", "offline") },
    ],
};
