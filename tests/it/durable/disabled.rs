//! Sinks with `enabled = false`: they keep their earlier events, and get no new ones.

use serde_json::json;
use signalbox_admin::Status;
use signalbox_testkit::Act;

use super::letters::failing;
use super::renamed::{waiting, with_hook};
use super::{Rig, pipeline};
use crate::support::client::post_all;
use crate::support::events::{ids, orders};

const OFF: &str = "enabled = false";
const BEGINNING: &str = "start = \"beginning\"";
const HELD: &str = "5 pending events are for the sink 'hook', which is disabled";

/// True for a webhook that is disabled, owes this much, and whose sums close.
fn is_off(status: &Status, pending: u64) -> bool {
    let hook = &status.sinks["hook"];
    hook.disabled && hook.pending == pending && status.sums_close && status.ready
}

#[tokio::test]
async fn a_disabled_sink_goes_on_with_its_old_debt_and_owes_nothing_of_the_time_between() {
    for (kill, settings) in [(true, ""), (false, ""), (true, BEGINNING), (false, BEGINNING)] {
        // The time of removed sinks does not end for a disabled one.
        let top = "[journal]\norphan_retention = \"1s\"\n";
        let with = |more: &str| with_hook("hook", &format!("{settings}\n{more}")) + top;
        let mut rig = waiting(5).await;
        rig.change(&with(""), kill).await;
        rig.write(&with(OFF));
        let compared = rig.compared().await;
        assert!(
            compared.contains(HELD) && compared.contains("2 sinks, 1 disabled"),
            "{compared}"
        );
        let told = rig.change(&with(OFF), kill).await;
        assert!(told.contains(HELD), "{told}");
        rig.wait(|status| is_off(status, 5)).await;
        let attempts = rig.world.hooked().len();
        post_all(&rig.world.listen, &orders("missed", 3)).await;
        let others = |status: &Status| {
            let done = |name: &str| status.sinks[name].delivered == 8;
            done("pinterest") && done("archive") && is_off(status, 5)
        };
        rig.wait(others).await;
        // Another start and another reload change nothing, nor does the time.
        tokio::time::sleep(std::time::Duration::from_millis(1_300)).await;
        rig.change(&with(OFF), true).await;
        rig.change(&(with(OFF) + "[telemetry]\n"), false).await;
        let status = rig.wait(|status| is_off(status, 5)).await;
        assert_eq!(status.sinks["hook"].journalled, 5, "{status:#?}");
        assert!(status.orphans.is_empty() && status.sinks["hook"].held.is_none());
        assert_eq!(rig.world.hooked().len(), attempts);
        assert!(rig.told(&["status"]).await.contains("disabled"));

        rig.change(&with(""), kill).await;
        rig.wait(|status| !status.sinks["hook"].disabled).await;
        let (status, got) = rig.released().await;
        assert_eq!((got.len(), status.sinks["hook"].delivered), (5, 5), "{status:#?}");
        post_all(&rig.world.listen, &orders("new", 2)).await;
        rig.wait(|status| status.sinks["hook"].delivered == 7).await;
        let got = ids(&rig.world.hooked(), "messageId");
        assert!(
            got.len() == 7 && got.iter().all(|id| !id.starts_with("missed")),
            "{got:?}"
        );
    }
}

#[tokio::test]
async fn commands_say_that_a_sink_is_disabled() {
    let mut rig = Rig::start("").await;
    rig.keep_ports().await;
    rig.world.sandbox.set_faults(failing(100));
    post_all(&rig.world.listen, &orders("d", 3)).await;
    rig.settled().await;
    rig.has_letters("pinterest", 3).await;
    rig.world.sandbox.set_faults(signalbox_sandbox::Faults::default());
    rig.change(&pipeline("", OFF), false).await;
    let replay = ["replay", "--sink", "pinterest", "--from", "0", "--yes"];
    let retry = ["deadletters", "retry", "--all"];
    for running in [true, false] {
        if !running {
            rig.stop().await;
        }
        let refused = rig.command(&replay).await;
        assert!(
            refused.code == Some(1) && refused.stderr.contains("[sinks.pinterest]"),
            "{refused:?}"
        );
        let told = rig.told(&retry).await;
        assert!(told.contains("3 stay: ") && told.contains("disabled"), "{told}");
        let status = rig.asked().await;
        let pinterest = &status.sinks["pinterest"];
        assert!(pinterest.disabled && pinterest.letters.kept == 3, "{status:#?}");
    }
    rig.write(&pipeline("", ""));
    rig.again().await;
    rig.told(&retry).await;
    let status = rig.wait(|status| status.sinks["pinterest"].delivered == 3).await;
    assert!(!status.sinks["pinterest"].disabled, "{status:#?}");
}

#[tokio::test]
async fn what_a_disabled_sink_holds_can_be_forgotten() {
    for kill in [true, false] {
        let mut rig = waiting(5).await;
        rig.change(&with_hook("hook", OFF), kill).await;
        rig.told(&["forget", "--sink", "hook", "--yes"]).await;
        rig.wait(|status| is_off(status, 0)).await;
        rig.change(&with_hook("hook", "start = \"beginning\""), kill)
            .await;
        post_all(&rig.world.listen, &orders("new", 2)).await;
        let (status, mut got) = rig.released().await;
        got.sort();
        assert_eq!(got, ["new-0", "new-1"]);
        assert_eq!(json!(status.sinks["hook"].filtered), json!({ "forgotten": 5 }));
    }
}

#[tokio::test]
async fn a_disabled_sink_takes_over_from_its_old_name() {
    for kill in [true, false] {
        let mut rig = waiting(5).await;
        rig.change(&with_hook("caller", "was = \"hook\"\nenabled = false"), kill)
            .await;
        let status = rig.wait(|status| status.sinks["caller"].pending == 5).await;
        assert!(
            status.sinks["caller"].disabled && status.orphans.is_empty(),
            "{status:#?}"
        );
        post_all(&rig.world.listen, &orders("missed", 2)).await;
        rig.change(&with_hook("caller", ""), kill).await;
        let (_, got) = rig.released().await;
        assert_eq!(got.len(), 5, "{got:?}");
    }
}

#[tokio::test]
async fn a_pipeline_with_only_disabled_sinks_takes_events_and_warns() {
    let off = |text: String| {
        let mut text = text;
        for sink in ["pinterest", "archive", "hook"] {
            let head = format!("[sinks.{sink}]\n");
            text = text.replace(&head, &format!("{head}{OFF}\n"));
        }
        text
    };
    let mut rig = Rig::start_with(&off(pipeline("", ""))).await;
    let warned = rig.command(&["validate"]).await;
    assert!(
        warned.stderr.contains("every sink that takes the events"),
        "{warned:?}"
    );
    rig.keep_ports().await;
    post_all(&rig.world.listen, &orders("missed", 3)).await;
    rig.kill();
    rig.again().await;
    let status = rig.wait(|status| status.sources["shop"].journalled == 3).await;
    assert!(
        status.ready
            && status
                .sinks
                .values()
                .all(|sink| sink.disabled && sink.journalled == 0)
    );
    rig.world.hook.act(Act::reply(200, ""));
    rig.change(&pipeline("", ""), false).await;
    post_all(&rig.world.listen, &orders("new", 2)).await;
    let status = rig
        .wait(|status| status.sinks.values().all(|sink| sink.delivered == 2))
        .await;
    assert!(status.sums_close, "{status:#?}");
}
