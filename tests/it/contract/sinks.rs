//! Sinks: a server that refuses everything, breaks off or talks nonsense gets nothing
//! delivered, and no reason shows a secret or personal data.

use serde_json::{Value, json};
use signalbox_core::{BuildContext, Side, Sink, SinkConfig};
use signalbox_testkit::contract::{self, Promise, Replies, SECRET, sample};

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
pub(super) const CHECKED: [&str; 6] = [
    "console",
    "file",
    "meta_conversions",
    "pinterest_conversions",
    "tiktok_events",
    "webhook",
];

async fn check_meta_conversions(compat: &str) {
    let build = |base: &str| {
        build(
            "meta_conversions",
            json!({
                "base_url": base, "pixel_id": "1203948576120394", "access_token": SECRET, "compat": compat,
                "presets": "none", "mappings": [{ "preset": "Custom Event", "trigger": "type = \"track\"", "fields": { "action_source": "website" } }],
            }),
        )
    };
    let replies = Replies {
        accepts: Some(|records| {
            json!({ "events_received": records, "messages": [], "fbtrace_id": "AbC" }).to_string()
        }),
        unclear: &[r#"{"events_received":0,"messages":[]}"#, r#"{"messages":[]}"#],
        ..Replies::default()
    };
    let promise = Promise {
        replies,
        ..Promise::default()
    };
    contract::check_promise("meta_conversions", build, &sample(), promise).await;
}

#[tokio::test]
async fn meta_conversions() {
    check_meta_conversions("meta").await;
}

#[tokio::test]
async fn meta_conversions_as_segment() {
    check_meta_conversions("segment").await;
}

async fn check_pinterest_conversions(compat: &str) {
    let build = |base: &str| {
        build(
            "pinterest_conversions",
            json!({
                "base_url": base, "ad_account_id": "549755885175", "conversion_token": SECRET, "compat": compat,
            }),
        )
    };
    let promise = Promise {
        replies: pinterest_replies(),
        ..Promise::default()
    };
    contract::check_promise("pinterest_conversions", build, &sample(), promise).await;
}

/// The replies that Pinterest's API description has.
fn pinterest_replies() -> Replies {
    fn of(statuses: &[&str]) -> Value {
        let event = |status: &&str| match *status {
            "failed" => json!({ "status": status, "error_message": "{echo}" }),
            _ => json!({ "status": status, "error_message": "", "warning_message": "" }),
        };
        let events: Vec<Value> = statuses.iter().map(event).collect();
        let processed = statuses.iter().filter(|status| **status == "processed").count();
        json!({ "num_events_received": events.len(), "num_events_processed": processed, "events": events })
    }
    fn but_one(records: usize, index: usize) -> Value {
        let mut statuses = vec!["processed"; records];
        statuses[index] = "failed";
        of(&statuses)
    }
    Replies {
        accepts: Some(|records| of(&vec!["processed"; records]).to_string()),
        refuses_one: vec![
            |records, index| (200, but_one(records, index).to_string()),
            |records, index| {
                let body = json!({ "code": 1, "message": "{echo}", "details": but_one(records, index) });
                (422, body.to_string())
            },
        ],
        names_one: Vec::new(),
        unclear: &[
            r#"{"num_events_received":3,"num_events_processed":3,"events":[]}"#,
            r#"{"num_events_received":1,"num_events_processed":1,"events":"processed"}"#,
            r#"{"num_events_received":1,"num_events_processed":1,"events":[{},{},{}]}"#,
        ],
        refused: &[(400, r#"{"code":4196,"message":"{echo}"}"#)],
        throttled: &[(429, r#"{"code":8,"message":"{echo}"}"#)],
        unauthorized: &[
            (401, r#"{"code":2,"message":"Authentication failed. {echo}"}"#),
            (403, r#"{"code":7,"message":"{echo}"}"#),
            (404, r#"{"code":50,"message":"{echo}"}"#),
        ],
        probe_passes: &[
            (
                200,
                r#"{"num_events_received":1,"num_events_processed":1,"events":[{"status":"processed"}]}"#,
            ),
            (400, r#"{"code":4196,"message":"{echo}"}"#),
        ],
    }
}

#[tokio::test]
async fn pinterest_conversions() {
    check_pinterest_conversions("pinterest").await;
}

#[tokio::test]
async fn pinterest_conversions_as_segment() {
    check_pinterest_conversions("segment").await;
}

#[tokio::test]
async fn tiktok_events() {
    for compat in ["tiktok", "segment"] {
        let build = |base: &str| {
            build(
                "tiktok_events",
                json!({
                    "base_url": base, "pixel_code": "C4", "access_token": SECRET, "compat": compat,
                    // The sample has a fixed date.
                    "max_age": "36500d",
                }),
            )
        };
        let replies = Replies {
            accepts: Some(|_| {
                json!({ "code": 0, "message": "OK", "request_id": "1", "data": {} }).to_string()
            }),
            unclear: &[r#"{"message":"OK"}"#, r#"{"code":"0"}"#, "OK"],
            names_one: vec![
                |_, index| {
                    let message = format!("data[{index}].event_id: {{echo}}");
                    (200, json!({ "code": 40002, "message": message }).to_string())
                },
                |_, index| {
                    let message = format!("Invalid parameter at index {index}");
                    (400, json!({ "code": 40002, "message": message }).to_string())
                },
            ],
            refused: &[
                (200, r#"{"code":40002,"message":"{echo}"}"#),
                (400, r#"{"code":40002,"message":"{echo}"}"#),
            ],
            throttled: &[
                (401, r#"{"code":40100,"message":"{echo}"}"#),
                (200, r#"{"code":40100,"message":"{echo}"}"#),
            ],
            unauthorized: &[
                (401, r#"{"code":40104,"message":"{echo}"}"#),
                (200, r#"{"code":40105,"message":"{echo}"}"#),
                (200, r#"{"code":40001,"message":"{echo}"}"#),
            ],
            probe_passes: &[
                (200, r#"{"code":40002,"message":"{echo}"}"#),
                (400, r#"{"code":40002,"message":"{echo}"}"#),
            ],
            ..Replies::default()
        };
        let promise = Promise {
            replies,
            ..Promise::default()
        };
        contract::check_promise("tiktok_events", build, &sample(), promise).await;
    }
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
