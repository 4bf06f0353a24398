//! Files and the folder of a journal: permissions, names for files set aside, and errors with their remedies.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use signalbox_core::{PRIVATE_FILE, PRIVATE_FOLDER, exposed};

use crate::JournalError;

/// Options for opening a file; a file that they make is for its owner alone.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(PRIVATE_FILE);
    options
}

/// Makes the folder if it is missing. Folders above it get the permissions of the umask: they may be shared.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|there| there.is_dir()) {
        return Ok(());
    }
    if let Some(above) = path.parent() {
        fs::create_dir_all(above)?;
    }
    match DirBuilder::new().mode(PRIVATE_FOLDER).create(path) {
        // Another process made the folder first, or a link leads there.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
        made => made,
    }
}

/// Lists the files of a folder.
pub(crate) fn paths(folder: &Path) -> io::Result<impl Iterator<Item = PathBuf> + use<>> {
    Ok(fs::read_dir(folder)?.filter_map(|entry| Some(entry.ok()?.path())))
}

/// Warns if others may use the folder or a file in it: an earlier version made them so, or a person who copied them.
pub(crate) fn warn_if_exposed(folder: &Path) {
    let mode = |path: &Path| fs::metadata(path).map_or(0, |there| there.mode());
    if let Some(told) = exposed(folder, mode(folder)) {
        tracing::warn!("the journal's folder holds events: {told}");
    }
    let files = paths(folder).into_iter().flatten();
    let open: Vec<_> = files.filter_map(|path| exposed(&path, mode(&path))).collect();
    if let Some(first) = open.first() {
        tracing::warn!(
            files = open.len(),
            "the journal's files hold events: {first}; all of them with: chmod -R go= {}",
            folder.display()
        );
    }
}

/// Makes the error for the journal's folder: the path, the problem and the remedy.
pub(crate) fn folder_error(path: &Path, what: &str, error: &std::io::Error) -> JournalError {
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
pub(crate) fn name_aside(path: &Path) -> std::io::Result<PathBuf> {
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
pub(crate) fn sync_folder(folder: &Path) -> std::io::Result<()> {
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
            let text =
                folder_error(Path::new("/some/where"), "cannot be written to", &kind.into()).to_string();
            assert!(
                text.starts_with("/some/where: ") && text.contains(remedy),
                "{text}"
            );
        }
    }
}
