//! `signalbox deadletters`, live and from the files.

use serde_json::json;
use signalbox_core::{JournalKey, Sha256Hex};
use signalbox_sandbox::{FailEvents, Faults, Unavailable};

use super::{Rig, pipeline, values};
use crate::support::client::post_all;
use crate::support::events::{ids, orders};

/// The webhook gets one member of an event.
fn mapped(path: &str) -> String {
    format!(
        "{}\n[[sinks.hook.mappings]]\nname = \"orders\"\nfields = {{ \"@path\" = \"{path}\" }}\n",
        pipeline("", "")
    )
}

pub(super) fn failing(times: u64) -> Faults {
    Faults {
        fail_events: Some(FailEvents::times(times)),
        ..Faults::default()
    }
}

#[tokio::test]
async fn a_mapping_is_fixed_and_what_it_spoilt_is_retried() {
    let rig = Rig::start_with(&mapped("$.properites")).await;
    let events = orders("d", 3);
    post_all(&rig.world.listen, &events).await;
    let status = rig.settled().await;
    assert_eq!(status.sinks["hook"].rejected["empty_record"], 3, "{status:#?}");
    rig.has_letters("hook", 3).await;

    let list = rig.lines(&["deadletters", "list"]).await;
    assert_eq!(values(&list, "message_id"), ids(&events, "messageId"));
    for letter in &list {
        assert_eq!(
            (
                &letter["sink"],
                &letter["reason"],
                &letter["mapping"],
                &letter["source"]
            ),
            (
                &json!("hook"),
                &json!("empty_record"),
                &json!("orders"),
                &json!("shop")
            ),
            "{letter}"
        );
        assert!(letter["id"].is_u64() && letter["position"].is_u64() && letter["first_at"].is_string());
        assert!(letter.get("event").is_none());
    }
    // Choices.
    let count = async |more: &[&str]| rig.lines(&[&["deadletters", "list"], more].concat()).await.len();
    assert_eq!(count(&["--sink", "hook", "--reason", "empty_record"]).await, 3);
    assert_eq!(count(&["--sink", "pinterest"]).await, 0);
    assert_eq!(count(&["--reason", "other"]).await, 0);
    assert_eq!(count(&["--older-than", "1h"]).await, 0);
    assert_eq!(count(&["--limit", "2"]).await, 2);
    assert_eq!(count(&["--id", &list[1]["id"].to_string()]).await, 1);
    // For people.
    let table = rig.told(&["deadletters", "list"]).await;
    assert!(table.contains("empty_record") && table.contains("d-2"), "{table}");
    let none = rig.told(&["deadletters", "list", "--sink", "archive"]).await;
    assert_eq!(none, "no dead letters match\n");
    // The kept payloads are hashed.
    let shown = rig.lines(&["deadletters", "show"]).await;
    let hash = Sha256Hex::of("ada.okafor@example.com");
    for letter in &shown {
        assert_eq!(
            letter["event"]["context"]["traits"]["email"],
            hash.as_str(),
            "{letter}"
        );
    }
    let exported = rig.lines(&["deadletters", "export"]).await;
    assert_eq!(ids(&exported, "messageId"), ids(&events, "messageId"));
    let people = rig.told(&["deadletters", "show"]).await;
    assert!(
        !people.contains("ada.okafor@") && people.contains(hash.as_str()),
        "{people}"
    );

    rig.write(&mapped("$.properties"));
    rig.reload("the new configuration runs").await;
    let told = rig.told(&["deadletters", "retry", "--sink", "hook"]).await;
    assert!(
        told.starts_with("3 to be delivered again: 3 from the journal, 0 from"),
        "{told}"
    );
    let status = rig.settled().await;
    let hook = &status.sinks["hook"];
    assert_eq!((hook.delivered, hook.letters.kept), (3, 0), "{hook:#?}");
    let wanted: Vec<String> = (0..3).map(|n| format!("order-d-{n}")).collect();
    assert_eq!(ids(&rig.world.hooked(), "order_id"), wanted);
    assert_eq!(
        rig.lines(&["deadletters", "list"]).await,
        Vec::<serde_json::Value>::new()
    );
    // The others did not get anything twice.
    assert_eq!(rig.world.archived().len(), 3);
    assert_eq!(rig.world.accepted().len(), 3);
}

#[tokio::test]
async fn a_retry_sends_what_waits_as_well() {
    let rig = Rig::start("").await;
    rig.world.sandbox.set_faults(failing(2));
    let first = orders("e", 2);
    post_all(&rig.world.listen, &first).await;
    rig.settled().await;
    rig.world.sandbox.set_faults(Faults {
        unavailable: Some(Unavailable::always()),
        ..Faults::default()
    });
    let waiting = orders("w", 30);
    post_all(&rig.world.listen, &waiting).await;
    rig.wait(|status| {
        status.sinks["pinterest"]
            .records
            .retried
            .contains_key("server_error")
    })
    .await;
    rig.told(&["deadletters", "retry", "--sink", "pinterest"]).await;
    rig.world.sandbox.set_faults(Faults::default());
    let status = rig.settled().await;
    let pinterest = &status.sinks["pinterest"];
    assert_eq!(
        (pinterest.delivered, pinterest.records.duplicate),
        (32, 0),
        "{pinterest:#?}"
    );
    let all = [first, waiting].concat();
    assert_eq!(ids(&rig.world.accepted(), "event_id"), ids(&all, "messageId"));
}

