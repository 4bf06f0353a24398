//! Dead letters that fill all their space.

use serde_json::json;
use signalbox_runtime::hold::HoldCause;

use super::{Rig, pipeline};
use crate::support::client::{get, post, post_all};
use crate::support::events::{ids, orders};

const COUNT: usize = 150;

/// The pipeline with a mapping that sends the webhook one member of each event.
fn mapped(top: &str, path: &str) -> String {
    format!(
        "{}\n[[sinks.hook.mappings]]\nname = \"orders\"\nfields = {{ \"@path\" = \"{path}\" }}\n",
        pipeline(top, "")
    )
}

const HOLD: &str = "[dead_letters]\nmax_bytes = \"50kB\"\non_full = \"hold_sink\"\n";

/// Starts a router whose webhook mapping fails for every event, and waits until its dead letters are full.
async fn full() -> Rig {
    let rig = Rig::start_with(&mapped(HOLD, "$.properites")).await;
    for part in orders("f", COUNT).chunks(10) {
        post_all(&rig.world.listen, part).await;
    }
    let status = rig
        .wait(|status| {
            let (hook, others) = (&status.sinks["hook"], ["archive", "pinterest"]);
            // The router writes letters in the commit that follows their count.
            let counted: u64 = hook.rejected.values().sum();
            hook.held.is_some()
                && hook.letters.kept == counted
                && others
                    .iter()
                    .all(|name| status.sinks[*name].delivered == COUNT as u64)
        })
        .await;
    let hook = &status.sinks["hook"];
    let hold = hook.held.as_ref().unwrap();
    assert_eq!(
        (hold.cause, &*hold.code),
        (HoldCause::DeadLettersFull, "dead_letters_full")
    );
    assert!(
        hold.message.contains("signalbox deadletters summary --sink hook"),
        "{hold:?}"
    );
    assert!(
        hook.pending > 0 && hook.letters.kept > 0 && status.sums_close,
        "{hook:#?}"
    );
    assert_eq!(
        hook.pending + hook.rejected["empty_record"],
        COUNT as u64,
        "{hook:#?}"
    );
    rig
}

#[tokio::test]
async fn hold_the_sink_alone_and_let_it_go_on_when_some_are_discarded() {
    let rig = full().await;
    let metrics = get(&rig.world.admin, "/metrics").await.body;
    for series in [
        "signalbox_sink_held{cause=\"dead_letters_full\",sink=\"hook\"} 1",
        "signalbox_sink_held{cause=\"dead_letters_full\",sink=\"pinterest\"} 0",
        "signalbox_sink_dead_letters_dropped_total{sink=\"hook\"} 0",
        "signalbox_sink_dead_letters_limit_bytes{sink=\"hook\"} 50000",
        "signalbox_source_dead_letters_dropped_total{source=\"shop\"} 0",
    ] {
        assert!(metrics.contains(series), "{series} in {metrics}");
    }
    // The log warns at 70 and 90 %, with the reason that fills them.
    for text in [
        "dead letters fill up, the sink is held when they are full",
        "\"top_reason\":\"empty_record\"",
    ] {
        rig.router().logged(text).await;
    }
    let mut gone = 0;
    while gone < COUNT as u64 {
        let told = rig
            .lines(&["deadletters", "discard", "--sink", "hook", "--yes"])
            .await;
        gone += told[0]["removed"].as_u64().unwrap();
        let left = COUNT as u64 - gone;
        let goes_on = |status: &signalbox_admin::Status| {
            let hook = &status.sinks["hook"];
            hook.letters.kept + hook.pending == left && (hook.held.is_some() || hook.pending == 0)
        };
        let status = rig.wait(goes_on).await;
        if status.sinks["hook"].pending == 0 && status.sinks["hook"].letters.kept == left {
            break;
        }
    }
    let status = rig.settled().await;
    let hook = &status.sinks["hook"];
    assert_eq!(
        (hook.rejected["empty_record"], hook.letters.dropped),
        (COUNT as u64, 0),
        "{hook:#?}"
    );
}

#[tokio::test]
async fn lose_nothing_once_the_cause_is_repaired() {
    let mut rig = full().await;
    // A kill loses nothing either.
    rig.kill();
    rig.again().await;
    rig.write(&mapped(HOLD, "$.properties"));
    rig.reload("the new configuration runs").await;
    let status = rig.settled().await;
    let hook = &status.sinks["hook"];
    assert_eq!(hook.delivered + hook.letters.kept, COUNT as u64, "{hook:#?}");
    rig.told(&["deadletters", "retry"]).await;
    let status = rig.settled().await;
    assert_eq!(
        (status.sinks["hook"].delivered, status.sinks["hook"].letters.kept),
        (COUNT as u64, 0)
    );
    let mut wanted: Vec<String> = (0..COUNT).map(|n| format!("order-f-{n}")).collect();
    wanted.sort();
    let mut hooked = ids(&rig.world.hooked(), "order_id");
    hooked.dedup();
    assert_eq!(hooked, wanted);
}

