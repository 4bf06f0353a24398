//! The mark of a journal whose contents were copied into another one. A router that opened it all the same would deliver them
//! a second time.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use super::DiskJournal;
use crate::JournalError;
use crate::fs::{folder_error, private, sync_folder};

const FILE: &str = "MOVED";

impl DiskJournal {
    /// Marks the journal of a folder, so that it is not opened any more. `to` says where its contents are.
    ///
    /// # Errors
    /// [`JournalError`] if the mark cannot be written.
    pub fn mark_moved(folder: &Path, to: &str) -> Result<(), JournalError> {
        write(folder, to).map_err(|error| folder_error(folder, "cannot be written to", &error))
    }

    /// Reads the mark; `None` without one.
    ///
    /// # Errors
    /// [`JournalError`] if it cannot be read.
    pub fn moved(folder: &Path) -> Result<Option<String>, JournalError> {
        match fs::read(folder.join(FILE)) {
            Ok(text) => Ok(Some(String::from_utf8_lossy(&text).trim().to_owned())),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
            Err(error) => Err(folder_error(folder, "cannot be read", &error)),
        }
    }
}

fn write(folder: &Path, to: &str) -> std::io::Result<()> {
    let draft = folder.join(format!("{FILE}.draft"));
    let mut file = private().create(true).truncate(true).open(&draft)?;
    file.write_all(format!("{to}\n").as_bytes())?;
    file.sync_all()?;
    fs::rename(draft, folder.join(FILE))?;
    sync_folder(folder)
}

/// Refuses a folder with the mark.
pub(super) fn refuse(folder: &Path) -> Result<(), JournalError> {
    let Some(to) = DiskJournal::moved(folder)? else {
        return Ok(());
    };
    let path = folder.display();
    Err(JournalError(format!(
        "{path}: the contents of this journal were moved to {to}; run with the pipeline file of that journal. If they shall be \
         delivered from here again, delete the file {FILE} in the folder"
    )))
}
