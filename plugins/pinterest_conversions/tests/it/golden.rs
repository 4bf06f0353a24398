//! The golden cases, and the documentation that follows from them and from the tables.

use signalbox_pinterest_conversions::SPEC;
use signalbox_testkit::golden;

use crate::support::PinterestCases;

#[test]
fn pinterest_vectors() {
    golden::vectors(&PinterestCases);
}

#[test]
fn pinterest_extra_vectors_are_reported() {
    golden::extra_vectors(&PinterestCases);
}

#[test]
fn every_difference_from_segment_is_a_row() {
    golden::differences(&PinterestCases);
}

#[test]
fn the_tables_are_well_formed() {
    golden::tables(&SPEC);
}

#[test]
fn the_readme_holds_the_reference() {
    golden::reference::<PinterestCases>(&SPEC);
}

#[test]
fn personal_values_leave_as_hashes_only() {
    golden::personal_values(&PinterestCases, &[], &["directive/", "multi_user/"]);
}
