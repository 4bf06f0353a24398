//! The tables in docs/sources-of-fields.md are generated from the tables of the vendors.

use std::path::Path;

use signalbox_conversions::{Spec, sources_table};
use signalbox_testkit::golden::generated;

const VENDORS: [(&str, &Spec); 5] = [
    ("pinterest_conversions", &signalbox_pinterest_conversions::SPEC),
    ("meta_conversions", &signalbox_meta_conversions::SPEC),
    ("tiktok_events: web", &signalbox_tiktok_events::WEB_SPEC),
    ("tiktok_events: app", &signalbox_tiktok_events::APP_SPEC),
    ("tiktok_events: offline", &signalbox_tiktok_events::OFFLINE_SPEC),
];

#[test]
fn the_page_lists_the_sources_of_every_field() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/sources-of-fields.md");
    let tables = VENDORS.map(|(name, spec)| format!("\n## `{name}`\n\n{}", sources_table(spec)));
    generated(
        &page,
        "<!-- generated: sources -->\n",
        "<!-- end of sources -->",
        &tables.concat(),
    );
}
