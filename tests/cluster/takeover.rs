//! Sinks change hands: when their router is killed, stopped, started again, paused and woken, or cut off from the servers.

use std::time::{Duration, Instant};

use crate::clients::{Clients, Sending};
use crate::long_only;
use crate::rig::{Options, Rig, Share};

const SINK: &str = "pinterest";
const TAKEOVER: Duration = Duration::from_secs(5);
/// Time for which an owner may send after it last reached the servers.
const TERM: Duration = Duration::from_secs(4);
/// Time that a take-over may need beyond `takeover`.
const SLACK: Duration = Duration::from_secs(3);
/// Time in which a router must be able to stop or start again without its sinks standing still for longer.
const PLANNED: Duration = Duration::from_secs(1);

async fn start() -> Option<(Rig, Clients)> {
    start_with(Options::default()).await
}

async fn start_with(options: Options) -> Option<(Rig, Clients)> {
    let takeover = TAKEOVER;
    let rig = Rig::start(Options { takeover, ..options }).await?;
    let clients = Clients::start(Sending {
        to: rig.listen(),
        per_second: 100,
        batch: 1,
        to_all: false,
    });
    Some((rig, clients))
}
/// Time after a pause in which a request may arrive that a router was writing as it was stopped.
const WRITING: Duration = Duration::from_millis(100);

/// Waits until the router calls the destination, which it does several times a second while it drives the sink.
async fn busy(rig: &Rig, at: usize) {
    let now = Instant::now();
    rig.wait(30, "calls of the owner", async |rig| {
        rig.routers[at].relay.first_after(now)
    })
    .await;
}

/// Waits for a call of another router than this one, and returns that router and the time of the call.
async fn successor(rig: &Rig, owner: usize, after: Instant) -> (usize, Instant) {
    rig.wait(60, "calls of another router", async |rig| {
        let others = rig.routers.iter().enumerate().filter(|(at, _)| *at != owner);
        let firsts = others.filter_map(|(at, router)| Some((at, router.relay.first_after(after)?)));
        firsts.min_by_key(|(_, first)| *first)
    })
    .await
}

