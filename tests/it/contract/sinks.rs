//! Sinks: a server that refuses everything, breaks off or talks nonsense gets nothing
//! delivered, and no reason shows a secret or personal data.

use serde_json::{Value, json};
use signalbox_core::{BuildContext, Side, Sink, SinkConfig};
use signalbox_testkit::contract::{self, Promise, Replies, SECRET, sample};

use super::replies::{meta, pinterest, tiktok};

use crate::support::process::Process;
use crate::support::world::World;

/// A sink as a pipeline file would build it.
fn build(plugin: &str, mut settings: Value) -> Box<dyn Sink> {
    settings["type"] = plugin.into();
    let config: Box<dyn SinkConfig> = serde_json::from_value(settings).unwrap();
    let context = BuildContext {
        name: "under_test".into(),
        place: Side::Sink,
    };
    config.build(&context).unwrap().component
}

/// The sinks that this file checks.
pub(super) const CHECKED: &[&str] = &[
    "console",
    "file",
    "meta_conversions",
    #[cfg(feature = "nats")]
    "nats",
    "pinterest_conversions",
    "tiktok_events",
    "webhook",
];

/// Holds a vendor's sink to the contract, with its own rules and with those of Segment's destination.
async fn check_vendor(plugin: &str, own: &str, settings: Value, replies: Replies) {
    for compat in [own, "segment"] {
        let build = |base: &str| {
            let mut settings = settings.clone();
            settings["base_url"] = base.into();
            settings["compat"] = compat.into();
            build(plugin, settings)
        };
        let promise = Promise {
            replies: replies.clone(),
            ..Promise::default()
        };
        contract::check_promise(&format!("{plugin}, {compat}"), build, &sample(), promise).await;
    }
}

#[tokio::test]
async fn pinterest_conversions() {
    let settings = json!({ "ad_account_id": "549755885175", "conversion_token": SECRET });
    check_vendor("pinterest_conversions", "pinterest", settings, pinterest()).await;
}

#[tokio::test]
async fn meta_conversions() {
    // With Segment, the action source is the user's to map.
    let settings = json!({
        "pixel_id": "1203948576120394", "access_token": SECRET, "presets": "none",
        "mappings": [{ "preset": "Purchase", "fields": { "action_source": "website" } }],
    });
    check_vendor("meta_conversions", "meta", settings, meta()).await;
}

#[tokio::test]
async fn tiktok_events() {
    let settings = json!({ "pixel_code": "C4WILDROSE0HOME00001", "access_token": SECRET });
    check_vendor("tiktok_events", "tiktok", settings, tiktok()).await;
}

#[tokio::test]
async fn webhook() {
    let promise = Promise {
        status_delivers: |status| (200..300).contains(&status),
        ..Promise::default()
    };
    let build = |base: &str| {
        build(
            "webhook",
            json!({
                "url": format!("{base}/hook/{SECRET}?key={SECRET}"), "headers": { "authorization": SECRET },
            }),
        )
    };
    contract::check_promise("webhook", build, &sample(), promise).await;
}

#[tokio::test]
async fn file() {
    let folder = tempfile::tempdir().unwrap();
    for (name, path) in [
        (
            "a folder that is not there",
            folder.path().join("missing").join("f.jsonl"),
        ),
        ("a folder in its place", folder.path().to_owned()),
        ("a device", "/dev/full".into()),
    ] {
        contract::check_unwritable(
            &format!("file: {name}"),
            build("file", json!({ "path": path })),
            &sample(),
        )
        .await;
    }
}

/// The console belongs to the process, so this test starts one.
#[tokio::test]
async fn console() {
    let world = World::new().await;
    let config = world.write(
        "pipeline.toml",
        "[journal]\ntype = \"memory\"\n[admin]\nlisten = \"${ADMIN}\"\n[shutdown]\ndeadline = \"100ms\"\n\
         [sources.in]\ntype = \"segment_http\"\nlisten = \"${LISTEN}\"\nwrite_keys = [\"${WRITE_KEY}\"]\n\
         [sinks.look]\ntype = \"console\"\ninputs = [\"in\"]\nretry.initial_backoff = \"10ms\"\n",
    );
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let path = config.to_str().unwrap();
    let mut command = crate::support::process::command(&["run", "--config", path], &world.variables());
    let process = Process::spawn_into(&mut command, full.into());
    world.learn(&process).await;
    process.status(&world.admin, |status| status.ready).await;
    crate::support::client::post_all(&world.listen, &[crate::support::events::order("one")]).await;
    let status = process
        .status(&world.admin, |status| {
            !status.sinks["look"].records.retried.is_empty()
        })
        .await;
    assert_eq!(
        (status.sinks["look"].delivered, status.sinks["look"].pending),
        (0, 1)
    );
    process.signal("TERM");
    let exit = process.exit().await;
    assert_eq!(exit.code, Some(4), "{exit:?}");
    for private in ["ada.okafor", "user-of-one"] {
        assert!(!exit.stderr.contains(private), "{exit:?}");
    }
}

/// Its answers are held to the same by the plugin's own tests, with real servers.
#[cfg(feature = "nats")]
#[tokio::test]
async fn nats() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let settings = json!({
        "servers": [format!("nats://{address}")], "token": SECRET, "subject": "events.{source}",
    });
    contract::check_unwritable("nats: no server", build("nats", settings), &sample()).await;
}
