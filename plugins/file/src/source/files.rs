//! The inputs of a source, found at its start.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use signalbox_core::StartError;

/// The files that `path` names.
#[derive(Debug)]
pub(super) struct Files {
    /// Sorted by name.
    pub(super) paths: Vec<String>,
    /// True if `path` names one input, rather than a folder or a pattern.
    pub(super) single: bool,
}

/// Finds the files. One that `path` names itself need not exist yet: opening it tells the error.
pub(super) fn find(path: &str) -> Result<Files, StartError> {
    let failed = |problem: &str| StartError(format!("cannot read `{path}`: {problem}; check `path`"));
    let found = signalbox_inputs::find(Path::new(path)).map_err(|error| failed(&error.to_string()))?;
    let names = found
        .paths
        .into_iter()
        .map(|path| path.into_os_string().into_string());
    let paths: Result<Vec<String>, _> = names.collect();
    Ok(Files {
        paths: paths.map_err(|_| failed("the name of a file is not UTF-8"))?,
        single: found.single,
    })
}

impl Files {
    /// Returns device and inode of each file that is there.
    pub(super) fn inodes(&self) -> BTreeSet<(u64, u64)> {
        let found = self.paths.iter().filter_map(|path| fs::metadata(path).ok());
        found.map(|metadata| (metadata.dev(), metadata.ino())).collect()
    }
}
