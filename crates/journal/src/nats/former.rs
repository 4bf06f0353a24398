//! The lock of the cache folder, and the ids of the router's earlier processes that it proves to have ended.
//!
//! A process writes its id into the file while it holds the lock. The operating system lets go of the lock when the process
//! dies, however it dies. So all processes whose ids the next holder finds are gone, and it may take their leases over at
//! once.

use std::fs::{File, TryLockError};
use std::io::{Error, ErrorKind, Read, Seek, Write};
use std::path::Path;
use std::sync::Arc;

use crate::JournalError;
use crate::fs::{make_folder, private};

/// The number of ids that the file keeps.
const KEPT: usize = 16;

/// The lock, held while it lives.
pub(crate) struct Former {
    #[expect(dead_code, reason = "open is held")]
    file: File,
    /// The ids of earlier processes.
    pub(crate) ended: Arc<[Arc<str>]>,
}

/// Makes the folder if it is missing, takes its lock and adds the id of this process.
///
/// # Errors
/// [`JournalError`] if another process holds the lock, or the folder cannot be used.
pub(crate) fn lock(folder: &Path, start: &str) -> Result<Former, JournalError> {
    make_folder(folder).map_err(|error| told(folder, &error))?;
    let file = private().create(true).truncate(false).open(folder.join("LOCK"));
    let mut file = file.map_err(|error| told(folder, &error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            return Err(JournalError(format!(
                "{}: another process uses the journal's cache. Give each router on this machine its own journal.cache \
                 and its own journal.cluster.node",
                folder.display()
            )));
        }
        Err(TryLockError::Error(error)) => return Err(told(folder, &error)),
    }
    let mut text = String::new();
    // Damaged text proves nothing. The router then waits like any other for the leases of its earlier process.
    if file.read_to_string(&mut text).is_err() {
        text.clear();
    }
    let ended: Vec<Arc<str>> = text.lines().map(Arc::from).collect();
    let kept = ended.len().saturating_sub(KEPT - 1);
    let mut lines: Vec<&str> = ended[kept..].iter().map(|id| &**id).collect();
    lines.push(start);
    match write(&mut file, &lines.join("\n")) {
        // A router that finds its disk full still delivers.
        Err(error) if !matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {
            Err(told(folder, &error))
        }
        _ => Ok(Former {
            file,
            ended: ended.into(),
        }),
    }
}

fn write(file: &mut File, text: &str) -> Result<(), Error> {
    file.rewind()?;
    file.write_all(text.as_bytes())?;
    file.set_len(text.len() as u64)
}

fn told(folder: &Path, error: &Error) -> JournalError {
    JournalError(format!(
        "{}: the journal's cache folder cannot be used: {error}; let the user that the router runs as write there, or set \
         journal.cache to another folder",
        folder.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lock_tells_which_processes_have_ended() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache");
        let first = lock(&path, "start 0").unwrap();
        assert!(first.ended.is_empty());
        let error = lock(&path, "start 1").err().unwrap().to_string();
        assert!(error.contains("another process uses"), "{error}");
        drop(first);
        for n in 1..40 {
            let former = lock(&path, &format!("start {n}")).unwrap();
            assert!(former.ended.len() <= KEPT);
            assert_eq!(former.ended.last().unwrap().as_ref(), format!("start {}", n - 1));
        }
        std::fs::write(path.join("LOCK"), [0xff, 0xfe]).unwrap();
        assert!(lock(&path, "start 40").unwrap().ended.is_empty());
        assert_eq!(&*lock(&path, "start 41").unwrap().ended, ["start 40".into()]);
    }
}
