//! The reference in the README is generated from the field table and the presets: `UPDATE_DOCS=1` writes it anew.

use signalbox_conversions::reference;
use signalbox_pinterest_conversions::SPEC;

const BEGIN: &str = "<!-- begin of the generated reference -->\n";
const END: &str = "<!-- end of the generated reference -->";

#[test]
fn the_readme_holds_the_reference() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let readme = std::fs::read_to_string(file).unwrap();
    let (before, rest) = readme.split_once(BEGIN).unwrap();
    let (found, after) = rest.split_once(END).unwrap();
    let wanted = reference(&SPEC);
    if found != wanted && std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(file, format!("{before}{BEGIN}{wanted}{END}{after}")).unwrap();
    } else {
        assert!(
            found == wanted,
            "the README's reference is out of date; run the tests once with UPDATE_DOCS=1"
        );
    }
}
