//! `[journal]`

mod cluster;
mod key;
mod kind;
mod nats;

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_core::{BuildError, HumanDuration, JournalKey, KeyFault, Secret, Size};
use signalbox_nats::{Connection, ConnectionTls};

pub use cluster::ClusterSettings;
pub use kind::JournalKind;

use super::Table;

/// Where events wait between sources and sinks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JournalSettings {
    /// Kind of journal: `"disk"`; `"nats"`, which several routers share, on the servers of a NATS cluster, in builds with the
    /// cargo feature `nats`; or `"memory"`, which ends with the process. Default: `"disk"`.
    #[serde(rename = "type", default)]
    pub kind: JournalKind,
    /// Folder of a disk journal, created if it is missing; one router at a time. Disk only. Default: `"signalbox-journal"`.
    pub path: Option<PathBuf>,
    /// Key that encrypts the journal, as `signalbox keygen` makes it: `"${file:/etc/signalbox/journal.key}"`, outside of the
    /// journal's folder or cache. After a change of the key, list the new one first and the old one behind it, as long as `status`
    /// names it: `["${file:/new.key}", "${file:/old.key}"]`. Without the key, the journal is lost. All routers of a journal on
    /// NATS need the same. Not for memory. Default: none, the journal is in plain.
    #[serde(default, deserialize_with = "key::keys")]
    #[schemars(schema_with = "key::schema")]
    pub key: Vec<Secret>,
    /// Bytes of unsettled events that the journal holds, at least `"10kB"` (NATS: `"1MB"`); beyond, sources have to wait (503 with
    /// Retry-After). On NATS, settled events that are kept count, too, until their room is needed. Default: `"10GB"`; memory:
    /// `"256MB"`.
    pub max_bytes: Option<Size>,
    /// Age above which unsettled events are dropped, by whole files; the sink counts them as rejected (`journal_max_age`).
    /// Disk only. Default: no limit.
    pub max_age: Option<HumanDuration>,
    /// Time for which events that every sink has settled are kept for replay, unless their room is needed. Not for memory.
    /// Default: `"24h"`.
    pub retain: Option<HumanDuration>,
    /// Time for which a `messageId` is known, so that an event is taken only once; `"0s"` switches deduplication off. Not for
    /// memory (which knows the newest 200,000). Default: `"24h"`.
    pub dedup_window: Option<HumanDuration>,
    /// Memory for deduplication, 12 to 25 bytes an id; ids that do not fit are looked up on disk. Not for memory. Default:
    /// `"256MB"`.
    pub dedup_memory: Option<Size>,
    /// Time for which a sink that is no longer in the file keeps its unsettled events; then they become dead letters
    /// (`orphaned`). Default: until `signalbox forget --sink NAME`.
    pub orphan_retention: Option<HumanDuration>,
    /// Addresses of the cluster's servers, such as `["nats://n1:4222", "nats://n2:4222", "nats://n3:4222"]`; `tls://` demands TLS.
    /// The client uses only these, and goes to the next when one fails. NATS only. Default: none; a journal on NATS needs them.
    #[serde(default)]
    pub servers: Vec<String>,
    /// Text of a credentials file (`.creds`), as `"${file:/run/secrets/nats.creds}"`. NATS only. Default: none.
    pub credentials: Option<Secret>,
    /// User name. Needs `password`. NATS only. Default: none.
    pub user: Option<String>,
    /// Password of `user`. NATS only. Default: none.
    pub password: Option<Secret>,
    /// Token, for servers that ask for one. NATS only. Default: none.
    pub token: Option<Secret>,
    /// Seed of a user's NKey, which begins with `SU`. NATS only. Default: none.
    pub nkey: Option<Secret>,
    /// Certificates: `{ ca = "…", certificate = "…", key = "…" }`, each optional. With this table every connection uses TLS. NATS
    /// only. Default: TLS for `tls://` and for servers that demand it, with the system's authorities.
    pub tls: Option<ConnectionTls>,
    /// Beginning of the names of the journal's streams, buckets and subjects, up to 32 letters, digits, `-` and `_`. Two journals
    /// on the same servers need two. NATS only. Default: `"sbx"`.
    pub prefix: Option<String>,
    /// Folder of a router's local copies, such as those of known ids, created if it is missing. It may be deleted while the router
    /// stands still; the next start reads the servers again. One router at a time. NATS only. Default: `"signalbox-cache"`.
    pub cache: Option<PathBuf>,
    /// Addresses of the servers' monitoring, such as `["http://n1:8222", "http://n2:8222", "http://n3:8222"]`, where a start reads
    /// whether they sync each message to disk. NATS only. Default: none, each start warns that it could not be checked.
    #[serde(default)]
    pub monitor: Vec<String>,
    /// True to say that events lie in plain on the servers on purpose. NATS only. Default: `false`; without `key`, each start logs
    /// what lies in plain.
    pub plain: Option<bool>,
    /// The routers that share the journal. NATS only. Default: the defaults of its keys.
    pub cluster: Option<ClusterSettings>,
}

