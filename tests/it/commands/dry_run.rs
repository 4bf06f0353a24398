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
    let summary = "7 read: 2 mapped, 2 filtered, 3 rejected, 1 warnings\n";
    assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), summary));
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
        (5, "invalid_json"),
        (6, "not_an_object"),
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

/// The pipeline that most of these tests take: one sink, no transforms.
fn one_sink() -> String {
    shop("", "", "")
}

fn outcomes(exit: &Exit) -> Vec<(u64, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let lines = exit.lines();
    let lines = lines.iter();
    lines
        .map(|line| {
            let reason = text(&line["reason"]["code"]);
            (line["line"].as_u64().unwrap(), text(&line["outcome"]), reason)
        })
        .collect()
}

#[tokio::test]
async fn events_are_completed_and_validated_as_a_source_does_it() {
    let world = World::new().await;
    let bodies = [
        // The body of /v1/track.
        json!({ "event": "Order Completed", "userId": "u", "properties": { "email": "jane@example.com" } }),
        // One of /v1/batch.
        json!({ "batch": [order("b1"), { "type": "track", "userId": "u" }, unmatched("b3")] }),
        json!({ "type": "purchase", "userId": "u" }),
        // Of nobody: a source rejects it, its record is shown with a warning.
        json!({ "type": "track", "event": "Order Completed", "messageId": "n",
                "timestamp": "2026-03-02T12:00:00Z",
                "properties": { "email": "jane@example.com" } }),
    ];
    let sink = ["--sink", "pinterest"];
    let exit = dry_run(&world, &one_sink(), &sink, &lines(&bodies)).await;
    let wanted = [
        (1, "mapped", ""),
        (2, "mapped", ""),
        (2, "rejected", "event_name_missing"),
        (2, "filtered", "no_trigger_matched"),
        (3, "rejected", "unknown_type"),
        (4, "mapped", ""),
    ];
    let wanted = wanted.map(|(line, outcome, code)| (line, outcome.to_owned(), code.to_owned()));
    assert_eq!(outcomes(&exit), wanted, "{exit:?}");
    let out = exit.lines();
    assert!(!out[0]["message_id"].as_str().unwrap().is_empty());
    assert_eq!(out[5]["warnings"][0]["code"], "no_user_anon_id");
    // As it is, the first lacks a messageId, and the second is no event.
    let raw = dry_run(
        &world,
        &one_sink(),
        &["--sink", "pinterest", "--raw"],
        &lines(&bodies),
    )
    .await;
    assert!(
        outcomes(&raw)
            .iter()
            .all(|(_, _, code)| code != "event_name_missing")
    );
    assert_eq!(raw.lines()[3]["warnings"], Value::Null);
}

#[tokio::test]
async fn nan_costs_its_value_in_every_way_of_reading() {
    let world = World::new().await;
    let nan = |mut event: Value| {
        event["properties"]["note"] = json!("@");
        event.to_string().replace("\"@\"", "NaN")
    };
    let mut nobody = order("n");
    for id in ["userId", "anonymousId"] {
        nobody.as_object_mut().unwrap().remove(id);
    }
    let mut untyped = order("u");
    untyped.as_object_mut().unwrap().remove("type");
    let texts = [nan(order("o")), nan(nobody), nan(untyped)];
    for (raw, mapped) in [(false, 3), (true, 2)] {
        let arguments = if raw {
            &["--sink", "pinterest", "--raw"][..]
        } else {
            &["--sink", "pinterest"]
        };
        let exit = dry_run(&world, &one_sink(), arguments, &texts.join("\n")).await;
        let lines = exit.lines();
        assert_eq!(
            lines.iter().filter(|line| line["outcome"] == "mapped").count(),
            mapped,
            "{exit:?}"
        );
        for line in lines.iter().filter(|line| line["outcome"] == "mapped") {
            let warnings = line["warnings"].as_array().unwrap();
            let told =
                |warning: &Value| warning["code"] == "not_a_number" && warning["path"] == "properties.note";
            assert!(warnings.iter().any(told), "{line}");
        }
    }
}