/// The longest time without a call of any router, between two moments.
fn silence(rig: &Rig, from: Instant, to: Instant) -> Duration {
    let calls = rig.routers.iter().flat_map(|router| router.relay.calls());
    let mut times: Vec<Instant> = calls
        .map(|call| call.at)
        .filter(|at| (from..to).contains(at))
        .collect();
    times.extend([from, to]);
    times.sort_unstable();
    let gaps = times.windows(2).map(|two| two[1] - two[0]);
    gaps.max().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_routers_have_one_owner_and_deliver_everything_once() {
    let Some((rig, clients)) = start().await else {
        return;
    };
    rig.wait(60, "a thousand events", async |_| {
        (clients.book().sent() > 1_000).then_some(())
    })
    .await;
    let book = clients.stop().await;
    let all = rig.settled(60).await;
    let mut times = std::collections::BTreeMap::<u64, usize>::new();
    for call in rig.routers.iter().flat_map(|router| router.relay.calls()) {
        assert_eq!(call.status, Some(200), "{call:?}");
        for number in call.events {
            *times.entry(number).or_default() += 1;
        }
    }
    let orders: Vec<u64> = (0..book.sent())
        .filter(|number| crate::events::is_order(*number))
        .collect();
    assert_eq!(times.keys().copied().collect::<Vec<_>>(), orders);
    assert!(times.values().all(|count| *count == 1), "{times:?}");
    // The addresses that sources listen on may differ. Each sink has its own relay, which is a difference.
    let nodes: Vec<_> = all.iter().flat_map(|status| &status.nodes).collect();
    assert!(nodes.len() == 9 && nodes.iter().any(|node| node.differs == ["sinks.pinterest"]));
    let others = nodes.iter().flat_map(|node| &node.differs);
    assert!(others.clone().all(|name| name == "sinks.pinterest"), "{nodes:?}");
    let sink = &all[0].sinks[SINK];
    assert_eq!(
        (sink.journalled, sink.delivered),
        (book.sent(), orders.len() as u64)
    );
    println!("{}", book.told());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_owner_is_succeeded() {
    let Some((mut rig, clients)) = start().await else {
        return;
    };
    let owner = rig.owner(SINK).await;
    busy(&rig, owner).await;
    rig.routers[owner].kill();
    let killed = Instant::now();
    let (_, first) = successor(&rig, owner, killed).await;
    let silent = first - rig.routers[owner].relay.last().unwrap();
    println!("silent for {silent:.2?} after kill -9");
    assert!(silent <= TAKEOVER + SLACK, "{silent:?} {}", rig.shown().await);
    rig.routers[owner].launch();
    clients.stop().await;
    rig.settled(60).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_stops_hands_over() {
    let share = Share::Whole;
    let Some((mut rig, clients)) = start_with(Options {
        share,
        ..Options::default()
    })
    .await
    else {
        return;
    };
    let owner = rig.owner(SINK).await;
    busy(&rig, owner).await;
    let began = Instant::now();
    rig.routers[owner].stop().await;
    let (next, first) = successor(&rig, owner, began).await;
    busy(&rig, next).await;
    let silent = silence(&rig, began, Instant::now());
    println!(
        "silent for {silent:.2?} at SIGTERM; the first call came {:.2?} after the signal",
        first - began
    );
    assert!(silent <= PLANNED, "{silent:?} {}", rig.shown().await);
    rig.routers[owner].launch();
    clients.stop().await;
    rig.settled(60).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_that_starts_again_takes_its_sinks_back_at_once() {
    let Some((mut rig, clients)) = start().await else {
        return;
    };
    let owner = rig.owner(SINK).await;
    busy(&rig, owner).await;
    rig.routers[owner].kill();
    let killed = Instant::now();
    rig.routers[owner].launch();
    let again = rig.wait(60, "calls", async |rig| {
        let firsts = rig
            .routers
            .iter()
            .filter_map(|router| router.relay.first_after(killed));
        firsts.min()
    });
    let silent = again.await - killed;
    println!("silent for {silent:.2?} with a kill -9 and a start");
    assert!(silent <= TAKEOVER, "{silent:?} {}", rig.shown().await);
    clients.stop().await;
    rig.settled(60).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_was_paused_sends_nothing_beside_its_successor() {
    let Some((rig, clients)) = start().await else {
        return;
    };
    let owner = rig.owner(SINK).await;
    busy(&rig, owner).await;
    rig.routers[owner].signal("STOP");
    let paused = Instant::now();
    let (next, first) = successor(&rig, owner, paused + Duration::from_millis(100)).await;
    println!("silent for {:.2?} with a pause", first - paused);
    assert!(first - paused <= TAKEOVER + SLACK, "{}", rig.shown().await);
    busy(&rig, next).await;
    let woken = Instant::now();
    rig.routers[owner].signal("CONT");
    tokio::time::sleep(WRITING).await;
    let calls = rig.routers[owner].relay.calls().into_iter();
    let written = calls.filter(|call| call.at > woken).count();
    println!("requests that it was writing: {written}");
    assert!(written <= 1, "{written} {}", rig.shown().await);
    sends_nothing_beside_others(&rig, owner, Instant::now()).await;
    clients.stop().await;
    rig.settled(60).await;
}

/// Asserts that the former owner, which is back since a moment, sends nothing while another router does. It may be the one that
/// should drive the sink, and gets it back soon.
async fn sends_nothing_beside_others(rig: &Rig, former: usize, back: Instant) {
    let times = |at: usize| -> Vec<Instant> {
        let calls = rig.routers[at].relay.calls().into_iter();
        calls.map(|call| call.at).filter(|at| *at > back).collect()
    };
    let others = || -> Vec<Instant> {
        let others = (0..rig.routers.len()).filter(|at| *at != former);
        others.flat_map(times).collect()
    };
    rig.wait(30, "further calls", async |_| {
        (times(former).len() + others().len() >= 100).then_some(())
    })
    .await;
    let first = times(former).into_iter().min();
    let beside = others()
        .into_iter()
        .filter(|at| first.is_some_and(|first| first < *at));
    assert_eq!(beside.count(), 0, "{}", rig.shown().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_is_cut_off_sends_nothing_beside_its_successor() {
    cut_off(true, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_the_servers_do_not_hear_sends_nothing_beside_its_successor() {
    if long_only() {
        cut_off(true, false).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_does_not_hear_the_servers_sends_nothing_beside_its_successor() {
    if long_only() {
        cut_off(false, true).await;
    }
}

/// Cuts the owner's ways to the servers, or those back, but none to the destination.
async fn cut_off(there: bool, back: bool) {
    let linked = true;
    let Some((rig, clients)) = start_with(Options {
        linked,
        ..Options::default()
    })
    .await
    else {
        return;
    };
    let owner = rig.owner(SINK).await;
    busy(&rig, owner).await;
    // Clients that wait for its answer would send the others too little.
    clients.avoid(&rig.routers[owner].listen);
    let cut = Instant::now();
    rig.routers[owner].cut(there, back);
    let (next, first) = successor(&rig, owner, cut).await;
    let last = rig.routers[owner].relay.last().unwrap();
    println!(
        "silent for {:.2?} after a cut (there: {there}, back: {back}); the last call came {:.2?} after it",
        first - last.min(first),
        last.saturating_duration_since(cut)
    );
    assert!(last <= cut + TERM && last < first, "{}", rig.shown().await);
    assert!(first - cut <= TAKEOVER + SLACK, "{}", rig.shown().await);
    let refused = clients.try_once(&rig.routers[owner].listen).await;
    assert!(!refused, "a router without servers acknowledges nothing");
    busy(&rig, next).await;
    let mended = Instant::now();
    rig.routers[owner].cut(false, false);
    sends_nothing_beside_others(&rig, owner, mended).await;
    let book = clients.stop().await;
    rig.settled(60).await;
    rig.nothing_is_lost(&book);
}
