//! The files on the way of an event, as docs/ARCHITECTURE.md lists them.

use std::collections::BTreeSet;
use std::path::Path;

/// The most files that an event may pass.
const MOST: usize = 70;

/// The paths of a text: those in backticks that end in `.rs`, with `{a, b}` expanded.
fn paths(text: &str) -> Vec<String> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted
        .filter(|path| path.ends_with(".rs"))
        .flat_map(|path| match path.split_once('{') {
            None => vec![path.to_owned()],
            Some((folder, rest)) => {
                let (names, end) = rest.split_once('}').expect("a closing brace");
                let names = names.split(',').map(str::trim);
                names.map(|name| format!("{folder}{name}{end}")).collect()
            }
        })
        .collect()
}

#[test]
fn an_event_passes_at_most_70_files_and_the_guide_names_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let guide = std::fs::read_to_string(root.join("docs/ARCHITECTURE.md")).expect("the guide");
    let (_, rest) = guide.split_once("### The files on the way").expect("the section");
    let (section, _) = rest.split_once("\n## ").expect("a section after it");
    let listed = paths(section);
    let missing: Vec<&String> = listed.iter().filter(|path| !root.join(path).is_file()).collect();
    assert!(missing.is_empty(), "the guide names no file: {missing:?}");
    let distinct: BTreeSet<&String> = listed.iter().collect();
    assert!(
        (40..=MOST).contains(&distinct.len()),
        "{} files on the way of an event; at most {MOST}",
        distinct.len()
    );
}
