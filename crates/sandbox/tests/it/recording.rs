//! Capture file, counts, and the sandbox's own addresses.

use serde_json::json;
use signalbox_sandbox::{Counts, Faults, SandboxConfig, start};

use crate::support::*;

#[tokio::test]
async fn accepted_events_are_captured_byte_for_byte() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("accepted.jsonl");
    let config = SandboxConfig {
        capture: Some(path.clone()),
        ..SandboxConfig::default()
    };
    let sandbox = start(config).await.unwrap();
    // Spacing, the order of keys and an escape that writing anew would lose.
    let odd = format!(
        r#"{{ "event_id":"\u0031" , "event_time":1772442122, "user_data":{{"em":["{HASH}"]}}, "action_source":"web", "event_name":"lead"}}"#
    );
    let lines = odd.replace(" , ", ",\n\t");
    let answer = post(
        &sandbox,
        format!("{{\"data\": [\n{odd} ,{lines}, {} ]}}", event("3")),
    )
    .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    // Read while it runs: written before the answer.
    let written = std::fs::read_to_string(&path).unwrap();
    assert_eq!(
        written,
        format!("{odd}\n{}\n{}\n", lines.replace('\n', ""), event("3"))
    );
    assert_eq!(sandbox.events(), [odd, lines, event("3").to_string()]);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_full_disk_is_a_500_and_nothing_counts_as_accepted() {
    let config = SandboxConfig {
        capture: Some("/dev/full".into()),
        ..SandboxConfig::default()
    };
    let sandbox = start(config).await.unwrap();
    let answer = post(&sandbox, good(3)).await;
    assert_eq!((answer.status, answer.json()["code"].as_u64()), (500, Some(500)));
    let counts = sandbox.counts();
    assert_eq!((counts.accepted, counts.unrecorded), (0, 3));
    assert_eq!(post(&sandbox, good(1)).await.status, 500);
    assert_sums_close(&sandbox);
}

#[tokio::test]
async fn a_capture_file_that_cannot_be_opened_stops_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let capture = Some(dir.path().join("missing").join("accepted.jsonl"));
    let error = start(SandboxConfig {
        capture,
        ..SandboxConfig::default()
    })
    .await
    .unwrap_err();
    assert!(error.to_string().contains("accepted.jsonl"), "{error}");
}

#[tokio::test]
async fn duplicates_are_accepted_and_counted() {
    let sandbox = sandbox().await;
    let mut offline = event("9");
    offline["action_source"] = json!("offline");
    let mut other_name = event("1");
    other_name["event_name"] = json!("lead");
    let answer = post(
        &sandbox,
        data(&[event("1"), event("1"), other_name, offline.clone(), offline]),
    )
    .await;
    assert_eq!(answer.json()["num_events_processed"], 5);
    assert_eq!(sandbox.counts().duplicates, 1);
    post(&sandbox, data(&[event("1"), event("2")])).await;
    let counts = sandbox.counts();
    assert_eq!((counts.accepted, counts.duplicates), (7, 2));
}

#[tokio::test]
async fn limited_data_processing_is_counted() {
    let sandbox = sandbox().await;
    let mut partial = event("1");
    partial["custom_data"] = json!({ "opt_out_type": "LDP" });
    let mut complete = partial.clone();
    complete["user_data"]["st"] = json!([HASH]);
    complete["user_data"]["country"] = json!([HASH]);
    post(&sandbox, data(&[partial, complete, event("3")])).await;
    let counts = sandbox.counts();
    assert_eq!((counts.ldp_complete, counts.ldp_incomplete), (1, 1));
}

#[tokio::test]
async fn own_addresses() {
    let sandbox = sandbox().await;
    let set = own(&sandbox, "PUT", "faults", r#"{"rate_limit":{"times":1}}"#).await;
    assert_eq!(set.status, 200);
    assert_eq!(own(&sandbox, "GET", "faults", "").await.json(), set.json());
    assert_eq!(post(&sandbox, good(1)).await.status, 429);
    assert_eq!(post(&sandbox, good(3)).await.status, 200);

    let counts = own(&sandbox, "GET", "counts", "").await;
    assert_eq!(
        serde_json::from_str::<Counts>(&counts.text).unwrap(),
        sandbox.counts()
    );
    let counts = counts.json();
    assert_eq!(counts["requests"], 2);
    assert_eq!(counts["by_status"], json!({ "200": 1, "429": 1 }));
    assert_eq!(counts["received"], 3);
    assert_eq!(counts["accepted"], 3);
    assert_eq!(
        counts["bytes"].as_u64().unwrap() as usize,
        good(1).len() + good(3).len()
    );
    assert_eq!(counts["faults"], json!({ "rate_limit": 1 }));

    let newest = own(&sandbox, "GET", "events?limit=2", "").await;
    assert_eq!(newest.text, format!("{}\n{}\n", event("1"), event("2")));
    assert_eq!(own(&sandbox, "GET", "events?limit=x", "").await.status, 400);

    let requests = sandbox.requests();
    assert_eq!(
        requests.iter().map(|request| request.status).collect::<Vec<_>>(),
        [Some(429), Some(200)]
    );
    assert_eq!(requests[0].body, good(1));
    assert_eq!(requests[0].target, format!("/v5/ad_accounts/{ACCOUNT}/events"));

    assert_eq!(own(&sandbox, "POST", "reset", "").await.status, 200);
    assert_eq!(sandbox.counts(), Counts::default());
    assert!(sandbox.events().is_empty() && sandbox.requests().is_empty());
    assert_eq!(sandbox.faults(), Faults::default());

    assert_eq!(own(&sandbox, "DELETE", "faults", "").await.status, 405);
    assert_eq!(own(&sandbox, "GET", "nothing", "").await.status, 404);
}

#[tokio::test]
async fn bad_faults_are_refused_by_name_and_change_nothing() {
    let sandbox = faulty(json!({ "unauthorized": true })).await;
    let answer = own(&sandbox, "PUT", "faults", r#"{"rate_limit":{"percent":"many"}}"#).await;
    assert_eq!(answer.status, 400);
    assert!(
        answer.json()["message"]
            .as_str()
            .unwrap()
            .starts_with("rate_limit.percent: "),
        "{}",
        answer.text
    );
    assert!(sandbox.faults().unauthorized);
    assert_eq!(own(&sandbox, "PUT", "faults", "{}").await.status, 200);
    assert_eq!(post(&sandbox, good(1)).await.status, 200);
}

#[tokio::test]
async fn shutdown_and_drop_close_the_port() {
    for drop_it in [false, true] {
        let sandbox = sandbox().await;
        let url = format!("http://{}/_sandbox/counts", sandbox.addr());
        assert_eq!(send(client().get(&url)).await.unwrap().status, 200);
        if drop_it {
            drop(sandbox);
            // The server's task ends by itself; wait until it refuses connections, not for a time.
            while send(new_client().get(&url)).await.is_ok() {
                tokio::task::yield_now().await;
            }
        } else {
            sandbox.shutdown().await;
        }
        assert!(send(new_client().get(&url)).await.unwrap_err().is_connect());
    }
}