#[tokio::test]
async fn of_a_stopped_router() {
    let mut rig = Rig::start("").await;
    rig.world.sandbox.set_faults(failing(4));
    let events = orders("d", 4);
    post_all(&rig.world.listen, &events).await;
    rig.settled().await;
    rig.has_letters("pinterest", 4).await;
    let live = rig.lines(&["deadletters", "show"]).await;
    assert_eq!(live.len(), 4);
    assert!(
        live.iter()
            .all(|letter| letter["attempts"] == 1 && letter["reason"] != ""),
        "{live:?}"
    );
    rig.kill();
    // The files say the same.
    assert_eq!(rig.lines(&["deadletters", "show"]).await, live);
    assert_eq!(rig.lines(&["deadletters", "export"]).await.len(), 4);

    // No terminal is there to confirm.
    let id = live[0]["id"].to_string();
    let asked = rig.command(&["deadletters", "discard", "--id", &id]).await;
    assert!(
        asked.stderr.contains("--yes") && asked.stdout.is_empty(),
        "{asked:?}"
    );
    assert_eq!(rig.lines(&["deadletters", "list"]).await.len(), 4);
    let told = rig.told(&["deadletters", "discard", "--id", &id, "--yes"]).await;
    assert_eq!(told, "1 removed\n");
    let told = rig.told(&["deadletters", "retry"]).await;
    assert!(
        told.contains("3 from the journal") && told.contains("they go out when it starts"),
        "{told}"
    );
    assert_eq!(rig.lines(&["deadletters", "list"]).await.len(), 0);
    let offline = rig.asked().await;
    assert_eq!(
        (offline.sinks["pinterest"].pending, offline.sums_close),
        (3, true),
        "{offline:#?}"
    );

    rig.again().await;
    let status = rig.settled().await;
    assert_eq!(status.sinks["pinterest"].delivered, 3, "{status:#?}");
    let discarded = live[0]["message_id"].as_str().unwrap();
    let mut wanted = ids(&events, "messageId");
    wanted.retain(|id| id != discarded);
    let accepted = rig.world.accepted();
    assert_eq!(ids(&accepted, "event_id"), wanted);
    // The event comes from the journal's original, not from the letter's payload.
    for event in accepted {
        assert_eq!(
            event["user_data"]["em"],
            json!([Sha256Hex::of("ada.okafor@example.com").as_str()])
        );
        assert_eq!(
            event["user_data"]["ct"],
            json!([Sha256Hex::of("samplecity").as_str()])
        );
    }
}

#[tokio::test]
async fn discarded_and_retried_live_by_reason() {
    let rig = Rig::start("").await;
    rig.world.sandbox.set_faults(failing(2));
    post_all(&rig.world.listen, &orders("l", 2)).await;
    let status = rig.settled().await;
    rig.has_letters("pinterest", 2).await;
    let reason = status.sinks["pinterest"].rejected.keys().next().unwrap().clone();
    let retry = ["deadletters", "retry", "--reason", "something_else"];
    assert_eq!(rig.lines(&retry).await[0]["removed"], 0);
    let discard = ["deadletters", "discard", "--reason", &reason, "--yes"];
    assert_eq!(rig.lines(&discard).await[0]["removed"], 2);
    assert_eq!(rig.lines(&["deadletters", "list"]).await.len(), 0);
    let status = rig.settled().await;
    // They stay counted.
    assert_eq!(
        (
            status.sinks["pinterest"].rejected[&reason],
            status.sinks["pinterest"].letters.kept
        ),
        (2, 0)
    );
}

#[tokio::test]
async fn what_is_kept_follows_the_setting() {
    for (setting, email) in [("plain", json!("ada.okafor@example.com")), ("none", json!(null))] {
        let mut rig = Rig::start_with(&pipeline(
            &format!(
                "[journal]\nkey = \"{}\"\n[dead_letters]\npersonal_data = \"{setting}\"\n",
                JournalKey::new([7; 32]).to_text()
            ),
            "",
        ))
        .await;
        rig.world.sandbox.set_faults(failing(1));
        post_all(&rig.world.listen, &orders("k", 1)).await;
        rig.settled().await;
        rig.stop().await;
        let shown = rig.lines(&["deadletters", "show"]).await;
        assert_eq!(
            shown[0]["event"]["context"]["traits"]["email"], email,
            "{setting}"
        );
        assert_eq!(
            rig.lines(&["deadletters", "export"]).await.len(),
            usize::from(setting == "plain")
        );
        // The journal still holds the original.
        let retried = &rig.lines(&["deadletters", "retry"]).await[0];
        assert_eq!(
            (&retried["removed"], &retried["from_journal"]),
            (&json!(1), &json!(1))
        );
        rig.again().await;
        rig.settled().await;
        assert_eq!(ids(&rig.world.accepted(), "event_id"), ["k-0"]);
    }
}
