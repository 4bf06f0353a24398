//! Checks which routers of a shared journal run a source.

use super::diagnostic::Finding;
use super::loaded::SourceEntry;
use super::settings::{JournalKind, JournalSettings, name_fault};
use super::tree::TomlNode;

/// Finds sources that every router would run though they read from one machine, and names that no router can have; warns of
/// names that have no effect.
pub(crate) fn check(
    root: &TomlNode,
    journal: &JournalSettings,
    sources: &[SourceEntry],
    findings: &mut Vec<Finding>,
    warnings: &mut Vec<Finding>,
) {
    let table = root.get("sources");
    for source in sources {
        let Some(entry) = table.and_then(|table| table.node.get(&source.name)) else {
            continue;
        };
        let node = &entry.node;
        let only_on = node.get("only_on").map(|entry| &entry.node);
        let is_shared = journal.kind == JournalKind::Nats;
        match (&source.runtime.only_on, only_on) {
            (Some(name), Some(only_on)) => {
                let finding = |message: String| Finding::new(&only_on.path, only_on.at, message);
                if let Some(fault) = name_fault(name) {
                    let help = "name a router as its 'node' in [journal.cluster] does";
                    findings.push(finding(fault.to_owned()).help(help));
                } else if !is_shared {
                    let message = "has no effect: only a journal on NATS has several routers";
                    warnings.push(finding(message.to_owned()));
                }
            }
            _ if is_shared && !source.config.is_shared() => {
                let message = "every router that shares the journal would read this source, and take its events once each";
                let help = "name the router that alone reads it: only_on = \"NODE\", its 'node' in [journal.cluster]";
                findings.push(Finding::new(&node.path, node.at, message).help(help));
            }
            _ => {}
        }
    }
}
