//! Segment's Pinterest destination.

use signalbox_conversions::import::{Action, Destination, Import, Setting};
use signalbox_conversions::settings::AccountId;
use signalbox_core::register_segment_import;

use crate::config::DIGITS;
use crate::fields::SPEC;

register_segment_import!("pinterest_conversions", IMPORT);

/// Segment's destination, as the import reads it.
pub static IMPORT: Import = Import {
    plugin: "pinterest_conversions",
    destinations: &[Destination {
        name: "Pinterest Conversions API",
        known_as: "pinterest",
        spec: &SPEC,
        sink: "pinterest",
        actions: &[Action::by_event("reportConversionEvent")],
        settings: &[
            Setting::Id {
                segment: "ad_account_id",
                key: "ad_account_id",
                variable: "PINTEREST_AD_ACCOUNT_ID",
                is_valid: |id| AccountId(id.to_owned()).has_digits(DIGITS),
                form: "1 to 18 digits",
            },
            Setting::Secret {
                segment: Some("conversion_token"),
                key: "conversion_token",
                variable: "PINTEREST_TOKEN",
            },
            Setting::Own {
                key: "compat",
                value: "segment",
                note: "\"segment\" keeps the requests as they were, but for partner_name and np, which named Segment as the \
                       sender; \"pinterest\" makes better ones, see docs/differences-from-segment.md",
            },
        ],
    }],
};