#[tokio::test]
async fn inputs_are_lines_lists_and_values_over_lines_compressed_or_not() {
    let world = World::new().await;
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap();
    let folder = world.path("events");
    std::fs::create_dir(&folder).unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write("a.json", &pretty(&json!([order("a1"), order("a2")])));
    write(
        "b.json",
        &format!("{}\n{}\n", pretty(&order("b1")), pretty(&order("b2"))),
    );
    write("c.jsonl", &lines(&[order("c1"), order("c2")]));
    write(".hidden", "{");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, lines(&[order("d1")]).as_bytes()).unwrap();
    std::fs::write(folder.join("d.gz"), gzip.finish().unwrap()).unwrap();
    let folder = folder.to_str().unwrap();
    let ids = |exit: &Exit| -> Vec<String> {
        assert_eq!(exit.code, Some(0), "{exit:?}");
        exit.lines()
            .iter()
            .map(|line| line["message_id"].as_str().unwrap().to_owned())
            .collect()
    };
    let sink = ["--sink", "pinterest", folder];
    let all = ["a1", "a2", "b1", "b2", "c1", "c2", "d1"];
    assert_eq!(ids(&dry_run(&world, &one_sink(), &sink, "").await), all);
    let pattern = format!("{folder}/*.json");
    let exit = dry_run(
        &world,
        &one_sink(),
        &["--sink", "pinterest", &pattern, "-"],
        &lines(&[order("e1")]),
    )
    .await;
    assert_eq!(ids(&exit), ["a1", "a2", "b1", "b2", "e1"]);
    // The second value of a list begins on its own line.
    assert!(exit.lines()[1]["line"].as_u64().unwrap() > 2);
    // Of several inputs each line names its own.
    let names =
        |exit: &Exit| -> Vec<Value> { exit.lines().iter().map(|line| line["file"].clone()).collect() };
    let files = names(&exit);
    assert_eq!(files[0], format!("{folder}/a.json"));
    assert_eq!(files[4], "-");
    let one = format!("{folder}/c.jsonl");
    let exit = dry_run(&world, &one_sink(), &["--sink", "pinterest", &one], "").await;
    assert_eq!(names(&exit), [Value::Null, Value::Null]);
    let missing = dry_run(&world, &one_sink(), &[&format!("{folder}/none*")], "").await;
    assert_eq!(missing.code, Some(64));
    assert!(
        missing.stderr.contains("no file fits this pattern"),
        "{missing:?}"
    );
    let missing = dry_run(&world, &one_sink(), &[&format!("{folder}/none")], "").await;
    assert!(
        missing.code == Some(64) && missing.stderr.contains("there is no such file"),
        "{missing:?}"
    );
}

#[tokio::test]
async fn a_broken_first_line_or_end_is_told_by_its_line() {
    let world = World::new().await;
    let input = format!("{{\"type\":\n{}", lines(&[order("one")]));
    let exit = dry_run(&world, &one_sink(), &["--sink", "pinterest"], &input).await;
    let wanted = [(1, "rejected", "invalid_json"), (2, "mapped", "")];
    let wanted = wanted.map(|(line, outcome, code)| (line, outcome.to_owned(), code.to_owned()));
    assert_eq!(outcomes(&exit), wanted);
    let cut = format!("[{},\n{{\"type\":", order("one"));
    let exit = dry_run(&world, &one_sink(), &["--sink", "pinterest"], &cut).await;
    let wanted = [(1, "mapped", ""), (2, "rejected", "invalid_json")];
    let wanted = wanted.map(|(line, outcome, code)| (line, outcome.to_owned(), code.to_owned()));
    assert_eq!(outcomes(&exit), wanted);
}

#[tokio::test]
async fn scripts_can_fail_on_rejections_and_warnings() {
    let world = World::new().await;
    let mut warned = order("warned");
    warned["context"]["traits"]["email"] = "n/a".into();
    for (input, fail_on, code) in [
        ("{\n".to_owned(), "rejected", 1),
        ("{\n".to_owned(), "warnings", 0),
        (lines(&[warned.clone()]), "warnings", 1),
        (lines(&[warned]), "rejected", 0),
        (lines(&[order("good")]), "rejected,warnings", 0),
    ] {
        let more = ["--sink", "pinterest", "--fail-on", fail_on];
        let exit = dry_run(&world, &one_sink(), &more, &input).await;
        assert_eq!(exit.code, Some(code), "{fail_on}: {exit:?}");
    }
}
