//! Servers that go, and servers that are there and do not answer.

use std::time::{Duration, Instant};

use signalbox_nats::{Client, Connection, connect};
use signalbox_testkit::NatsCluster;

async fn connected(cluster: &NatsCluster) -> Client {
    let connection = Connection {
        servers: cluster.urls(),
        ..Connection::default()
    };
    connect(&connection, "test").await.unwrap()
}

/// The server that a client is connected to.
fn at(client: &Client) -> usize {
    let name = client.nats().server_info().server_name;
    name.trim_start_matches('n').parse::<usize>().unwrap() - 1
}

#[tokio::test]
async fn a_killed_server_is_left_for_the_next_and_the_state_tells_it() {
    if !NatsCluster::available() {
        return;
    }
    let mut cluster = NatsCluster::start(3).await;
    let client = connected(&cluster).await;
    let first = at(&client);
    let mut state = client.state();
    state.wait_for(|state| state.connected).await.unwrap();
    let before = *state.borrow_and_update();
    cluster.kill(first);
    state
        .wait_for(|state| state.connected && state.since > before.since)
        .await
        .unwrap();
    client.nats().flush().await.unwrap();
    assert_ne!(at(&client), first);
}

#[tokio::test]
async fn all_servers_away_and_back() {
    if !NatsCluster::available() {
        return;
    }
    let mut cluster = NatsCluster::start(1).await;
    let client = connected(&cluster).await;
    let mut state = client.state();
    state.wait_for(|state| state.connected).await.unwrap();
    cluster.stop(0).await;
    state.wait_for(|state| !state.connected).await.unwrap();
    cluster.start_again(0).await;
    state.wait_for(|state| state.connected).await.unwrap();
    client.nats().flush().await.unwrap();
}

#[tokio::test]
async fn a_server_that_gives_no_answer_is_left() {
    if !NatsCluster::available() {
        return;
    }
    let cluster = NatsCluster::start(2).await;
    let client = connected(&cluster).await;
    let first = at(&client);
    // Another client receives the question and never answers.
    let other = connected(&cluster).await;
    let _silent = other.nats().subscribe("question").await.unwrap();
    other.nats().flush().await.unwrap();
    // Until the first server knows of the other's subscription, it answers at once that there is none.
    let short = Duration::from_millis(200);
    while tokio::time::timeout(short, client.nats().request("question", "".into()))
        .await
        .is_ok()
    {}
    let mut state = client.state();
    state.wait_for(|state| state.connected).await.unwrap();
    let asked = Instant::now();
    let request = client.nats().request("question", "".into());
    tokio::select! {
        answer = client.watchdog().watch(request) => panic!("{answer:?}"),
        left = state.wait_for(|state| state.connected && state.since > asked) => drop(left.unwrap()),
    }
    let waited = asked.elapsed();
    client.nats().flush().await.unwrap();
    assert_ne!(at(&client), first);
    assert!(
        waited >= Duration::from_secs(3) && waited < Duration::from_secs(10),
        "{waited:?}"
    );
}

#[tokio::test]
async fn a_paused_server_is_left_and_is_a_server_again_once_it_goes_on() {
    if !NatsCluster::available() {
        return;
    }
    let mut cluster = NatsCluster::start(3).await;
    let client = connected(&cluster).await;
    let first = at(&client);
    let jetstream = client.jetstream();
    cluster.pause(first);
    let paused = Instant::now();
    while client.watchdog().watch(jetstream.query_account()).await.is_err() {
        // An election, which may follow, refuses at once.
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert!(
            paused.elapsed() < Duration::from_secs(30),
            "still without an answer"
        );
    }
    assert_ne!(at(&client), first);
    cluster.resume(first);
    cluster.ready().await;
}
