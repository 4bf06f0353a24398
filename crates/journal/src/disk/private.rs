//! Files and the folder that only the router's user may use, whatever the umask.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use redb::backends::FileBackend;
use signalbox_core::{PRIVATE_FILE, PRIVATE_FOLDER, exposed};

/// Options for opening a file; a file that they make is for its owner alone.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(PRIVATE_FILE);
    options
}

/// Opens a store's file, or makes one for its owner alone.
pub(super) fn private_backend(path: &Path) -> Result<FileBackend, redb::Error> {
    let file = private().create(true).truncate(false).open(path)?;
    Ok(FileBackend::new(file)?)
}

/// Makes the folder if it is missing. Folders above it get the permissions of the umask: they may be shared.
pub(super) fn make_folder(path: &Path) -> io::Result<()> {
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

/// Warns if others may use the folder or a file in it: an earlier version made them so, or a person who copied them.
pub(super) fn warn_if_exposed(folder: &Path) {
    let mode = |path: &Path| fs::metadata(path).map_or(0, |there| there.mode());
    if let Some(told) = exposed(folder, mode(folder)) {
        tracing::warn!("the journal's folder holds events: {told}");
    }
    let Ok(entries) = fs::read_dir(folder) else { return };
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let open: Vec<_> = files.filter_map(|path| exposed(&path, mode(&path))).collect();
    if let Some(first) = open.first() {
        tracing::warn!(
            files = open.len(),
            "the journal's files hold events: {first}; all of them with: chmod -R go= {}",
            folder.display()
        );
    }
}
