//! The guard around every call into the store, which may panic on metadata that the disk has altered.

use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use crate::JournalError;

/// The reason why a file cannot be used.
#[derive(Debug)]
pub(crate) enum Trouble {
    /// The content differs from the bytes written. Trying again does not help.
    Broken(String),
    /// The system refused: too many files, no permission, an I/O error.
    Refused(String),
    /// The disk is full.
    Full(String),
    /// A newer version of this program wrote it. This one must neither read nor change it.
    Newer(String),
}

impl Trouble {
    pub(crate) fn text(&self) -> &str {
        match self {
            Trouble::Broken(text) | Trouble::Refused(text) | Trouble::Full(text) | Trouble::Newer(text) => {
                text
            }
        }
    }

    /// The sentence for people.
    pub(crate) fn at(&self, path: &Path) -> JournalError {
        JournalError(format!("{}: {}", path.display(), self.text()))
    }
}

/// Calls into the store. A panic means a broken file; everything the closure owns is dropped with it.
pub(crate) fn guarded<T>(call: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, Trouble> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(classify(error)),
        Err(_) => Err(Trouble::Broken("the store panicked on its content".into())),
    }
}

fn classify(error: redb::Error) -> Trouble {
    match error {
        redb::Error::Io(error) => io(&error),
        redb::Error::DatabaseAlreadyOpen => Trouble::Refused("it is in use; trying again".into()),
        redb::Error::PreviousIo | redb::Error::LockPoisoned(_) | redb::Error::DatabaseClosed => {
            Trouble::Refused(format!("an earlier write failed: {error}"))
        }
        redb::Error::UpgradeRequired(version) => newer("store", version.into(), None),
        error => Trouble::Broken(error.to_string()),
    }
}

/// Makes the error for a file of an unknown format version; `reads` is the newest version that this program reads.
pub(crate) fn newer(what: &str, version: u32, reads: Option<u32>) -> Trouble {
    let reads = reads.map_or_else(String::new, |reads| format!(", this one reads {reads}"));
    newer_with(&format!("{what} format {version}{reads}"))
}

/// Makes the error for a file that has something which this program does not know.
pub(crate) fn newer_with(what: &str) -> Trouble {
    Trouble::Newer(format!(
        "written by a newer version of Signalbox ({what}), and left as it is; use that version, or set journal.path to \
         another folder"
    ))
}

/// Returns false if the disk did not deliver the bytes: an unreadable place holds nothing, whereas a system that refuses
/// to read may do so later.
pub(crate) fn delivered(read: std::io::Result<()>) -> Result<bool, Trouble> {
    match read.map_err(|error| io(&error)) {
        Ok(()) => Ok(true),
        Err(Trouble::Broken(_)) => Ok(false),
        Err(refused) => Err(refused),
    }
}

pub(crate) fn io(error: &std::io::Error) -> Trouble {
    // EIO: a place on the disk that does not answer; asking again seldom helps, the rest of the file may be read.
    if error.raw_os_error() == Some(5) {
        return Trouble::Broken(error.to_string());
    }
    match error.kind() {
        ErrorKind::NotFound => Trouble::Broken(format!("it is gone ({error})")),
        ErrorKind::UnexpectedEof | ErrorKind::InvalidData | ErrorKind::InvalidInput => {
            Trouble::Broken(error.to_string())
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Trouble::Full(format!(
            "the disk is full ({error}); free space or move journal.path"
        )),
        ErrorKind::ReadOnlyFilesystem => Trouble::Refused(format!(
            "the file system is read-only ({error}); the journal must be able to write"
        )),
        _ => Trouble::Refused(error.to_string()),
    }
}
