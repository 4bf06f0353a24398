//! Looks at the files of a folder before anything is written: this version must not change files of a newer one, or
//! sealed files without their key.

use std::collections::BTreeMap;
use std::path::Path;

use crate::erasures::ErasureMark;
use crate::fs::paths;
use crate::log::log_file::first_of;
use crate::log::{mark, takeover};
use crate::panic_guard::{Trouble, newer};
use crate::seal::keys_file::WrappedKeys;
use crate::seal::operator::KeyId;
use crate::{JournalError, Position};

/// The seals of a folder's files, and other facts known before anything is changed.
pub(crate) struct Seals {
    /// The oldest position in the name of a file of frames.
    pub(crate) start: Option<Position>,
    /// The newest mark of the list of erasures in the files of frames.
    pub(crate) erasures: Option<ErasureMark>,
    /// The copy of `keys.bin` in the newest file of frames that has one.
    pub(crate) copy: Option<WrappedKeys>,
    /// The operator's key of each sealed file of frames.
    pub(crate) files: BTreeMap<Position, KeyId>,
}

/// Reads the seals of a folder. Fails with the name of a file that a newer version wrote, if there is one. The state is
/// checked when it is opened.
pub(crate) fn refuse_newer(folder: &Path) -> Result<Seals, JournalError> {
    if let Err(trouble @ Trouble::Newer(_)) = mark::read(folder) {
        return Err(trouble.at(&folder.join(mark::NAME)));
    }
    let (mut files, mut copies) = (BTreeMap::new(), BTreeMap::new());
    let (mut start, mut erasures) = (None, None);
    // The next reader of the folder reports that it cannot be read.
    for path in paths(folder).into_iter().flatten() {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        let looked = if let Some(first) = first_of(name) {
            start = Some(start.map_or(first, |start: Position| start.min(first)));
            takeover::look(&path).map(|looked| {
                files.extend(looked.frames.map(|wrapped| (first, wrapped.key())));
                copies.extend(looked.journal.map(|copy| (first, copy)));
                erasures = ErasureMark::newer(erasures.take(), looked.erasures);
            })
        } else if let Some(version) = crate::dedup::newer(&path, name) {
            Err(newer("ids", version.into(), None))
        } else {
            Ok(())
        };
        if let Err(trouble @ Trouble::Newer(_)) = looked {
            return Err(trouble.at(&path));
        }
    }
    Ok(Seals {
        start,
        erasures,
        copy: copies.pop_last().map(|(_, copy)| copy),
        files,
    })
}
