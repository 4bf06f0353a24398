//! Checkpoints of sources in the state: values by source and key, each with a checksum.

use std::collections::BTreeMap;

use redb::{ReadableTable, TableDefinition};

use super::values::{Change, Place, View};

pub(super) const CHECKPOINTS: TableDefinition<'_, (&str, &str), &[u8]> = TableDefinition::new("checkpoints");

/// Changed values by source and key; `None` removes one.
pub(crate) type Changed = BTreeMap<(String, String), Option<Vec<u8>>>;

/// Writes the changed checkpoints.
pub(crate) fn write(txn: &Change<'_>, changed: &Changed) -> Result<(), redb::Error> {
    if changed.is_empty() {
        return Ok(());
    }
    let mut table = txn.open_table(CHECKPOINTS)?;
    for ((source, key), value) in changed {
        let key = (source.as_str(), key.as_str());
        match value {
            Some(value) => {
                let value = txn.values.encode(Place::Checkpoint(key.0, key.1), value)?;
                table.insert(key, value.as_slice())?;
            }
            None => drop(table.remove(key)?),
        }
    }
    Ok(())
}

/// Moves a source's checkpoints to another source; where that has one with the same key, which is newer, it keeps its
/// own.
pub(crate) fn rename(txn: &Change<'_>, old: &str, new: &str) -> Result<(), redb::Error> {
    let mut table = txn.open_table(CHECKPOINTS)?;
    let mut moved = Vec::new();
    for entry in table.extract_from_if((old, "").., |(owner, _), _| owner == old)? {
        let (key, value) = entry?;
        moved.push((key.value().1.to_owned(), value.value().to_vec()));
    }
    for (key, value) in moved {
        let known = table.get((new, key.as_str()))?.is_some();
        if !known {
            let (from, to) = (Place::Checkpoint(old, &key), Place::Checkpoint(new, &key));
            table.insert(
                (new, key.as_str()),
                txn.values.moved(from, to, &value)?.as_slice(),
            )?;
        }
    }
    Ok(())
}

/// Reads the checkpoints of a source, or of all with `None`. Damaged ones are left out, so their source starts again from
/// an earlier place.
pub(super) fn read(txn: &View<'_>, source: Option<&str>) -> Result<Changed, redb::Error> {
    let mut saved = Changed::new();
    let table = match txn.open_table(CHECKPOINTS) {
        Ok(table) => table,
        // The file was written before there were checkpoints.
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(saved),
        Err(error) => return Err(error.into()),
    };
    for entry in table.range((source.unwrap_or_default(), "")..)? {
        let (key, value) = entry?;
        let (owner, key) = key.value();
        if source.is_some_and(|source| source != owner) {
            break;
        }
        match txn.values.decode(Place::Checkpoint(owner, key), value.value()) {
            Some(value) => drop(saved.insert((owner.into(), key.into()), Some(value.into_owned()))),
            None => tracing::error!(source = owner, "a checkpoint is unreadable: it is left out"),
        }
    }
    Ok(saved)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::rebuild::Basis;
    use crate::state::state_file::{Loaded, StateFile};
    use crate::state::tables::SINKS;
    use crate::state::values::Values;

    fn open(folder: &std::path::Path) -> (StateFile, Loaded) {
        let (mut state, found) = StateFile::find(folder, Values::default()).unwrap();
        let loaded = state.open(found, &Basis::default()).unwrap();
        (state, loaded)
    }

    #[test]
    fn they_are_saved_from_a_damaged_state_those_that_are_whole() {
        let folder = tempfile::tempdir().unwrap();
        let (mut state, _) = open(folder.path());
        let changed = Changed::from([(("web".to_owned(), "a".to_owned()), Some(b"1".to_vec()))]);
        state
            .write(|txn| {
                write(txn, &changed)?;
                txn.open_table(CHECKPOINTS)?
                    .insert(("web", "b"), &b"not what was written"[..])?;
                txn.open_table(SINKS)?.insert("s", &b"not what was written"[..])?;
                Ok(())
            })
            .unwrap();
        state.close();
        let (state, loaded) = open(folder.path());
        assert!(loaded.head.rebuilt);
        assert_eq!(state.checkpoints("web").unwrap(), changed);
    }
}
