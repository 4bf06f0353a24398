//! Checks where the files of the journal's keys lie, and who may read them.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use signalbox_core::exposed;

use super::diagnostic::Finding;
use super::settings::{JournalKind, JournalSettings, Table as _};
use super::tree::{TomlNode, TomlValue};

/// Finds keys that lie in the folder of the journal that they encrypt, since a copy of the folder would bring the key along, or in
/// its cache, which may be deleted; warns of files that others than their owner may use.
pub(crate) fn check(
    root: &TomlNode,
    journal: &JournalSettings,
    findings: &mut Vec<Finding>,
    warnings: &mut Vec<Finding>,
) {
    let Some(key) = root
        .get(JournalSettings::NAME)
        .and_then(|table| table.node.get("key"))
    else {
        return;
    };
    let texts = match &key.node.value {
        TomlValue::List(items) => items.iter().collect(),
        _ => vec![&key.node],
    };
    let cached = journal.kind == JournalKind::Nats;
    let folder = real(&journal.local_folder().unwrap_or_else(|| journal.folder()));
    for node in texts {
        let TomlValue::Text(text) = &node.value else {
            continue;
        };
        for file in text.files.iter().map(Path::new) {
            if real(file).starts_with(&folder) {
                let (message, help) = match cached {
                    false => (
                        "the key lies in the folder of the journal that it encrypts",
                        "move the key to another folder: a copy of the journal must not bring its key along",
                    ),
                    true => (
                        "the key lies in the cache of the journal",
                        "move the key to another folder: the cache may be deleted, and without the key the journal is lost",
                    ),
                };
                findings.push(Finding::new(&node.path, node.at, message).help(help));
            }
            let mode = std::fs::metadata(file).map_or(0, |there| there.mode());
            if let Some(told) = exposed(file, mode) {
                warnings.push(Finding::new(&node.path, node.at, told));
            }
        }
    }
}

/// The path without links, as far as it exists.
fn real(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let found = path
        .ancestors()
        .find_map(|above| Some((above, above.canonicalize().ok()?)));
    match found {
        Some((above, real)) => real.join(path.strip_prefix(above).unwrap_or(Path::new(""))),
        None => path,
    }
}
