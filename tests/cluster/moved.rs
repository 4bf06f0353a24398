//! A disk journal moves to the servers, and the command is killed on the way.

use std::path::Path;
use std::time::{Duration, Instant};

use signalbox_testkit::NatsCluster;

use crate::rig::{Share, turn};
use crate::support::client::post_all;
use crate::support::events::{ids, orders};
use crate::support::process::{Process, command};
use crate::support::world::World;

/// Events, of which the command copies a thousand at a time.
const EVENTS: usize = 9_000;

/// A pipeline file with this journal.
fn file(journal: &str, sink: &str) -> String {
    format!(
        r#"
[admin]
listen = "${{ADMIN}}"
[journal]
key = "${{JOURNAL_KEY}}"
{journal}
[sources.shop]
type = "segment_http"
listen = "${{LISTEN}}"
write_keys = ["${{WRITE_KEY}}"]
[sinks.pinterest]
type = "pinterest_conversions"
inputs = ["shop"]
base_url = "${{PINTEREST}}"
ad_account_id = "549755885175"
conversion_token = "${{TOKEN}}"
{sink}
"#
    )
}

/// Returns the number of messages with events.
async fn frames(servers: &NatsCluster) -> u64 {
    let view = servers
        .monitor(0, "/jsz?accounts=true&streams=true")
        .await
        .unwrap_or_default();
    let streams = view["account_details"][0]["stream_detail"].as_array().cloned();
    let streams = streams.unwrap_or_default();
    let events = streams.iter().find(|stream| stream["name"] == "sbx_EV");
    events
        .and_then(|events| events["state"]["messages"].as_u64())
        .unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_move_that_is_killed_goes_on_and_neither_loses_nor_doubles_anything() {
    let _turn = turn(Share::Third).await;
    if !NatsCluster::available() {
        return;
    }
    let world = World::new().await;
    let servers = NatsCluster::start(3).await;
    let on_nats = format!(
        "type = \"nats\"\nservers = {:?}\nmonitor = {:?}\nmax_bytes = \"100MB\"\ncache = \"${{FOLDER}}/cache\"\n\
         [journal.cluster]\nnode = \"router-1\"",
        servers.urls(),
        servers.monitors()
    );
    let old = world.write("old.toml", &file("path = \"${FOLDER}/journal\"", "hold = true"));
    let new = world.write("new.toml", &file(&on_nats, ""));
    let events = orders("moved", EVENTS);
    let router = world.router(&old).await;
    for part in events.chunks(300) {
        post_all(&world.listen, part).await;
    }
    router.signal("TERM");
    assert_eq!(router.exit().await.code, Some(0));

    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let moving = || {
        let (old, new) = (text(&old), text(&new));
        let arguments = [
            "journal", "move", "--to", "nats", "--from", &old, "--config", &new,
        ];
        Process::spawn(&mut command(&arguments, &world.variables()))
    };
    // Killed soon after the beginning, and later, among the events that the second call adds.
    for wanted in [2, 6] {
        let process = moving();
        let end = Instant::now() + Duration::from_secs(60);
        let mut there = frames(&servers).await;
        while there < wanted {
            assert!(!process.has_ended(), "{}", process.stdout() + &process.stderr());
            assert!(Instant::now() < end, "{there} frames: {}", process.stderr());
            there = frames(&servers).await;
        }
        // Dropping kills.
        drop(process);
    }
    let process = Process::spawn(&mut command(
        &["run", "--config", &text(&new)],
        &world.variables(),
    ));
    let exit = process.exit().await;
    assert!(
        exit.code != Some(0) && exit.stderr.contains("call 'signalbox journal move' again"),
        "half a copy: {exit:?}"
    );
    let exit = moving().exit().await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    for told in [
        "the copy went on behind the".to_owned(),
        format!("both journals agree: events {EVENTS}, pending deliveries {EVENTS}, sinks 1"),
    ] {
        assert!(exit.stdout.contains(&told), "{told}: {exit:?}");
    }

    let router = world.router(&new).await;
    router
        .status(&world.admin, |status| {
            status.sinks["pinterest"].delivered == EVENTS as u64
        })
        .await;
    assert_eq!(ids(&world.accepted(), "event_id"), ids(&events, "messageId"));
    router.signal("TERM");
    assert_eq!(router.exit().await.code, Some(0));
}
