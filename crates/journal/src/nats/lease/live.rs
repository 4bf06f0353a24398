//! Leases of several routers on real servers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use async_nats::jetstream;
use signalbox_testkit::NatsCluster;
use tokio::sync::watch;

use super::Leases;
use crate::nats::cluster::Cluster;
use crate::nats::nodes::Nodes;
use crate::nats::testing::{client, context, eventually, router};
use crate::{Group, Tenure, Tenures};

const GROUPS: [&str; 6] = ["g0", "g1", "g2", "g3", "g4", "g5"];
/// A time that no test waits for.
const LONG: Duration = Duration::from_secs(30);

fn groups() -> Vec<Group> {
    let group = |name: &&str| Group {
        name: (*name).into(),
        sinks: vec![format!("{name} sink").into()],
    };
    GROUPS.iter().map(group).collect()
}

struct Router {
    leases: Arc<Leases>,
    nodes: Arc<Nodes>,
    tenures: watch::Receiver<Tenures>,
    runtime: tokio::task::AbortHandle,
}

impl Router {
    async fn start(servers: &NatsCluster, cluster: Cluster) -> Router {
        Router::start_over(context(servers).await, cluster).await
    }

    async fn start_over(context: jetstream::Context, cluster: Cluster) -> Router {
        let nodes = Arc::new(Nodes::join(&context, &cluster).await.unwrap());
        let (_, ready) = watch::channel(true);
        let leases = Leases::start(&context, cluster, Arc::clone(&nodes), ready).await;
        let leases = Arc::new(leases.unwrap());
        let tenures = leases.tenures(groups());
        let runtime = tokio::spawn(release_wanted(Arc::clone(&leases), tenures.clone())).abort_handle();
        Router {
            leases,
            nodes,
            tenures,
            runtime,
        }
    }

    fn tenure(&self, group: &str) -> Option<Tenure> {
        self.tenures.borrow().of(&format!("{group} sink")).cloned()
    }

    fn count(&self) -> usize {
        GROUPS
            .iter()
            .filter_map(|group| self.tenure(group))
            .filter(Tenure::holds)
            .count()
    }

    /// Ends as a killed process does: nothing is given back.
    fn kill(self) {
        self.runtime.abort();
    }
}

impl Drop for Router {
    fn drop(&mut self) {
        self.runtime.abort();
    }
}

