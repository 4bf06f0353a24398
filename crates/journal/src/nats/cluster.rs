//! A router among others that share a journal.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use signalbox_nats::Watchdog;

use super::book::values::Values;
use super::subjects::Subjects;

/// A process of a router.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Holder {
    /// The router's name.
    pub node: Arc<str>,
    /// The id of the process.
    pub start: Arc<str>,
}

/// The settings of a router among others, which its parts need.
#[derive(Clone)]
pub(crate) struct Cluster {
    /// The names of streams and subjects.
    pub(crate) subjects: Subjects,
    /// This process.
    pub(crate) own: Holder,
    /// The ids of processes of this router that are known to have ended.
    pub(crate) ended: Arc<[Arc<str>]>,
    /// The time that a router may be silent before others drive its sinks: the TTL of a lease.
    pub(crate) takeover: Duration,
    /// The number of servers that keep each stream.
    pub(crate) replicas: usize,
    /// The form of values at the servers.
    pub(crate) values: Values,
    /// Leaves a server that no longer answers.
    pub(crate) watchdog: Option<Arc<Watchdog>>,
}
