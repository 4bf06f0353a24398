//! `signalbox sandbox` as users start it.

use serde_json::{Value, json};

use super::signalbox;
use crate::support::client::{get, try_send};
use crate::support::process::{Process, command};
use crate::support::until;
use crate::support::world::World;

#[tokio::test]
async fn serves_captures_and_fails_on_demand() {
    let world = World::new().await;
    let capture = world.path("capture.jsonl");
    let process = Process::spawn(&mut command(
        &[
            "sandbox",
            "--listen",
            "127.0.0.1:0",
            "--capture",
            capture.to_str().unwrap(),
            "--token",
            "right",
            "--ad-account-id",
            "549755885175",
            "--faults",
            r#"{"unavailable":{"times":1}}"#,
        ],
        &[],
    ));
    until(
        || async { process.stdout().contains("/_sandbox/counts").then_some(()) },
        || process.stderr(),
    )
    .await;
    let told = process.stdout();
    let url = told.split_once("base_url = \"http://").unwrap().1;
    let (address, _) = url.split_once("/v5\"").unwrap();

    let event = r#"{"event_name":"checkout","action_source":"web","event_time":1772442122,"event_id":"e","user_data":{"em":["5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9"]}}"#;
    let body = format!("{{\"data\":[{event}]}}");
    let path = "/v5/ad_accounts/549755885175/events";
    let mut statuses = Vec::new();
    for (path, token) in [
        (path, "right"),
        (path, "right"),
        (path, "wrong"),
        ("/v5/ad_accounts/1/events", "right"),
    ] {
        let token = format!("Bearer {token}");
        let answer = try_send(
            address,
            "POST",
            path,
            &[("authorization", &token)],
            body.as_bytes(),
        )
        .await
        .unwrap();
        statuses.push(answer.status);
    }
    assert_eq!(statuses, [503, 200, 401, 403]);
    assert_eq!(std::fs::read_to_string(&capture).unwrap(), format!("{event}\n"));
    let counts: Value = get(address, "/_sandbox/counts").await.json();
    assert_eq!((&counts["accepted"], &counts["requests"]), (&json!(1), &json!(4)));
    let put = try_send(address, "PUT", "/_sandbox/faults", &[], br#"{"nonsense":1}"#)
        .await
        .unwrap();
    assert_eq!(put.status, 400);

    process.signal("TERM");
    let exit = process.exit().await;
    assert_eq!(exit.code, Some(0));
    assert!(
        exit.stdout.ends_with("1 events accepted in 4 requests\n"),
        "{exit:?}"
    );
}

#[tokio::test]
async fn says_why_it_does_not_start() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let exit = signalbox(&["sandbox", "--listen", &address]).await;
    assert_eq!(exit.code, Some(1));
    assert!(
        exit.stderr.contains(&format!("cannot listen on {address}")),
        "{exit:?}"
    );
    let exit = signalbox(&["sandbox", "--listen", "0.0.0.0:0"]).await;
    assert_eq!(exit.code, Some(1));
    assert!(exit.stderr.contains("loopback only"), "{exit:?}");
    let exit = signalbox(&["sandbox", "--faults", r#"{"rate_limit":{"percent":"20"}}"#]).await;
    assert_eq!(exit.code, Some(64));
    assert!(
        exit.stderr.contains("--faults: rate_limit.percent: invalid type"),
        "{exit:?}"
    );
}
