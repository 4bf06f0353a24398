//! The kinds of journal, and the keys that belong to some of them only.

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_core::BuildError;

/// The kinds of journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JournalKind {
    /// The memory of the process: its events are lost when the process ends.
    Memory,
    /// The disk: acknowledged events survive a crash.
    #[default]
    Disk,
    /// The streams of NATS servers, which several routers share: acknowledged events survive the loss of a machine.
    Nats,
}

/// Keys that a memory journal does not have, and others do.
const NOT_OF_MEMORY: [&str; 4] = ["key", "retain", "dedup_window", "dedup_memory"];
/// Keys that only a disk journal has.
const OF_DISK: [&str; 2] = ["path", "max_age"];
/// Keys that only a journal on NATS has.
const OF_NATS: [&str; 12] = [
    "servers",
    "credentials",
    "user",
    "password",
    "token",
    "nkey",
    "tls",
    "prefix",
    "cache",
    "monitor",
    "plain",
    "cluster",
];

/// Returns a fault for each key that belongs to another kind, where going on without it would be another journal than the one that
/// was meant: routers that each have a journal instead of a shared one, or a limit that does not hold.
pub(super) fn foreign_keys(kind: JournalKind) -> Vec<BuildError> {
    match kind {
        JournalKind::Nats => OF_DISK
            .map(|key| {
                let help = match key {
                    "path" => "take it out; 'cache' is the router's folder on its own disk",
                    _ => "take it out; 'max_bytes' limits what the servers keep",
                };
                BuildError::new(key, "only a disk journal has it, and this one is on NATS").help(help)
            })
            .to_vec(),
        JournalKind::Disk | JournalKind::Memory => OF_NATS
            .map(|key| {
                let message = match kind {
                    JournalKind::Memory => "only a journal on NATS has it, and this one is in memory",
                    _ => "only a journal on NATS has it, and this one is on disk",
                };
                BuildError::new(key, message).help("set type = \"nats\" in [journal], or take it out")
            })
            .to_vec(),
    }
}

/// Returns a warning for each key that has no effect.
pub(super) fn idle_keys(kind: JournalKind) -> Vec<BuildError> {
    if kind != JournalKind::Memory {
        return Vec::new();
    }
    let idle = |told: &'static str| move |key: &&str| BuildError::new(*key, format!("has no effect: {told}"));
    let of_disk = OF_DISK.iter().map(idle("only a disk journal has it"));
    let of_both = NOT_OF_MEMORY
        .iter()
        .map(idle("a journal in memory does not have it"));
    of_disk.chain(of_both).collect()
}
