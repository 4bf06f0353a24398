//! The file names every plugin shares, so that a reader of one finds their way in the next.

use std::path::{Path, PathBuf};

/// The plugins and where their files differ from the rule, with the reason.
const EXCEPTIONS: [(&str, &str, &str); 0] = [];

fn plugins() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins");
    let mut folders: Vec<_> = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}
