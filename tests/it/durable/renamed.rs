//! Events acknowledged for a sink: they stay owed to it when the pipeline file renames sources and sinks.

use serde_json::{Value, json};
use signalbox_admin::Status;
use signalbox_testkit::Act;

use super::{Rig, pipeline};
use crate::support::client::{Answer, post, post_all, try_send};
use crate::support::events::{ids, orders};
use crate::support::process::Exit;

/// Starts a router with events of `shop` that wait for the webhook, which refuses them; the other sinks have them.
pub(super) async fn waiting(count: u64) -> Rig {
    let mut rig = Rig::start("").await;
    rig.keep_ports().await;
    rig.world.hook.act(Act::reply(503, ""));
    post_all(&rig.world.listen, &orders("o", count as usize)).await;
    let others = |status: &Status| {
        let done = |name: &str| status.sinks[name].delivered == count;
        done("pinterest") && done("archive") && status.sinks["hook"].requests.attempts > 0
    };
    rig.wait(others).await;
    rig
}

impl Rig {
    /// Lets the webhook take events again; waits until nothing is pending, and returns the ids that it got since.
    pub(super) async fn released(&self) -> (Status, Vec<String>) {
        self.world.hook.forget();
        self.world.hook.act(Act::reply(200, ""));
        let status = self.settled().await;
        (status, ids(&self.world.hooked(), "messageId"))
    }

    /// Sends `POST /reload`.
    async fn reloaded(&self) -> Answer {
        let answer = try_send(&self.world.admin, "POST", "/reload", &[("x-signalbox", "1")], b"").await;
        answer.unwrap()
    }

    /// Uses another pipeline file, after a kill or by a reload; returns the report about it.
    pub(super) async fn change(&mut self, text: &str, kill: bool) -> String {
        self.write(text);
        if kill {
            self.kill();
            self.again().await;
            self.router().logged("\"message\":\"running\"").await;
            return self.router().stderr();
        }
        let answer = self.reloaded().await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.body
    }

    pub(super) async fn compared(&self) -> String {
        self.told(&["validate", "--against-journal"]).await
    }
}

fn with_source(name: &str, settings: &str) -> String {
    pipeline("", "")
        .replace("[sources.shop]\n", &format!("[sources.{name}]\n{settings}\n"))
        .replace("inputs = [\"shop\"]", &format!("inputs = [\"{name}\"]"))
}

pub(super) fn with_hook(name: &str, settings: &str) -> String {
    pipeline("", "").replace("[sinks.hook]\n", &format!("[sinks.{name}]\n{settings}\n"))
}

fn without_hook() -> String {
    let with = pipeline("", "");
    let (begin, end) = (
        with.find("[sinks.hook]").unwrap(),
        with.find("[sinks.pinterest]").unwrap(),
    );
    format!("{}{}", &with[..begin], &with[end..])
}

/// The pipeline with another source, which the webhook listens to instead.
fn elsewhere(settings: &str) -> String {
    let other =
        "\n[sources.other]\ntype = \"segment_http\"\nlisten = \"127.0.0.1:0\"\nwrite_keys = [\"another\"]\n";
    let hook = format!("[sinks.hook]\n{settings}\ntype = \"webhook\"\ninputs = [\"other\"]");
    pipeline("", "").replace("[sinks.hook]\ntype = \"webhook\"\ninputs = [\"shop\"]", &hook) + other
}

fn filtered(status: &Status, sink: &str) -> Value {
    json!(status.sinks[sink].filtered)
}

const OWED: &str = "5 pending events of the source 'shop' are for the sink 'hook'";

