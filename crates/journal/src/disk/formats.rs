//! Refuses files of a newer version, before anything is written: they are not damaged, and this version must not change
//! them.

use std::path::Path;

use crate::JournalError;
use crate::fs::paths;
use crate::log::log_file::first_of;
use crate::log::{mark, takeover};
use crate::panic_guard::{Trouble, newer};

/// Fails with the name of a file that a newer version wrote, if the folder holds one. The state is checked when it is
/// opened.
pub(crate) fn refuse_newer(folder: &Path) -> Result<(), JournalError> {
    if let Err(trouble @ Trouble::Newer(_)) = mark::read(folder) {
        return Err(trouble.at(&folder.join(mark::NAME)));
    }
    // The next reader of the folder reports that it cannot be read.
    for path in paths(folder).into_iter().flatten() {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        let looked = if first_of(name).is_some() {
            takeover::refuse_newer(&path)
        } else if let Some(version) = crate::dedup::newer(&path, name) {
            Err(newer("ids", version.into(), None))
        } else {
            Ok(())
        };
        if let Err(trouble @ Trouble::Newer(_)) = looked {
            return Err(trouble.at(&path));
        }
    }
    Ok(())
}
