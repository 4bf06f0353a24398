//! Dead letters retried more than once, those of sources, and addresses that change hands.

use serde_json::json;

use super::{Rig, pipeline, values};
use crate::support::client::{post, post_all, try_send};
use crate::support::events::orders;

/// An order without anything to match a person by: Pinterest's sink rejects it.
fn nobody(id: &str) -> String {
    json!({
        "type": "track", "event": "Generate Lead", "messageId": id, "anonymousId": "a", "properties": {}
    })
    .to_string()
}

#[tokio::test]
async fn the_journals_original_is_used_each_time() {
    let rig = Rig::start_with(&pipeline("[dead_letters]\npersonal_data = \"none\"\n", "")).await;
    assert_eq!(
        post(&rig.world.listen, "/v1/track", &nobody("n1")).await.status,
        200
    );
    rig.settled().await;
    rig.has_letters("pinterest", 1).await;
    for _ in 0..2 {
        let told = rig.told(&["deadletters", "retry", "--sink", "pinterest"]).await;
        assert!(
            told.starts_with("1 to be delivered again: 1 from the journal"),
            "{told}"
        );
        rig.wait(|status| status.sinks["pinterest"].letters.kept == 1 && status.sums_close)
            .await;
        rig.settled().await;
        let letters = rig.lines(&["deadletters", "list", "--sink", "pinterest"]).await;
        assert_eq!(values(&letters, "message_id"), ["n1"]);
        assert!(letters[0]["position"].is_number(), "{letters:?}");
    }
}

#[tokio::test]
async fn what_a_source_rejected_goes_through_the_source_again() {
    let top = "[transforms.opt_out]\ntype = \"limited_data_processing\"\n\
               opted_out = [{ path = \"properties.do_not_sell\" }]\n";
    let text = |policy: &str| {
        pipeline(&format!("{top}{policy}"), "").replace(
            "type = \"segment_http\"",
            "type = \"segment_http\"\nthrough = [\"opt_out\"]",
        )
    };
    let rig = Rig::start_with(&text("")).await;
    let mut order = orders("o", 1).remove(0);
    order["properties"]["do_not_sell"] = json!(true);
    order["context"]["traits"]["address"] = json!({});
    order["traits"] = json!({});
    assert_eq!(
        post(&rig.world.listen, "/v1/track", &order.to_string())
            .await
            .status,
        200
    );
    let status = rig.wait(|status| status.sources["shop"].dead_letters == 1).await;
    assert_eq!(status.sources["shop"].rejected["ldp_incomplete"], 1);

    // The operator decides otherwise, and tries it again.
    rig.write(&text("on_incomplete = \"send\"\n"));
    rig.reload("the new configuration runs").await;
    let told = rig.told(&["deadletters", "retry", "--sink", "source:shop"]).await;
    assert!(told.starts_with("1 to be delivered again"), "{told}");
    let status = rig.wait(|status| status.sinks["pinterest"].delivered == 1).await;
    assert_eq!(status.sources["shop"].dead_letters, 0);
}

#[tokio::test]
async fn an_address_that_is_given_up_is_closed_and_none_is_used_twice() {
    let mut rig = Rig::start("").await;
    // The address of an earlier run, which is free again; the next run gets another.
    post_all(&rig.world.listen, &orders("w", 1)).await;
    rig.stop().await;
    let new = std::mem::take(&mut rig.world.listen);
    rig.again().await;
    let old = &rig.world.listen;
    rig.write(&pipeline("", "").replace("${LISTEN}", &new));
    rig.reload("the new configuration runs").await;
    post_all(&new, &orders("x", 1)).await;
    let closed = || async {
        try_send(old, "POST", "/v1/track", &[], b"{}")
            .await
            .is_none()
            .then_some(())
    };
    crate::support::until(closed, || "the old port is still open".to_owned()).await;

    let other =
        format!("[sources.other]\ntype = \"segment_http\"\nlisten = \"{new}\"\nwrite_keys = [\"k2\"]\n");
    let both = pipeline(&other, "")
        .replace("${LISTEN}", &new)
        .replace("[\"shop\"]", "[\"shop\", \"other\"]");
    rig.write(&both);
    rig.reload("sources.other listens on this address already").await;
    post_all(&new, &orders("y", 1)).await;
}
