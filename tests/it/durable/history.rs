//! The history of what became of each event, through the real binary: delivered at once and after retries, filtered, rejected,
//! erased; by a running router and from its files.

use serde_json::{Value, json};
use signalbox_sandbox::{FailEvents, Faults, Unavailable};

use super::{Rig, pipeline};
use crate::support::client::post_all;
use crate::support::events::{orders, unmatched};
use crate::support::process::{Exit, run_with};
use crate::support::until;

const HISTORY: &str = "[history]\npath = \"${FOLDER}/history\"\n";
const EMAIL: &str = "Ada.Okafor@example.com\n";

/// Starts a router with a history, whose Pinterest has faults.
async fn start(faults: Faults) -> Rig {
    let rig = Rig::start_with(&pipeline(HISTORY, "")).await;
    rig.world.sandbox.set_faults(faults);
    rig
}

/// Runs a command with a value on standard input.
async fn with_input(rig: &Rig, command: &[&str], input: &str) -> Exit {
    let config = rig.config();
    let arguments = [command, &["--config", config.to_str().unwrap()]].concat();
    run_with(&arguments, &rig.world.variables(), input).await
}

/// Returns the records of an event at a sink or, as `source:NAME`, at a source.
async fn records(rig: &Rig, message_id: &str, component: &str) -> Vec<Value> {
    let lives = rig
        .lines(&["events", "--message-id", message_id, "--sink", component])
        .await;
    assert_eq!(lives.len(), 1, "{lives:?}");
    let at_sinks = lives[0]["sinks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|sink| &sink["records"]);
    let all = at_sinks.chain([&lives[0]["at_source"]]);
    all.flat_map(|records| records.as_array().unwrap())
        .cloned()
        .collect()
}

/// Returns the only record of an event at Pinterest.
async fn at_pinterest(rig: &Rig, message_id: &str) -> Value {
    let mut found = records(rig, message_id, "pinterest").await;
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

#[tokio::test]
async fn the_life_of_a_delivered_event_is_found_by_each_of_its_ids() {
    let mut rig = start(Faults::default()).await;
    let mut events = orders("a", 3);
    events.push(unmatched("help"));
    post_all(&rig.world.listen, &events).await;
    rig.settled().await;

    let found = rig.lines(&["events", "--message-id", "a-1"]).await;
    let sinks = found[0]["sinks"].as_array().unwrap().iter();
    let sinks: Vec<_> = sinks.map(|sink| sink["sink"].as_str().unwrap()).collect();
    assert_eq!(sinks, ["archive", "hook", "pinterest"]);
    let entry = at_pinterest(&rig, "a-1").await;
    for (member, wanted) in [
        ("outcome", json!("delivered")),
        ("source", json!("shop")),
        ("library", json!("analytics-node 3.1.0")),
        ("event", json!("Order Completed")),
        ("event_name", json!("checkout")),
        ("action_source", json!("web")),
        ("event_id", json!("a-1")),
        ("order_id", json!("order-a-1")),
        ("value_millionths", json!(73_500_000)),
        ("currency", json!("USD")),
        ("late", json!(false)),
    ] {
        assert_eq!(entry[member], wanted, "{member}: {entry}");
    }
    let keys: Vec<_> = entry["match_keys"].as_array().unwrap().iter().collect();
    for key in ["email", "external_id", "first_name", "client_ip_address"] {
        assert!(keys.contains(&&json!(key)), "{key}: {entry}");
    }
    let attempts = entry["attempts"].as_array().unwrap();
    assert_eq!(
        (attempts.len(), &attempts[0]["status"], &attempts[0]["result"]),
        (1, &json!(200), &json!("delivered"))
    );
    let help = at_pinterest(&rig, "help").await;
    assert_eq!(
        (&help["outcome"], &help["reason"], &help["mapping"]),
        (&json!("filtered"), &json!("no_trigger_matched"), &Value::Null)
    );

    let told = rig.told(&["events", "--order-id", "order-a-2"]).await;
    assert!(
        told.contains("mapped     by") && told.contains("73.50 USD"),
        "{told}"
    );
    assert!(told.contains("attempt 1: 200 after"), "{told}");
    let by_email = ["events", "--email", "-", "--sink", "pinterest", "--json"];
    let found = with_input(&rig, &by_email, EMAIL).await;
    assert_eq!((found.code, found.lines().len()), (Some(0), 3), "{found:?}");
    let by_user = ["events", "--user-id", "-", "--sink", "hook", "--json"];
    let found = with_input(&rig, &by_user, "user-of-a-0\n").await;
    assert_eq!(found.lines().len(), 1, "{found:?}");
    assert_eq!(found.lines()[0]["message_id"], "a-0");
    let unknown = rig.command(&["events", "--order-id", "order-x"]).await;
    assert_eq!(unknown.code, Some(1));
    assert!(unknown.stderr.contains("knows no such event"), "{unknown:?}");
    let on_the_line = rig
        .command(&["events", "--email", "ada.okafor@example.com"])
        .await;
    assert_eq!(on_the_line.code, Some(64));
    assert!(!on_the_line.stderr.contains("ada"), "{on_the_line:?}");

    let by = ["report", "--by", "sink,event_name,outcome", "--sink", "pinterest"];
    let report = rig.lines(&by).await;
    let sum = |sum: &Value| {
        json!([
            sum["event_name"],
            sum["outcome"],
            sum["records"],
            sum["value"],
            sum["currency"]
        ])
    };
    assert_eq!(
        report.iter().map(sum).collect::<Vec<_>>(),
        [
            json!(["Help Opened", "filtered", 1, "0.00", ""]),
            json!(["checkout", "delivered", 3, "220.50", "USD"])
        ]
    );
    assert_eq!(report[1]["match_keys"]["email"], 3, "{report:?}");
    let csv = rig.told(&[&by[..], &["--csv"]].concat()).await;
    assert!(
        csv.contains("pinterest,checkout,delivered,3,0,220.50,USD\r\n"),
        "{csv}"
    );

    // The same from the files.
    rig.stop().await;
    assert_eq!(at_pinterest(&rig, "a-1").await, entry);
    assert_eq!(rig.lines(&by).await, report);
    let found = with_input(&rig, &by_email, EMAIL).await;
    assert_eq!(found.lines().len(), 3, "{found:?}");
    for file in std::fs::read_dir(rig.world.path("history")).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for canary in ["ada.okafor", "user-of", "198.51.100.7"] {
            let holds = bytes
                .windows(canary.len())
                .any(|window| window == canary.as_bytes());
            assert!(!holds, "{canary}");
        }
    }
    // Another router goes on with them.
    rig.again().await;
    assert_eq!(at_pinterest(&rig, "a-1").await["outcome"], "delivered");
}

#[tokio::test]
async fn every_attempt_and_the_vendors_refusal_are_told() {
    let faults = Faults {
        unavailable: Some(Unavailable::times(2)),
        fail_events: Some(FailEvents::times(1)),
        ..Faults::default()
    };
    let rig = start(faults).await;
    post_all(&rig.world.listen, &orders("c", 2)).await;
    rig.settled().await;
    let entries = [at_pinterest(&rig, "c-0").await, at_pinterest(&rig, "c-1").await];
    let [delivered, refused] = ["delivered", "rejected"].map(|outcome| {
        let found = entries.iter().find(|entry| entry["outcome"] == outcome);
        found.unwrap_or_else(|| panic!("{outcome}: {entries:?}"))
    });
    let statuses = |entry: &Value| -> Vec<Value> {
        let attempts = entry["attempts"].as_array().unwrap();
        attempts
            .iter()
            .map(|attempt| json!([attempt["status"], attempt["result"]]))
            .collect()
    };
    let unavailable = json!([503, "server_error"]);
    assert_eq!(
        statuses(delivered),
        [
            unavailable.clone(),
            unavailable.clone(),
            json!([200, "delivered"])
        ]
    );
    assert_eq!(statuses(refused)[..2], [unavailable.clone(), unavailable]);
    assert_eq!(statuses(refused)[2][1], refused["reason"]);
    assert!(
        refused["message"]
            .as_str()
            .is_some_and(|message| !message.is_empty())
    );
    let failures = rig.lines(&["events", "--outcome", "rejected"]).await;
    assert_eq!(failures.len(), 1, "{failures:?}");
}

/// Returns outcome and reason of the only record of an event at a component.
async fn end(rig: &Rig, message_id: &str, component: &str) -> [String; 2] {
    let found = records(rig, message_id, component).await;
    assert_eq!(found.len(), 1, "{message_id}: {found:?}");
    ["outcome", "reason"].map(|member| found[0][member].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn every_event_that_is_not_delivered_is_told_why() {
    let top = format!(
        "{HISTORY}[transforms.no_tests]\ntype = \"filter\"\ntrigger = 'properties.test = true'\ninvert = true\n\
         [transforms.hash]\ntype = \"hash_pii\"\nrules = [\"pinterest\"]\nkeep = []\n\
         [transforms.no_gifts]\ntype = \"filter\"\ntrigger = 'properties.gift = true'\ninvert = true\n"
    );
    let pinterest = "through = [\"no_gifts\"]\nconsent_categories = [\"ads\"]\n";
    let text =
        pipeline(&top, pinterest).replace("write_keys", "through = [\"no_tests\", \"hash\"]\nwrite_keys");
    let rig = Rig::start_with(&text).await;
    let mut events = orders("f", 8);
    events[1]["integrations"] = json!({ "All": false });
    events[2]["context"]["consent"] = json!({ "categoryPreferences": { "ads": false } });
    events[3]["properties"]["gift"] = json!(true);
    events[4]["properties"]["test"] = json!(true);
    events[6]["messageId"] = json!("f-0");
    post_all(&rig.world.listen, &events[..6]).await;
    post_all(&rig.world.listen, &events[6..]).await;
    post_all(
        &rig.world.listen,
        &[json!({ "type": "dance", "messageId": "f-9", "userId": "u" })],
    )
    .await;
    rig.settled().await;
    for (message_id, component, outcome, reason) in [
        ("f-0", "pinterest", "delivered", ""),
        ("f-1", "pinterest", "filtered", "integrations_excluded"),
        ("f-2", "pinterest", "filtered", "no_consent"),
        ("f-3", "pinterest", "filtered", "filter"),
        ("f-4", "source:shop", "filtered", "filter"),
        ("f-0", "source:shop", "duplicate", ""),
        ("f-9", "source:shop", "rejected", "unknown_type"),
        ("f-7", "pinterest", "delivered", ""),
    ] {
        assert_eq!(
            end(&rig, message_id, component).await,
            [outcome, reason],
            "{message_id} at {component}"
        );
    }
    // The journal holds hashes only, and the person is found by the plain address.
    let by_email = ["events", "--email", "-", "--sink", "pinterest", "--json"];
    let found = with_input(&rig, &by_email, EMAIL).await;
    assert_eq!(found.lines().len(), 6, "{found:?}");
    let twice = rig.lines(&["events", "--order-id", "order-f-0"]).await;
    assert_eq!(twice.len(), 1, "{twice:?}");
    assert_eq!(twice[0]["at_source"][0]["outcome"], "duplicate", "{twice:?}");
}

#[tokio::test]
async fn an_event_whose_time_is_over_and_one_that_is_held_are_told_so() {
    let brief = "retry.for = \"1s\"\n";
    let rig = Rig::start_with(&pipeline(HISTORY, brief)).await;
    rig.world.sandbox.set_faults(Faults {
        unavailable: Some(Unavailable::every_nth(1)),
        ..Faults::default()
    });
    post_all(&rig.world.listen, &orders("g", 1)).await;
    rig.settled().await;
    assert_eq!(end(&rig, "g-0", "pinterest").await, ["expired", "server_error"]);
    rig.write(&pipeline(HISTORY, &format!("{brief}hold = true\n")));
    rig.reload("the new configuration runs").await;
    post_all(&rig.world.listen, &orders("h", 1)).await;
    rig.wait(|status| status.sinks["pinterest"].held.is_some() && status.sinks["hook"].pending == 0)
        .await;
    let pending = "Pending: the sink is held because";
    let told = rig
        .told(&["events", "--message-id", "h-0", "--sink", "pinterest"])
        .await;
    assert!(told.contains(pending), "{told}");
    // Other sinks have delivered it meanwhile.
    let told = rig.told(&["events", "--message-id", "h-0"]).await;
    assert!(
        told.contains("archive") && told.contains("hook") && told.contains(pending),
        "{told}"
    );
    let told = rig
        .told(&["events", "--message-id", "h-0", "--sink", "hook"])
        .await;
    assert!(!told.contains("Pending"), "{told}");
}

#[tokio::test]
async fn a_pending_event_tells_why_its_last_attempt_failed() {
    let rig = start(Faults {
        unavailable: Some(Unavailable::every_nth(1)),
        ..Faults::default()
    })
    .await;
    post_all(&rig.world.listen, &orders("w", 1)).await;
    let failed = async || {
        let life = rig
            .lines(&["events", "--message-id", "w-0", "--sink", "pinterest"])
            .await;
        let pending = life.first()?["sinks"][0]["pending"].clone();
        (pending["attempts"].as_u64()? > 0).then_some(pending)
    };
    let pending = until(failed, || rig.router().stderr()).await;
    assert_eq!(pending["why"], "retry", "{pending}");
    assert_eq!(
        (
            &pending["last_failure"]["reason"],
            &pending["last_failure"]["status"]
        ),
        (&json!("server_error"), &json!(503)),
        "{pending}"
    );
    assert!(
        pending["last_failure"]["at"].as_i64() >= pending["first_attempt"].as_i64(),
        "{pending}"
    );
    for command in [
        &["events", "--message-id", "w-0"][..],
        &["events", "--outcome", "pending", "--sink", "pinterest"],
    ] {
        let told = rig.told(command).await;
        assert!(
            told.contains("with HTTP status 503 (server_error), and the sink tries again"),
            "{told}"
        );
    }
    rig.world.sandbox.set_faults(Faults::default());
    rig.settled().await;
    assert_eq!(at_pinterest(&rig, "w-0").await["outcome"], "delivered");
}

#[tokio::test]
async fn a_record_that_cannot_be_made_and_a_copy_that_is_not_sent_are_told_so() {
    let rig = start(Faults::default()).await;
    let nobody = json!({
        "type": "track", "event": "Generate Lead", "messageId": "n-0", "anonymousId": "a", "properties": {}
    });
    post_all(&rig.world.listen, &[nobody]).await;
    post_all(&rig.world.listen, &orders("n", 2)[1..]).await;
    rig.settled().await;
    let rejected = at_pinterest(&rig, "n-0").await;
    assert_eq!(rejected["outcome"], "rejected", "{rejected}");
    assert!(rejected["mapping"].is_string(), "{rejected}");
    assert_eq!(rejected["attempts"], json!([]), "it was never sent: {rejected}");
    let letters = rig.lines(&["deadletters", "list", "--sink", "pinterest"]).await;
    assert_eq!(rejected["reason"], letters[0]["reason"], "{letters:?}");
    assert_eq!(rejected["mapping"], letters[0]["mapping"], "{letters:?}");

    let replay = ["replay", "--sink", "pinterest", "--from", "1h", "--yes"];
    rig.told(&replay).await;
    rig.wait(|status| status.sinks["pinterest"].records.duplicate == 1 && status.sums_close)
        .await;
    // The sink hands its records over with the commit that follows their count.
    let both = || async {
        let found = records(&rig, "n-1", "pinterest").await;
        (found.len() == 2).then_some(found)
    };
    let found = until(both, || rig.router().stderr()).await;
    let mut outcomes: Vec<_> = found.iter().map(|entry| entry["outcome"].as_str()).collect();
    outcomes.sort_unstable();
    assert_eq!(outcomes, [Some("delivered"), Some("duplicate")], "{found:?}");
    let copy = found
        .iter()
        .find(|entry| entry["outcome"] == "duplicate")
        .unwrap();
    assert_eq!(
        (&copy["attempts"], &copy["event_name"]),
        (&json!([]), &json!("checkout"))
    );
}

#[tokio::test]
async fn an_erasure_reaches_the_history_of_a_running_and_of_a_stopped_router() {
    let mut rig = start(Faults::default()).await;
    post_all(&rig.world.listen, &orders("d", 2)).await;
    rig.settled().await;
    let erase = ["erase", "--user-id", "-", "--yes", "--json"];
    let erased = with_input(&rig, &erase, "user-of-d-0\n").await;
    assert_eq!(erased.lines()[0]["history"], 3, "{erased:?}");
    let gone = rig.command(&["events", "--message-id", "d-0"]).await;
    assert_eq!(gone.code, Some(1), "{gone:?}");
    assert_eq!(at_pinterest(&rig, "d-1").await["outcome"], "delivered");
    rig.stop().await;
    let erased = with_input(&rig, &erase, "user-of-d-1\n").await;
    assert_eq!(erased.lines()[0]["history"], 3, "{erased:?}");
    let gone = rig.command(&["events", "--message-id", "d-1"]).await;
    assert_eq!(gone.code, Some(1), "{gone:?}");
    let all = rig.lines(&["events"]).await;
    assert_eq!(all.len(), 6, "the numbers stay: {all:?}");
    assert!(all.iter().all(|entry| entry["message_id"].is_null()));
}

#[tokio::test]
async fn without_the_table_sums_alone_lie_beside_the_journal() {
    let mut rig = Rig::start("").await;
    post_all(&rig.world.listen, &orders("s", 2)).await;
    rig.settled().await;
    let by = ["report", "--by", "sink,event_name,outcome", "--sink", "pinterest"];
    for running in [true, false] {
        let report = rig.lines(&by).await;
        assert_eq!(report.len(), 1, "{report:?}");
        assert_eq!(
            (&report[0]["records"], &report[0]["value"]),
            (&json!(2), &json!("147.00"))
        );
        let told = rig.command(&["events", "--message-id", "s-0"]).await;
        assert_eq!(told.code, Some(1), "{told:?}");
        assert!(told.stderr.contains("sums only"), "{told:?}");
        if running {
            rig.stop().await;
        }
    }
    let mut names: Vec<_> = std::fs::read_dir(rig.world.path("signalbox-journal-history"))
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(names, ["LOCK", "sums.db"], "no rows");
    assert!(!rig.world.path("signalbox-journal-history.key").exists());
    // With the table, the sums go on.
    rig.write(&pipeline("[history]\n", ""));
    rig.again().await;
    post_all(&rig.world.listen, &orders("t", 1)).await;
    rig.settled().await;
    assert_eq!(rig.lines(&by).await[0]["records"], 3);
    assert_eq!(at_pinterest(&rig, "t-0").await["outcome"], "delivered");
}

#[tokio::test]
async fn sums_that_cannot_be_written_cost_no_event_and_the_status_says_why() {
    let mut rig = Rig {
        world: super::World::new().await,
        router: None,
    };
    // Another file has the folder's name.
    rig.world.write("signalbox-journal-history", "");
    rig.write(&pipeline("", ""));
    rig.again().await;
    post_all(&rig.world.listen, &orders("s", 2)).await;
    let status = rig.settled().await;
    assert_eq!(status.sinks["pinterest"].delivered, 2);
    let failing = status.history.and_then(|history| history.failing).unwrap();
    assert!(failing.contains("signalbox-journal-history"), "{failing}");
    let erased = with_input(
        &rig,
        &["erase", "--user-id", "-", "--yes", "--json"],
        "user-of-s-0\n",
    )
    .await;
    assert_eq!(erased.code, Some(0), "{erased:?}");
    rig.stop().await;
}

#[tokio::test]
async fn a_router_with_a_memory_journal_writes_no_history_and_says_how_to_get_one() {
    let mut rig = Rig::start_with(&pipeline("[journal]\ntype = \"memory\"\n", "")).await;
    let told = rig.command(&["events"]).await;
    assert_eq!(told.code, Some(1), "{told:?}");
    assert!(told.stderr.contains("[history]"), "{told:?}");
    rig.stop().await;
    for name in ["signalbox-history", "signalbox-journal-history"] {
        assert!(!rig.world.path(name).exists(), "{name}");
    }
}
