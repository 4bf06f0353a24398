//! Faults of the sinks beside Pinterest.

use signalbox_testkit::Act;

use crate::support::client::post_all;
use crate::support::events::{ids, orders};
use crate::support::pipe::Pipe;
use crate::support::world::{World, shop};

#[tokio::test]
async fn the_webhook_refuses_breaks_off_and_comes_back() {
    let world = World::new().await;
    world.hook.first(vec![
        Act::reply(503, ""),
        Act::Reset(Vec::new()),
        Act::reply(302, ""),
        Act::Close(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n".to_vec()),
        Act::reply(413, ""),
        Act::reply(400, "no"),
    ]);
    let pipe = Pipe::start(&world, &shop("", "", "")).await;
    let events = orders("h", 20);
    post_all(&world.listen, &events).await;
    let status = pipe.settled(20).await;
    let hook = &status.sinks["hook"];
    assert_eq!((hook.delivered, hook.records.delivered), (20, 20));
    for code in ["server_error", "connection_lost", "redirected"] {
        assert!(hook.records.retried.contains_key(code), "{hook:?}");
    }
    let mut got = ids(&world.hooked(), "messageId");
    got.dedup();
    assert_eq!(got, ids(&events, "messageId"));
    // Pinterest and the archive did not notice.
    assert_eq!(ids(&world.accepted(), "event_id"), ids(&events, "messageId"));
    assert_eq!(ids(&world.archived(), "messageId"), ids(&events, "messageId"));
}

#[tokio::test]
async fn the_archive_is_held_while_its_folder_is_missing() {
    let world = World::new().await;
    let text = shop("", "", "").replace("${FOLDER}/archive", "${FOLDER}/later/archive");
    let pipe = Pipe::start(&world, &text).await;
    let events = orders("f", 5);
    post_all(&world.listen, &events).await;
    let status = pipe
        .wait(|status| status.sinks["archive"].held.is_some() && status.sinks["pinterest"].delivered == 5)
        .await;
    assert_eq!(
        status.sinks["archive"].held.as_ref().unwrap().code,
        "folder_missing"
    );
    assert_eq!(status.sinks["archive"].pending, 5);
    std::fs::create_dir(world.path("later")).unwrap();
    pipe.settled(5).await;
    let text = std::fs::read_to_string(world.path("later/archive.jsonl")).unwrap();
    assert_eq!(text.lines().count(), 5);
}

#[tokio::test]
async fn thousands_of_events_add_up() {
    let world = World::new().await;
    let text = shop("", "", "batch.max_events = 1000")
        .replace("batch.max_wait = \"20ms\"", "batch.max_wait = \"200ms\"");
    let pipe = Pipe::start(&world, &text).await;
    let events = orders("t", 2_000);
    let posts: Vec<_> = events
        .chunks(500)
        .map(|part| post_all(&world.listen, part))
        .collect();
    for post in posts {
        post.await;
    }
    let status = pipe.settled(2_000).await;
    let wanted = ids(&events, "messageId");
    assert_eq!(ids(&world.accepted(), "event_id"), wanted);
    assert_eq!(ids(&world.archived(), "messageId"), wanted);
    assert_eq!(ids(&world.hooked(), "messageId"), wanted);
    // Batches were used: far fewer requests than events.
    assert!(status.sinks["pinterest"].requests.attempts < 100, "{status:?}");
}
