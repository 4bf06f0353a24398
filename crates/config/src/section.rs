//! Reads the runtime's own tables and checks their values.

use signalbox_core::BuildError;

use super::component::merge;
use super::diagnostic::Finding;
use super::settings::{
    AdminSettings, AlertSettings, DeadLetterSettings, HistorySettings, JournalSettings, PersonalData,
    ShutdownSettings, Table, TelemetrySettings,
};
use super::tree::{TomlNode, TomlValue};
use super::walk::walk;
use super::{de, key_files, schema};

/// The runtime's own tables, with defaults for absent and wrong ones.
pub(crate) struct Sections {
    pub(crate) journal: JournalSettings,
    pub(crate) dead_letters: DeadLetterSettings,
    /// `None` for a memory journal without the table, and for a table that cannot be read.
    pub(crate) history: Option<HistorySettings>,
    pub(crate) admin: Option<AdminSettings>,
    pub(crate) alerts: Option<AlertSettings>,
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
    let journal: JournalSettings = journal.unwrap_or_default();
    let history = match root.get(HistorySettings::NAME) {
        Some(_) => section(root, findings, warnings),
        None => HistorySettings::without_table(&journal),
    };
    let history = history.map(|history| history.beside(&journal));
    let admin: Option<AdminSettings> = section(root, findings, warnings);
    let read = Sections {
        admin: admin.map(|admin| admin.beside(&journal)),
        journal,
        dead_letters: section(root, findings, warnings).unwrap_or_default(),
        history,
        alerts: section(root, findings, warnings),
        telemetry: section(root, findings, warnings).unwrap_or_default(),
        shutdown: section(root, findings, warnings).unwrap_or_default(),
    };
    let open = read.admin.as_ref().is_some_and(|admin| !admin.has_operator());
    if open && read.dead_letters.personal_data == PersonalData::Plain {
        let message = "payloads of dead letters in plaintext are shown by the admin address only for an operator's token";
        let doubt = BuildError::new("dead_letters.personal_data", message);
        warnings.extend(root.finding(doubt.help("set admin.token, or personal_data = \"hashed\"")));
    }
    if read.dead_letters.personal_data == PersonalData::Plain && !wrong && read.journal.is_stored_plain() {
        let message = "dead letters in plaintext need a key: they stay in the journal for as long as nobody retries them";
        let fault = BuildError::new("dead_letters.personal_data", message).help(
            "make a key with 'signalbox keygen --out FILE' and set journal.key = \"${file:FILE}\", or set personal_data = \
             \"hashed\"",
        );
        findings.extend(root.finding(fault));
    }
    key_files::check(root, &read.journal, findings, warnings);
    read
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
