//! The journal's identity: a random id in a small file beside the events, made with the journal. A program that asks a
//! running router for its id can tell if the router has this folder open, which the program itself cannot open
//! meanwhile.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use crate::JournalError;
use crate::fs::{folder_error, private, sync_folder};
use crate::halt::Cause;

const FILE: &str = "ID";

/// Reads the id of a folder's journal; `None` if there is no file, or it does not hold an id.
///
/// # Errors
/// The system's error if the file cannot be read.
pub(super) fn read(folder: &Path) -> std::io::Result<Option<String>> {
    let bytes = match fs::read(folder.join(FILE)) {
        Ok(bytes) => bytes,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    let text = String::from_utf8(bytes).unwrap_or_default();
    let id = text.trim();
    let whole = id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    Ok(whole.then(|| id.to_owned()))
}

/// Reads the id, or makes one if it is missing. On a full disk the new id lasts for this process only: deliveries do
/// not need it.
pub(super) fn read_or_make(folder: &Path) -> Result<String, JournalError> {
    if let Some(id) = read(folder).map_err(|error| folder_error(folder, "cannot be read", &error))? {
        return Ok(id);
    }
    let id = uuid::Uuid::new_v4().simple().to_string();
    match write(folder, &id) {
        Ok(()) => Ok(id),
        Err(error) if Cause::of(&error) == Cause::Full => {
            tracing::warn!(folder = %folder.display(), "no room for the journal's id: the next start makes one");
            Ok(id)
        }
        Err(error) => Err(folder_error(folder, "cannot be written to", &error)),
    }
}

fn write(folder: &Path, id: &str) -> std::io::Result<()> {
    let draft = folder.join(format!("{FILE}.draft"));
    let mut file = private().create(true).truncate(true).open(&draft)?;
    file.write_all(format!("{id}\n").as_bytes())?;
    file.sync_all()?;
    fs::rename(draft, folder.join(FILE))?;
    sync_folder(folder)
}

/// True if a folder holds a journal: a state, or events.
pub(super) fn is_journal(folder: &Path) -> Result<bool, JournalError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(false);
        }
        Err(error) => return Err(folder_error(folder, "cannot be read", &error)),
    };
    for entry in entries {
        let entry = entry.map_err(|error| folder_error(folder, "cannot be read", &error))?;
        let name = entry.file_name();
        if name == "state.redb" || name.to_string_lossy().starts_with("frames-") {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_made_once_and_only_for_the_owner() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()).unwrap(), None);
        let id = read_or_make(folder.path()).unwrap();
        assert_eq!(read_or_make(folder.path()).unwrap(), id);
        assert_eq!(read(folder.path()).unwrap(), Some(id.clone()));
        let mode = fs::metadata(folder.path().join(FILE))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        // An id that a crash cut short, or that was damaged, is made anew.
        fs::write(folder.path().join(FILE), &id[..7]).unwrap();
        assert_eq!(read(folder.path()).unwrap(), None);
        assert_ne!(read_or_make(folder.path()).unwrap(), id);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_journal_is_known_by_its_files() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!is_journal(&folder.path().join("none")).unwrap());
        fs::write(folder.path().join("LOCK"), "").unwrap();
        assert!(!is_journal(folder.path()).unwrap());
        assert!(!is_journal(&folder.path().join("LOCK")).unwrap());
        fs::write(folder.path().join("frames-00000000000000000000.bin"), "").unwrap();
        assert!(is_journal(folder.path()).unwrap());
    }
}