#[tokio::test]
async fn a_source_renamed_without_a_word_is_told_and_its_events_are_delivered() {
    for kill in [true, false] {
        let mut rig = waiting(5).await;
        let renamed = with_source("site", "");
        rig.write(&renamed);
        // The command compares before the file is used, and asks the running router, whose journal this is.
        assert!(rig.compared().await.contains(OWED));
        let told = rig.change(&renamed, kill).await;
        assert!(
            told.contains(OWED) && told.contains("signalbox forget --source shop"),
            "{told}"
        );
        let status = rig.asked().await;
        assert_eq!(
            (status.sinks["hook"].pending, status.sums_close),
            (5, true),
            "{status:#?}"
        );
        assert_eq!(json!(status.sinks["hook"].removed_inputs), json!({ "shop": 5 }));
        post_all(&rig.world.listen, &orders("later", 2)).await;
        let (status, got) = rig.released().await;
        assert_eq!(got.len(), 7, "{got:?}");
        assert_eq!(status.sinks["hook"].delivered, 7, "{status:#?}");
        assert!(status.sinks["hook"].removed_inputs.is_empty());
        assert_eq!(status.sinks["pinterest"].delivered, 7);
        assert!(rig.compared().await.contains("nothing is pending"));
    }
}

#[tokio::test]
async fn a_source_renamed_there_and_back_loses_nothing() {
    let mut rig = waiting(3).await;
    rig.change(&with_source("site", ""), true).await;
    post_all(&rig.world.listen, &orders("site", 2)).await;
    rig.change(&pipeline("", ""), true).await;
    post_all(&rig.world.listen, &orders("back", 1)).await;
    let (status, got) = rig.released().await;
    assert_eq!(got.len(), 6, "{got:?}");
    assert_eq!(status.sinks["hook"].delivered, 6, "{status:#?}");
}

#[tokio::test]
async fn a_source_that_says_what_it_was_takes_everything_along() {
    for kill in [true, false] {
        let mut rig = waiting(5).await;
        assert_eq!(post(&rig.world.listen, "/v1/track", "{}").await.status, 400);
        rig.wait(|status| status.sources["shop"].dead_letters == 1).await;
        for round in 0..3 {
            // The setting may stay in the file, or go.
            let text = with_source("site", if round < 2 { "was = \"shop\"" } else { "" });
            let told = rig.change(&text, kill).await;
            assert!(!told.contains("pending events"), "{told}");
            let status = rig.asked().await;
            let (site, hook) = (&status.sources["site"], &status.sinks["hook"]);
            assert_eq!((site.journalled, site.dead_letters), (5, 1), "{status:#?}");
            assert_eq!(hook.pending, 5, "{status:#?}");
            assert!(hook.removed_inputs.is_empty() && !status.sources.contains_key("shop"));
            post_all(&rig.world.listen, &orders("o", 5)).await;
            // A kill may take back the last second of this count.
            let known = site.duplicate + 5;
            rig.wait(|status| status.sources["site"].duplicate == known).await;
        }
        let (status, got) = rig.released().await;
        assert_eq!(got.len(), 5, "{got:?}");
        assert!(status.sums_close, "{status:#?}");
        let letters = rig.lines(&["deadletters", "list", "--sink", "source:site"]).await;
        assert_eq!(letters.len(), 1);
    }
}

#[tokio::test]
async fn events_of_an_input_that_was_taken_out_are_delivered() {
    for kill in [true, false] {
        let mut rig = waiting(5).await;
        let told = rig.change(&elsewhere(""), kill).await;
        assert!(
            told.contains(OWED) && told.contains("they will be delivered"),
            "{told}"
        );
        // Events from now on are not for the webhook.
        post_all(&rig.world.listen, &orders("later", 2)).await;
        let (status, got) = rig.released().await;
        assert_eq!(got.len(), 5, "{got:?}");
        assert_eq!(status.sinks["hook"].journalled, 5, "{status:#?}");
        assert_eq!(status.sinks["archive"].delivered, 7);
    }
}

#[tokio::test]
async fn events_of_an_input_that_was_taken_out_are_filtered_if_that_is_asked_for() {
    for kill in [true, false] {
        let mut rig = waiting(5).await;
        let told = rig.change(&elsewhere("inputs_removed = \"filter\""), kill).await;
        assert!(
            told.contains(OWED) && told.contains("filtered (input_removed)"),
            "{told}"
        );
        let status = rig.settled().await;
        assert_eq!(
            filtered(&status, "hook"),
            json!({ "input_removed": 5 }),
            "{status:#?}"
        );
        assert!(status.sinks["hook"].removed_inputs.is_empty());
    }
}

