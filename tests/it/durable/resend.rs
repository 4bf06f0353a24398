//! `signalbox resend`, live and from the files.

use serde_json::{Value, json};

use super::Rig;
use crate::support::client::{post_all, try_send};
use crate::support::events::{ids, orders};
use crate::support::process::run_with;

/// Counts the accepted copies of an event at Pinterest.
fn copies(rig: &Rig, id: &str) -> usize {
    ids(&rig.world.accepted(), "event_id")
        .iter()
        .filter(|found| *found == id)
        .count()
}

/// Runs `signalbox resend` with these ids on standard input and returns the exit code and the answer.
async fn resent(rig: &Rig, sink: &[&str], input: &str) -> (Option<i32>, Value) {
    let config = rig.config();
    let command = [
        "resend",
        "--json",
        "--message-id",
        "-",
        "--config",
        config.to_str().unwrap(),
    ];
    let exit = run_with(&[&command[..], sink].concat(), &rig.world.variables(), input).await;
    let answer = serde_json::from_str(&exit.stdout);
    (exit.code, answer.unwrap_or_else(|_| panic!("{exit:?}")))
}

#[tokio::test]
async fn a_delivered_event_goes_out_again_past_the_memory_of_sent_keys() {
    let mut rig = Rig::start("").await;
    post_all(&rig.world.listen, &orders("r", 3)).await;
    rig.settled().await;
    let told = rig
        .told(&["resend", "--message-id", "r-1", "--sink", "pinterest"])
        .await;
    assert!(
        told.starts_with("r-1  pinterest: goes out again, from the journal\n"),
        "{told}"
    );
    assert!(told.contains("A platform may drop"), "{told}");
    let status = rig
        .wait(|status| status.sinks["pinterest"].delivered == 4 && status.sinks["pinterest"].pending == 0)
        .await;
    let sink = &status.sinks["pinterest"];
    assert_eq!(
        (sink.journalled, sink.records.duplicate, status.sums_close),
        (4, 0, true)
    );
    assert_eq!((copies(&rig, "r-1"), copies(&rig, "r-0")), (2, 1));
    assert_eq!(rig.world.hooked().len(), 3);

    // A replay afterwards is held back as before, and without a sink all that were owed the event get it.
    let (code, answer) = resent(&rig, &[], "r-0\nr-2\n\n").await;
    assert_eq!(code, Some(0), "{answer}");
    let journal = json!({ "archive": "from_journal", "hook": "from_journal", "pinterest": "from_journal" });
    assert_eq!(
        (&answer["events"][0]["sinks"], &answer["events"][1]["sinks"]),
        (&journal, &journal)
    );
    let status = rig
        .wait(|status| status.sinks["hook"].delivered == 5 && status.sinks["archive"].delivered == 5)
        .await;
    assert!(status.sums_close, "{status:#?}");
    rig.wait(|status| status.sinks["pinterest"].delivered == 6).await;
    assert_eq!((copies(&rig, "r-0"), copies(&rig, "r-2")), (2, 2));

    // A stopped router takes it from the files, and sends it after the start.
    rig.settled().await;
    rig.stop().await;
    let told = rig
        .told(&["resend", "--message-id", "r-1", "--sink", "hook"])
        .await;
    assert!(told.contains("they go out when it starts"), "{told}");
    let (code, answer) = resent(&rig, &["--sink", "hook"], "r-1").await;
    assert_eq!(
        (code, &answer["events"][0]["sinks"]["hook"]),
        (Some(0), &json!("pending")),
        "{answer}"
    );
    let offline = rig.asked().await;
    assert_eq!((offline.sinks["hook"].pending, offline.sums_close), (1, true));
    rig.again().await;
    rig.settled().await;
    assert_eq!(rig.world.hooked().len(), 6);
}

#[tokio::test]
async fn dead_letters_are_replaced_and_unknown_events_are_named() {
    let rig = Rig::start("").await;
    // Without anything to match a person by, Pinterest's sink rejects it.
    let nobody = json!({ "type": "track", "event": "Generate Lead", "messageId": "d-0", "anonymousId": "a" });
    post_all(&rig.world.listen, &[nobody]).await;
    post_all(&rig.world.listen, &orders("d", 3)[1..]).await;
    rig.settled().await;
    rig.has_letters("pinterest", 1).await;
    let (code, answer) = resent(&rig, &["--sink", "pinterest"], "d-0\nd-9").await;
    assert_eq!(code, Some(1), "{answer}");
    assert_eq!(
        answer["events"][0]["sinks"],
        json!({ "pinterest": "from_journal" }),
        "{answer}"
    );
    assert_eq!(
        (&answer["events"][1]["found"], &answer["events"][1]["sinks"]),
        (&json!(false), &json!({}))
    );
    // It is rejected again, and the new letter takes the place of the old one.
    let status = rig
        .wait(|status| status.sinks["pinterest"].journalled == 4 && status.sinks["pinterest"].pending == 0)
        .await;
    assert!(status.sums_close, "{status:#?}");
    rig.has_letters("pinterest", 1).await;

    let unknown = rig.command(&["resend", "--message-id", "d-9"]).await;
    assert_eq!(
        (unknown.code, unknown.stdout.as_str()),
        (Some(1), ""),
        "{unknown:?}"
    );
    assert!(
        unknown
            .stderr
            .contains("neither the journal nor the dead letters hold it"),
        "{unknown:?}"
    );
    let nobody = rig
        .command(&["resend", "--message-id", "d-1", "--sink", "nobody"])
        .await;
    assert_eq!(nobody.code, Some(1), "{nobody:?}");
    assert!(nobody.stderr.contains("knows no sink 'nobody'"), "{nobody:?}");

    // An erased event stays where it is.
    rig.told(&["erase", "--message-id", "d-2", "--yes"]).await;
    let erased = rig.command(&["resend", "--message-id", "d-2"]).await;
    assert_eq!(erased.code, Some(1), "{erased:?}");
    assert!(erased.stderr.contains("it was erased"), "{erased:?}");
    assert_eq!(copies(&rig, "d-2"), 1);

    // A body that is wrong is not quoted.
    let body = br#"{"message_ids":["someone@example.com"],"x":1}"#;
    let answer = try_send(&rig.world.admin, "POST", "/resend", &[("x-signalbox", "1")], body).await;
    let answer = answer.unwrap();
    assert!(
        answer.status == 400 && !answer.body.contains("someone"),
        "{answer:?}"
    );
}
