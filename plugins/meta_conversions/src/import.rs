//! Segment's Meta destination, whose actions stand for one conversion each.

use signalbox_conversions::import::{Action, Destination, Import, Setting};
use signalbox_conversions::settings::AccountId;
use signalbox_core::register_segment_import;

use crate::config::DIGITS;
use crate::fields::SEGMENT_SPEC;

register_segment_import!("meta_conversions", IMPORT);

/// Segment's destination, as the import reads it.
pub static IMPORT: Import = Import {
    plugin: "meta_conversions",
    destinations: &[Destination {
        name: "Facebook Conversions API (Actions)",
        known_as: "facebookconversionsapi",
        spec: &SEGMENT_SPEC,
        sink: "meta",
        actions: &[
            Action::of_preset("purchase", "Purchase"),
            Action::of_preset("initiateCheckout", "Initiate Checkout"),
            Action::of_preset("addToCart", "Add to Cart"),
            Action::of_preset("viewContent", "View Content"),
            Action::of_preset("search", "Search"),
            Action::of_preset("pageView", "Page View"),
            Action::of_preset("custom", "Custom Event"),
            // The second generation, which sends the same.
            Action::of_preset("purchase2", "Purchase"),
            Action::of_preset("initiateCheckout2", "Initiate Checkout"),
            Action::of_preset("addToCart2", "Add to Cart"),
            Action::of_preset("viewContent2", "View Content"),
            Action::of_preset("search2", "Search"),
            Action::of_preset("pageView2", "Page View"),
            Action::of_preset("custom2", "Custom Event"),
        ],
        settings: &[
            Setting::Id {
                segment: "pixelId",
                key: "pixel_id",
                variable: "META_PIXEL_ID",
                is_valid: |id| AccountId(id.to_owned()).has_digits(DIGITS),
                form: "5 to 20 digits",
            },
            Setting::Secret {
                segment: None,
                key: "access_token",
                variable: "META_ACCESS_TOKEN",
            },
            Setting::LeftOut {
                segment: "testEventCode",
                why: "Meta counts test events like any others; for a test, set test_event_code and test_events_count = true",
            },
            Setting::Own {
                key: "compat",
                value: "segment",
                note: "\"segment\" keeps the events as they were; \"meta\" makes better ones, see \
                       docs/differences-from-segment.md",
            },
        ],
    }],
};