/// Asserts that a command was refused for this reason.
fn refused(exit: &Exit, why: &str) {
    assert!(exit.code != Some(0) && exit.stderr.contains(why), "{exit:?}");
}

#[tokio::test]
async fn events_of_an_input_that_was_taken_out_are_forgotten_if_that_is_said() {
    for running in [true, false] {
        let mut rig = waiting(5).await;
        let forget = ["forget", "--source", "shop", "--yes"];
        refused(&rig.command(&forget).await, "still listens to 'shop'");
        rig.change(&elsewhere(""), true).await;
        if !running {
            rig.stop().await;
        }
        // The other sinks still listen to the source.
        refused(&rig.command(&forget).await, "still listens to 'shop'");
        let mut forget = vec!["forget", "--source", "shop", "--sink", "hook"];
        let asked = rig.command(&forget).await;
        assert_eq!(asked.code, Some(64), "{asked:?}");
        assert!(asked.stderr.contains("say --yes"), "{asked:?}");
        assert_eq!(rig.asked().await.sinks["hook"].pending, 5);
        forget.push("--yes");
        let told = rig.told(&forget).await;
        assert!(told.contains("hook: 5 events forgotten"), "{told}");
        let status = rig.asked().await;
        assert_eq!((status.sinks["hook"].pending, status.sums_close), (0, true));
        assert_eq!(
            filtered(&status, "hook"),
            json!({ "forgotten": 5 }),
            "{status:#?}"
        );
        if !running {
            rig.again().await;
        }
        let (status, got) = rig.released().await;
        assert!(got.is_empty(), "{got:?}");
        assert_eq!(
            filtered(&status, "hook"),
            json!({ "forgotten": 5 }),
            "{status:#?}"
        );
    }
}

#[tokio::test]
async fn acting_on_debts_needs_what_acting_needs() {
    let rig = Rig::start("").await;
    for (method, path) in [("POST", "/forget?sink=hook"), ("GET", "/sinks")] {
        let answer = try_send(&rig.world.admin, method, path, &[], b"").await.unwrap();
        assert_eq!(answer.status, 403, "{answer:?}");
    }
}

const HELD: &str = "5 pending events are for the sink 'hook', which is no longer in the file";

#[tokio::test]
async fn a_sink_renamed_without_a_word_is_told_and_holds_its_debt() {
    for kill in [true, false] {
        let mut rig = waiting(5).await;
        let renamed = with_hook("caller", "");
        rig.write(&renamed);
        assert!(rig.compared().await.contains(HELD));
        let told = rig.change(&renamed, kill).await;
        assert!(
            told.contains(HELD) && told.contains("If the sink was renamed, set was = "),
            "{told}"
        );
        let held = |status: &Status| {
            let orphans = status.orphans.iter();
            orphans
                .map(|one| (one.name.clone(), one.pending))
                .collect::<Vec<_>>()
                == [("hook".into(), 5)]
        };
        rig.wait(held).await;
        // Some of the sink's events wait under each of its names.
        post_all(&rig.world.listen, &orders("later", 2)).await;
        rig.wait(|status| status.sinks["caller"].pending == 2).await;
        // The setting still works when it is added later.
        let told = rig.change(&with_hook("caller", "was = \"hook\""), kill).await;
        assert!(!told.contains(HELD) || kill, "{told}");
        rig.wait(|status| status.sinks["caller"].pending == 7 && status.orphans.is_empty())
            .await;
        let (status, got) = rig.released().await;
        assert_eq!(got.len(), 7, "{got:?}");
        assert_eq!(status.sinks["caller"].delivered, 7, "{status:#?}");
    }
}

