//! The files of a folder.

use std::path::{Path, PathBuf};

/// Lists the files below a folder, sorted.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let (mut folders, mut files) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let to = if path.is_dir() { &mut folders } else { &mut files };
            to.push(path);
        }
    }
    files.sort();
    files
}

/// Reads the files below a folder, in the order of their names.
pub(crate) fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let read = |path: PathBuf| {
        let bytes = std::fs::read(&path).unwrap();
        (path, bytes)
    };
    files_below(folder).into_iter().map(read).collect()
}

/// Lists the files of events in a journal's folder, the oldest first.
pub(crate) fn frames(folder: &Path) -> Vec<PathBuf> {
    let is_frames = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy();
        name.starts_with("frames-") && name.ends_with(".bin")
    };
    files_below(folder).into_iter().filter(is_frames).collect()
}
