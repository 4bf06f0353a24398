//! Reads the runtime's own tables, and checks what only their values show.

use serde::de::DeserializeOwned;

use super::admin_access::check_admin;
use super::component::merge;
use super::diagnostic::Finding;
use super::settings::{
    AdminSettings, DeadLetterSettings, JournalKind, JournalSettings, PersonalData, ShutdownSettings,
    TelemetrySettings,
};
use super::tree::{Node, Value};
use super::walk::walk;
use super::{de, schema};

/// The runtime's own tables; defaults stand in for what is absent or wrong.
pub(crate) struct Sections {
    pub(crate) journal: JournalSettings,
    pub(crate) dead_letters: DeadLetterSettings,
    pub(crate) admin: Option<AdminSettings>,
    pub(crate) telemetry: TelemetrySettings,
    pub(crate) shutdown: ShutdownSettings,
}

/// Reads them all.
pub(crate) fn sections(root: &Node, findings: &mut Vec<Finding>, warnings: &mut Vec<Finding>) -> Sections {
    let read = Sections {
        journal: section(root, "journal", findings).unwrap_or_default(),
        dead_letters: section(root, "dead_letters", findings).unwrap_or_default(),
        admin: section(root, "admin", findings),
        telemetry: section(root, "telemetry", findings).unwrap_or_default(),
        shutdown: section(root, "shutdown", findings).unwrap_or_default(),
    };
    if read.journal.kind == JournalKind::Memory {
        for key in ["path", "max_age", "retain", "dedup_window", "dedup_memory"] {
            warnings.extend(at(
                root,
                "journal",
                key,
                "has no effect: only a disk journal has it",
            ));
        }
    }
    if read.dead_letters.max_bytes.is_some() && read.dead_letters.on_full.is_none() {
        let message = "without 'on_full' the oldest dead letters of a sink are dropped beyond it";
        warnings.extend(at(root, "dead_letters", "max_bytes", message).map(|finding| {
            finding.help(
                "set on_full = \"hold_sink\" to lose none (the default without 'max_bytes'), or on_full = \
                 \"drop_oldest\" if that is meant",
            )
        }));
    }
    if read.journal.max_bytes.is_some_and(|size| size.0 < 10_000) {
        findings.extend(at(root, "journal", "max_bytes", "must be at least 10kB"));
    }
    if let Some(admin) = &read.admin {
        if !admin.hosts.iter().all(|host| is_name(host)) {
            let message = "expected names of hosts, such as \"signalbox.internal\"";
            findings.extend(at(root, "admin", "hosts", message).map(|finding| {
                finding.help("leave out http://, port and path; IP addresses need not be listed")
            }));
        }
        if read.dead_letters.personal_data == PersonalData::Plain && admin.token.is_none() {
            let message =
                "payloads of dead letters in plaintext are shown by the admin address only for a token";
            warnings.extend(
                at(root, "dead_letters", "personal_data", message)
                    .map(|finding| finding.help("set admin.token, or personal_data = \"hashed\"")),
            );
        }
        if let Err(error) = check_admin(admin.listen, admin.token.as_ref()) {
            let finding = at(root, "admin", &error.path, &error.message);
            findings.extend(finding.map(|finding| Finding {
                help: error.help,
                ..finding
            }));
        }
    }
    match read.telemetry.otlp_endpoint.as_deref() {
        Some(url) if !url.starts_with("http://") && !url.starts_with("https://") => {
            let message = "expected a URL that begins with http:// or https://";
            findings.extend(at(root, "telemetry", "otlp_endpoint", message));
        }
        // It would end up in logs.
        Some(url) if url.contains('@') => {
            findings.extend(at(
                root,
                "telemetry",
                "otlp_endpoint",
                "a user or password in the URL is not supported",
            ));
        }
        Some(_) => {}
        None => warnings.extend(at(
            root,
            "telemetry",
            "interval",
            "has no effect without 'otlp_endpoint'",
        )),
    }
    if read.telemetry.interval.0.is_zero() {
        findings.extend(at(root, "telemetry", "interval", "must be longer than zero"));
    }
    read
}

fn section<T: DeserializeOwned>(root: &Node, name: &str, findings: &mut Vec<Finding>) -> Option<T> {
    let node = &root.get(name)?.node;
    let Value::Table(entries) = &node.value else {
        let message = format!("expected a table, found {}", node.kind());
        findings
            .push(Finding::new(&node.path, node.at, message).help(format!("write it as a table: [{name}]")));
        return None;
    };
    match de::read(node, entries.iter().collect()) {
        Ok(value) => Some(value),
        Err(failure) => {
            let sections = schema::sections();
            let schema = sections.iter().find(|(known, _)| *known == name);
            let walked = schema.map(|(_, schema)| walk(node, schema)).unwrap_or_default();
            merge(node, walked, failure.into_iter().collect(), findings);
            None
        }
    }
}

/// A finding at a key of a section; none when the file does not have the key.
fn at(root: &Node, section: &str, key: &str, message: &str) -> Option<Finding> {
    let node = &root.get(section)?.node.get(key)?.node;
    Some(Finding::new(&node.path, node.at, message))
}

/// True if this can be the name of a host, without a port.
fn is_name(host: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    !host.is_empty() && host.bytes().all(fits)
}