/// The runtime's part: drivers of groups that are wanted elsewhere end at once.
async fn release_wanted(leases: Arc<Leases>, tenures: watch::Receiver<Tenures>) {
    loop {
        for group in GROUPS {
            let sink: Arc<str> = format!("{group} sink").into();
            let wanted = tenures.borrow().of(&sink).is_some_and(Tenure::is_wanted);
            if wanted {
                leases.release(&[sink]);
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Fails if two routers ever hold a group at the same time. Stops when it is dropped.
struct Guard(Arc<AtomicBool>, Option<std::thread::JoinHandle<()>>);

impl Guard {
    fn new(routers: Vec<watch::Receiver<Tenures>>) -> Guard {
        let stop = Arc::new(AtomicBool::new(false));
        let thread = std::thread::spawn({
            let stop = Arc::clone(&stop);
            move || {
                while !stop.load(Relaxed) {
                    GROUPS.iter().for_each(|group| Guard::look(&routers, group));
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        });
        Guard(stop, Some(thread))
    }

    fn look(routers: &[watch::Receiver<Tenures>], group: &str) {
        let tenure = |router: &watch::Receiver<Tenures>| {
            router
                .borrow()
                .of(&format!("{group} sink"))
                .cloned()
                .filter(Tenure::holds)
        };
        for first in routers {
            let Some(held) = tenure(first) else { continue };
            let others = routers.iter().filter(|other| !other.same_channel(first));
            let second = others.filter_map(tenure).count();
            // The first may have ended before the second began.
            assert!(second == 0 || !held.holds(), "two routers hold {group}");
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
        if let Some(thread) = self.1.take()
            && thread.join().is_err()
            && !std::thread::panicking()
        {
            panic!("the guard found two holders");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_spread_over_the_routers_and_a_killed_ones_are_taken_over() {
    if !NatsCluster::available() {
        return;
    }
    let servers = NatsCluster::start(1).await;
    let takeover = Duration::from_secs(1);
    let a = Router::start(&servers, router(&servers, "a", 1, takeover)).await;
    eventually("a drives all", LONG, || a.count() == 6).await;
    assert!(a.tenure("g0").unwrap().first);
    let b = Router::start(&servers, router(&servers, "b", 1, takeover)).await;
    let guard = Guard::new(vec![a.tenures.clone(), b.tenures.clone()]);
    let share = || {
        let own = GROUPS
            .iter()
            .filter(|group| b.nodes.prefers_own(Some(group), None));
        own.count()
    };
    eventually("b hears of a", LONG, || (1..6).contains(&share())).await;
    let share = share();
    eventually("b drives its share", LONG, || b.count() == share).await;
    eventually("a drives the rest", LONG, || a.count() == 6 - share).await;
    let taken = GROUPS.iter().filter_map(|group| b.tenure(group));
    assert!(taken.into_iter().all(|tenure| !tenure.first));
    eventually("b hears what a drives", LONG, || {
        let nodes = b.nodes.list();
        nodes.len() == 2 && nodes[0].drives.len() == 6 - share && nodes[1].own
    })
    .await;
    assert_eq!(
        b.nodes
            .list()
            .iter()
            .filter(|node| node.drives_sink("g0 sink"))
            .count(),
        1
    );
    // One of them tends the journal.
    let time = a.leases.servers_time().await.unwrap();
    let age = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as i64 - time;
    assert!((-1_000..10_000).contains(&age), "{age} ms");
    let janitors = || [&a, &b].map(|router| *router.leases.janitor().borrow());
    eventually("one janitor", LONG, || {
        janitors().into_iter().filter(|is| *is).count() == 1
    })
    .await;
    a.kill();
    let silence = eventually("b drives all", LONG, || b.count() == 6).await;
    assert!(silence < takeover + Duration::from_secs(10), "{silence:?}");
    eventually("b is the janitor", LONG, || *b.leases.janitor().borrow()).await;
    drop(guard);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_router_that_stops_hands_over_at_once_and_a_restarted_one_takes_its_own_back() {
    if !NatsCluster::available() {
        return;
    }
    let servers = NatsCluster::start(1).await;
    let a = Router::start(&servers, router(&servers, "a", 1, LONG)).await;
    eventually("a drives all", LONG, || a.count() == 6).await;
    let b = Router::start(&servers, router(&servers, "b", 1, LONG)).await;
    let guard = Guard::new(vec![a.tenures.clone(), b.tenures.clone()]);
    a.leases.close();
    let sinks: Vec<Arc<str>> = groups().into_iter().flat_map(|group| group.sinks).collect();
    let began = Instant::now();
    a.leases.release(&sinks[..3]);
    eventually("b drives three", LONG, || b.count() == 3).await;
    assert_eq!(a.count(), 3);
    a.leases.release_all().await;
    eventually("b drives all", LONG, || b.count() == 6).await;
    let silence = began.elapsed();
    // By word of the one that stopped, not by its silence.
    assert!(silence < LONG / 2, "{silence:?}");
    assert!(b.nodes.list().len() == 1 && a.count() == 0);
    drop(guard);

    // Killed, and started again with the proof that the former process is gone.
    b.kill();
    let again = Cluster {
        ended: ["b 1".into()].into(),
        ..router(&servers, "b", 2, LONG)
    };
    let began = Instant::now();
    let again = Router::start(&servers, again).await;
    eventually("b drives all again", LONG, || again.count() == 6).await;
    assert!(began.elapsed() < LONG / 2, "{:?}", began.elapsed());
    again.kill();
    // Without the proof it waits as any other.
    let third = Router::start(&servers, router(&servers, "b", 3, LONG)).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(third.count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_that_a_router_cannot_drive_goes_to_another_and_stays_there() {
    if !NatsCluster::available() {
        return;
    }
    let servers = NatsCluster::start(1).await;
    let a = Router::start(&servers, router(&servers, "a", 1, LONG)).await;
    eventually("a drives all", LONG, || a.count() == 6).await;
    let b = Router::start(&servers, router(&servers, "b", 1, LONG)).await;
    let known = |router: &Router| {
        let nodes = router.nodes.list();
        nodes.len() == 2 && nodes.iter().all(|node| node.ready && node.groups.len() == 6)
    };
    eventually("both hear each other", LONG, || known(&a) && known(&b)).await;
    let guard = Guard::new(vec![a.tenures.clone(), b.tenures.clone()]);
    let own = GROUPS
        .into_iter()
        .find(|group| a.nodes.prefers_own(Some(group), None));
    let group = own.unwrap();
    let sinks: Vec<Arc<str>> = vec![format!("{group} sink").into()];
    let began = Instant::now();
    a.leases.decline(&sinks);
    eventually("b drives it", LONG, || b.tenure(group).is_some()).await;
    // By the word of the other, not after its silence.
    assert!(began.elapsed() < LONG / 2, "{:?}", began.elapsed());
    let told = || b.nodes.list()[0].declines == [group];
    eventually("b knows why", LONG, told).await;
    assert!(b.nodes.prefers_own(Some(group), None) && !a.nodes.prefers_own(Some(group), None));
    // Once it can drive the group again, it may get it back.
    a.leases.accept(group);
    assert!(a.nodes.prefers_own(Some(group), None));
    drop(guard);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_router_does_not_hold_beside_the_next() {
    if !NatsCluster::available() {
        return;
    }
    let servers = NatsCluster::start(1).await;
    let takeover = Duration::from_secs(1);
    let (tell, told) = tokio::sync::oneshot::channel();
    let (wake, woken) = std::sync::mpsc::channel::<()>();
    let cluster = router(&servers, "a", 1, takeover);
    let context = context(&servers).await;
    // A thread alone, which stands still as a whole.
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let nodes = Arc::new(Nodes::join(&context, &cluster).await.unwrap());
            let (_, ready) = watch::channel(true);
            let leases = Leases::start(&context, cluster, nodes, ready).await.unwrap();
            let mut tenures = leases.tenures(groups());
            tenures
                .wait_for(|tenures| GROUPS.iter().all(|g| tenures.of(&format!("{g} sink")).is_some()))
                .await
                .unwrap();
            tell.send(tenures.clone()).unwrap();
            woken.recv().unwrap();
            // Awake: it must notice that others drive now.
            tenures
                .wait_for(|tenures| GROUPS.iter().all(|g| tenures.of(&format!("{g} sink")).is_none()))
                .await
                .unwrap();
        });
    });
    let paused = told.await.unwrap();
    let b = Router::start(&servers, router(&servers, "b", 1, takeover)).await;
    let guard = Guard::new(vec![paused.clone(), b.tenures.clone()]);
    let silence = eventually("b drives all", LONG, || b.count() == 6).await;
    assert!(silence < takeover * 2 + Duration::from_secs(10), "{silence:?}");
    let copies: Vec<Tenure> = GROUPS
        .iter()
        .filter_map(|group| paused.borrow().of(&format!("{group} sink")).cloned())
        .collect();
    assert_eq!(copies.len(), 6);
    assert!(copies.iter().all(|tenure| !tenure.holds()));
    wake.send(()).unwrap();
    tokio::task::spawn_blocking(|| thread.join().unwrap())
        .await
        .unwrap();
    assert!(b.count() == 6 && copies.iter().all(|tenure| !tenure.holds()));
    drop(guard);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_outlives_the_leader_of_its_stream() {
    if !NatsCluster::available() {
        return;
    }
    let mut servers = NatsCluster::start(3).await;
    let takeover = Duration::from_secs(20);
    let a = Router::start(&servers, router(&servers, "a", 1, takeover)).await;
    eventually("a drives all", LONG, || a.count() == 6).await;
    let b = Router::start(&servers, router(&servers, "b", 1, takeover)).await;
    let guard = Guard::new(vec![a.tenures.clone(), b.tenures.clone()]);
    let before = a.tenure("g0").unwrap();
    let until = before.until().unwrap();
    let leader = servers.wait_for_leader("KV_sbx_LEASE").await;
    servers.kill(leader);
    let renewed = || before.until().unwrap() > until + takeover / 2;
    eventually("it is renewed by another leader", LONG, renewed).await;
    assert!(before.holds() && a.count() + b.count() >= 5);
    drop(guard);
}

#[tokio::test]
async fn two_routers_of_one_name_do_not_run() {
    if !NatsCluster::available() {
        return;
    }
    let servers = NatsCluster::start(1).await;
    let first = Router::start(&servers, router(&servers, "a", 1, LONG)).await;
    let context = context(&servers).await;
    let cluster = router(&servers, "a", 2, LONG);
    let error = Nodes::join(&context, &cluster).await.err().unwrap().to_string();
    assert!(
        error.contains("under the name 'a'") && error.contains("journal.cluster.node"),
        "{error}"
    );
    drop(first);
    // Its last report is still there, but no process answers to the name.
    assert!(Nodes::join(&context, &cluster).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_holder_leaves_a_server_that_no_longer_answers() {
    if !NatsCluster::available() {
        return;
    }
    let servers = NatsCluster::start(3).await;
    Router::start(&servers, router(&servers, "x", 1, LONG))
        .await
        .leases
        .release_all()
        .await;
    let leader = servers.wait_for_leader("KV_sbx_LEASE").await;
    let (client, at) = loop {
        let client = client(&servers).await;
        let name = client.nats().server_info().server_name;
        let at = usize::from(name.as_bytes()[1] - b'1');
        if at != leader {
            break (client, at);
        }
    };
    let cluster = Cluster {
        watchdog: Some(Arc::clone(client.watchdog())),
        ..router(&servers, "a", 1, LONG)
    };
    let a = Router::start_over(client.jetstream(), cluster).await;
    eventually("a drives all", LONG, || a.count() == 6).await;
    // Its connection stands, and nothing comes over it any more.
    servers.pause(at);
    let paused = Instant::now();
    let before = a.tenure("g0").unwrap();
    let renewed = || before.until().unwrap() > paused + LONG * 4 / 5;
    let limit = Duration::from_secs(12);
    eventually("the lease is renewed at another server", limit, renewed).await;
    assert!(before.holds() && a.count() == 6);
}
