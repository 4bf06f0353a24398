//! `signalbox erase`: events of a person in every place where the router may hold them, through the real binary.

use serde_json::{Value, json};
use signalbox_sandbox::{FailEvents, Faults, SandboxConfig};

use super::{Rig, pipeline};
use crate::support::client::{get, post_all, try_send};
use crate::support::events::{ids, order, orders};
use crate::support::files::contents;
use crate::support::process::{Exit, run_with};
use crate::support::world::{TOKEN, World};

const ANN: &str = "zqann.lee@zqmail.example";

/// Makes an order of Ann, whose data is erased.
fn of_ann(id: &str) -> Value {
    let mut event = order(id);
    event["context"]["traits"]["email"] = json!("ZqAnn.Lee@zqmail.example ");
    event
}

/// Runs `signalbox erase` with these values on standard input.
async fn erase(rig: &Rig, arguments: &[&str], input: &str) -> Exit {
    let config = rig.config();
    let mut all = vec!["erase", "--config", config.to_str().unwrap()];
    all.extend(arguments);
    run_with(&all, &rig.world.variables(), input).await
}

/// Runs [`erase`] with `--json`, which must succeed, and returns the answer.
async fn erased(rig: &Rig, arguments: &[&str], input: &str) -> Value {
    let exit = erase(rig, &[arguments, &["--json"]].concat(), input).await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    assert!(
        !exit.stdout.contains("zqann") && !exit.stderr.contains("zqann"),
        "{exit:?}"
    );
    serde_json::from_str(&exit.stdout).unwrap()
}

/// Starts a router whose sink `pinterest` is on hold, since its token is wrong.
async fn held(top: &str) -> Rig {
    let sandbox = SandboxConfig {
        token: Some(TOKEN.to_owned()),
        ..SandboxConfig::default()
    };
    let mut rig = Rig {
        world: World::with(sandbox).await,
        router: None,
    };
    rig.write(&pipeline(top, "").replace("${TOKEN}", "a-token-of-yesterday"));
    rig.again().await;
    rig
}

/// Corrects the token of [`held`].
async fn release(rig: &Rig, top: &str) {
    rig.write(&pipeline(top, ""));
    rig.reload("the new configuration runs").await;
}

/// True if a file below a folder holds a text.
fn holds(folder: &std::path::Path, text: &str) -> bool {
    let holds = |bytes: &[u8]| {
        let mut windows = bytes.windows(text.len());
        windows.any(|window| window.eq_ignore_ascii_case(text.as_bytes()))
    };
    contents(folder).iter().any(|(_, bytes)| holds(bytes))
}

#[tokio::test]
async fn pending_events_end_and_replays_leave_them_out() {
    let rig = held("").await;
    let others = orders("b", 3);
    post_all(&rig.world.listen, &[of_ann("a-0"), of_ann("a-1")]).await;
    post_all(&rig.world.listen, &others).await;
    rig.wait(|status| {
        status.sinks["pinterest"].held.is_some()
            && status.sinks["hook"].delivered == 5
            && status.sinks["archive"].delivered == 5
    })
    .await;

    let plan = erased(&rig, &["--email", "-", "--dry-run"], ANN).await;
    assert_eq!((&plan["erasure"], &plan["dry_run"]), (&Value::Null, &json!(true)));
    assert_eq!(
        (&plan["events"], &plan["pending"]["pinterest"]),
        (&json!(2), &json!(2)),
        "{plan}"
    );
    assert_eq!(rig.asked().await.sinks["pinterest"].pending, 5);

    let done = erased(
        &rig,
        &["--email", "-", "--yes"],
        &format!("{ANN}\n\nnobody@zqmail.example\n"),
    )
    .await;
    assert_eq!(
        (&done["erasure"], &done["values"], &done["events"]),
        (&json!(1), &json!(2), &json!(2))
    );
    assert_eq!(done["pending"], json!({ "pinterest": 2 }), "{done}");
    assert_eq!(done["settled"], json!({ "archive": 2, "hook": 2 }), "{done}");
    assert_eq!(done["files"][0]["events"], 2, "{done}");
    let listed = get(&rig.world.admin, "/erasures").await.json();
    assert_eq!(
        (&listed[0]["subject"], &listed[0]["results"]["pending"]),
        (&json!("email"), &json!(2)),
        "{listed}"
    );
    let status = rig.wait(|status| status.sinks["pinterest"].pending == 3).await;
    assert_eq!(status.sinks["pinterest"].filtered["erased"], 2, "{status:#?}");
    assert!(status.sums_close, "{status:#?}");

    // Later events are taken as usual.
    post_all(&rig.world.listen, &[of_ann("a-later")]).await;
    release(&rig, "").await;
    let status = rig.settled().await;
    assert_eq!(
        ids(&rig.world.accepted(), "event_id"),
        ["a-later", "b-0", "b-1", "b-2"]
    );
    assert_eq!(
        (status.sinks["pinterest"].delivered, status.sums_close),
        (4, true)
    );

    rig.world.hook.forget();
    rig.told(&["replay", "--sink", "hook", "--from", "0", "--yes"])
        .await;
    let status = rig.wait(|status| status.sinks["hook"].delivered == 10).await;
    assert_eq!(status.sinks["hook"].filtered["erased"], 2, "{status:#?}");
    assert!(status.sums_close, "{status:#?}");
    assert_eq!(
        ids(&rig.world.hooked(), "messageId"),
        ["a-later", "b-0", "b-1", "b-2"]
    );
    let log = rig.router().stderr();
    assert!(
        log.contains("an erasure is recorded") && !log.to_lowercase().contains("zqann"),
        "{log}"
    );
}

