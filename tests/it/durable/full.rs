//! A journal, or a disk, that has no room.

use serde_json::Value;
use signalbox_sandbox::{Faults, Unavailable};

use super::{Rig, pipeline};
use crate::support::client::{Answer, post};
use crate::support::events::{ids, order};
use crate::support::until;

pub(super) fn down() -> Faults {
    Faults {
        unavailable: Some(Unavailable::always()),
        ..Faults::default()
    }
}

/// Ten orders of some 2 kB.
fn batch(number: usize) -> (Vec<Value>, String) {
    let events: Vec<Value> = (0..10)
        .map(|n| {
            let mut event = order(&format!("f-{number:03}-{n}"));
            event["properties"]["note"] = "x".repeat(1_500).into();
            event
        })
        .collect();
    let body = serde_json::json!({ "batch": events }).to_string();
    (events, body)
}

/// Sends [`batch`].
pub(super) async fn send(rig: &Rig, number: usize) -> (Vec<Value>, Answer) {
    let (events, body) = batch(number);
    let answer = post(&rig.world.listen, "/v1/batch", &body).await;
    (events, answer)
}

#[tokio::test]
async fn clients_are_told_to_wait_and_lose_nothing() {
    let mut rig = Rig::start_with(&pipeline("[journal]\nmax_bytes = \"300kB\"\n", "")).await;
    rig.world.sandbox.set_faults(down());
    let mut taken = Vec::new();
    let refused = loop {
        let (events, answer) = send(&rig, taken.len() / 10).await;
        match answer.status {
            200 => taken.extend(events),
            _ => break answer,
        }
        assert!(taken.len() < 1_000, "never full");
    };
    assert_eq!(refused.status, 503, "{refused:?}");
    let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!(wait > 0, "{refused:?}");
    let status = rig.wait(|status| status.sinks["archive"].pending == 0).await;
    assert_eq!(status.sources["shop"].refused["journal_full"], 10, "{status:#?}");
    assert!(status.journal.bytes <= status.journal.max_bytes, "{status:#?}");
    rig.router().logged("the journal is filling up").await;
    // It stays full over a restart, and empties when the destination is back.
    rig.kill();
    rig.again().await;
    assert_eq!(send(&rig, 900).await.1.status, 503);
    rig.world.sandbox.set_faults(Faults::default());
    rig.settled().await;
    let again = || async { (send(&rig, 901).await.1.status == 200).then_some(()) };
    until(again, || rig.router().stderr()).await;
    taken.extend(batch(901).0);
    let status = rig.settled().await;
    assert_eq!(status.sources["shop"].journalled, taken.len() as u64);
    assert_eq!(ids(&rig.world.accepted(), "event_id"), ids(&taken, "messageId"));
}

#[tokio::test]
async fn a_sink_may_prefer_new_events_to_old_ones() {
    let text = pipeline(
        "[journal]\nmax_bytes = \"300kB\"\n",
        "on_journal_full = \"dead_letter_oldest\"",
    );
    let rig = Rig::start_with(&text).await;
    rig.world.sandbox.set_faults(down());
    let mut all = Vec::new();
    for number in 0..60 {
        let taken = || async {
            let (events, answer) = send(&rig, number).await;
            assert!(matches!(answer.status, 200 | 503), "{answer:?}");
            (answer.status == 200).then_some(events)
        };
        all.extend(until(taken, || rig.router().stderr()).await);
    }
    let status = rig.wait(|status| status.sinks["archive"].pending == 0).await;
    let given_up = status.sinks["pinterest"].rejected["journal_full"];
    assert!(given_up > 0 && status.sums_close, "{status:#?}");
    rig.world.sandbox.set_faults(Faults::default());
    let status = rig.settled().await;
    let pinterest = &status.sinks["pinterest"];
    assert_eq!(
        pinterest.delivered + pinterest.rejected["journal_full"],
        600,
        "{pinterest:#?}"
    );
    // The oldest are the dead letters.
    let letters = rig
        .lines(&[
            "deadletters",
            "list",
            "--reason",
            "journal_full",
            "--limit",
            "1000",
        ])
        .await;
    let dead = ids(&letters, "message_id");
    assert_eq!(dead.len() as u64, pinterest.rejected["journal_full"]);
    let sent = ids(&all, "messageId");
    let delivered = ids(&rig.world.accepted(), "event_id");
    assert_eq!(ids(&rig.world.archived(), "messageId"), sent);
    assert!(delivered.contains(sent.last().unwrap()) && dead.contains(&sent[0]));
    let mut both = [delivered, dead].concat();
    both.sort();
    assert_eq!(both, sent);
    // They are not lost: a retry sends them, now that there is room.
    rig.told(&["deadletters", "retry", "--sink", "pinterest"]).await;
    let status = rig.settled().await;
    assert_eq!(status.sinks["pinterest"].records.duplicate, 0);
    assert_eq!(ids(&rig.world.accepted(), "event_id"), sent);
}

#[tokio::test]
async fn a_disk_that_takes_no_more() {
    let mut rig = Rig::start("").await;
    rig.stop().await;
    // No file may grow beyond some 4 to 8 MB (the unit depends on the shell); with the signal ignored that is an
    // error like a full disk's.
    let config = rig.config();
    let mut shell = std::process::Command::new("sh");
    shell
        .args([
            "-c",
            "trap '' XFSZ; ulimit -f 8000; exec \"$0\" run --config \"$1\"",
        ])
        .arg(env!("CARGO_BIN_EXE_signalbox"))
        .arg(&config)
        .current_dir(rig.world.folder.path())
        .env_clear()
        .envs(rig.world.variables())
        .stdin(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped());
    rig.router = Some(rig.world.spawn(&mut shell).await);
    rig.wait(|status| status.ready).await;
    rig.world.sandbox.set_faults(down());
    let mut taken = Vec::new();
    let mut refused = 0;
    for number in 0..1_500 {
        let (events, answer) = send(&rig, number).await;
        match answer.status {
            200 => taken.extend(events),
            503 => refused += 1,
            _ => panic!("{answer:?}"),
        }
        if refused == 2 {
            break;
        }
    }
    assert!(refused > 0, "the limit is not enforced");
    rig.router()
        .logged("the journal takes no events in: signalbox-journal")
        .await;
    // With room again, everything that was acknowledged is there.
    rig.kill();
    rig.world.sandbox.set_faults(Faults::default());
    rig.again().await;
    let status = rig.settled().await;
    assert_eq!(status.sources["shop"].journalled, taken.len() as u64);
    let mut accepted = ids(&rig.world.accepted(), "event_id");
    accepted.dedup();
    assert_eq!(accepted, ids(&taken, "messageId"));
}
