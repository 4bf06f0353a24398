//! The servers that all tests of this binary share, with a prefix for each journal.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Weak};

use signalbox_journal::{NatsJournal, NatsOptions};
use signalbox_nats::Connection;
use signalbox_testkit::NatsCluster;
use tokio::sync::Mutex;

use super::Bench;

/// The servers, while a test uses them.
static SERVERS: Mutex<Weak<NatsCluster>> = Mutex::const_new(Weak::new());

/// A journal's place at the servers.
pub(crate) struct Prefix {
    servers: Arc<NatsCluster>,
    name: String,
}

impl Prefix {
    /// Takes a free prefix; `None` if the machine has no server.
    pub(crate) async fn new() -> Option<Prefix> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        if !NatsCluster::available() {
            return None;
        }
        let mut known = SERVERS.lock().await;
        let servers = match known.upgrade() {
            Some(servers) => servers,
            None => {
                let servers = Arc::new(NatsCluster::start(3).await);
                *known = Arc::downgrade(&servers);
                servers
            }
        };
        Some(Prefix {
            servers,
            name: format!("t{}", NEXT.fetch_add(1, Relaxed)),
        })
    }

    pub(super) async fn open(&self, bench: &Bench, cache: &Path) -> NatsJournal {
        let connection = Connection {
            servers: self.servers.urls(),
            ..Connection::default()
        };
        let client = signalbox_nats::connect(&connection, "test").await.unwrap();
        let options = NatsOptions {
            prefix: self.name.clone(),
            replicas: self.servers.len(),
            max_bytes: bench.max_bytes,
            dead_letters: bench.quota,
            keys: bench.keys.clone(),
            ..NatsOptions::new("router-1", cache)
        };
        NatsJournal::open(client, options).await.unwrap()
    }
}
