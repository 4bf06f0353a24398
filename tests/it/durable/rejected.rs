//! Events that are rejected before the journal: they are acknowledged only once their dead letters are durable.

use serde_json::{Value, json};

use super::{Rig, pipeline, values};
use crate::support::client::{get, post};
use crate::support::events::order;

fn with_opt_out() -> String {
    let transforms = "[transforms.opt_out]\ntype = \"limited_data_processing\"\n\
                      opted_out = [{ path = \"properties.do_not_sell\" }]\n";
    let write_keys = "write_keys = [\"${WRITE_KEY}\"]\n";
    pipeline(transforms, "").replace(write_keys, &format!("{write_keys}through = [\"opt_out\"]\n"))
}

/// An order of a user who opted out and has no country, which the transform rejects.
fn opted_out(id: &str) -> Value {
    let mut event = order(id);
    event["properties"]["do_not_sell"] = true.into();
    event["context"]["traits"]["address"] = json!({ "city": "Sample City" });
    event
}

fn unusable(count: usize) -> Vec<Value> {
    vec![json!({ "type": "bad" }); count]
}

async fn send(rig: &Rig, events: &[Value]) -> u16 {
    let body = json!({ "batch": events }).to_string();
    post(&rig.world.listen, "/v1/batch", &body).await.status
}

/// Sends a batch, kills the router as soon as it is acknowledged, and starts it again.
async fn acknowledged_and_killed(rig: &mut Rig, events: &[Value]) {
    assert_eq!(send(rig, events).await, 200);
    rig.kill();
    rig.again().await;
}

async fn letters(rig: &Rig) -> usize {
    rig.lines(&["deadletters", "list", "--sink", "source:shop", "--all"])
        .await
        .len()
}

#[tokio::test]
async fn what_was_acknowledged_as_rejected_survives_a_kill_with_its_counts() {
    let mut rig = Rig::start_with(&with_opt_out()).await;
    // Unusable input beside a good event, an event that a transform rejects, and a batch of nothing but unusable input.
    acknowledged_and_killed(&mut rig, &[unusable(20), vec![order("good")]].concat()).await;
    assert_eq!(letters(&rig).await, 20);
    acknowledged_and_killed(&mut rig, &[opted_out("nowhere")]).await;
    assert_eq!(letters(&rig).await, 21);
    acknowledged_and_killed(&mut rig, &unusable(7)).await;
    let status = rig.settled().await;
    let shop = &status.sources["shop"];
    assert_eq!(shop.rejected.values().sum::<u64>(), 28, "{shop:?}");
    assert_eq!(shop.rejected["ldp_incomplete"], 1, "{shop:?}");
    assert_eq!((shop.received, shop.journalled, shop.dead_letters), (29, 1, 28));
    let all = rig
        .lines(&["deadletters", "list", "--sink", "source:shop", "--all"])
        .await;
    let reasons = values(&all, "reason");
    assert_eq!(reasons.len(), 28);
    assert_eq!(
        reasons
            .iter()
            .filter(|reason| *reason == "ldp_incomplete")
            .count(),
        1
    );
}

#[tokio::test]
async fn rejected_events_are_refused_while_the_journal_cannot_be_written() {
    let rig = Rig::start_with(&with_opt_out()).await;
    std::fs::remove_dir_all(rig.world.path("signalbox-journal")).unwrap();
    // At once, not only after the periodic check.
    assert_eq!(send(&rig, &unusable(3)).await, 503);
    assert_eq!(send(&rig, &[opted_out("nowhere")]).await, 503);
    assert_eq!(
        send(&rig, &[unusable(2), vec![order("good")]].concat()).await,
        503
    );
    let single = post(&rig.world.listen, "/v1/track", r#"{"event":"E"}"#).await;
    assert_eq!(single.status, 503, "{single:?}");
    assert_eq!(single.json()["code"], "journal_unwritable");
    // The pixel is an image even for a rejected event.
    let pixel = format!("/v1/pixel/track?writeKey={}", crate::support::client::WRITE_KEY);
    assert_eq!(get(&rig.world.listen, &pixel).await.status, 200);
    let status = rig.wait(|status| !status.ready).await;
    let shop = &status.sources["shop"];
    assert_eq!(shop.refused["journal_unwritable"], 9, "{shop:?}");
    assert_eq!((shop.received, shop.dead_letters), (9, 0), "{shop:?}");
    assert!(shop.rejected.values().all(|count| *count == 0), "{shop:?}");
    assert!(status.sums_close, "{status:#?}");
}
