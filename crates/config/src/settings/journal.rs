//! `[journal]`

use std::fmt;
use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};
use signalbox_core::{BuildError, HumanDuration, JournalKey, KeyFault, Secret, Size};

use super::Table;

/// Where events wait between sources and sinks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JournalSettings {
    /// Kind of journal: `"disk"`, or `"memory"`, which ends with the process. Default: `"disk"`.
    #[serde(rename = "type", default)]
    pub kind: JournalKind,
    /// Folder of a disk journal, created if it is missing; one router at a time. Default: `"signalbox-journal"`.
    pub path: Option<PathBuf>,
    /// Key that encrypts the journal, as `signalbox keygen` makes it: `"${file:/etc/signalbox/journal.key}"`, outside of the
    /// journal's folder. After a change of the key, list the new one first and the old one behind it, as long as `status`
    /// names it: `["${file:/new.key}", "${file:/old.key}"]`. Without the key, the journal is lost. Disk only. Default: none,
    /// the journal is in plain.
    #[serde(default, deserialize_with = "keys")]
    #[schemars(schema_with = "keys_schema")]
    pub key: Vec<Secret>,
    /// Bytes of unsettled events that the journal holds, at least `"10kB"`; beyond, sources have to wait (503 with
    /// Retry-After). Default: `"10GB"`; memory: `"256MB"`.
    pub max_bytes: Option<Size>,
    /// Age above which unsettled events are dropped, by whole files; the sink counts them as rejected (`journal_max_age`).
    /// Disk only. Default: no limit.
    pub max_age: Option<HumanDuration>,
    /// Time for which events that every sink has settled are kept for replay, unless their room is needed. Disk only.
    /// Default: `"24h"`.
    pub retain: Option<HumanDuration>,
    /// Time for which a `messageId` is known, so that an event is taken only once; `"0s"` switches deduplication off. Disk
    /// only (a memory journal knows the newest 200,000). Default: `"24h"`.
    pub dedup_window: Option<HumanDuration>,
    /// Memory for deduplication, 12 to 25 bytes an id; ids that do not fit are looked up on disk. Disk only. Default:
    /// `"256MB"`.
    pub dedup_memory: Option<Size>,
    /// Time for which a sink that is no longer in the file keeps its unsettled events; then they become dead letters
    /// (`orphaned`). Default: until `signalbox forget --sink NAME`.
    pub orphan_retention: Option<HumanDuration>,
}

impl JournalSettings {
    /// Least `max_bytes`.
    const LEAST_BYTES: u64 = 10_000;

    /// Keys that a memory journal does not have.
    const DISK_ONLY: [&str; 6] = ["path", "key", "max_age", "retain", "dedup_window", "dedup_memory"];

    /// The folder of a disk journal.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.path.clone().unwrap_or_else(|| "signalbox-journal".into())
    }

    /// True if the journal writes files and has no key.
    pub(crate) fn is_plain_on_disk(&self) -> bool {
        self.kind == JournalKind::Disk && self.key.is_empty()
    }

    /// Returns a path beside the folder: its name with an ending. `None` for a memory journal, and for a folder without a name.
    pub(crate) fn beside(&self, ending: &str) -> Option<PathBuf> {
        let folder = (self.kind == JournalKind::Disk).then(|| self.folder())?;
        let mut name = folder.file_name()?.to_owned();
        name.push(ending);
        Some(folder.with_file_name(name))
    }

    /// The limit in bytes.
    #[must_use]
    pub fn limit(&self) -> u64 {
        let default = match self.kind {
            JournalKind::Memory => 256_000_000,
            JournalKind::Disk => 10_000_000_000,
        };
        self.max_bytes.map_or(default, |size| size.0)
    }

    /// The keys, the newest first. Loading has checked them.
    ///
    /// # Errors
    /// [`KeyFault`] of the first text that is no key.
    pub fn keys(&self) -> Result<Vec<JournalKey>, KeyFault> {
        self.key
            .iter()
            .map(|key| JournalKey::parse(key.expose()))
            .collect()
    }
}

impl Table for JournalSettings {
    const NAME: &'static str = "journal";

    fn faults(&self) -> Vec<BuildError> {
        let small = self.max_bytes.is_some_and(|size| size.0 < Self::LEAST_BYTES);
        let fault = small.then(|| BuildError::new("max_bytes", "must be at least 10kB"));
        let keys = self.key.iter().enumerate().filter_map(|(n, key)| {
            let fault = JournalKey::parse(key.expose()).err()?;
            let place = match self.key.len() {
                1 => String::new(),
                _ => format!("key {} of the list ", n + 1),
            };
            let help = "'signalbox keygen --out FILE' makes a key; name its file: key = \"${file:FILE}\"";
            Some(BuildError::new("key", format!("{place}{fault}")).help(help))
        });
        fault.into_iter().chain(keys).collect()
    }

    fn doubts(&self) -> Vec<BuildError> {
        match self.kind {
            JournalKind::Memory => Self::DISK_ONLY
                .map(|key| BuildError::new(key, "has no effect: only a disk journal has it"))
                .to_vec(),
            JournalKind::Disk => Vec::new(),
        }
    }
}

/// Reads a key, or a list of keys.
fn keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Secret>, D::Error> {
    struct Keys;
    impl<'de> de::Visitor<'de> for Keys {
        type Value = Vec<Secret>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a key, or a list of keys")
        }
        fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<Secret>, E> {
            Ok(vec![Secret::new(text)])
        }
        fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Secret>, A::Error> {
            let mut keys = Vec::new();
            while let Some(key) = list.next_element()? {
                keys.push(key);
            }
            Ok(keys)
        }
    }
    deserializer.deserialize_any(Keys)
}

fn keys_schema(_: &mut SchemaGenerator) -> Schema {
    let key = serde_json::json!({ "type": "string", "writeOnly": true });
    json_schema!({ "anyOf": [key, { "type": "array", "items": key }] })
}

/// The kinds of journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JournalKind {
    /// The memory of the process: its events are lost when the process ends.
    Memory,
    /// The disk: acknowledged events survive a crash.
    #[default]
    Disk,
}
