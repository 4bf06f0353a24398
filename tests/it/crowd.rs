//! A crowd of silent clients, in front of the router as it is run.

use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::client::{basic, get, post_all, try_send};
use crate::support::events::{ids, orders};
use crate::support::world::{World, shop};

/// Number of silent connections, several times the places of the source.
const CROWD: usize = 300;

#[tokio::test]
async fn silent_connections_from_one_address_cost_no_event() {
    let world = World::new().await;
    let text = shop("[admin]\nlisten = \"${ADMIN}\"", "max_connections = 50", "");
    let process = world.router(&world.write("p.toml", &text)).await;
    process.status(&world.admin, |status| status.ready).await;

    let mut silent = Vec::new();
    for _ in 0..CROWD {
        silent.push(TcpStream::connect(&*world.listen).await.unwrap());
    }
    let events = orders("c", 20);
    for four in events.chunks(4) {
        let sent = timeout(Duration::from_secs(10), post_all(&world.listen, four));
        sent.await.expect("an answer at once, while they are silent");
    }
    // Wrong keys do not slow down a client with the right one at the same address.
    let wrong = basic("zq-wrong-key");
    let mut statuses = Vec::new();
    for _ in 0..40 {
        let headers = [("authorization", wrong.as_str())];
        let answer = try_send(&world.listen, "POST", "/v1/track", &headers, b"{}").await;
        statuses.push(answer.unwrap().status);
    }
    assert_eq!((statuses[0], statuses[39]), (401, 429), "{statuses:?}");
    post_all(&world.listen, &orders("d", 1)).await;

    let settled = |status: &signalbox_admin::Status| status.sinks["pinterest"].delivered == 21;
    let status = process.status(&world.admin, settled).await;
    assert_eq!(status.sources["shop"].journalled, 21);
    assert_eq!(status.sources["shop"].refused["invalid_write_key"], 40);
    assert_eq!(ids(&world.accepted(), "event_id").len(), 21);
    assert!(!get(&world.admin, "/metrics").await.body.contains("zq-wrong-key"));
    assert!(!process.stderr().contains("zq-wrong-key"));
}
