//! Finding the files that a path names: one file, the files of a folder, or the matches of a pattern.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use glob::{GlobError, MatchOptions, PatternError, glob_with};

/// The path that stands for standard input.
const STDIN: &str = "-";

/// The files that a path names.
#[derive(Debug, PartialEq, Eq)]
pub struct Files {
    /// Sorted by name.
    pub paths: Vec<PathBuf>,
    /// True if the path names one input, rather than a folder or a pattern.
    pub single: bool,
}

/// The reason why no files were found.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// The system refuses to list a folder.
    #[error(transparent)]
    Folder(#[from] io::Error),
    /// The system refuses to list a folder on the way of a pattern.
    #[error(transparent)]
    OnTheWay(#[from] GlobError),
    /// The pattern breaks the rules of patterns.
    #[error("no pattern: {0}")]
    Pattern(#[from] PatternError),
    /// No file fits the pattern.
    #[error("no file fits this pattern")]
    NoMatch,
}

/// Finds the files. One that `path` names itself need not exist: opening it tells the error. `-` is standard input. Of a
/// folder, the files directly in it count. Folders and patterns leave out hidden files, whose names begin with a dot.
///
/// # Errors
/// [`FindError`] for a folder that cannot be listed, and for a pattern that is wrong or that no file fits.
pub fn find(path: &Path) -> Result<Files, FindError> {
    let metadata = (path.as_os_str() != STDIN).then(|| fs::metadata(path));
    let is_folder = matches!(&metadata, Some(Ok(found)) if found.is_dir());
    let pattern = path.to_str().filter(|text| text.contains(['*', '?', '[']));
    let pattern = pattern.filter(|_| matches!(metadata, Some(Err(_))));
    let mut paths = match pattern {
        Some(pattern) => matches(pattern)?,
        None if is_folder => within(path)?,
        None => {
            return Ok(Files {
                paths: vec![path.to_owned()],
                single: true,
            });
        }
    };
    paths.sort();
    Ok(Files { paths, single: false })
}

/// Lists the files that fit a pattern.
fn matches(pattern: &str) -> Result<Vec<PathBuf>, FindError> {
    let options = MatchOptions {
        require_literal_separator: true,
        require_literal_leading_dot: true,
        ..MatchOptions::new()
    };
    let mut paths = Vec::new();
    for found in glob_with(pattern, options)? {
        paths.push(found?);
    }
    paths.retain(|path| path.is_file());
    if paths.is_empty() {
        return Err(FindError::NoMatch);
    }
    Ok(paths)
}

/// Lists the files directly in a folder.
fn within(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        if !is_hidden && entry.path().is_file() {
            paths.push(entry.path());
        }
    }
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_one_file_a_folder_or_a_pattern() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["b.json", "a.json", ".hidden.json", "c.txt", "[x].json"] {
            fs::write(path(name), "").unwrap();
        }
        fs::create_dir(path("deeper")).unwrap();
        fs::write(path("deeper/d.json"), "").unwrap();
        for (named, found) in [
            ("", &["[x].json", "a.json", "b.json", "c.txt"][..]),
            ("*.json", &["[x].json", "a.json", "b.json"]),
            ("*/*.json", &["deeper/d.json"]),
            ("[ab].json", &["a.json", "b.json"]),
        ] {
            let files = find(&path(named)).unwrap_or_else(|error| panic!("{named}: {error}"));
            let found: Vec<PathBuf> = found.iter().map(|name| path(name)).collect();
            assert_eq!((files.paths, files.single), (found, false), "{named}");
        }
        for named in [path("a.json"), path("[x].json"), path("none.json"), "-".into()] {
            let files = find(&named).unwrap();
            assert_eq!((files.paths, files.single), (vec![named], true));
        }
        assert!(matches!(find(&path("*.csv")), Err(FindError::NoMatch)));
        assert!(matches!(find(&path("***")), Err(FindError::Pattern(_))));
    }
}