#[tokio::test]
async fn it_survives_a_kill_and_the_loss_of_the_state() {
    survives("").await;
}

#[tokio::test]
async fn a_sealed_journal_obeys_it_too() {
    survives("[journal]\nkey = \"${JOURNAL_KEY}\"\n").await;
}

async fn survives(top: &str) {
    let mut rig = held(top).await;
    post_all(&rig.world.listen, &[of_ann("a-0"), order("b-0")]).await;
    rig.wait(|status| status.sinks["hook"].delivered == 2).await;
    let done = erased(&rig, &["--email", "-", "--yes"], ANN).await;
    assert_eq!(done["events"], 1, "{done}");
    rig.kill();
    let journal = rig.world.path("signalbox-journal");
    let erasures = std::fs::read(journal.join("erasures")).unwrap();
    assert!(!String::from_utf8_lossy(&erasures).contains("zqann"));
    assert_eq!(
        holds(&journal, "zqann"),
        top.is_empty(),
        "a sealed journal holds no value at all"
    );

    std::fs::remove_file(journal.join("state.redb")).unwrap();
    rig.world.hook.forget();
    rig.write(&pipeline(top, ""));
    rig.again().await;
    // Without the state all events come again, except the erased ones.
    let status = rig.settled().await;
    assert_eq!(ids(&rig.world.accepted(), "event_id"), ["b-0"], "{status:#?}");
    rig.told(&["replay", "--sink", "hook", "--from", "0", "--yes"])
        .await;
    rig.settled().await;
    assert!(ids(&rig.world.hooked(), "messageId").iter().all(|id| id == "b-0"));

    // A sink that begins at the beginning obeys too, and so does a stopped router's journal.
    rig.stop().await;
    let late = "[sinks.late]\ntype = \"file\"\ninputs = [\"shop\"]\npath = \"${FOLDER}/late.jsonl\"\nstart = \"beginning\"\n";
    rig.write(&format!("{}{late}", pipeline(top, "")));
    rig.again().await;
    let status = rig.settled().await;
    assert_eq!(
        (
            status.sinks["late"].delivered,
            status.sinks["late"].filtered["erased"]
        ),
        (1, 1)
    );
}

