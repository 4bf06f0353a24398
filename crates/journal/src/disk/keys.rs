//! Opens the keys of a sealed journal, before anything of it is changed.

use std::path::Path;

use super::formats::Seals;
use crate::log::log_file::file_name;
use crate::seal::keys_file::{Found, JournalKeys, NAME, find};
use crate::seal::operator::KeyId;
use crate::seal::wrapped::Locked;
use crate::state::opening::Found as FoundState;
use crate::state::state_file::StateFile;
use crate::{JournalError, Keys};

/// Opens the keys of a folder's journal with the operator's, in memory; `None` if there are none and no file is sealed. A
/// journal that gets its first key gets its own keys here.
///
/// # Errors
/// [`JournalError`] with the first file for which a key is missing, its id and the remedy.
pub(super) fn open(
    folder: &Path,
    seals: &Seals,
    operator: Option<&Keys>,
) -> Result<Option<JournalKeys>, JournalError> {
    let found = find(folder)?;
    // Without a key, `keys.bin` alone is no hindrance, see `refuse_plain`: a start that could not seal the state may have
    // left it.
    let keys = match &found {
        _ if operator.is_none() => Vec::new(),
        Found::Nothing => Vec::new(),
        Found::Broken => vec![None],
        Found::Whole(wrapped) => wrapped.keys().map(Some).to_vec(),
    };
    let keys = keys.into_iter().map(|key| (NAME.to_owned(), key));
    let files = seals
        .files
        .iter()
        .map(|(first, key)| (file_name(*first), Some(*key)));
    for (name, key) in keys.chain(files) {
        let path = folder.join(name);
        match (operator, key) {
            (None, key) => return Err(no_key(&path, key)),
            (Some(keys), Some(key)) if keys.ids().all(|listed| listed != key) => {
                return Err(unlisted(&path, key, keys));
            }
            _ => {}
        }
    }
    let Some(operator) = operator else {
        return Ok(None);
    };
    let whole = matches!(&found, Found::Whole(wrapped) if wrapped.check(operator).is_ok());
    // The state is opened a second time only to restore the keys.
    let kept = if whole {
        None
    } else {
        StateFile::kept_keys(folder)?
    };
    if let Some(Err(Locked::Unlisted(key))) = kept.map(|kept| kept.check(operator)) {
        return Err(unlisted(&folder.join(crate::state::tables::FILE), key, operator));
    }
    JournalKeys::open(operator, &found, kept.or(seals.copy)).map(Some)
}

/// Refuses a start without a key beside `keys.bin`, unless the state is there and in plain: a sealed state that is damaged or
/// gone must not be begun anew in plain.
///
/// # Errors
/// [`JournalError`] with the key's id and the remedy.
pub(super) fn refuse_plain(
    folder: &Path,
    operator: Option<&Keys>,
    state: &FoundState,
) -> Result<(), JournalError> {
    if operator.is_some() || matches!(state, FoundState::Whole(_)) {
        return Ok(());
    }
    let path = folder.join(NAME);
    match find(folder)? {
        Found::Nothing => Ok(()),
        Found::Broken => Err(no_key(&path, None)),
        Found::Whole(wrapped) => Err(no_key(&path, wrapped.keys().first().copied())),
    }
}

fn no_key(path: &Path, key: Option<KeyId>) -> JournalError {
    let under = key.map_or_else(String::new, |key| format!(" under the key {key}"));
    JournalError(format!(
        "{}: the journal is sealed{under}, and no key is configured: set journal.key to the file that holds the key, such as \
         key = \"${{file:/etc/signalbox/journal.key}}\". Nothing was changed",
        path.display()
    ))
}

fn unlisted(path: &Path, key: KeyId, keys: &Keys) -> JournalError {
    let listed: Vec<String> = keys.ids().map(|id| id.to_string()).collect();
    JournalError(format!(
        "{}: sealed with the key {key}, which journal.key does not list (it lists {}): list the key with this id as well, \
         the newest key first. If the key is lost, so is the journal: move the folder away, or set journal.path to another \
         one. Nothing was changed",
        path.display(),
        listed.join(", ")
    ))
}
