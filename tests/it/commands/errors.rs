//! The binary's errors about a pipeline file.

use super::signalbox;
use crate::support::world::World;

/// The types of source that this build knows.
const SOURCES: &str = if cfg!(feature = "nats") {
    "file, nats, segment_http"
} else {
    "file, segment_http"
};

/// A good file; each case spoils it.
const GOOD: &str = r#"[sources.web]
type = "segment_http"
write_keys = ["zq-key"]
through = ["limit"]
[transforms.limit]
type = "rate_limit"
limit = 10
per = "minute"
[sinks.pin]
type = "pinterest_conversions"
inputs = ["web"]
ad_account_id = "549755885175"
conversion_token = "zq-token"
"#;

/// (text to replace, its replacement, standard error without the closing count, with `SOURCES` for the types of source)
const CASES: &[(&str, &str, &str)] = &[
    (
        "per =",
        "pre =",
        "transforms.limit.per: missing field 'per'\n  --> p.toml:5:1\n  help: per: Window over which `limit` is counted: \
         any window of this length, not the one of the clock\n\n\
         transforms.limit.pre: unknown field 'pre', expected one of type, limit, per, burst, key, max_keys, \
         on_exceeded (did you mean 'per'?)\n  --> p.toml:8:1",
    ),
    (
        "\"segment_http\"",
        "\"segment-http\"",
        "sources.web.type: unknown type of source, expected one of SOURCES (did you mean 'segment_http'?)\n  --> \
         p.toml:2:8",
    ),
    (
        "inputs = [\"web\"]",
        "inputs = [\"wbe\"]",
        "sinks.pin.inputs[0]: there is no source of this name, expected 'web' (did you mean 'web'?)\n  --> p.toml:11:11",
    ),
    (
        "through = [\"limit\"]",
        "through = [\"limt\"]",
        "sources.web.through[0]: there is no transform of this name, expected 'limit' (did you mean 'limit'?)\n  --> \
         p.toml:4:12",
    ),
    (
        "through = [\"limit\"]\n",
        "",
        "transforms.limit: no source or sink uses this transform\n  --> p.toml:4:1\n  help: name it in 'through' of a \
         source or a sink, or take it out",
    ),
    (
        "[sinks.pin]",
        "[sources.app]\ntype = \"file\"\npath = \"-\"\n[sinks.pin]",
        "sources.app: no sink takes the events of this source\n  --> p.toml:9:1\n  help: name it in 'inputs' of a sink, \
         or take it out",
    ),
    (
        "[sinks.pin]",
        "[sinks.web]",
        "sinks.web: 'web' is already the name of a source\n  --> p.toml:9:1\n  help: the source is at line 1; every \
         component needs a name of its own",
    ),
    (
        "[sinks.pin]",
        "[sources.web]\ntype = \"file\"\n[sinks.pin]",
        "sources.web: the table 'sources.web' is defined twice\n  --> p.toml:9:10\n  help: it is also at line 1; give one \
         of the two another name, or make them one",
    ),
    (
        "limit = 10",
        "limit = 10\nburst = 20",
        "transforms.limit.burst: the burst must not be larger than the limit (used by sources.web)\n  --> p.toml:8:9",
    ),
    (
        "per = \"minute\"",
        "per = \"minute\"\non_exceeded = \"wait\"",
        "transforms.limit.on_exceeded: on a source, nothing can wait: its client is waiting for an answer (used by \
         sources.web)\n  --> p.toml:9:15\n  help: use \"refuse\" (the client sends again later) or \"drop\", or move this \
         transform to a sink",
    ),
    (
        "limit = 10",
        "limit = \"zq-10\"",
        "transforms.limit.limit: expected an integer from 0 to 4294967295, found a string\n  --> p.toml:7:9",
    ),
    (
        "\"549755885175\"",
        "\"zq-account\"",
        "sinks.pin.ad_account_id: must be 1 to 18 digits\n  --> p.toml:12:17\n  help: it stands in Ads Manager \
         beside the account's name",
    ),
    (
        "\"zq-token\"",
        "\"${ZQ_NOT_SET}\"",
        "sinks.pin.conversion_token: the environment variable 'ZQ_NOT_SET' is not set\n  --> p.toml:13:21\n  help: set \
         ZQ_NOT_SET, or give a default: ${ZQ_NOT_SET:-default}",
    ),
    (
        "\"zq-token\"",
        "\"zq-token\"\nbatch.max_events = 1001",
        "sinks.pin.batch.max_events: this type of sink takes at most 1000 records in a batch\n  --> p.toml:14:20",
    ),
    (
        "[sources.web]",
        "[admin]\nlisten = \"0.0.0.0:9464\"\n[sources.web]",
        "admin.listen: an address that other machines can reach needs a token\n  --> p.toml:2:10\n  help: set \
         admin.token, for instance to \"${file:/path}\", or listen on 127.0.0.1",
    ),
    (
        "write_keys = [\"zq-key\"]",
        "write_keys = []",
        "sources.web.write_keys: no write key, so no event could ever come in\n  --> p.toml:3:14\n  help: list at least \
         one key, the one your SDKs are set up with",
    ),
    (
        "[\"zq-key\"]",
        "[\"zq-key\", { key = \"zq-2\", sinks = [\"pim\", \"pin\"] }]",
        "sources.web.write_keys[1].sinks[0]: no sink with this name listens to 'web'\n  --> p.toml:3:50\n  help: name a \
         sink whose `inputs` has this source",
    ),
    (
        "[\"zq-key\"]",
        "[{ key = \"zq-key\", nmae = \"a\" }, { name = \"b\" }]",
        "sources.web.write_keys[0].nmae: unknown field 'nmae', expected one of key, name, sinks, rate_limit, \
         allowed_origins (did you mean 'name'?)\n  --> p.toml:3:33\n\n\
         sources.web.write_keys[1].key: missing field 'key'\n  --> p.toml:3:47\n  help: key: The write key itself",
    ),
    (
        "per = \"minute\"",
        "per = \"fortnight\"",
        "transforms.limit.per: unknown value, expected one of second, minute, hour\n  --> p.toml:8:7",
    ),
    (
        "[sinks.pin]\ntype = \"pinterest_conversions\"\ninputs = [\"web\"]",
        "[admin]\nlisten = \"127.0.0.1:8080\"\n[sources.app]\ntype = \"segment_http\"\nwrite_keys = [\"zq-2\"]\n\
         listen = \"0.0.0.0:8080\"\n[sinks.pin]\ntype = \"pinterest_conversions\"\ninputs = [\"web\", \"app\"]",
        "admin.listen: sources.web listens on this address already\n  --> p.toml:10:10\n  help: give one of the two \
         another port\n\nsources.app.listen: sources.web listens on this address already\n  --> p.toml:14:10\n  help: \
         give one of the two another port",
    ),
    (
        "type = \"segment_http\"",
        "type = zq-bare",
        "this value is not TOML; a text needs quotes\n  --> p.toml:2:8\n  help: write \"text\"; numbers, true and false go \
         without quotes",
    ),
];

