//! Compares the open files with those at their paths. A script, a container's clean-up or a person may delete or
//! replace the folder or a file while the router runs, and anything written to a deleted file is lost when the process
//! ends.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use crate::mutex::lock;

/// A path and the file that was there when it was noted.
#[derive(Debug, Clone)]
pub(super) struct WatchedFile {
    path: PathBuf,
    /// The device and the inode of that file.
    was: Option<(u64, u64)>,
}

impl WatchedFile {
    pub(super) fn new(path: PathBuf) -> WatchedFile {
        let there = fs::metadata(&path).ok();
        let was = there.map(|there| (there.dev(), there.ino()));
        WatchedFile { path, was }
    }

    /// Tells if another file, or none, is there now. A system that does not say is given the benefit of the doubt: a
    /// file that cannot be reached cannot be written either, and the failed write is reported.
    pub(super) fn gone(&self) -> Option<String> {
        let was = self.was?;
        let path = self.path.display();
        match fs::metadata(&self.path) {
            Ok(there) if (there.dev(), there.ino()) == was => None,
            Ok(_) => Some(format!("{path} was replaced while the router ran")),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                Some(format!("{path} was deleted or moved while the router ran"))
            }
            Err(_) => None,
        }
    }
}

/// The folder, its lock and its state.
#[derive(Debug)]
pub(crate) struct Watch {
    folder: WatchedFile,
    lock: WatchedFile,
    state: Mutex<Option<WatchedFile>>,
}

impl Watch {
    pub(crate) fn new(folder: &Path) -> Watch {
        Watch {
            folder: WatchedFile::new(folder.to_owned()),
            lock: WatchedFile::new(folder.join("LOCK")),
            state: Mutex::default(),
        }
    }

    /// Notes that the state was opened, perhaps as a new file.
    pub(crate) fn note_state(&self, path: &Path) {
        *lock(&self.state) = Some(WatchedFile::new(path.to_owned()));
    }

    /// Tells if the folder is not the one that was opened.
    pub(super) fn folder_gone(&self) -> Option<String> {
        self.folder.gone()
    }

    /// Names the first of the watched files that is not the one that was opened.
    pub(crate) fn gone(&self) -> Option<String> {
        let state = lock(&self.state).clone();
        let files = [Some(&self.lock), state.as_ref()];
        self.folder
            .gone()
            .or_else(|| files.into_iter().flatten().find_map(WatchedFile::gone))
    }
}

/// The sentence for operators about a deleted or replaced file.
pub(crate) fn explain(gone: &str) -> String {
    format!(
        "{gone}. Events are refused until a restart; those acknowledged before are delivered as far as they can still be \
         read. Stop the router (SIGTERM), then put the journal's folder back from where it was moved, or start without it"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_deleted_moved_or_replaced_is_told() {
        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join("journal");
        let make = || {
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("LOCK"), "").unwrap();
            fs::write(folder.join("state.redb"), "").unwrap();
            let watch = Watch::new(&folder);
            watch.note_state(&folder.join("state.redb"));
            assert_eq!(watch.gone(), None);
            watch
        };
        let watch = make();
        fs::write(folder.join("state.new"), "").unwrap();
        fs::rename(folder.join("state.new"), folder.join("state.redb")).unwrap();
        assert!(watch.gone().unwrap().contains("state.redb was replaced"));
        watch.note_state(&folder.join("state.redb"));
        assert_eq!(watch.gone(), None);
        fs::remove_file(folder.join("LOCK")).unwrap();
        assert!(watch.gone().unwrap().contains("LOCK was deleted"));
        assert_eq!(watch.folder_gone(), None);
        fs::rename(&folder, base.path().join("elsewhere")).unwrap();
        assert!(watch.gone().unwrap().contains("journal was deleted or moved"));
        make();
        assert!(watch.folder_gone().unwrap().contains("journal was replaced"));
    }
}
