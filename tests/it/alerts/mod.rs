//! The alerts of the operations page, evaluated over a router's `/metrics` before and after something happened for the
//! first time.

mod promql;

use std::collections::BTreeSet;

use signalbox_sandbox::{BadRequest, FailEvents, Faults};
use signalbox_testkit::Act;

use self::promql::{Scrape, fires};
use crate::support::client::{get, post, post_all};
use crate::support::events::{ago, order, orders};
use crate::support::process::Process;
use crate::support::world::{World, shop};

const PAGE: &str = include_str!("../../../docs/operations.md");
const ADMIN: &str = "[admin]\nlisten = \"${ADMIN}\"\n";

/// Reads the names and expressions of the alerts from the page.
fn alerts() -> Vec<(String, String)> {
    let (_, section) = PAGE.split_once("\n## Alerts to set\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let rows = section
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains('`'));
    rows.map(|row| {
        let row = row.replace("\\|", "\u{1}");
        let mut cells = row.trim_matches('|').split('|');
        let (name, cell) = (cells.next().unwrap().trim(), cells.next().unwrap());
        let expression = cell.split('`').nth(1).unwrap().replace('\u{1}', "|");
        (name.to_owned(), expression)
    })
    .collect()
}

/// The names of the alerts that fire.
fn firing(scrapes: [&Scrape; 2]) -> BTreeSet<String> {
    let alerts = alerts();
    assert!(alerts.len() > 10, "{alerts:?}");
    let firing = alerts
        .into_iter()
        .filter(|(_, expression)| !fires(expression, scrapes).is_empty());
    firing.map(|(name, _)| name).collect()
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
    assert_eq!(firing([&before, &quiet]), set(&["Nothing comes in"]));

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
            "Events arrive late",
            "Events expire",
            "Events are rejected",
            "Input is unusable"
        ]),
        "{}",
        router.stderr()
    );
    // The trouble is over.
    let later = scrape(&world, start + 180.0).await;
    assert_eq!(firing([&after, &later]), set(&["Nothing comes in"]));
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
        "A sink is on hold",
        "Sources refuse",
        "The journal fills",
        "Exports fail",
    ] {
        assert!(firing.contains(name), "{name}: {firing:?}");
    }
    assert!(!firing.contains("The sums do not close"), "{firing:?}");
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

#[test]
fn a_certificate_that_expires_soon_fires() {
    let series =
        |expires: f64| format!("signalbox_source_certificate_expiry_seconds{{source=\"shop\"}} {expires}\n");
    let (_, expression) = alerts()
        .into_iter()
        .find(|(name, _)| name == "A certificate expires")
        .unwrap();
    let day = 86_400.0;
    for (left, wanted) in [(20.0 * day, 0), (13.0 * day, 1), (-day, 1)] {
        let now = 1_900_000_000.0;
        let scrape = Scrape::of(now, &series(now + left));
        assert_eq!(fires(&expression, [&scrape, &scrape]).len(), wanted, "{left}");
    }
}
