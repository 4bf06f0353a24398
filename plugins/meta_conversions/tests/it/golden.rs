//! The golden cases, and the documentation that follows from them and from the tables.

use signalbox_meta_conversions::{SEGMENT_SPEC, SPEC};
use signalbox_testkit::golden;

use crate::support::MetaCases;

#[test]
fn meta_vectors() {
    golden::vectors(&MetaCases);
}

#[test]
fn the_tables_are_well_formed() {
    golden::tables(&SPEC);
    golden::tables(&SEGMENT_SPEC);
}

#[test]
fn the_readme_holds_the_reference() {
    golden::reference::<MetaCases>(&SPEC);
}

#[test]
fn personal_values_leave_as_hashes_only() {
    // Meta takes the advertising id as it is.
    golden::personal_values(&MetaCases, &["advertisingId"], &["directive/"]);
}

#[test]
fn differences_are_documented() {
    golden::differences(&MetaCases);
}
