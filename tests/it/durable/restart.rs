//! A process that ends, and the next one.

use serde_json::{Value, json};
use signalbox_sandbox::{FailEvents, Faults, Unavailable};
use signalbox_testkit::Act;

use super::{Rig, pipeline};
use crate::support::client::post_all;
use crate::support::events::{ids, orders};

fn down() -> Faults {
    Faults {
        unavailable: Some(Unavailable::always()),
        ..Faults::default()
    }
}

#[tokio::test]
async fn attempts_and_dead_letters_are_kept() {
    let mut rig = Rig::start("").await;
    rig.world.sandbox.set_faults(down());
    post_all(&rig.world.listen, &orders("k", 3)).await;
    let before = rig
        .wait(|status| status.sinks["pinterest"].requests.attempts >= 5)
        .await;
    assert_eq!(before.sinks["pinterest"].pending, 3);
    rig.stop().await;
    let offline = rig.asked().await;
    assert_eq!(
        (offline.sinks["pinterest"].pending, offline.sums_close),
        (3, true)
    );
    let stopped_at = jiff::Timestamp::now();
    rig.world.sandbox.set_faults(Faults {
        fail_events: Some(FailEvents::always()),
        ..Faults::default()
    });
    rig.again().await;
    let status = rig.settled().await;
    assert_eq!(status.sinks["pinterest"].rejected.values().sum::<u64>(), 3);
    rig.has_letters("pinterest", 3).await;
    // The attempts of both processes, from the first on.
    let letters = rig.lines(&["deadletters", "list"]).await;
    let at = |letter: &Value, member: &str| -> jiff::Timestamp {
        letter[member].as_str().unwrap().parse().unwrap()
    };
    for letter in &letters {
        assert!(letter["attempts"].as_u64().unwrap() >= 6, "{letter}");
        assert!(at(letter, "first_at") < stopped_at, "{letter}");
        assert!(at(letter, "last_at") > stopped_at, "{letter}");
    }
    rig.kill();
    rig.again().await;
    assert_eq!(rig.lines(&["deadletters", "list"]).await, letters);
    assert_eq!(rig.asked().await.sinks["pinterest"].letters.kept, 3);
}

#[tokio::test]
async fn an_event_is_taken_once_whatever_ends_in_between() {
    let mut rig = Rig::start("").await;
    let events = orders("once", 6);
    post_all(&rig.world.listen, &events).await;
    rig.settled().await;
    rig.kill();
    rig.again().await;
    post_all(&rig.world.listen, &events).await;
    rig.stop().await;
    rig.again().await;
    post_all(&rig.world.listen, &events[..2]).await;
    let status = rig.settled().await;
    let source = &status.sources["shop"];
    assert_eq!((source.journalled, source.duplicate), (6, 8), "{source:#?}");
    // Only events whose delivery was not committed before the kill are sent twice.
    for mut got in [
        ids(&rig.world.accepted(), "event_id"),
        ids(&rig.world.archived(), "messageId"),
    ] {
        assert!(got.len() <= 12, "{got:?}");
        got.dedup();
        assert_eq!(got, ids(&events, "messageId"));
    }
}

#[tokio::test]
async fn what_is_acknowledged_survives_a_kill_at_once() {
    let mut rig = Rig::start("").await;
    let mut all = Vec::new();
    for round in 0..4 {
        let events = orders(&format!("r{round}"), 50);
        post_all(&rig.world.listen, &events).await;
        all.extend(events);
        rig.kill();
        rig.again().await;
    }
    let status = rig.settled().await;
    assert_eq!(status.sources["shop"].journalled, 200, "{status:#?}");
    for mut got in [
        ids(&rig.world.accepted(), "event_id"),
        ids(&rig.world.archived_despite_kills(), "messageId"),
        ids(&rig.world.hooked(), "messageId"),
    ] {
        got.dedup();
        assert_eq!(got, ids(&all, "messageId"));
    }
}

#[tokio::test]
async fn a_new_sink_starts_at_the_end_or_the_beginning() {
    let mut rig = Rig::start("").await;
    post_all(&rig.world.listen, &orders("old", 3)).await;
    rig.settled().await;
    rig.kill();
    let sink = |name: &str, more: &str| {
        format!(
            "\n[sinks.{name}]\ntype = \"file\"\ninputs = [\"shop\"]\npath = \"${{FOLDER}}/{name}.jsonl\"\n\
             batch.max_wait = \"10ms\"\n{more}\n"
        )
    };
    let text = pipeline("", "") + &sink("late", "") + &sink("all", "start = \"beginning\"");
    rig.write(&text);
    rig.again().await;
    post_all(&rig.world.listen, &orders("new", 2)).await;
    rig.settled().await;
    let count = |name: &str| {
        std::fs::read_to_string(rig.world.path(name))
            .unwrap()
            .lines()
            .count()
    };
    assert_eq!((count("late.jsonl"), count("all.jsonl")), (2, 5));
    // It is known from now on: the setting counts once.
    rig.stop().await;
    rig.again().await;
    let status = rig.settled().await;
    assert_eq!(status.sinks["all"].delivered, 5);
}