#[tokio::test]
async fn end_the_hold_when_the_quota_is_raised() {
    let mut rig = full().await;
    rig.stop().await;
    rig.write(&mapped(&HOLD.replace("50kB", "50MB"), "$.properites"));
    rig.again().await;
    let status = rig.settled().await;
    let hook = &status.sinks["hook"];
    assert_eq!(hook.rejected["empty_record"], COUNT as u64, "{hook:#?}");
    assert!(hook.held.is_none(), "{hook:#?}");
    rig.has_letters("hook", COUNT as u64).await;
}

#[tokio::test]
async fn drop_the_oldest_if_the_file_says_so_and_count_them() {
    let top = HOLD.replace("hold_sink", "drop_oldest");
    let mut rig = Rig::start_with(&mapped(&top, "$.properites")).await;
    for part in orders("d", COUNT).chunks(10) {
        post_all(&rig.world.listen, part).await;
    }
    rig.settled().await;
    let all = |status: &signalbox_admin::Status| {
        let hook = &status.sinks["hook"];
        hook.letters.kept + hook.letters.dropped == COUNT as u64
    };
    let status = rig.wait(all).await;
    let hook = &status.sinks["hook"];
    assert!(hook.letters.dropped > 0 && hook.held.is_none(), "{hook:#?}");
    let dropped = hook.letters.dropped;
    let series = format!("signalbox_sink_dead_letters_dropped_total{{sink=\"hook\"}} {dropped}");
    let metrics = get(&rig.world.admin, "/metrics").await.body;
    assert!(metrics.contains(&series), "{series} in {metrics}");
    rig.router().logged("the oldest were dropped").await;
    let summary = rig.told(&["deadletters", "summary"]).await;
    assert!(
        summary.contains(&format!("{dropped} were dropped to make room or for their age")),
        "{summary}"
    );
    let table = rig.told(&["status"]).await;
    assert!(
        table.contains(&format!(
            "hook: dead letters dropped to make room or for their age: {dropped}"
        )),
        "{table}"
    );
    // The newest letters are still there.
    let listed = rig.lines(&["deadletters", "list", "--limit", "1"]).await;
    assert_eq!(listed[0]["message_id"], format!("d-{}", COUNT - 1));
    // The count outlives the process.
    rig.stop().await;
    rig.again().await;
    let status = rig.wait(all).await;
    assert_eq!(status.sinks["hook"].letters.dropped, dropped);
}

#[tokio::test]
async fn of_a_source_are_dropped_and_stop_no_delivery() {
    let top = "[dead_letters]\nsource_max_bytes = \"20kB\"\n";
    let rig = Rig::start_with(&pipeline(top, "")).await;
    let junk: Vec<_> = (0..200)
        .map(|n| json!({ "type": "nonsense", "messageId": format!("junk-{n}") }))
        .collect();
    for part in junk.chunks(20) {
        post(
            &rig.world.listen,
            "/v1/batch",
            &json!({ "batch": part }).to_string(),
        )
        .await;
    }
    post_all(&rig.world.listen, &orders("j", 3)).await;
    let status = rig
        .wait(|status| {
            let shop = &status.sources["shop"];
            shop.dead_letters + shop.dead_letters_dropped == 200
                && status.sinks.values().all(|sink| sink.delivered == 3)
        })
        .await;
    let shop = &status.sources["shop"];
    assert!(
        shop.dead_letters_dropped > 0 && shop.dead_letters > 0,
        "{shop:#?}"
    );
    assert!(
        status.sinks.values().all(|sink| sink.held.is_none()),
        "{status:#?}"
    );
    let series = format!(
        "signalbox_source_dead_letters_dropped_total{{source=\"shop\"}} {}",
        shop.dead_letters_dropped
    );
    let metrics = get(&rig.world.admin, "/metrics").await.body;
    assert!(metrics.contains(&series), "{series} in {metrics}");
}

#[tokio::test]
async fn without_a_choice_drop_the_oldest_as_ever_and_validate_says_so() {
    let rig = Rig::start_with(&pipeline("[dead_letters]\nmax_bytes = \"50kB\"\n", "")).await;
    let exit = rig.command(&["validate"]).await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    assert!(
        exit.stderr
            .contains("dead_letters.max_bytes: without 'on_full' the oldest dead letters"),
        "{exit:?}"
    );
    rig.write(&pipeline(HOLD, ""));
    let exit = rig.command(&["validate"]).await;
    assert!(!exit.stderr.contains("on_full"), "{exit:?}");
}
