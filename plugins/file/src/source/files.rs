//! Finding the files that `path` names: one file, the files of a folder, or the matches of a pattern.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use glob::{MatchOptions, Pattern, glob_with};
use signalbox_core::StartError;

/// The inputs of a source, found at its start.
#[derive(Debug)]
pub(super) struct Files {
    /// Sorted by name.
    pub(super) paths: Vec<String>,
    /// True if `path` names one input, rather than a folder or a pattern.
    pub(super) single: bool,
}

/// Finds the files. One that `path` names itself need not exist yet: opening it tells the error.
pub(super) fn find(path: &str) -> Result<Files, StartError> {
    let failed = |problem: String| StartError(format!("cannot read `{path}`: {problem}; check `path`"));
    let metadata = (path != "-").then(|| fs::metadata(path));
    let is_folder = matches!(&metadata, Some(Ok(found)) if found.is_dir());
    let is_pattern = matches!(&metadata, Some(Err(_))) && path.contains(['*', '?', '[']);
    if !is_folder && !is_pattern {
        return Ok(Files {
            paths: vec![path.to_owned()],
            single: true,
        });
    }
    let pattern = if is_folder {
        // A folder that cannot be listed would look like an empty one.
        fs::read_dir(path).map_err(|error| failed(error.to_string()))?;
        Path::new(&Pattern::escape(path))
            .join("*")
            .to_string_lossy()
            .into_owned()
    } else {
        path.to_owned()
    };
    let options = MatchOptions {
        require_literal_separator: true,
        require_literal_leading_dot: true,
        ..MatchOptions::new()
    };
    let mut paths = Vec::new();
    for found in glob_with(&pattern, options).map_err(|error| failed(error.to_string()))? {
        let found = found.map_err(|error| failed(error.to_string()))?;
        if found.is_file() {
            let name = found
                .to_str()
                .ok_or_else(|| failed("the name of a file is not UTF-8".into()))?;
            paths.push(name.to_owned());
        }
    }
    if paths.is_empty() && is_pattern {
        return Err(failed("no file fits this pattern".into()));
    }
    paths.sort();
    Ok(Files { paths, single: false })
}

impl Files {
    /// Returns device and inode of each file that is there.
    pub(super) fn inodes(&self) -> BTreeSet<(u64, u64)> {
        let found = self.paths.iter().filter_map(|path| fs::metadata(path).ok());
        found.map(|metadata| (metadata.dev(), metadata.ino())).collect()
    }
}
