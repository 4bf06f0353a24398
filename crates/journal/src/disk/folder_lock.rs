//! The lock of the folder: one router uses a journal at a time.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use crate::JournalError;
use crate::fs::{folder_error, make_folder, private, warn_if_exposed};
use crate::halt::Cause;

/// Held while the journal is open; the operating system lets go of it when the process dies, however it dies.
pub(crate) struct Lock(#[expect(dead_code, reason = "open is held")] File);

/// Makes the folder if need be and takes its lock.
pub(crate) fn open(path: &Path) -> Result<Lock, JournalError> {
    make_folder(path).map_err(|error| folder_error(path, "cannot be made", &error))?;
    let lock = path.join("LOCK");
    let file = private().create(true).truncate(false).open(&lock);
    let mut file = file.map_err(|error| folder_error(path, "cannot be written to", &error))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            let holder = match holder.trim() {
                "" => "another process".to_owned(),
                pid => format!("process {pid}"),
            };
            return Err(JournalError(format!(
                "{}: the journal is in use by {holder}. One router at a time: stop it, or ask the running one \
                 through its admin address, or give each its own journal.path",
                path.display()
            )));
        }
        Err(TryLockError::Error(error)) => return Err(folder_error(path, "cannot be locked", &error)),
    }
    // Informative only; the lock counts.
    let pid = std::process::id().to_string();
    let written = file.rewind().and_then(|()| file.write_all(pid.as_bytes()));
    let written = written.and_then(|()| file.set_len(pid.len() as u64));
    match written {
        // A router that finds its disk full still delivers the events it has.
        Err(error) if Cause::of(&error) != Cause::Full => {
            return Err(folder_error(path, "cannot be written to", &error));
        }
        _ => {}
    }
    warn_if_exposed(path);
    Ok(Lock(file))
}
