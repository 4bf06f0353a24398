//! The shipped alerts, evaluated over a router's `/metrics` before and after something happened for the first time and over
//! series made for them; and the shipped dashboard.

mod cases;
mod dashboard;
mod names;
mod promql;
mod rules;
mod webhook;

use std::collections::BTreeSet;

use signalbox_sandbox::{BadRequest, FailEvents, Faults};
use signalbox_testkit::Act;

use self::names::Metrics;
use self::promql::{Scrape, fires};
use self::rules::rules;
use crate::support::client::{get, post, post_all};
use crate::support::events::{ago, order, orders};
use crate::support::process::Process;
use crate::support::world::{World, shop};

const PAGE: &str = include_str!("../../../docs/operations.md");
const ADMIN: &str = "[admin]\nlisten = \"${ADMIN}\"\n";

#[test]
fn the_page_lists_the_alerts_in_their_order() {
    let (_, section) = PAGE.split_once("\n## Alerts to set\n").unwrap();
    let section = section.split("\n#").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let listed: Vec<&str> = rows.map(|row| row.split('`').nth(1).unwrap()).collect();
    let names: Vec<&str> = rules().iter().map(|rule| rule.name).collect();
    assert_eq!(listed, names);
}

#[test]
fn alerts_name_only_metrics_and_labels_that_exist() {
    let metrics = Metrics::documented();
    for rule in rules() {
        assert_eq!(metrics.mistakes(rule.expression), [""; 0], "{}", rule.name);
    }
}

/// The names of the alerts that fire.
fn firing(scrapes: [&Scrape; 2]) -> BTreeSet<String> {
    let rules = rules().into_iter();
    let firing = rules.filter(|rule| !fires(rule.expression, scrapes).is_empty());
    firing.map(|rule| rule.name.to_owned()).collect()
}

async fn scrape(world: &World, at: f64) -> Scrape {
    Scrape::of(at, &get(&world.admin, "/metrics").await.body)
}

/// Time of the first scrape; the next ones are a minute apart each.
fn now() -> f64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs_f64()
}

async fn router(world: &World, text: &str) -> Process {
    let config = world.write("p.toml", text);
    let process = world.router(&config).await;
    process.status(&world.admin, |status| status.ready).await;
    process
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn a_first_burst_fires() {
    let world = World::new().await;
    world.hook.act(Act::reply(503, ""));
    world.sandbox.set_faults(Faults {
        fail_events: Some(FailEvents::always()),
        ..Faults::default()
    });
    let text = shop(ADMIN, "", "").replace(
        "retry = { initial_backoff = \"10ms\", max_backoff = \"50ms\" }",
        "retry = { for = \"100ms\", initial_backoff = \"10ms\", max_backoff = \"50ms\" }",
    );
    let router = router(&world, &text).await;
    let start = now();
    let before = scrape(&world, start).await;
    let quiet = scrape(&world, start + 60.0).await;
    assert_eq!(firing([&before, &quiet]), set(&["SignalboxNothingReceived"]));

    let mut late = orders("late", 3);
    for event in &mut late {
        event["timestamp"] = ago(7_200).into();
    }
    post_all(&world.listen, &late).await;
    post(&world.listen, "/v1/track", r#"{"userId":"u"}"#).await;
    router
        .status(&world.admin, |status| {
            let settled = status
                .sinks
                .values()
                .all(|sink| sink.pending == 0 && sink.journalled == 3);
            settled && status.sources["shop"].rejected.values().sum::<u64>() == 1
        })
        .await;
    let after = scrape(&world, start + 120.0).await;
    assert_eq!(
        firing([&quiet, &after]),
        set(&[
            "SignalboxEventsLate",
            "SignalboxEventsExpire",
            "SignalboxEventsRejected",
            "SignalboxInputUnusable"
        ]),
        "{}",
        router.stderr()
    );
    // The trouble is over.
    let later = scrape(&world, start + 180.0).await;
    assert_eq!(firing([&after, &later]), set(&["SignalboxNothingReceived"]));
}

#[tokio::test]
async fn a_sink_on_hold_a_full_journal_and_a_dead_collector_fire() {
    let world = World::new().await;
    let nobody = signalbox_testkit::server::nobody();
    let top = format!(
        "{ADMIN}[journal]\ntype = \"memory\"\nmax_bytes = \"20kB\"\n[telemetry]\notlp_endpoint = \"{nobody}\"\ninterval = \"100ms\"\n"
    );
    let router = router(&world, &shop(&top, "", "")).await;
    let start = now();
    let before = scrape(&world, start).await;
    world.sandbox.set_faults(Faults {
        unauthorized: true,
        bad_request: Some(BadRequest::always()),
        ..Faults::default()
    });
    let mut refused = false;
    for n in 0..1_000 {
        let answer = post(&world.listen, "/v1/track", &order(&format!("f{n}")).to_string()).await;
        refused = answer.status != 200;
        if refused {
            break;
        }
    }
    assert!(refused, "the journal is never full");
    router
        .status(&world.admin, |status| status.sinks["pinterest"].held.is_some())
        .await;
    let exports = "signalbox_telemetry_exports_total{outcome=\"failure\"} 0";
    crate::support::until(
        || async { (!get(&world.admin, "/metrics").await.body.contains(exports)).then_some(()) },
        || router.stderr(),
    )
    .await;
    let after = scrape(&world, start + 60.0).await;
    let firing = firing([&before, &after]);
    for name in [
        "SignalboxSinkHeld",
        "SignalboxSourceRefuses",
        "SignalboxJournalFills",
        "SignalboxExportsFail",
    ] {
        assert!(firing.contains(name), "{name}: {firing:?}");
    }
    assert!(!firing.contains("SignalboxSumsOpen"), "{firing:?}");
}

#[tokio::test]
async fn every_counter_is_there_before_anything_happened() {
    let world = World::new().await;
    let _router = router(&world, &shop(ADMIN, "", "")).await;
    let scrape = scrape(&world, now()).await;
    let there: BTreeSet<&str> = scrape.names().collect();
    let documented = PAGE
        .lines()
        .filter(|line| line.starts_with("| `signalbox_") && line.contains("| counter |"));
    for line in documented {
        let name = line.split('`').nth(1).unwrap();
        assert!(there.contains(name), "{name} is not there from the start");
    }
}
