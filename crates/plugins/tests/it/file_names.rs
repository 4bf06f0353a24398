//! The file names all plugins share, so that a reader of one knows where to look in the next.

use std::path::{Path, PathBuf};

/// The main file of a plugin, by the kind of its component. A plugin of two kinds has a folder for each.
const KINDS: [&str; 3] = ["source", "sink", "transform"];

/// Names a main file or a file of reasons must not have.
const OTHER_NAMES: [&str; 2] = ["reject.rs", "destination.rs"];

fn plugins() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins");
    let entries = std::fs::read_dir(root).expect("the folder of plugins");
    entries
        .map(|entry| entry.expect("an entry of the folder").path())
        .filter(|path| path.join("Cargo.toml").is_file())
        .collect()
}

/// Returns how the files of a plugin differ from the rule, one line each.
fn faults(plugin: &Path) -> Vec<String> {
    let src = plugin.join("src");
    let mut required = vec![src.join("lib.rs")];
    let mut misnamed = Vec::new();
    let mut kinds = 0;
    for kind in KINDS {
        let folder = src.join(kind).join("mod.rs").is_file();
        if !folder && !src.join(format!("{kind}.rs")).is_file() {
            continue;
        }
        kinds += 1;
        let home = if folder { src.join(kind) } else { src.clone() };
        required.push(home.join("config.rs"));
        // A source refuses requests, not events, so it needs no reasons.
        if kind != "source" {
            required.push(home.join("reasons.rs"));
        }
        misnamed.extend(OTHER_NAMES.map(|name| home.join(name)));
    }
    let missing = required.iter().filter(|path| !path.is_file());
    let mut faults: Vec<_> = missing
        .map(|path| format!("{} is missing", path.display()))
        .collect();
    let misnamed = misnamed.iter().filter(|path| path.exists());
    faults.extend(misnamed.map(|path| format!("{} has a name no plugin uses", path.display())));
    if kinds == 0 {
        faults.push(format!(
            "{} has no source.rs, sink.rs or transform.rs",
            src.display()
        ));
    }
    faults
}

#[test]
fn every_plugin_has_the_same_file_names() {
    let plugins = plugins();
    assert!(!plugins.is_empty());
    for plugin in plugins {
        let faults = faults(&plugin);
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }
}