impl JournalSettings {
    /// Least `max_bytes`.
    const LEAST_BYTES: u64 = 10_000;
    /// Least `max_bytes` of a journal on NATS: some messages of the largest size.
    const LEAST_BYTES_OF_NATS: u64 = 1_000_000;

    /// The folder of a disk journal.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.path.clone().unwrap_or_else(|| "signalbox-journal".into())
    }

    /// The folder of a router's local copies of a journal on NATS.
    #[must_use]
    pub fn cache(&self) -> PathBuf {
        self.cache.clone().unwrap_or_else(|| "signalbox-cache".into())
    }

    /// The folder that this kind of journal has on the router's disk; `None` for a memory journal.
    #[must_use]
    pub fn local_folder(&self) -> Option<PathBuf> {
        match self.kind {
            JournalKind::Disk => Some(self.folder()),
            JournalKind::Nats => Some(self.cache()),
            JournalKind::Memory => None,
        }
    }

    /// The connection to the servers of a journal on NATS.
    #[must_use]
    pub fn connection(&self) -> Connection {
        Connection {
            servers: self.servers.clone(),
            credentials: self.credentials.clone(),
            user: self.user.clone(),
            password: self.password.clone(),
            token: self.token.clone(),
            nkey: self.nkey.clone(),
            tls: self.tls.clone(),
        }
    }

    /// The beginning of the names of streams and subjects of a journal on NATS.
    #[must_use]
    pub fn prefix(&self) -> &str {
        self.prefix.as_deref().unwrap_or("sbx")
    }

    /// True if events outlive the process.
    #[must_use]
    pub fn is_durable(&self) -> bool {
        self.kind != JournalKind::Memory
    }

    /// True if the journal outlives the process and has no key.
    #[must_use]
    pub fn is_stored_plain(&self) -> bool {
        self.is_durable() && self.key.is_empty()
    }

    /// Returns a path beside the journal's folder on this machine: its name with an ending. `None` for a memory journal, and for
    /// a folder without a name.
    pub(crate) fn beside(&self, ending: &str) -> Option<PathBuf> {
        let folder = self.local_folder()?;
        let mut name = folder.file_name()?.to_owned();
        name.push(ending);
        Some(folder.with_file_name(name))
    }

    /// The limit in bytes.
    #[must_use]
    pub fn limit(&self) -> u64 {
        let default = match self.kind {
            JournalKind::Memory => 256_000_000,
            JournalKind::Disk | JournalKind::Nats => 10_000_000_000,
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

    /// The name by which the other routers know this one: `node`, else the machine's name.
    ///
    /// # Errors
    /// A sentence, if the machine's name cannot be used.
    pub fn node(&self) -> Result<String, String> {
        cluster::node(self.cluster.as_ref().and_then(|cluster| cluster.node.as_deref()))
    }

    /// The time after which other routers drive the sinks of one that is silent.
    #[must_use]
    pub fn takeover(&self) -> Duration {
        let takeover = self.cluster.as_ref().and_then(|cluster| cluster.takeover);
        takeover.map_or(ClusterSettings::TAKEOVER, |time| time.0)
    }

    /// The servers that hold a copy of each event.
    #[must_use]
    pub fn replicas(&self) -> u8 {
        let replicas = self.cluster.as_ref().and_then(|cluster| cluster.replicas);
        replicas.unwrap_or(ClusterSettings::REPLICAS)
    }

    fn size_fault(&self) -> Option<BuildError> {
        let (least, told) = match self.kind {
            JournalKind::Nats => (Self::LEAST_BYTES_OF_NATS, "must be at least 1MB"),
            JournalKind::Disk | JournalKind::Memory => (Self::LEAST_BYTES, "must be at least 10kB"),
        };
        let small = self.max_bytes.is_some_and(|size| size.0 < least);
        small.then(|| BuildError::new("max_bytes", told))
    }
}

impl Table for JournalSettings {
    const NAME: &'static str = "journal";

    fn faults(&self) -> Vec<BuildError> {
        let mut faults = kind::foreign_keys(self.kind);
        faults.extend(self.size_fault());
        faults.extend(key::faults(&self.key));
        if self.kind == JournalKind::Nats {
            faults.extend(nats::faults(self));
            faults.extend(self.cluster.iter().flat_map(ClusterSettings::faults));
        }
        faults
    }

    fn doubts(&self) -> Vec<BuildError> {
        let mut doubts = kind::idle_keys(self.kind);
        if self.kind == JournalKind::Nats {
            doubts.extend(self.connection().doubts());
            doubts.extend(self.cluster.iter().flat_map(ClusterSettings::doubts));
        }
        doubts
    }
}