#[tokio::test]
async fn dead_letters_go_and_those_that_came_back_too() {
    let rig = held("").await;
    rig.world.sandbox.set_faults(Faults {
        fail_events: Some(FailEvents::every_nth(1)),
        ..Faults::default()
    });
    release(&rig, "").await;
    post_all(
        &rig.world.listen,
        &[of_ann("a-0"), of_ann("a-1"), order("b-0"), order("b-1")],
    )
    .await;
    rig.has_letters("pinterest", 4).await;
    // Two come back to a sink that is on hold: parked until it goes on.
    rig.write(&pipeline("", "").replace("${TOKEN}", "a-token-of-yesterday"));
    rig.reload("the new configuration runs").await;
    rig.world.sandbox.set_faults(Faults::default());
    for id in ["a-0", "b-0"] {
        rig.told(&["deadletters", "retry", "--message-id", id]).await;
    }
    rig.wait(|status| status.sinks["pinterest"].pending == 2).await;
    rig.has_letters("pinterest", 2).await;

    let done = erased(&rig, &["--email", "-", "--yes"], ANN).await;
    assert_eq!(
        (&done["dead_letters"], &done["parked"]),
        (&json!(1), &json!({ "pinterest": 1 })),
        "{done}"
    );
    let status = rig
        .wait(|status| status.sinks["pinterest"].pending == 1 && status.sinks["pinterest"].letters.kept == 1)
        .await;
    assert_eq!(status.sinks["pinterest"].filtered["erased"], 1, "{status:#?}");
    assert!(status.sums_close, "{status:#?}");
    release(&rig, "").await;
    rig.told(&["deadletters", "retry"]).await;
    rig.settled().await;
    assert_eq!(ids(&rig.world.accepted(), "event_id"), ["b-0", "b-1"]);
}

#[tokio::test]
async fn hashed_events_are_found_under_every_rule() {
    let top = "[transforms.hash]\ntype = \"hash_pii\"\nrules = [\"pinterest\", \"meta\", \"tiktok\"]\n";
    let hashing = |text: String| text.replace("write_keys =", "through = [\"hash\"]\nwrite_keys =");
    let mut rig = held("").await;
    rig.stop().await;
    rig.write(&hashing(pipeline(top, "")).replace("${TOKEN}", "a-token-of-yesterday"));
    rig.again().await;
    let mut phoned = order("p-0");
    phoned["traits"] = json!({ "phone": "+1 (555) 010-0199" });
    let mut known = order("u-0");
    known["userId"] = json!("7");
    post_all(&rig.world.listen, &[of_ann("a-0"), phoned, known, order("b-0")]).await;
    rig.wait(|status| status.sinks["pinterest"].held.is_some() && status.sinks["hook"].delivered == 4)
        .await;
    for (subject, value) in [("--email", ANN), ("--phone", "0015550100199"), ("--user-id", "7")] {
        let done = erased(&rig, &[subject, "-", "--yes"], value).await;
        assert_eq!(
            (&done["events"], &done["pending"]["pinterest"]),
            (&json!(1), &json!(1)),
            "{subject}: {done}"
        );
    }
    rig.write(&hashing(pipeline(top, "")));
    rig.reload("the new configuration runs").await;
    rig.settled().await;
    assert_eq!(ids(&rig.world.accepted(), "event_id"), ["b-0"]);
}

#[tokio::test]
async fn a_purge_deletes_the_files_once_every_sink_has_settled_them() {
    let mut rig = held("").await;
    let journal = rig.world.path("signalbox-journal");
    post_all(&rig.world.listen, &[of_ann("a-0"), order("b-0")]).await;
    rig.wait(|status| status.sinks["hook"].delivered == 2 && status.sinks["archive"].delivered == 2)
        .await;
    assert!(holds(&journal, "zqann.lee"));
    let done = erased(&rig, &["--email", "-", "--purge", "--yes"], ANN).await;
    // Pinterest has not settled the other event of the file.
    assert_eq!(
        (&done["files_deleted"], &done["files"][0]["settled"]),
        (&json!(0), &json!(false)),
        "{done}"
    );
    release(&rig, "").await;
    rig.settled().await;
    crate::support::until(
        async || (!holds(&journal, "zqann.lee")).then_some(()),
        || "the file is still there".to_owned(),
    )
    .await;
    // The erasure has ended with the last frame before it.
    let list = || std::fs::read(journal.join("erasures")).unwrap();
    crate::support::until(
        async || {
            String::from_utf8_lossy(&list())
                .contains("\"erasures\":[]")
                .then_some(())
        },
        || String::from_utf8_lossy(&list()).into_owned(),
    )
    .await;

    // A stopped router's journal is purged in the same way.
    post_all(&rig.world.listen, &[of_ann("a-1")]).await;
    rig.settled().await;
    rig.stop().await;
    let done = erased(&rig, &["--email", "-", "--purge", "--yes"], ANN).await;
    assert_eq!(
        (&done["files_deleted"], &done["files"]),
        (&json!(1), &json!([])),
        "{done}"
    );
    assert!(!holds(&journal, "zqann.lee"));
}

