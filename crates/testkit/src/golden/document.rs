//! Parts of the documentation that tests generate.

use std::path::Path;

use signalbox_conversions::Spec;

use super::vendor::GoldenVendor;

/// Holds that a file has this text between two markers. With `UPDATE_DOCS=1` it writes it there.
///
/// # Panics
/// If the file lacks the markers, or the text between them is out of date.
pub fn generated(file: &Path, begin: &str, end: &str, wanted: &str) {
    let read = std::fs::read_to_string(file).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
    let parts = read
        .split_once(begin)
        .and_then(|(before, rest)| Some((before, rest.split_once(end)?)));
    let Some((before, (found, after))) = parts else {
        panic!("{} has no lines {begin:?} and {end:?}", file.display());
    };
    if found != wanted && std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(file, format!("{before}{begin}{wanted}{end}{after}")).unwrap();
    } else {
        assert!(
            found == wanted,
            "{} is out of date; run the tests once with UPDATE_DOCS=1",
            file.display()
        );
    }
}

/// Holds that the vendor's README has the reference of the field table and the presets, between the lines
/// `<!-- begin of the generated reference -->` and `<!-- end of the generated reference -->`. With `UPDATE_DOCS=1` it
/// writes it there.
///
/// # Panics
/// If the reference is missing or out of date.
pub fn reference<G: GoldenVendor>(spec: &Spec) {
    reference_of::<G>(spec, "");
}

/// Does the same for one of a vendor's several tables, whose `name` ends the words of both lines:
/// `<!-- begin of the generated reference of app -->`.
///
/// # Panics
/// As [`reference()`].
pub fn named_reference<G: GoldenVendor>(spec: &Spec, name: &str) {
    reference_of::<G>(spec, &format!(" of {name}"));
}

fn reference_of<G: GoldenVendor>(spec: &Spec, name: &str) {
    generated(
        &Path::new(G::ROOT).join("README.md"),
        &format!("<!-- begin of the generated reference{name} -->\n"),
        &format!("<!-- end of the generated reference{name} -->"),
        &signalbox_conversions::reference(spec),
    );
}
