//! Files under watch: what another program does to them while the history has them open, or between two searches.
//!
//! SQLite notices neither the deletion nor the overwriting of an open file, and goes on with its cache. The history therefore
//! compares identity, length and time of change of a file with those after its own last write. It never opens the file for
//! that: closing a second descriptor would release SQLite's locks.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// Identity, length and time of change of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    file: (u64, u64),
    len: u64,
    changed: (i64, i64),
}

/// The state of a file, compared with that after the last write of this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Same,
    /// The file was deleted, or another one has its place.
    Gone,
    /// Another program wrote it.
    Changed,
}

/// A file under watch.
#[derive(Debug)]
pub(crate) struct Watched {
    path: PathBuf,
    stamp: Option<Stamp>,
}

impl Watched {
    /// Begins to watch a file as it is now.
    pub(crate) fn new(path: PathBuf) -> Watched {
        Watched {
            stamp: read(&path).unwrap_or_default(),
            path,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Compares the file with its state after the last write. A folder that cannot be read counts as no change.
    pub(crate) fn state(&self) -> State {
        match (self.stamp, read(&self.path)) {
            (Some(_), Ok(None)) => State::Gone,
            (Some(before), Ok(Some(now))) if before.file != now.file => State::Gone,
            (before, Ok(now)) if before != now => State::Changed,
            _ => State::Same,
        }
    }

    /// Accepts the present state of the file.
    pub(crate) fn accept(&mut self) {
        self.stamp = read(&self.path).unwrap_or(self.stamp);
    }

    /// Runs a write of this process. A change by another program before it stays noticeable.
    pub(crate) fn write<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let is_ours = self.state() == State::Same;
        let done = work();
        if is_ours {
            self.accept();
        }
        done
    }
}

fn read(path: &Path) -> io::Result<Option<Stamp>> {
    match fs::metadata(path) {
        Ok(meta) => Ok(Some(Stamp {
            file: (meta.dev(), meta.ino()),
            len: meta.len(),
            changed: (meta.mtime(), meta.mtime_nsec()),
        })),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deeds_of_others_are_noticed_and_own_writes_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, "one").unwrap();
        let mut watched = Watched::new(path.clone());
        assert_eq!(watched.state(), State::Same);
        watched.write(|| fs::write(&path, "two more").unwrap());
        assert_eq!(watched.state(), State::Same);
        fs::write(&path, "another").unwrap();
        assert_eq!(watched.state(), State::Changed);
        watched.write(|| fs::write(&path, "ours").unwrap());
        assert_eq!(watched.state(), State::Changed, "an own write hides no other");
        watched.accept();
        assert_eq!(watched.state(), State::Same);
        fs::write(folder.path().join("new"), "ours").unwrap();
        fs::rename(folder.path().join("new"), &path).unwrap();
        assert_eq!(watched.state(), State::Gone, "another file has its place");
        fs::remove_file(&path).unwrap();
        assert_eq!(watched.state(), State::Gone);
        watched.accept();
        assert_eq!(watched.state(), State::Same);
    }
}
