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
async fn plays_the_vendors_asked_for_and_prints_their_settings() {
    let process = Process::spawn(&mut command(
        &[
            "sandbox",
            "--listen",
            "127.0.0.1:0",
            "--vendor",
            "tiktok,meta",
            "--token",
            "right",
            "--token",
            "meta=metas",
            "--pixel-id",
            "12345",
            "--any-age",
        ],
        &[],
    ));
    until(
        || async { process.stdout().contains("/_sandbox/counts").then_some(()) },
        || process.stderr(),
    )
    .await;
    let told = process.stdout();
    assert!(!told.contains("right") && !told.contains("metas"), "{told}");
    let from = told.find("[sinks").unwrap();
    let settings: toml::Table = told[from..told.find("\nFaults").unwrap()].parse().unwrap();
    let sinks = settings["sinks"].as_table().unwrap();
    assert_eq!(sinks.keys().collect::<Vec<_>>(), ["meta", "tiktok"]);
    let meta = &sinks["meta"];
    assert_eq!(
        (meta["type"].as_str(), meta["pixel_id"].as_str()),
        (Some("meta_conversions"), Some("12345"))
    );
    let address = meta["base_url"]
        .as_str()
        .unwrap()
        .strip_prefix("http://")
        .unwrap();

    let event =
        r#"{"event_name":"Lead","event_time":1,"action_source":"other","user_data":{"external_id":"7"}}"#;
    let body = format!("{{\"data\":[{event}]}}");
    for (path, token, status) in [
        ("/v26.0/12345/events", "metas", 200),
        ("/v26.0/12345/events", "right", 401),
        ("/v5/ad_accounts/1/events", "right", 404),
    ] {
        let token = format!("Bearer {token}");
        let headers = [("authorization", token.as_str())];
        let answer = try_send(address, "POST", path, &headers, body.as_bytes())
            .await
            .unwrap();
        assert_eq!(answer.status, status, "{path}");
    }
    process.signal("TERM");
    let exit = process.exit().await;
    assert!(
        exit.stdout
            .ends_with("Meta: 1 events accepted in 2 requests\n1 events accepted in 3 requests\n"),
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
    let exit = signalbox(&["sandbox", "--vendor", "snap"]).await;
    assert_eq!(exit.code, Some(64));
    assert!(
        exit.stderr.contains("known are pinterest, meta and tiktok"),
        "{exit:?}"
    );
    let exit = signalbox(&["sandbox", "--faults", r#"{"rate_limit":{"percent":"20"}}"#]).await;
    assert_eq!(exit.code, Some(64));
    assert!(
        exit.stderr.contains("--faults: rate_limit.percent: invalid type"),
        "{exit:?}"
    );
}
