//! Routers of one journal for tests, on real servers.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::jetstream;
use signalbox_nats::{Client, Connection};
use signalbox_testkit::NatsCluster;

use super::book::values::Values;
use super::cluster::{Cluster, Holder};
use super::subjects::Subjects;

/// Connects to one of the servers.
pub(crate) async fn client(servers: &NatsCluster) -> Client {
    let connection = Connection {
        servers: servers.urls(),
        ..Connection::default()
    };
    signalbox_nats::connect(&connection, "test").await.unwrap()
}

/// Connects to one of the servers.
pub(crate) async fn context(servers: &NatsCluster) -> jetstream::Context {
    client(servers).await.jetstream()
}

/// The settings of a router: its name, the number of its process and `takeover`.
pub(crate) fn router(servers: &NatsCluster, node: &str, process: u32, takeover: Duration) -> Cluster {
    Cluster {
        subjects: Subjects::new("sbx"),
        own: Holder {
            node: node.into(),
            start: format!("{node} {process}").into(),
        },
        ended: Arc::new([]),
        takeover,
        replicas: servers.len().min(3),
        values: Values::default(),
        watchdog: None,
    }
}

/// Waits until something is true.
pub(crate) async fn eventually(what: &str, limit: Duration, mut true_now: impl FnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !true_now() {
        assert!(start.elapsed() < limit, "{what}: not within {limit:?}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    start.elapsed()
}
