//! Reads the runtime's own tables and checks their values.

use std::path::{Path, PathBuf};

use signalbox_core::BuildError;

use super::component::merge;
use super::diagnostic::Finding;
use super::settings::{
    AdminSettings, DeadLetterSettings, JournalSettings, PersonalData, ShutdownSettings, Table,
    TelemetrySettings,
};
use super::tree::{TomlNode, TomlValue};
use super::walk::walk;
use super::{de, schema};

/// The runtime's own tables, with defaults for absent and wrong ones.
pub(crate) struct Sections {
    pub(crate) journal: JournalSettings,
    pub(crate) dead_letters: DeadLetterSettings,
    pub(crate) admin: Option<AdminSettings>,
    pub(crate) telemetry: TelemetrySettings,
    pub(crate) shutdown: ShutdownSettings,
}

/// Reads and checks all tables of the runtime.
pub(crate) fn sections(
    root: &TomlNode,
    findings: &mut Vec<Finding>,
    warnings: &mut Vec<Finding>,
) -> Sections {
    let journal = section(root, findings, warnings);
    let wrong = journal.is_none() && root.get(JournalSettings::NAME).is_some();
    let read = Sections {
        journal: journal.unwrap_or_default(),
        dead_letters: section(root, findings, warnings).unwrap_or_default(),
        admin: section(root, findings, warnings),
        telemetry: section(root, findings, warnings).unwrap_or_default(),
        shutdown: section(root, findings, warnings).unwrap_or_default(),
    };
    let open = read.admin.as_ref().is_some_and(|admin| admin.token.is_none());
    if open && read.dead_letters.personal_data == PersonalData::Plain {
        let message = "payloads of dead letters in plaintext are shown by the admin address only for a token";
        let doubt = BuildError::new("dead_letters.personal_data", message);
        warnings.extend(root.finding(doubt.help("set admin.token, or personal_data = \"hashed\"")));
    }
    if read.dead_letters.personal_data == PersonalData::Plain && !wrong && read.journal.is_plain_on_disk() {
        let message =
            "dead letters in plaintext need a key: they stay on the disk for as long as nobody retries them";
        let fault = BuildError::new("dead_letters.personal_data", message).help(
            "make a key with 'signalbox keygen --out FILE' and set journal.key = \"${file:FILE}\", or set personal_data = \
             \"hashed\"",
        );
        findings.extend(root.finding(fault));
    }
    findings.extend(keys_inside(root, &read.journal));
    read
}

/// Finds keys that lie in the folder of the journal that they encrypt: a copy of the folder would bring the key along.
fn keys_inside(root: &TomlNode, journal: &JournalSettings) -> Vec<Finding> {
    let Some(key) = root
        .get(JournalSettings::NAME)
        .and_then(|table| table.node.get("key"))
    else {
        return Vec::new();
    };
    let texts = match &key.node.value {
        TomlValue::List(items) => items.iter().collect(),
        _ => vec![&key.node],
    };
    let folder = real(&journal.folder());
    let inside = |node: &&TomlNode| match &node.value {
        TomlValue::Text(text) => text
            .files
            .iter()
            .any(|file| real(Path::new(file)).starts_with(&folder)),
        _ => false,
    };
    let message = "the key lies in the folder of the journal that it encrypts";
    let finding = |node: &TomlNode| {
        let finding = Finding::new(&node.path, node.at, message);
        finding.help("move the key to another folder: a copy of the journal must not bring its key along")
    };
    texts.into_iter().filter(inside).map(finding).collect()
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

/// Reads one table and checks its values; `None` if it is absent or wrong.
fn section<T: Table>(root: &TomlNode, findings: &mut Vec<Finding>, warnings: &mut Vec<Finding>) -> Option<T> {
    let node = &root.get(T::NAME)?.node;
    let TomlValue::Table(entries) = &node.value else {
        let message = format!("expected a table, found {}", node.kind());
        let help = format!("write it as a table: [{}]", T::NAME);
        findings.push(Finding::new(&node.path, node.at, message).help(help));
        return None;
    };
    let read: T = match de::read(node, entries.iter().collect()) {
        Ok(read) => read,
        Err(failure) => {
            let walked = walk(node, &schema::of::<T>());
            merge(node, walked, failure.into_iter().collect(), findings);
            return None;
        }
    };
    findings.extend(read.faults().into_iter().filter_map(|fault| node.finding(fault)));
    warnings.extend(read.doubts().into_iter().filter_map(|doubt| node.finding(doubt)));
    Some(read)
}
