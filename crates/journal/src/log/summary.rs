//! The summary at the end of a complete file: its content and the place of each frame behind a checksum, then the length
//! of the summary and a mark.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use serde::{Deserialize, Serialize};

use super::aligned::BLOCK;
use super::log_file::Content;
use crate::Position;
use crate::checksum::{checked, verified};

/// The last bytes of a complete file.
const MARK: [u8; 8] = *b"\xF7sbcompl";
/// The mark and the length of the summary before it.
const END: usize = 16;

/// The place of a frame in its file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct IndexEntry {
    /// The position of its first event.
    pub(super) first: Position,
    /// Blocks before it: files are far smaller than 16 TiB.
    pub(super) block: u32,
    pub(super) length: u32,
}

/// The content of a file and an index of its frames.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Summary {
    pub(super) content: Content,
    pub(super) frames: Vec<IndexEntry>,
}

/// The byte at which a block begins.
pub(super) fn offset(block: u32) -> u64 {
    u64::from(block) * BLOCK as u64
}

/// Writes the summary behind the frames, which end at a block.
pub(super) fn conclude(file: &File, end: u32, summary: &Summary) -> io::Result<()> {
    let at = offset(end);
    file.set_len(at)?;
    let mut bytes = checked(&serde_json::to_vec(summary)?);
    bytes.extend_from_slice(&(bytes.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&MARK);
    file.write_all_at(&bytes, at)?;
    file.sync_data()
}

/// The summary of a file, if it has one that is in order.
pub(super) fn summary(file: &File, limit: Position) -> Option<Summary> {
    let size = file.metadata().ok()?.len();
    let mut end = [0; END];
    file.read_exact_at(&mut end, size.checked_sub(END as u64)?).ok()?;
    let (length, mark) = end.split_first_chunk::<8>()?;
    let length = u64::from_le_bytes(*length);
    let at = (size - END as u64).checked_sub(length)?;
    if *mark != MARK {
        return None;
    }
    let mut bytes = vec![0; usize::try_from(length).ok()?];
    file.read_exact_at(&mut bytes, at).ok()?;
    let summary: Summary = serde_json::from_slice(verified(&bytes)?).ok()?;
    (summary.content.end <= limit).then_some(summary)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A summary is read only if its keys are the stored ones: otherwise each start reads the file through, unnoticed.
    #[test]
    fn the_stored_keys_of_a_summary_stay() {
        let stored = concat!(
            r#"{"content":{"end":3,"marks":[{"from":0,"to":3,"frames":1,"bytes":4096,"#,
            r#""sources":[["web",3]],"arrivals":[1,2]}]},"frames":[{"first":0,"block":1,"length":300}]}"#
        );
        let summary: Summary = serde_json::from_str(stored).unwrap();
        assert_eq!(serde_json::to_string(&summary).unwrap(), stored);
    }
}
