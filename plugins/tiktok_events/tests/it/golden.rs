//! The golden cases, and the documentation that follows from them and from the tables.

use signalbox_testkit::golden;
use signalbox_tiktok_events::{APP_SPEC, OFFLINE_SPEC, WEB_SPEC};

use crate::support::TikTokCases;

#[test]
fn tiktok_vectors() {
    golden::vectors(&TikTokCases);
}

#[test]
fn the_tables_are_well_formed() {
    for spec in [&WEB_SPEC, &APP_SPEC, &OFFLINE_SPEC] {
        golden::tables(spec);
    }
}

#[test]
fn the_readme_holds_the_references() {
    for (spec, name) in [(&WEB_SPEC, "web"), (&APP_SPEC, "app"), (&OFFLINE_SPEC, "offline")] {
        golden::named_reference::<TikTokCases>(spec, name);
    }
}

#[test]
fn personal_values_leave_as_hashes_only() {
    // TikTok takes these as they are.
    let plain = ["advertisingId", "city", "state", "country"];
    golden::personal_values(&TikTokCases, &plain, &["directive/", "place/numbers", "vehicle/"]);
}

#[test]
fn differences_are_documented() {
    golden::differences(&TikTokCases);
}