#[tokio::test]
async fn a_sink_renamed_there_and_back_goes_on() {
    let mut rig = waiting(5).await;
    rig.change(&with_hook("caller", ""), true).await;
    rig.change(&pipeline("", ""), true).await;
    let (status, got) = rig.released().await;
    assert_eq!((got.len(), status.sinks["hook"].delivered), (5, 5), "{status:#?}");
}

#[tokio::test]
async fn a_sink_that_says_what_it_was_takes_everything_along() {
    for kill in [true, false] {
        let mut rig = waiting(5).await;
        rig.world.hook.act(Act::reply(400, "no"));
        rig.has_letters("hook", 5).await;
        rig.world.hook.act(Act::reply(503, ""));
        post_all(&rig.world.listen, &orders("p", 3)).await;
        rig.wait(|status| status.sinks["hook"].pending == 3).await;
        for round in 0..3 {
            let text = with_hook("caller", if round < 2 { "was = \"hook\"" } else { "" });
            let told = rig.change(&text, kill).await;
            assert!(!told.contains("pending events"), "{told}");
            let status = rig.wait(|status| status.orphans.is_empty()).await;
            let caller = &status.sinks["caller"];
            assert_eq!((caller.pending, caller.letters.kept), (3, 5), "{status:#?}");
            assert_eq!(caller.rejected.values().sum::<u64>(), 5);
        }
        let (status, got) = rig.released().await;
        assert_eq!(got.len(), 3, "{got:?}");
        assert_eq!(status.sinks["caller"].delivered, 3, "{status:#?}");
        rig.told(&["deadletters", "retry", "--sink", "caller"]).await;
        rig.wait(|status| status.sinks["caller"].delivered == 8 && status.sums_close)
            .await;
        assert_eq!(rig.world.hooked().len(), 8);
    }
}

#[tokio::test]
async fn a_sink_is_forgotten_only_when_it_is_gone_and_then_counted() {
    for running in [true, false] {
        let mut rig = waiting(5).await;
        let forget = ["forget", "--sink", "hook", "--yes"];
        refused(&rig.command(&forget).await, "is in the pipeline file");
        rig.change(&without_hook(), true).await;
        if !running {
            rig.stop().await;
        }
        refused(
            &rig.command(&["forget", "--sink", "hok", "--yes"]).await,
            "knows no sink 'hok'",
        );
        let told = rig.told(&forget).await;
        assert!(told.contains("hook: 5 events forgotten"), "{told}");
        if running {
            rig.wait(|status| status.orphans.iter().all(|orphan| orphan.pending == 0))
                .await;
            rig.stop().await;
        }
        let status = rig.asked().await;
        assert_eq!(
            filtered(&status, "hook"),
            json!({ "forgotten": 5 }),
            "{status:#?}"
        );
        assert!(status.sums_close && status.sinks["hook"].pending == 0);
        // When the sink comes back, it has its counts and nothing pending.
        rig.write(&pipeline("", ""));
        rig.again().await;
        let (status, got) = rig.released().await;
        assert!(got.is_empty(), "{got:?}");
        assert_eq!(filtered(&status, "hook"), json!({ "forgotten": 5 }));
    }
}

fn with_mapping(name: &str) -> String {
    let mapping = format!("mappings = [{{ name = \"{name}\", trigger = 'type = \"track\"' }}]");
    with_hook("hook", &mapping)
}

#[tokio::test]
async fn a_dead_letter_of_a_renamed_mapping_is_retried_under_its_new_name() {
    for kill in [true, false] {
        let mut rig = Rig::start_with(&with_mapping("orders")).await;
        rig.world.hook.act(Act::reply(400, "no"));
        post_all(&rig.world.listen, &orders("m", 3)).await;
        rig.has_letters("hook", 3).await;
        rig.change(&with_mapping("sales"), kill).await;
        rig.world.hook.forget();
        rig.world.hook.act(Act::reply(200, ""));
        rig.told(&["deadletters", "retry", "--sink", "hook"]).await;
        rig.wait(|status| status.sinks["hook"].delivered == 3 && status.sums_close)
            .await;
        assert_eq!(rig.world.hooked().len(), 3);
    }
}
