//! The folder and its lock.

use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::halt::Cause;
use super::private::{make_folder, private, warn_if_exposed};
use crate::JournalError;

/// Held while the journal is open; the operating system lets go of it when the process dies, however it dies.
pub(crate) struct Lock(#[expect(dead_code, reason = "open is held")] File);

/// Makes the folder if need be and takes its lock.
pub(crate) fn open(path: &Path) -> Result<Lock, JournalError> {
    make_folder(path).map_err(|error| trouble(path, "cannot be made", &error))?;
    let lock = path.join("LOCK");
    let file = private().create(true).truncate(false).open(&lock);
    let mut file = file.map_err(|error| trouble(path, "cannot be written to", &error))?;
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
        Err(TryLockError::Error(error)) => return Err(trouble(path, "cannot be locked", &error)),
    }
    // Informative only; the lock counts.
    let pid = std::process::id().to_string();
    let written = file.rewind().and_then(|()| file.write_all(pid.as_bytes()));
    let written = written.and_then(|()| file.set_len(pid.len() as u64));
    match written {
        // A router that finds its disk full still delivers the events it has.
        Err(error) if Cause::of(&error) != Cause::Full => {
            return Err(trouble(path, "cannot be written to", &error));
        }
        _ => {}
    }
    warn_if_exposed(path);
    Ok(Lock(file))
}

/// Says what is wrong with a path and what to do.
pub(crate) fn trouble(path: &Path, what: &str, error: &std::io::Error) -> JournalError {
    let remedy = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "free space, or set journal.path to another disk"
        }
        ErrorKind::ReadOnlyFilesystem => "the file system is read-only: set journal.path to one that is not",
        ErrorKind::PermissionDenied => {
            "let the user the router runs as write there, or set journal.path elsewhere"
        }
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists => {
            "a file is in the way: set journal.path to a folder"
        }
        ErrorKind::NotFound => "check journal.path and that its disk is mounted",
        _ => "check the disk, or set journal.path to another one",
    };
    JournalError(format!(
        "{}: the journal's folder {what}: {error}; {remedy}",
        path.display()
    ))
}

/// Renames a file that cannot be read out of the way, to a name that is free.
pub(crate) fn set_aside(path: &Path) -> std::io::Result<PathBuf> {
    let aside = name_aside(path)?;
    fs::rename(path, &aside)?;
    Ok(aside)
}

/// Gives an unreadable file a second name that is free, so that another may take its place at once. Where the file
/// system knows no second names, the file loses its first one.
pub(crate) fn link_aside(path: &Path) -> std::io::Result<PathBuf> {
    let aside = name_aside(path)?;
    fs::hard_link(path, &aside).or_else(|_| fs::rename(path, &aside))?;
    Ok(aside)
}

/// Finds the name under which an unreadable file is kept.
pub(super) fn name_aside(path: &Path) -> std::io::Result<PathBuf> {
    let mut n = 1u32;
    loop {
        let mut name = path.as_os_str().to_owned();
        name.push(if n == 1 {
            ".corrupt".to_owned()
        } else {
            format!(".corrupt-{n}")
        });
        let aside = PathBuf::from(name);
        if !aside.try_exists()? {
            return Ok(aside);
        }
        n += 1;
    }
}

/// Makes renames, new and deleted files durable.
pub(crate) fn sync(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_path_and_what_to_do() {
        for (kind, remedy) in [
            (ErrorKind::StorageFull, "free space"),
            (ErrorKind::ReadOnlyFilesystem, "read-only"),
            (ErrorKind::PermissionDenied, "write there"),
            (ErrorKind::NotFound, "mounted"),
        ] {
            let text = trouble(Path::new("/some/where"), "cannot be written to", &kind.into()).to_string();
            assert!(
                text.starts_with("/some/where: ") && text.contains(remedy),
                "{text}"
            );
        }
    }
}
