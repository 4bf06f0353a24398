//! The mark records the position up to which everything is acknowledged. It is written after each commit and not
//! synced, which costs next to nothing. Since written data outlives the process, the mark is exact after a kill, and
//! tells a commit that was under way from damage. After a power loss it may be old.
//!
//! All numbers are little-endian:
//!
//! | bytes | what |
//! |---|---|
//! | 8 | [`MAGIC`] |
//! | 2, 2 | format version, length of it all |
//! | 16 | the boot during which it was written |
//! | 8 | position of the first event of the file that grows |
//! | 8 | position after the last event that is acknowledged |
//! | 8 | byte in that file after its frame |
//! | 8 | XXH3 of all before |
//!
//! Every later version keeps the first two lines, and a checksum at the end.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use twox_hash::{XxHash3_64, XxHash3_128};

use super::aligned::BLOCK;
use super::bytes::fixed_part;
use crate::Position;
use crate::fs::private;
use crate::panic_guard::{Trouble, delivered, io as trouble, newer};

/// No text contains this: 0xF7 never occurs in UTF-8.
const MAGIC: [u8; 8] = *b"\xF7sbmarks";
const VERSION: u16 = 1;
const LENGTH: usize = 60;
pub(crate) const NAME: &str = "MARK";

/// The end of the acknowledged events, as the mark records it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Marked {
    /// The first position of the file.
    pub(super) file: Position,
    /// The position before which everything is acknowledged.
    pub(super) end: Position,
    /// The byte in the file at which these events end.
    pub(super) offset: u64,
    /// True if no later acknowledgement can have been given: the machine has not gone down since.
    pub(super) exact: bool,
}

/// The mark of a folder, open for writing.
#[derive(Debug, Default)]
pub(super) struct Mark {
    path: PathBuf,
    file: Option<File>,
    boot: u128,
    failed: bool,
}

impl Mark {
    /// Opens the mark, or makes one: a whole block, so that it has room even when other files fill the disk.
    pub(super) fn open(folder: &Path) -> Mark {
        let path = folder.join(NAME);
        let file = private().create(true).truncate(false).open(&path);
        let file = file.and_then(|file| {
            let length = file.metadata()?.len();
            let missing = (BLOCK as u64).saturating_sub(length);
            file.write_all_at(&vec![0; missing as usize], length)?;
            Ok(file)
        });
        let mut mark = Mark {
            path,
            file: None,
            boot: boot().unwrap_or_default(),
            failed: false,
        };
        match file {
            Ok(file) => mark.file = Some(file),
            Err(error) => mark.tell(&error),
        }
        mark
    }

    /// Records the acknowledged position. A failure costs no event: the end of the file is then judged after a kill as it
    /// would be after a power loss.
    pub(super) fn set(&mut self, file: Position, end: Position, offset: u64) {
        let Some(mark) = &self.file else { return };
        match mark.write_all_at(&to_bytes(self.boot, file, end, offset), 0) {
            Ok(()) => self.failed = false,
            Err(error) => self.tell(&error),
        }
    }

    /// Notes durably that no position before `end` may be given to another event.
    pub(super) fn raise(&mut self, end: Position) {
        self.set(end, end, 0);
        let synced = self.file.as_ref().map_or(Ok(()), File::sync_data);
        if let Err(error) = synced {
            self.tell(&error);
        }
    }

    fn tell(&mut self, error: &io::Error) {
        if !std::mem::replace(&mut self.failed, true) {
            tracing::warn!(file = %self.path.display(),
                "cannot be written, so after a kill a commit that was under way may be taken for damage: {error}");
        }
    }
}

/// Reads the mark of a folder; `None` if there is none, or it cannot be read.
pub(crate) fn read(folder: &Path) -> Result<Option<Marked>, Trouble> {
    let mut bytes = [0; LENGTH];
    let file = match File::open(folder.join(NAME)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        file => file.map_err(|error| trouble(&error))?,
    };
    if !delivered(file.read_exact_at(&mut bytes, 0))? {
        return Ok(None);
    }
    let mut block = [0; BLOCK];
    let whole = file.read_exact_at(&mut block, 0).is_ok();
    if let Some((version, _)) = fixed_part(if whole { &block } else { &bytes }, &MAGIC)
        && version != VERSION
    {
        return Err(newer("mark", version.into(), Some(VERSION.into())));
    }
    Ok(parse(&bytes, boot()))
}

fn parse(bytes: &[u8; LENGTH], boot: Option<u128>) -> Option<Marked> {
    let (_, mut fields) = fixed_part(bytes, &MAGIC)?;
    let written = u128::from_le_bytes(fields.array().ok()?);
    Some(Marked {
        file: fields.u64().ok()?,
        end: fields.u64().ok()?,
        offset: fields.u64().ok()?,
        exact: boot == Some(written),
    })
}

fn to_bytes(boot: u128, file: Position, end: Position, offset: u64) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&(LENGTH as u16).to_le_bytes());
    bytes.extend_from_slice(&boot.to_le_bytes());
    for number in [file, end, offset] {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes.extend_from_slice(&XxHash3_64::oneshot(&bytes).to_le_bytes());
    bytes
}

/// Names the time since the machine was started; `None` where the system does not tell.
fn boot() -> Option<u128> {
    let id = std::fs::read("/proc/sys/kernel/random/boot_id").ok()?;
    Some(XxHash3_128::oneshot(&id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_exact_during_one_boot() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()).unwrap(), None);
        let mut mark = Mark::open(folder.path());
        assert_eq!(read(folder.path()).unwrap(), None);
        mark.set(7, 40, 12288);
        let marked = |exact| Marked {
            file: 7,
            end: 40,
            offset: 12288,
            exact,
        };
        let known = boot().is_some();
        assert_eq!(read(folder.path()).unwrap(), Some(marked(known)));
        mark.boot ^= 1;
        mark.set(7, 40, 12288);
        assert_eq!(read(folder.path()).unwrap(), Some(marked(false)));
        // Another process takes the mark over, and notes the positions that it gives up.
        Mark::open(folder.path()).raise(50);
        let raised = read(folder.path()).unwrap().unwrap();
        assert_eq!((raised.file, raised.end), (50, 50));
    }

    #[test]
    fn no_cut_and_no_flipped_bit_passes_and_a_newer_version_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(NAME);
        let bytes = to_bytes(5, 7, 40, 12288);
        for length in 0..bytes.len() {
            std::fs::write(&path, &bytes[..length]).unwrap();
            assert_eq!(read(folder.path()).unwrap(), None);
        }
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            std::fs::write(&path, &flipped).unwrap();
            assert_eq!(read(folder.path()).unwrap(), None, "bit {bit}");
        }
        let mut newer = bytes[..LENGTH - 8].to_vec();
        newer[8] = 9;
        newer.extend_from_slice(&XxHash3_64::oneshot(&newer).to_le_bytes());
        std::fs::write(&path, &newer).unwrap();
        assert!(matches!(read(folder.path()), Err(Trouble::Newer(_))));
    }
}
