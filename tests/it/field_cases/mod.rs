//! Events as shops really send them, through `dry-run`.
//!
//! `cases.jsonl` holds an event of our own for each kind of fault that people report in public about trackers and ad
//! integrations (`source` names the reports), with the settings of the Pinterest sink beyond the minimum (`settings`), the
//! transforms of its source as TOML (`transforms`), and what is expected of the outcome (`expect`):
//!
//! | member | meaning |
//! |---|---|
//! | `outcome`, `reason` | those of the dry run; the reason's code is optional |
//! | `values` | texts at paths of the record, compared as numbers where both are; null: any value |
//! | `hashes` | plain texts whose SHA-256 stand at a path, all of them and no others, in any order |
//! | `absent` | paths at which nothing stands |
//! | `lacks` | texts that are no part of the value at a path, letter case aside |
//! | `warn` | beginnings of paths that are warned of; `a|b` is one of the two |
//!
//! `shops.jsonl` has the same form, for events as shops, tag managers and SDKs send them, and for further spellings of phone
//! numbers, amounts, places and dates.
//!
//! `{{now+3d}}` (also `-`, and `s`, `m`, `h`) stands for a time.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::{Map, Value, json};
use signalbox_core::Sha256Hex;
use signalbox_segment::time::{Millis, write_iso};

use crate::support::process::run_with;
use crate::support::world::World;

const CASES: [&str; 2] = [include_str!("cases.jsonl"), include_str!("shops.jsonl")];

/// Beginnings of the names of cases that do not pass yet.
const OPEN: &[&str] = &[];

#[derive(Deserialize)]
struct Case {
    name: String,
    event: Value,
    settings: Option<Map<String, Value>>,
    transforms: Option<String>,
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    outcome: String,
    reason: Option<String>,
    #[serde(default)]
    values: BTreeMap<String, Option<String>>,
    #[serde(default)]
    hashes: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    absent: Vec<String>,
    #[serde(default)]
    lacks: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    warn: Vec<String>,
}

