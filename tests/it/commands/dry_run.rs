//! `dry-run`: it prints the records that Pinterest then gets.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::client::post_all;
use crate::support::events::{order, orders, unmatched};
use crate::support::pipe::Pipe;
use crate::support::process::{Exit, run_with};
use crate::support::world::{World, shop};

async fn dry_run(world: &World, text: &str, more: &[&str], input: &str) -> Exit {
    let config = world.write("p.toml", text);
    let mut arguments = vec!["dry-run", "--config", config.to_str().unwrap()];
    arguments.extend(more);
    run_with(&arguments, &world.variables(), input).await
}

fn lines(events: &[Value]) -> String {
    events.iter().map(|event| format!("{event}\n")).collect()
}

#[tokio::test]
async fn one_line_for_each_event_sink_and_mapping() {
    let world = World::new().await;
    let mut nobody = order("nobody");
    nobody["context"] = json!({ "library": { "name": "analytics-node" } });
    nobody.as_object_mut().unwrap().remove("userId");
    nobody["anonymousId"] = "a".into();
    let mut excluded = order("excluded");
    excluded["integrations"] = json!({ "Pinterest Conversions API": false });
    let mut warned = order("warned");
    warned["context"]["traits"]["email"] = "n/a".into();
    let events = [order("one"), unmatched("two"), nobody, excluded, warned];
    let mut input = lines(&events);
    input.push_str("\n  \n{\"broken\": \n[]\n");
    let exit = dry_run(&world, &shop("", "", ""), &["--sink", "pinterest"], &input).await;
    assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), ""));
    let out = exit.lines();
    let brief: Vec<(u64, &str, &str, Option<&str>)> = out
        .iter()
        .map(|line| {
            assert_eq!(line["sink"], "pinterest");
            let text = |key: &str| line[key].as_str();
            (
                line["line"].as_u64().unwrap(),
                text("outcome").unwrap(),
                text("message_id").unwrap_or(""),
                text("mapping"),
            )
        })
        .collect();
    assert_eq!(
        brief,
        [
            (1, "mapped", "one", Some("Checkout")),
            (2, "filtered", "two", None),
            (3, "rejected", "nobody", Some("Checkout")),
            (4, "filtered", "excluded", None),
            (5, "mapped", "warned", Some("Checkout")),
            (8, "rejected", "", None),
            (9, "rejected", "", None),
        ]
    );
    // Absent parts are omitted, present ones in their order.
    let keys = |n: usize| {
        out[n]
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect::<Vec<_>>()
    };
    assert_eq!(
        keys(0),
        ["line", "message_id", "sink", "outcome", "mapping", "record"]
    );
    assert_eq!(keys(1), ["line", "message_id", "sink", "outcome", "reason"]);
    assert_eq!(
        keys(4),
        [
            "line",
            "message_id",
            "sink",
            "outcome",
            "mapping",
            "record",
            "warnings"
        ]
    );
    assert_eq!(keys(5), ["line", "sink", "outcome", "reason"]);
    for (n, code) in [
        (1, "no_trigger_matched"),
        (2, "no_identifier"),
        (3, "integrations_excluded"),
        (5, "not_an_event"),
    ] {
        assert_eq!(out[n]["reason"]["code"], code);
        assert!(!out[n]["reason"]["message"].as_str().unwrap().is_empty());
    }
    for member in ["code", "path", "message"] {
        assert!(out[4]["warnings"][0][member].is_string(), "{}", out[4]);
    }
    assert_eq!(world.sandbox.counts().requests, 0, "dry-run uses no network");
}

#[tokio::test]
async fn the_record_is_what_pinterest_gets() {
    let world = World::new().await;
    let text = shop(
        "[transforms.hash]\ntype = \"hash_pii\"\n[transforms.limit]\ntype = \"rate_limit\"\nlimit = 3\nper = \"hour\"\n\
         on_exceeded = \"drop\"\n",
        "through = [\"hash\"]",
        "through = [\"limit\"]",
    );
    // Without the limit, which a dry run leaves out.
    let unlimited = text
        .replace("through = [\"limit\"]", "")
        .replace("[transforms.limit]", "[transforms.unused]");
    let unlimited = unlimited.split("[transforms.unused]").next().unwrap().to_owned()
        + &text[text.find("[sources.shop]").unwrap()..].replace("through = [\"limit\"]", "");
    let pipe = Pipe::start(&world, &unlimited).await;
    let mut events = orders("d", 10);
    events[3]["event"] = "Product Viewed".into();
    events[4]["event"] = "Signed Up".into();
    post_all(&world.listen, &events).await;
    pipe.settled(10).await;

    // The archive has the events as the source completed and hashed them.
    let exit = dry_run(&world, &text, &["--sink", "pinterest"], &lines(&events)).await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    let shown: BTreeMap<String, Value> = exit
        .lines()
        .into_iter()
        .map(|line| {
            (
                line["message_id"].as_str().unwrap().to_owned(),
                line["record"].clone(),
            )
        })
        .collect();
    let got: BTreeMap<String, Value> = world
        .accepted()
        .into_iter()
        .map(|event| (event["event_id"].as_str().unwrap().to_owned(), event))
        .collect();
    assert_eq!(shown.len(), 10, "the rate limit never applies: {exit:?}");
    assert_eq!(shown, got);
    // To the byte.
    for text in world.sandbox.events() {
        assert!(exit.stdout.contains(&format!("\"record\":{text}")), "{text}");
    }
    assert!(!exit.stdout.contains("ada.okafor"), "{}", exit.stdout);
}

#[tokio::test]
async fn all_sinks_unless_one_is_named() {
    let world = World::new().await;
    let exit = dry_run(&world, &shop("", "", ""), &[], &lines(&[order("one")])).await;
    let sinks: Vec<Value> = exit.lines().iter().map(|line| line["sink"].clone()).collect();
    assert_eq!(sinks, ["archive", "hook", "pinterest"]);
    for line in exit.lines() {
        assert_eq!(line["outcome"], "mapped", "{line}");
    }
    for (more, text) in [
        (
            ["--sink", "pin"],
            "there is no sink 'pin'; the sinks are 'archive', 'hook', 'pinterest'",
        ),
        (
            ["--source", "web"],
            "there is no source 'web'; the sources are 'shop'",
        ),
    ] {
        let exit = dry_run(&world, &shop("", "", ""), &more, "").await;
        assert_eq!(exit.code, Some(64));
        assert!(exit.stderr.contains(text), "{exit:?}");
    }
    let exit = dry_run(&world, "", &[], "").await;
    assert_eq!(exit.code, Some(3));
}