#[tokio::test]
async fn a_removed_sink_is_shown_and_goes_on_when_it_is_back() {
    let mut rig = Rig::start("").await;
    rig.world.hook.act(Act::reply(503, ""));
    post_all(&rig.world.listen, &orders("o", 4)).await;
    let others = |status: &signalbox_admin::Status| {
        let done = |name: &str| status.sinks[name].delivered == 4;
        done("pinterest") && done("archive")
    };
    rig.wait(others).await;
    let with = pipeline("", "");
    let begin = with.find("[sinks.hook]").unwrap();
    let end = with.find("[sinks.pinterest]").unwrap();
    rig.write(&format!("{}{}", &with[..begin], &with[end..]));
    // By a reload, and by a restart.
    rig.reload("the new configuration runs").await;
    for _ in 0..2 {
        let status = rig.wait(|status| !status.orphans.is_empty()).await;
        let orphans: Vec<_> = status
            .orphans
            .iter()
            .map(|one| (one.name.as_str(), one.pending))
            .collect();
        assert_eq!(orphans, [("hook", 4)]);
        assert!(!status.sinks.contains_key("hook"));
        rig.kill();
        rig.again().await;
    }
    rig.write(&with);
    rig.world.hook.forget();
    rig.world.hook.act(Act::reply(200, ""));
    rig.reload("the new configuration runs").await;
    let status = rig.settled().await;
    assert_eq!(
        (status.sinks["hook"].delivered, status.orphans.len()),
        (4, 0),
        "{status:#?}"
    );
    assert_eq!(
        json!(ids(&rig.world.hooked(), "messageId")),
        json!(["o-0", "o-1", "o-2", "o-3"])
    );
}

#[tokio::test]
async fn a_removed_sink_holds_its_events_for_a_while_only() {
    let top = "[journal]\norphan_retention = \"1s\"\n";
    let mut rig = Rig::start_with(&pipeline(top, "")).await;
    rig.world.hook.act(Act::reply(503, ""));
    post_all(&rig.world.listen, &orders("o", 4)).await;
    rig.wait(|status| status.sinks["archive"].delivered == 4).await;
    let with = pipeline(top, "");
    let begin = with.find("[sinks.hook]").unwrap();
    let end = with.find("[sinks.pinterest]").unwrap();
    rig.write(&format!("{}{}", &with[..begin], &with[end..]));
    rig.kill();
    rig.again().await;
    let gone = |status: &signalbox_admin::Status| status.orphans.iter().all(|one| one.pending == 0);
    rig.wait(gone).await;
    rig.stop().await;
    let offline = rig.asked().await;
    assert!(offline.sums_close, "{offline:#?}");
    let hook = &offline.sinks["hook"];
    assert_eq!((hook.pending, hook.delivered), (0, 0), "{hook:#?}");
    assert_eq!(
        (hook.rejected["orphaned"], hook.letters.kept),
        (4, 4),
        "{hook:#?}"
    );
}

#[tokio::test]
async fn the_time_a_record_is_tried_for_goes_on_meanwhile() {
    let mut rig = Rig::start("retry.for = \"2s\"").await;
    rig.world.sandbox.set_faults(down());
    post_all(&rig.world.listen, &orders("t", 3)).await;
    let over = tokio::time::Instant::now() + std::time::Duration::from_secs(2);
    rig.wait(|status| status.sinks["pinterest"].requests.attempts > 1)
        .await;
    rig.stop().await;
    tokio::time::sleep_until(over).await;
    rig.again().await;
    let status = rig
        .wait(|status| status.sinks["pinterest"].pending == 0 && status.sums_close)
        .await;
    let pinterest = &status.sinks["pinterest"];
    assert_eq!(pinterest.expired["server_error"], 3, "{pinterest:#?}");
    // Its time was over, so it was tried once more and no further.
    assert_eq!(pinterest.requests.attempts, 1, "{pinterest:#?}");
    rig.has_letters("pinterest", 3).await;
    let letters = rig.lines(&["deadletters", "list", "--reason", "expired"]).await;
    assert_eq!(letters.len(), 3);
    assert!(rig.world.accepted().is_empty());
}