#[tokio::test]
async fn each_error_says_where_and_what_to_do() {
    let world = World::new().await;
    let path = world.path("p.toml").display().to_string();
    std::fs::write(&path, GOOD).unwrap();
    let exit = signalbox(&["validate", "--config", &path]).await;
    assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), ""));
    let mut wrong = String::new();
    for (from, to, told) in CASES {
        assert!(GOOD.contains(from), "{from}");
        std::fs::write(&path, GOOD.replace(from, to)).unwrap();
        let exit = signalbox(&["validate", "--config", &path]).await;
        assert_eq!((exit.code, exit.stdout.as_str()), (Some(3), ""), "{to}");
        let shown = exit.stderr.replace(&path, "p.toml");
        let count = told.matches("  --> ").count();
        let wanted = format!(
            "{}\n\n{count} error{} in p.toml\n",
            told.replace("SOURCES", SOURCES),
            if count == 1 { "" } else { "s" }
        );
        if shown != wanted {
            wrong.push_str(&format!(
                "{from} => {to}\n--- shown\n{shown}--- wanted\n{wanted}\n"
            ));
        }
        // No value of the file is ever shown.
        for value in [
            "zq-key",
            "zq-token",
            "zq-10",
            "zq-account",
            "zq-bare",
            "549755885175",
        ] {
            assert!(!exit.stderr.contains(value), "{value}: {exit:?}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[tokio::test]
async fn what_is_valid_but_hardly_meant_is_a_warning() {
    let world = World::new().await;
    let path = world.path("p.toml").display().to_string();
    std::fs::write(
        &path,
        format!("{GOOD}[journal]\ntype = \"memory\"\npath = \"zq-folder\"\n"),
    )
    .unwrap();
    let exit = signalbox(&["validate", "--config", &path]).await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    assert!(
        exit.stderr.starts_with("warning: journal.path: has no effect"),
        "{exit:?}"
    );
    assert!(!exit.stderr.contains("zq-folder"), "{exit:?}");
    let exit = signalbox(&["validate", "--deny-warnings", "--config", &path]).await;
    assert_eq!(exit.code, Some(3), "{exit:?}");
    assert!(exit.stderr.contains("journal.path: has no effect"), "{exit:?}");
}

#[tokio::test]
async fn variables_without_braces_and_calls_above_the_limit_are_warnings() {
    let world = World::new().await;
    let path = world.path("p.toml").display().to_string();
    let text = GOOD
        .replace("\"zq-token\"", "\"$ZQ_TOKEN\"\ncalls_per_minute = 6000")
        .replace("\"zq-key\"", "\"$$ZQ\"");
    std::fs::write(&path, text).unwrap();
    let exit = signalbox(&["validate", "--config", &path]).await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    let shown = exit.stderr.replace(&path, "p.toml");
    assert_eq!(
        shown,
        "warning: sinks.pin.conversion_token: this is the text itself, not the value of a variable\n  --> p.toml:13:20\n  \
         help: a variable stands in braces, \"${NAME}\"; write \"$$\" for a dollar sign if the text is meant\n\
         warning: sinks.pin.calls_per_minute: 6000 calls are more than the 5000 that the destination takes in a minute\n  \
         --> p.toml:14:20\n  help: it refuses the others, which are then sent again; take the setting out, or lower it\n"
    );
}

#[tokio::test]
async fn findings_are_json_for_scripts() {
    let world = World::new().await;
    let path = world.path("p.toml").display().to_string();
    let json = async |text: String| {
        std::fs::write(&path, text).unwrap();
        let exit = signalbox(&["validate", "--json", "--config", &path]).await;
        assert_eq!(exit.stderr, "");
        let report: serde_json::Value = serde_json::from_str(&exit.stdout).unwrap();
        (exit.code, report)
    };
    let (code, report) = json(format!("{GOOD}[journal]\ntype = \"memory\"\npath = \"x\"\n")).await;
    assert_eq!(code, Some(0));
    assert_eq!(report["valid"], true);
    assert_eq!((&report["sources"], &report["sinks"]), (&1.into(), &1.into()));
    assert_eq!(report["warnings"][0]["path"], "journal.path");
    assert_eq!(report["warnings"][0]["line"], 16);
    let (code, report) = json(GOOD.replace("per =", "pre =")).await;
    assert_eq!((code, &report["valid"]), (Some(3), &false.into()));
    assert_eq!(report["errors"].as_array().unwrap().len(), 2);
    assert_eq!(report["errors"][0]["path"], "transforms.limit.per");
}

#[tokio::test]
async fn all_of_a_file_at_once() {
    let world = World::new().await;
    let text = GOOD
        .replace("limit = 10", "limit = 0")
        .replace("\"549755885175\"", "\"a\"")
        .replace("write_keys = [\"zq-key\"]", "write_keys = [\"\"]");
    let config = world.write("p.toml", &text);
    let exit = signalbox(&["validate", "--config", config.to_str().unwrap()]).await;
    assert_eq!(exit.code, Some(3));
    for path in [
        "sources.web.write_keys[0]: ",
        "transforms.limit.limit: ",
        "sinks.pin.ad_account_id: ",
    ] {
        assert!(exit.stderr.contains(path), "{path}: {}", exit.stderr);
    }
    assert!(exit.stderr.contains("\n3 errors in "), "{}", exit.stderr);
}

#[tokio::test]
async fn hashing_that_does_not_go_with_the_sink_is_told() {
    let world = World::new().await;
    let text = r#"[sources.web]
type = "segment_http"
write_keys = ["k"]
through = ["hash"]
[transforms.hash]
type = "hash_pii"
rules = "segment"
[sinks.pin]
type = "pinterest_conversions"
inputs = ["web"]
ad_account_id = "1"
conversion_token = "t"
[[sinks.pin.mappings]]
name = "Known users"
trigger = 'type = "track" and userId = "u1"'
[sinks.pin.mappings.fields]
event_name = "custom"
event_id = { "@template" = "x-{{traits.email}}" }
"user_data.email" = { "@path" = "$.properties.buyers_contact" }
"user_data.phone" = { "@path" = "$.properties.contact_phone" }
"#;
    let config = world.write("p.toml", text);
    let exit = signalbox(&["validate", "--config", config.to_str().unwrap()]).await;
    assert_eq!(exit.code, Some(3), "{exit:?}");
    for told in [
        "sinks.pin: it needs hashes by the rules 'pinterest', and the transform 'hash' before it hashes by 'segment'",
        "help: write rules = [\"segment\", \"pinterest\"] in [transforms.hash]",
    ] {
        assert!(exit.stderr.contains(told), "{told}\n{}", exit.stderr);
    }
    // Segment's destination for Meta takes hashes that no transform makes.
    let meta = "[sinks.meta]\ntype = \"meta_conversions\"\ninputs = [\"web\"]\npixel_id = \"1203948576120394\"\n\
        access_token = \"t\"\ncompat = \"segment\"\n";
    let config = world.write("p.toml", &format!("{text}{meta}"));
    let exit = signalbox(&["validate", "--config", config.to_str().unwrap()]).await;
    for told in [
        "sinks.meta: it needs hashes by the rules 'segment-meta', and the transform 'hash' before it hashes by 'segment'",
        "help: no transform hashes by these rules: take 'hash' out of `through`",
    ] {
        assert!(exit.stderr.contains(told), "{told}\n{}", exit.stderr);
    }
    let both = text.replace("rules = \"segment\"", "rules = [\"segment\", \"pinterest\"]");
    let config = world.write("p.toml", &both);
    let exit = signalbox(&["validate", "--config", config.to_str().unwrap()]).await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    for told in [
        "sinks.pin.mappings[0].trigger: it reads 'userId', which 'hash' has hashed by then",
        "sinks.pin.mappings[0].fields.event_id: it reads 'traits.email', which 'hash' has hashed by then",
        "it reads a personal value from 'properties.buyers_contact', which 'hash' of the source 'web' leaves plain",
        "help: name the path in `paths` of [transforms.hash], or in its `keep` if it is meant to stay plain",
    ] {
        assert!(exit.stderr.contains(told), "{told}\n{}", exit.stderr);
    }
    assert!(!exit.stderr.contains("contact_phone"), "{}", exit.stderr);
}

#[tokio::test]
async fn triggers_and_mappings_that_mean_something_else_are_warnings() {
    let world = World::new().await;
    let config = world.write(
        "p.toml",
        r#"[sources.web]
type = "file"
path = "-"
through = ["orders", "names"]
[transforms.orders]
type = "filter"
trigger = 'type = "track" OR event = "Order Completed"'
[transforms.names]
type = "map"
[transforms.names.fields]
"properties.value" = { "@path" = "$.properties.revenue," }
[sinks.hook]
type = "webhook"
inputs = ["web"]
url = "http://127.0.0.1:9"
[[sinks.hook.mappings]]
fields = { who = ["a", { "@template" = "{{$.userId}}" }] }
"#,
    );
    let exit = signalbox(&["validate", "--config", config.to_str().unwrap()]).await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    let shown = exit.stderr.replace(config.to_str().unwrap(), "p.toml");
    let (first, rest) = shown.split_once("warning: transforms.names").unwrap();
    assert_eq!(
        first,
        "warning: transforms.orders.trigger: `OR` in capitals is ignored, so conditions are joined by `and`; write \
         `or` (line 1, column 16)\n  --> p.toml:7:11\n  help: what is really asked: type = \"track\" and event = \
         \"Order Completed\"\n"
    );
    for told in [
        ".fields.\"properties.value\".\"@path\": the path ends in punctuation, which is taken for a part of the key\n  \
         --> p.toml:11:34\n",
        "warning: sinks.hook.mappings[0].fields.who[1].\"@template\": `$.` is not understood in templates: the \
         placeholder is always empty; leave it away\n  --> p.toml:17:40\n",
    ] {
        assert!(rest.contains(told), "{told}\n{shown}");
    }
}
