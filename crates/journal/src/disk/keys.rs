//! Opens the keys of a sealed journal, before anything of it is changed.

use std::path::Path;

use crate::seal::keys_file::{Found, JournalKeys, NAME, WrappedKeys, find};
use crate::seal::wrapped::Locked;
use crate::state::state_file::StateFile;
use crate::{JournalError, Keys};

/// Opens the keys of a folder's journal with the operator's; `None` if it is in plain. A journal that gets its first key
/// gets its own keys here, in `keys.bin`.
///
/// # Errors
/// [`JournalError`] if the journal is sealed and no key is configured, or other keys; nothing is changed then.
pub(super) fn open(folder: &Path, operator: Option<&Keys>) -> Result<Option<JournalKeys>, JournalError> {
    let path = folder.join(NAME);
    let found = find(folder)?;
    let Some(operator) = operator else {
        return match &found {
            Found::Nothing => Ok(None),
            Found::Broken => Err(no_key(&path, "")),
            Found::Whole(wrapped) => {
                let [key, _] = wrapped.keys();
                Err(no_key(&path, &format!(" {key}")))
            }
        };
    };
    let opens = |wrapped: &WrappedKeys| match wrapped.check(operator) {
        Ok(()) => Ok(true),
        Err(Locked::Damaged) => Ok(false),
        Err(Locked::Unlisted(key)) => Err(JournalError(format!(
            "{}: sealed with the key {key}, and the keys that are configured are {operator:?}: add that key to `key` in \
             [journal], behind the newest one",
            path.display()
        ))),
    };
    let whole = match &found {
        Found::Whole(wrapped) => opens(wrapped)?,
        Found::Nothing | Found::Broken => false,
    };
    // The state is opened a second time only to restore the keys.
    let copy = if whole {
        None
    } else {
        StateFile::kept_keys(folder)?
    };
    if let Some(copy) = &copy {
        opens(copy)?;
    }
    JournalKeys::open(folder, operator, &found, copy).map(Some)
}

fn no_key(path: &Path, key: &str) -> JournalError {
    JournalError(format!(
        "{}: the journal is sealed, and no key is configured: set `key` in [journal] to the key{key} that it was sealed \
         with",
        path.display()
    ))
}
