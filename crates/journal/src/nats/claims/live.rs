//! Routers whose files put a sink into different rate groups, on a real server.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use signalbox_nats::Connection;
use signalbox_testkit::NatsCluster;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::nats::testing::eventually;
use crate::nats::{NatsJournal, NatsOptions};
use crate::{Group, Log as _, Node, Reader, Start, Subscription, Tenures};

const LIMIT: Duration = Duration::from_secs(30);

struct Router {
    journal: Arc<NatsJournal>,
    tenures: watch::Receiver<Tenures>,
}

impl Router {
    async fn start(servers: &NatsCluster, node: &str, cache: &Path, groups: &[(&str, &[&str])]) -> Router {
        let connection = Connection {
            servers: servers.urls(),
            ..Connection::default()
        };
        let client = signalbox_nats::connect(&connection, "journal").await.unwrap();
        let options = NatsOptions {
            replicas: servers.len(),
            takeover: Duration::from_secs(1),
            max_bytes: 100_000_000,
            ..NatsOptions::new(node, cache.join(node))
        };
        let journal = Arc::new(NatsJournal::open(client, options).await.unwrap());
        let tenures = journal.tenures(named(groups));
        Router { journal, tenures }
    }

    /// Takes another file; the readers of changed sinks have ended.
    fn reload(&mut self, groups: &[(&str, &[&str])]) {
        self.tenures = self.journal.tenures(named(groups));
    }

    async fn may_drive(&self, sink: &str) {
        let may = || {
            let tenures = self.tenures.borrow();
            tenures.of(sink).is_some_and(crate::Tenure::holds)
        };
        eventually("a lease", LIMIT, may).await;
    }

    /// Begins to open the reader of the sink `x`.
    fn opens(&self) -> JoinHandle<Box<dyn Reader>> {
        let journal = self.journal.clone();
        tokio::spawn(async move {
            let to_s = Subscription::new(["s"], Start::End);
            journal.reader("x", &to_s).await.unwrap().0
        })
    }

    fn node(&self, name: &str) -> Node {
        let nodes = self.journal.nodes();
        let node = nodes.into_iter().find(|node| node.name == name);
        node.unwrap_or_default()
    }

    async fn stop(self) {
        self.journal.close();
        self.journal.shutdown().await;
    }
}

fn named(groups: &[(&str, &[&str])]) -> Vec<Group> {
    let group = |(name, sinks): &(&str, &[&str])| Group {
        name: (*name).into(),
        sinks: sinks.iter().map(|sink| (*sink).into()).collect(),
    };
    groups.iter().map(group).collect()
}

async fn opened(opening: JoinHandle<Box<dyn Reader>>) -> Box<dyn Reader> {
    let opened = tokio::time::timeout(LIMIT, opening).await;
    opened.expect("the reader is opened").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sink_of_two_rate_groups_is_driven_by_one_router() {
    if !NatsCluster::available() {
        return;
    }
    let servers = NatsCluster::start(1).await;
    let folder = tempfile::tempdir().unwrap();
    let mut one = Router::start(&servers, "one", folder.path(), &[("a", &["x", "y"])]).await;
    one.may_drive("x").await;
    let reader = opened(one.opens()).await;
    let two = Router::start(&servers, "two", folder.path(), &[("b", &["x", "z"])]).await;
    two.may_drive("x").await;
    let waits = two.opens();
    let told = || one.node("two").regrouped == ["x"];
    eventually("the router that waits says so", LIMIT, told).await;
    let nodes = one.journal.nodes();
    let drives = Node::driving(&nodes, "x").map(|node| node.name.as_str());
    assert_eq!(drives, Some("one"));
    assert!(!waits.is_finished() && !one.node("one").has_sink("z"));

    // The file of the first router changes as well: nothing drives the sink under its former group any more.
    drop(reader);
    one.reload(&[("a", &["y"]), ("b", &["x", "z"])]);
    let reader = opened(waits).await;
    let silent = || two.node("two").regrouped.is_empty();
    eventually("the difference is gone", LIMIT, silent).await;
    one.may_drive("y").await;

    // And back, at this router alone: it waits for the other one, now under the new group.
    one.reload(&[("a", &["x", "y"])]);
    one.may_drive("x").await;
    let waits = one.opens();
    let told = || one.node("one").regrouped == ["x"];
    eventually("the router that waits says so", LIMIT, told).await;
    assert!(!waits.is_finished());
    // The other one stops. Nobody is left that asks for its group; the first router does, to end its claim.
    drop(reader);
    two.stop().await;
    opened(waits).await;
    one.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_moves_a_sink_to_another_rate_group_at_once() {
    if !NatsCluster::available() {
        return;
    }
    let servers = NatsCluster::start(1).await;
    let folder = tempfile::tempdir().unwrap();
    let mut one = Router::start(&servers, "one", folder.path(), &[("a", &["x"])]).await;
    for group in ["b", "a", "c"] {
        one.may_drive("x").await;
        drop(opened(one.opens()).await);
        one.reload(&[(group, &["x"])]);
    }
    one.may_drive("x").await;
    drop(opened(one.opens()).await);
    let gone = || one.node("one").drives == ["c"];
    eventually("the former groups are given back", LIMIT, gone).await;
    one.stop().await;
}