#[tokio::test]
async fn messy_events_keep_their_worth() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as i64;
    let cases: Vec<Case> = CASES
        .iter()
        .flat_map(|cases| cases.lines())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let mut together: BTreeMap<String, Vec<&Case>> = BTreeMap::new();
    for case in &cases {
        let setup = json!([case.settings, case.transforms]).to_string();
        together.entry(setup).or_default().push(case);
    }
    let mut failures = Vec::new();
    for cases in together.values() {
        let outcomes = dry_run(cases, now).await;
        for (at, case) in cases.iter().enumerate() {
            let is_its = |outcome: &&Value| outcome["line"] == at + 1;
            let found: Vec<&Value> = outcomes.iter().filter(is_its).collect();
            let wrong = match found.as_slice() {
                [outcome] => differences(&case.expect, outcome, now),
                several => vec![format!("{} outcomes", several.len())],
            };
            let open = OPEN.iter().any(|open| case.name.starts_with(open));
            if !wrong.is_empty() && !open {
                failures.push(format!("{}: {}", case.name, wrong.join("; ")));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Runs the events of cases that share a setup, each a line.
async fn dry_run(cases: &[&Case], now: i64) -> Vec<Value> {
    let world = World::new().await;
    let transforms = cases[0].transforms.as_deref().unwrap_or_default();
    let names: Vec<&str> = transforms
        .lines()
        .filter_map(|line| line.trim().strip_prefix("[transforms.")?.strip_suffix(']'))
        .collect();
    let mut sink = json!({
        "type": "pinterest_conversions",
        "inputs": ["web"],
        "ad_account_id": "549755885175",
        "conversion_token": "t",
    });
    for (key, value) in cases[0].settings.iter().flatten() {
        sink[key] = value.clone();
    }
    let sink = toml::to_string(&json!({ "sinks": { "pinterest": sink } })).unwrap();
    let text = format!(
        "[journal]\ntype = \"memory\"\n[sources.web]\ntype = \"segment_http\"\nlisten = \"127.0.0.1:0\"\n\
         write_keys = [\"field\"]\nthrough = {}\n{transforms}\n{sink}",
        json!(names)
    );
    let config = world.write("field.toml", &text);
    let event = |case: &&Case| format!("{}\n", with_times(&case.event.to_string(), now, iso));
    let input: String = cases.iter().map(event).collect();
    let arguments = ["dry-run", "--config", config.to_str().unwrap()];
    let exit = run_with(&arguments, &world.variables(), &input).await;
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    exit.lines()
}

/// Replaces `{{now+3d}}` and the like.
fn with_times(text: &str, now: i64, write: fn(i64) -> String) -> String {
    let mut parts = text.split("{{now");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (time, rest) = part.split_once("}}").unwrap();
        let (count, unit) = time.split_at(time.len() - 1);
        let unit = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            "d" => 86_400,
            other => panic!("{other} is no unit"),
        };
        out.push_str(&write(now + count.parse::<i64>().unwrap() * unit));
        out.push_str(rest);
    }
    out
}

fn iso(seconds: i64) -> String {
    let mut text = String::new();
    write_iso(Millis(seconds * 1000), &mut text);
    text
}

fn differences(expect: &Expect, outcome: &Value, now: i64) -> Vec<String> {
    let code = outcome["reason"]["code"].as_str();
    if outcome["outcome"] != *expect.outcome {
        return vec![format!("{} {code:?}, not {}", outcome["outcome"], expect.outcome)];
    }
    let mut wrong = Vec::new();
    if expect.reason.is_some() && code != expect.reason.as_deref() {
        wrong.push(format!("reason {code:?}, not {:?}", expect.reason));
    }
    let record = &outcome["record"];
    for (path, wanted) in &expect.values {
        let found = at(record, path);
        let wanted = wanted
            .as_deref()
            .map(|text| with_times(text, now, |seconds| seconds.to_string()));
        let fits = match (&wanted, &found) {
            (_, Value::Null) => false,
            (None, _) => true,
            (Some(wanted), found) => is_same(wanted, found),
        };
        if !fits {
            wrong.push(format!("{path} is {found}, not {wanted:?}"));
        }
    }
    for (path, plain) in &expect.hashes {
        let mut wanted: Vec<String> = plain
            .iter()
            .map(|text| Sha256Hex::of(text).as_str().to_owned())
            .collect();
        let mut found: Vec<String> = serde_json::from_value(at(record, path)).unwrap_or_default();
        wanted.sort();
        found.sort();
        if found != wanted {
            wrong.push(format!("{path} is {found:?}, not the hashes of {plain:?}"));
        }
    }
    for path in &expect.absent {
        let found = at(record, path);
        if !found.is_null() {
            wrong.push(format!("{path} is {found}, not absent"));
        }
    }
    for (path, texts) in &expect.lacks {
        let found = at(record, path).to_string().to_lowercase();
        let has = texts.iter().filter(|text| found.contains(&text.to_lowercase()));
        wrong.extend(has.map(|text| format!("{path} has {text} in it")));
    }
    let warned: Vec<String> = outcome["warnings"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|warning| Some(one_name(warning["path"].as_str()?)))
        .collect();
    for prefix in &expect.warn {
        let begins = |path: &String| {
            prefix
                .split('|')
                .any(|prefix| path.starts_with(&one_name(prefix)))
        };
        if !warned.iter().any(begins) {
            wrong.push(format!("no warning at {prefix}"));
        }
    }
    wrong
}

/// The custom data of the two formats are one here.
fn one_name(path: &str) -> String {
    match path.strip_prefix("custom_data_2") {
        Some(rest) => format!("custom_data{rest}"),
        None if path.starts_with("contents") => format!("custom_data.{path}"),
        None => path.to_owned(),
    }
}

/// Returns what stands at a path such as `contents[0].id`; null if nothing does.
fn at(record: &Value, path: &str) -> Value {
    let steps = path.split(['.', '[']).map(|step| step.trim_end_matches(']'));
    let found = steps.fold(record, |value, step| match step.parse::<usize>() {
        Ok(index) if value.is_array() => &value[index],
        _ => &value[step],
    });
    found.clone()
}

fn is_same(wanted: &str, found: &Value) -> bool {
    let text = match found {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match (wanted.parse::<f64>(), text.parse::<f64>()) {
        (Ok(wanted), Ok(found)) => wanted == found,
        _ => wanted == text,
    }
}
