//! The log of `SIGNALBOX_LOG=debug`: it shows the life of a batch and of a record, and nothing of a person.

use serde_json::Value;
use signalbox_core::escape::plain_lines;
use signalbox_sandbox::{Faults, Unavailable};

use crate::support::client::{WRITE_KEY, post_all};
use crate::support::events::{order, unmatched};
use crate::support::process::Exit;
use crate::support::world::{TOKEN, World, shop};

/// Runs a router that gets one order, whose first delivery fails; the order again; an event for no sink; and one whose
/// id is an e-mail address.
async fn log(level: Option<&str>) -> Exit {
    let world = World::new().await;
    world.sandbox.set_faults(Faults {
        unavailable: Some(Unavailable::times(1)),
        ..Faults::default()
    });
    let top = "[admin]\nlisten = \"${ADMIN}\"\n";
    let config = world.write("p.toml", &shop(top, "", "batch.max_events = 1\nconcurrency = 1"));
    let mut variables = world.variables();
    variables.extend(level.map(|level| ("SIGNALBOX_LOG".to_owned(), level.to_owned())));
    let process = world.router_with(&config, &variables).await;
    process.status(&world.admin, |status| status.ready).await;
    for event in [
        order("zq-1"),
        order("zq-1"),
        unmatched("zq-2"),
        order("ada.okafor@example.com"),
    ] {
        post_all(&world.listen, &[event]).await;
    }
    process
        .status(&world.admin, |status| {
            let all = |sink: &signalbox_admin::SinkStatus| sink.journalled == 3 && sink.pending == 0;
            status.sinks.values().all(all)
        })
        .await;
    process.signal("TERM");
    process.exit().await
}

/// Reads these members from the lines with this message, in order.
fn said(lines: &[Value], message: &str, sink: &str, members: &[&str]) -> Vec<Vec<String>> {
    let ours = lines
        .iter()
        .filter(|line| line["message"] == message && (line["sink"] == sink || line["sink"].is_null()));
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    ours.map(|line| members.iter().map(|member| text(&line[*member])).collect())
        .collect()
}

#[tokio::test]
async fn the_life_of_a_batch_and_a_record() {
    let exit = log(Some("debug")).await;
    let lines: Vec<Value> = exit
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let said = |message: &str, members: &[&str]| said(&lines, message, "pinterest", members);
    assert_eq!(
        said("event taken in", &["source", "message_id", "outcome"]),
        [
            ["shop", "zq-1", "journalled"],
            ["shop", "zq-1", "duplicate"],
            ["shop", "zq-2", "journalled"],
            ["shop", "…", "journalled"],
        ]
    );
    assert_eq!(
        said("event read from the journal", &["position", "message_id"]),
        [["0", "zq-1"], ["1", "zq-2"], ["2", "…"]]
    );
    let of_the_first = |rows: Vec<Vec<String>>| -> Vec<Vec<String>> {
        rows.into_iter().filter(|row| row[0] == "0").collect()
    };
    assert_eq!(
        of_the_first(said("record sent", &["position", "batch", "mapping", "attempt"])),
        [["0", "1", "Checkout", "1"], ["0", "2", "Checkout", "2"]]
    );
    assert_eq!(
        said("batch sent", &["batch", "records"])[..2],
        [["1", "1"], ["2", "1"]]
    );
    assert_eq!(
        said("batch answered", &["batch", "outcome"])[..2],
        [["1", "retry"], ["2", "delivered"]]
    );
    assert_eq!(
        of_the_first(said(
            "record answered",
            &["position", "batch", "outcome", "reason"]
        )),
        [["0", "1", "retry", "server_error"], ["0", "2", "delivered", ""]]
    );
    let mut ended = said("event ended", &["position", "outcome", "reason"]);
    ended.sort();
    assert_eq!(
        ended,
        [
            ["0", "delivered", ""],
            ["1", "filtered", "no_trigger_matched"],
            ["2", "delivered", ""]
        ]
    );
    for secret in [
        TOKEN,
        WRITE_KEY,
        "example.com",
        "Ada",
        "okafor",
        "198.51.100",
        "Sample City",
        "user-of",
        "p-1",
    ] {
        assert!(!exit.stderr.contains(secret), "{secret} in {}", exit.stderr);
    }
}

#[tokio::test]
async fn nothing_of_it_without_being_asked() {
    let exit = log(None).await;
    assert!(exit.stderr.contains("\"level\":\"INFO\""), "{exit:?}");
    assert!(
        !exit.stderr.contains("\"level\":\"DEBUG\"") && !exit.stderr.contains("zq-1"),
        "{exit:?}"
    );
}

#[tokio::test]
async fn encoded_addresses_and_commands_to_terminals_are_not_in_it() {
    let world = World::new().await;
    let config = world.write("p.toml", &shop("[admin]\nlisten = \"${ADMIN}\"\n", "", ""));
    let mut variables = world.variables();
    variables.push(("SIGNALBOX_LOG".to_owned(), "debug".to_owned()));
    let process = world.router_with(&config, &variables).await;
    process.status(&world.admin, |status| status.ready).await;
    let evil = "J\u{202e}\u{2066}\u{9b}31m";
    let ids = [evil, "x-ada%40example.com", "ada\u{ff20}example.com"];
    post_all(&world.listen, &ids.map(order)).await;
    process
        .status(&world.admin, |status| {
            let all = |sink: &signalbox_admin::SinkStatus| sink.journalled == 3 && sink.pending == 0;
            status.sinks.values().all(all)
        })
        .await;
    process.signal("TERM");
    let exit = process.exit().await;
    assert_eq!(exit.stderr, plain_lines(&exit.stderr), "{exit:?}");
    assert!(!exit.stderr.contains("example.com"), "{exit:?}");
    let lines: Vec<Value> = exit
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for message in ["event taken in", "event read from the journal"] {
        assert_eq!(
            said(&lines, message, "pinterest", &["message_id"]),
            [[evil], ["…"], ["…"]],
            "{message}"
        );
    }
}