#[tokio::test]
async fn one_event_is_erased_by_its_id_while_the_router_stands() {
    let mut rig = held("").await;
    post_all(&rig.world.listen, &orders("m", 3)).await;
    rig.wait(|status| status.sinks["hook"].delivered == 3).await;
    rig.stop().await;
    let exit = erase(&rig, &["--message-id", "m-1", "--yes"], "").await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    assert!(
        exit.stdout
            .contains("pinterest: 1 pending ones end as filtered (erased)"),
        "{exit:?}"
    );
    rig.write(&pipeline("", ""));
    rig.again().await;
    rig.settled().await;
    assert_eq!(ids(&rig.world.accepted(), "event_id"), ["m-0", "m-2"]);
}

#[tokio::test]
async fn a_router_without_its_list_of_erasures_does_not_start_until_they_are_repeated() {
    let mut rig = held("").await;
    post_all(&rig.world.listen, &[of_ann("a-0"), order("b-0")]).await;
    rig.wait(|status| status.sinks["hook"].delivered == 2).await;
    erased(&rig, &["--email", "-", "--yes"], ANN).await;
    let exit = erase(&rig, &["--email", "-", "--yes", "--list-lost"], ANN).await;
    assert!(
        exit.code == Some(1) && exit.stderr.contains("without --list-lost"),
        "{exit:?}"
    );
    rig.stop().await;
    std::fs::remove_file(rig.world.path("signalbox-journal").join("erasures")).unwrap();
    rig.write(&pipeline("", ""));
    let config = rig.config();
    let run = ["run", "--config", config.to_str().unwrap()];
    let start = run_with(&run, &rig.world.variables(), "").await;
    let plain = erase(&rig, &["--email", "-", "--yes"], ANN).await;
    for exit in [start, plain] {
        assert_eq!(exit.code, Some(1), "{exit:?}");
        for told in ["erasures: the list of erasures is missing", "erase --list-lost"] {
            assert!(exit.stderr.contains(told), "{exit:?}");
        }
    }
    let done = erased(&rig, &["--email", "-", "--yes", "--list-lost"], ANN).await;
    assert_eq!(
        (&done["erasure"], &done["events"]),
        (&json!(3), &json!(1)),
        "{done}"
    );
    rig.again().await;
    rig.settled().await;
    assert_eq!(ids(&rig.world.accepted(), "event_id"), ["b-0"]);
}

#[tokio::test]
async fn wrong_requests_are_refused_without_a_value() {
    let rig = Rig::start("").await;
    for (arguments, input, why) in [
        (
            &["--email", ANN, "--yes"][..],
            "",
            "takes no value on the command line",
        ),
        (
            &["--email", "-", "--yes"],
            " \n\n",
            "standard input holds no e-mail address",
        ),
        (
            &["--email", "-", "--yes"],
            "zqann",
            "value 1 is no e-mail address",
        ),
        (
            &["--phone", "-", "--yes"],
            "1-800-zqann",
            "value 1 is no phone number",
        ),
        (&["--email", "-"], ANN, "say --yes"),
        (&["--yes"], ANN, "required"),
        (
            &["--email", "-", "--phone", "-", "--yes"],
            ANN,
            "cannot be used with",
        ),
    ] {
        let exit = erase(&rig, arguments, input).await;
        assert_eq!(exit.code, Some(64), "{arguments:?}: {exit:?}");
        assert!(exit.stderr.contains(why), "{arguments:?}: {exit:?}");
        assert!(!exit.stderr.contains("zqann"), "{arguments:?}: {exit:?}");
    }
    for body in [r#"{"subject":"email","values":"zqann"}"#, "zqann", ""] {
        let headers = [("x-signalbox", "1"), ("content-type", "application/json")];
        let answer = try_send(&rig.world.admin, "POST", "/erase", &headers, body.as_bytes())
            .await
            .unwrap();
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(
            answer.body.contains("must be JSON") && !answer.body.contains("zqann"),
            "{answer:?}"
        );
    }
    assert_eq!(get(&rig.world.admin, "/erasures").await.json(), json!([]));
    let answer = try_send(&rig.world.admin, "POST", "/erase", &[], b"{}")
        .await
        .unwrap();
    assert_eq!(answer.status, 403, "{answer:?}");
}
