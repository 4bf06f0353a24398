//! The file of the audit log: appended to, flushed to the disk, and rotated.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::AuditEntry;

/// Bytes of a file from which on the next line begins another one. The full file is kept under the name with `.1`.
pub(super) const FULL: u64 = 10_000_000;

/// The open file.
#[derive(Debug)]
pub(super) struct AuditFile {
    file: File,
    bytes: u64,
}

impl AuditFile {
    /// Opens or creates the file; only its owner may read a new one, and its name is on the disk too. A torn last line, from a crash or a full disk, gets its
    /// end, so that it spoils no other.
    pub(super) fn open(path: &Path) -> io::Result<AuditFile> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).create(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, signalbox_core::PRIVATE_FILE);
        let mut file = options.open(path)?;
        let mut bytes = file.metadata()?.len();
        if bytes == 0 {
            sync_folder(path)?;
        } else {
            let mut last = [0];
            file.seek(SeekFrom::End(-1))?;
            file.read_exact(&mut last)?;
            if last != *b"\n" {
                file.write_all(b"\n")?;
                bytes += 1;
            }
        }
        Ok(AuditFile { file, bytes })
    }

    /// Appends whole lines, and returns once they are on the disk.
    pub(super) fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        self.file.write_all(lines)?;
        self.bytes += lines.len() as u64;
        self.file.sync_data()
    }

    /// Returns true if another file must follow.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= FULL
    }

    /// Returns true if `path` still leads to this file: an operator may have moved or deleted it.
    pub(super) fn is_at(&self, path: &Path) -> bool {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            let (Ok(there), Ok(this)) = (std::fs::metadata(path), self.file.metadata()) else {
                return false;
            };
            (there.dev(), there.ino()) == (this.dev(), this.ino())
        }
        #[cfg(not(unix))]
        path.exists()
    }
}

/// Returns true for an error of a disk that takes nothing at present, as opposed to one of the path.
pub(super) fn is_of_the_disk(error: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, ReadOnlyFilesystem, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded | ReadOnlyFilesystem)
}

/// Flushes the folder of a new file, without which a crash of the machine could take the file away.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    if cfg!(unix) {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// The name of the file before the present one.
pub(super) fn before(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".1");
    name.into()
}

/// Reads the entries of a file, the newest first. Lines that are torn or foreign are passed over; an absent file has none.
pub(super) fn read(path: &Path) -> io::Result<Vec<AuditEntry>> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let lines = text.rsplit(|byte| *byte == b'\n');
    Ok(lines
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect())
}
