//! The snapshot: the follower's results, kept in the cache, so that a start need not read the headers of the whole stream.
//!
//! The files of ids beside it hold the ids up to some frame. That frame is never newer than the snapshot: a frame whose
//! ids are known, and which is not in the snapshot, would be judged again and found a duplicate of itself.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::blocks::{Blocks, BlocksRecord};
use super::followed::Followed;
use super::marks::Marks;
use crate::checksum::{checked, verified};
use crate::fs::{private, sync_folder};

/// The file's name.
const NAME: &str = "followed.bin";
const VERSION: u32 = 1;

/// See the module. The file is this as JSON, behind a checksum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Snapshot {
    version: u32,
    /// The moment at which the stream was made.
    created: String,
    /// The public name of the hash of the ids.
    hashed: u64,
    /// The time for which ids are known, milliseconds.
    window: i64,
    /// The newest frame that was followed.
    to: u64,
    /// The ids of frames up to this one are in files, or need not be.
    pub(super) filed_to: u64,
    pub(super) stored: i64,
    blocks: BlocksRecord,
    marks: Marks,
}

/// The stream and the settings that a snapshot belongs to.
pub(super) struct Of<'a> {
    pub(super) created: &'a str,
    pub(super) hashed: u64,
    pub(super) window: i64,
    /// The newest frame of the stream.
    pub(super) last: u64,
}

impl Snapshot {
    pub(super) fn new(of: &Of<'_>, followed: &Followed, filed_to: u64) -> Snapshot {
        Snapshot {
            version: VERSION,
            created: of.created.to_owned(),
            hashed: of.hashed,
            window: of.window,
            to: followed.to,
            filed_to: filed_to.min(followed.to),
            stored: followed.stored,
            blocks: followed.blocks.record(),
            marks: followed.marks.clone(),
        }
    }

    /// Reads the snapshot of a folder; `None` if there is none, or it is damaged, of another version, or of another stream.
    pub(super) fn read(folder: &Path, of: &Of<'_>) -> Option<Snapshot> {
        let bytes = fs::read(folder.join(NAME)).ok()?;
        let snapshot: Snapshot = serde_json::from_slice(verified(&bytes)?).ok()?;
        let agrees = snapshot.version == VERSION
            && snapshot.created == of.created
            && snapshot.hashed == of.hashed
            && snapshot.window >= of.window
            && snapshot.to <= of.last;
        agrees.then_some(snapshot)
    }

    /// Writes it in the place of the last one. If that fails, there is none, and the next start reads the stream.
    pub(super) fn write(&self, folder: &Path) {
        let (path, draft) = (folder.join(NAME), folder.join(NAME).with_extension("draft"));
        let written = || {
            let bytes = serde_json::to_vec(self)?;
            let mut file = private().create(true).truncate(true).open(&draft)?;
            file.write_all(&checked(&bytes))?;
            file.sync_all()?;
            fs::rename(&draft, &path)?;
            sync_folder(folder)
        };
        if let Err(error) = written() {
            tracing::warn!(
                file = %path.display(),
                "the journal's cache cannot be written, so the next start reads the log's headers from the servers: {error}"
            );
            let _ = fs::remove_file(&draft);
            let _ = fs::remove_file(&path);
        }
    }

    /// True if files that hold the ids up to a frame may belong to it.
    pub(super) fn covers(&self, ids_to: u64) -> bool {
        ids_to <= self.to
    }

    /// Returns the follower's results, with the ids learnt up to a frame.
    pub(super) fn into_followed(self, learnt_to: u64) -> Followed {
        Followed {
            to: self.to,
            learnt_to,
            blocks: Blocks::from_record(self.blocks),
            marks: self.marks,
            stored: self.stored,
            tended: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nats::log::blocks::FrameFacts;

    fn of(created: &str) -> Of<'_> {
        Of {
            created,
            hashed: 1,
            window: 1000,
            last: 9,
        }
    }

    #[test]
    fn a_snapshot_is_read_for_the_same_stream_and_only_whole() {
        let folder = tempfile::tempdir().unwrap();
        let mut followed = Followed {
            to: 7,
            learnt_to: 7,
            stored: 55,
            ..Followed::default()
        };
        let frame = FrameFacts {
            sequence: 7,
            source: "web".into(),
            events: 3,
            arrival: 50,
            stored: 55,
        };
        followed.blocks.add(&frame, 1);
        followed.marks.set(7, vec![2]);
        let written = Snapshot::new(&of("today"), &followed, 99);
        written.write(folder.path());
        let read = |of: &Of<'_>| Snapshot::read(folder.path(), of);
        assert_eq!((read(&of("today")), written.filed_to), (Some(written.clone()), 7));
        assert_eq!(read(&of("yesterday")), None);
        assert_eq!(
            read(&Of {
                hashed: 2,
                ..of("today")
            }),
            None
        );
        assert_eq!(
            read(&Of {
                window: 1001,
                ..of("today")
            }),
            None,
            "ids were forgotten too soon"
        );
        assert_eq!(
            read(&Of {
                last: 6,
                ..of("today")
            }),
            None,
            "the stream has lost frames"
        );
        assert!(written.covers(7) && !written.covers(8));
        let restored = written.into_followed(5);
        assert_eq!(
            (restored.to, restored.learnt_to, restored.marks.of(7)),
            (7, 5, &[2][..])
        );
        let path = folder.path().join(NAME);
        let bytes = fs::read(&path).unwrap();
        for at in [0, 9, bytes.len() - 1] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            fs::write(&path, damaged).unwrap();
            assert_eq!(read(&of("today")), None);
        }
    }
}
