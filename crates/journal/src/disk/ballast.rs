//! The ballast: disk space set aside while there is some, for what must be written even to a full disk: the state, and
//! the ids without which settled events cannot be deleted.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;
use twox_hash::XxHash3_64;

use crate::fs::private;

/// The bytes that must be free beyond the ballast when it is made again: more than an append that just found no room
/// may have left.
const MARGIN: u64 = 4 << 20;

pub(crate) struct Ballast {
    path: PathBuf,
    bytes: u64,
}

impl Ballast {
    pub(crate) fn new(folder: &Path, bytes: u64) -> Ballast {
        Ballast {
            path: folder.join("ballast.bin"),
            bytes,
        }
    }

    /// Makes the ballast if it is missing; in any case tests if there is room beside it.
    pub(crate) fn make(&self) -> io::Result<()> {
        let there = fs::metadata(&self.path).is_ok_and(|there| there.len() >= self.bytes);
        let draft = self.path.with_extension("draft");
        let made = self.draft(&draft, there);
        if made.is_err() || there || self.bytes == 0 {
            let _ = fs::remove_file(&draft);
        }
        made
    }

    fn draft(&self, draft: &Path, there: bool) -> io::Result<()> {
        let bytes = if there { 0 } else { self.bytes };
        let file = private().create(true).truncate(true).open(draft)?;
        allocate(&file, bytes + MARGIN)?;
        if bytes == 0 {
            return Ok(());
        }
        file.set_len(bytes)?;
        fs::rename(draft, &self.path)
    }

    /// Gives the ballast's room to the writes that need it.
    pub(crate) fn release(&self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Allocates `bytes` of disk space to a file.
fn allocate(file: &File, bytes: u64) -> io::Result<()> {
    match fallocate(file, FallocateFlags::empty(), 0, bytes) {
        // The file system cannot allocate. The bytes written instead must not compress to nothing.
        Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => fill(file, bytes),
        done => Ok(done?),
    }
}

fn fill(mut file: &File, bytes: u64) -> io::Result<()> {
    let noise = (0..8192u64).flat_map(|n| XxHash3_64::oneshot(&n.to_le_bytes()).to_le_bytes());
    let noise: Vec<u8> = noise.collect();
    let mut left = usize::try_from(bytes).map_err(|_| ErrorKind::FileTooLarge)?;
    while left > 0 {
        let part = noise.get(..noise.len().min(left)).unwrap_or_default();
        file.write_all(part)?;
        left -= part.len();
    }
    file.sync_data()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn it_takes_room_until_it_is_released() {
        let folder = tempfile::tempdir().unwrap();
        let ballast = Ballast::new(folder.path(), 1 << 20);
        let path = folder.path().join("ballast.bin");
        for _ in 0..2 {
            ballast.make().unwrap();
            let there = fs::metadata(&path).unwrap();
            assert_eq!(there.len(), 1 << 20);
            assert!(there.blocks() * 512 >= 1 << 20, "it is sparse");
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        }
        ballast.release();
        ballast.release();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        // Without a ballast, the room beside it is tested all the same, and nothing is left behind.
        Ballast::new(folder.path(), 0).make().unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_file_system_that_does_not_set_aside_is_written_to() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fill(file.as_file(), 100_000).unwrap();
        assert_eq!(file.as_file().metadata().unwrap().len(), 100_000);
    }
}
