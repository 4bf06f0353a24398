//! Opens the keys of a sealed journal, before anything of it is changed.

use std::collections::BTreeMap;
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
/// [`JournalError`] with the ids of the keys that are missing, the files that need them, and the remedy.
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
    let mut missing = Missing::new();
    for (name, key) in keys.chain(files) {
        match (operator, key) {
            (None, key) => return Err(no_key(&folder.join(name), key)),
            (Some(keys), Some(key)) if keys.ids().all(|listed| listed != key) => {
                let names = missing.entry(key).or_default();
                if !names.contains(&name) {
                    names.push(name);
                }
            }
            _ => {}
        }
    }
    let Some(operator) = operator else {
        return Ok(None);
    };
    if !missing.is_empty() {
        return Err(unlisted(folder, &missing, operator));
    }
    let whole = matches!(&found, Found::Whole(wrapped) if wrapped.check(operator).is_ok());
    // The state is opened a second time only to restore the keys.
    let kept = if whole {
        None
    } else {
        StateFile::kept_keys(folder)?
    };
    if let Some(Err(Locked::Unlisted(key))) = kept.map(|kept| kept.check(operator)) {
        let state = vec![crate::state::tables::FILE.to_owned()];
        return Err(unlisted(folder, &Missing::from([(key, state)]), operator));
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

/// The names of files by the key that they need and that is not listed, the oldest first.
type Missing = BTreeMap<KeyId, Vec<String>>;

/// The most files of one key that an error names one by one.
const NAMED: usize = 4;

fn unlisted(folder: &Path, missing: &Missing, keys: &Keys) -> JournalError {
    let listed: Vec<String> = keys.ids().map(|id| id.to_string()).collect();
    let needed = missing.iter().map(|(key, names)| match names.as_slice() {
        [first, .., last] if names.len() > NAMED => {
            format!("the key {key} for {} files, from {first} to {last}", names.len())
        }
        names => format!("the key {key} for {}", names.join(", ")),
    });
    let needed: Vec<String> = needed.collect();
    let which = match missing.len() {
        1 => "key with this id",
        _ => "keys with these ids",
    };
    JournalError(format!(
        "{}: sealed with a key that journal.key does not list (it lists {}). The journal needs {}: list the {which} as well, \
         the newest key first. If a key is lost, so are its files: move these away, which loses their events; without the key \
         of {NAME} the whole journal is lost: move the folder away, or set journal.path to another one. Nothing was changed",
        folder.display(),
        listed.join(", "),
        needed.join("; "),
    ))
}
