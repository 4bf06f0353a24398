//! The numbers that operators see, after a bad day: they add up, and `/metrics` and `/status` say the same.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use signalbox_sandbox::{FailEvents, Faults, RateLimit};

use crate::support::client::{get, post, post_all};
use crate::support::events::{orders, unmatched};
use crate::support::world::{World, shop};

/// Sums of a metric's series, by the value of a label.
fn series(metrics: &str, name: &str, label: &str) -> BTreeMap<String, u64> {
    let mut sums = BTreeMap::new();
    for line in metrics.lines().filter_map(|line| line.strip_prefix(name)) {
        let Some((labels, value)) = line
            .rsplit_once(' ')
            .filter(|(labels, _)| labels.starts_with('{'))
        else {
            continue;
        };
        let key = labels
            .split(&format!("{label}=\""))
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        *sums.entry(key.to_owned()).or_default() += value.parse::<f64>().unwrap() as u64;
    }
    sums
}

#[tokio::test]
async fn the_sums_close_in_metrics_too() {
    let world = World::new().await;
    world.sandbox.set_faults(Faults {
        rate_limit: Some(RateLimit::times(2)),
        fail_events: Some(FailEvents {
            times: Some(4),
            ..FailEvents::every_nth(6)
        }),
        ..Faults::default()
    });
    let config = world.write(
        "p.toml",
        &shop("[admin]\nlisten = \"${ADMIN}\"", "", "batch.max_events = 8"),
    );
    let process = world.router(&config).await;
    process.status(&world.admin, |status| status.ready).await;
    post_all(&world.listen, &orders("m", 30)).await;
    post_all(
        &world.listen,
        &[unmatched("help"), json!({ "type": "track", "userId": "u" })],
    )
    .await;
    assert_eq!(post(&world.listen, "/v1/track", "{").await.status, 400);
    let settled = process
        .status(&world.admin, |status| {
            let idle = status
                .sinks
                .values()
                .all(|sink| sink.pending == 0 && sink.requests.in_flight == 0);
            // The router writes dead letters in the commit that follows their count.
            let letters =
                status.sinks["pinterest"].letters.kept == 4 && status.sources["shop"].dead_letters == 1;
            idle && letters && status.sums_close && status.sources["shop"].journalled == 31
        })
        .await;

    let metrics = get(&world.admin, "/metrics").await.body;
    let source = |name: &str| {
        series(
            &metrics,
            &format!("signalbox_source_events_{name}_total"),
            "source",
        )
        .get("shop")
        .copied()
        .unwrap_or(0)
    };
    assert_eq!(
        source("received"),
        source("refused")
            + source("duplicate")
            + source("filtered")
            + source("rejected")
            + source("journalled")
    );
    assert_eq!((source("journalled"), source("rejected")), (31, 1));
    assert_eq!(source("received"), settled.sources["shop"].received);
    for (name, sink) in &settled.sinks {
        let count = |metric: &str| {
            series(&metrics, &format!("signalbox_sink_{metric}"), "sink")
                .get(name)
                .copied()
                .unwrap_or(0)
        };
        assert_eq!(count("events_journalled_total"), 31, "{name}");
        assert_eq!(
            count("events_journalled_total"),
            count("events_filtered_total")
                + count("events_delivered_total")
                + count("events_rejected_total")
                + count("events_expired_total")
                + count("events_pending"),
            "{name}"
        );
        assert_eq!(count("records_delivered_total"), sink.records.delivered, "{name}");
        assert_eq!(count("attempts_total"), sink.requests.attempts, "{name}");
        assert_eq!(
            count("request_duration_seconds_count"),
            sink.requests.attempts,
            "{name}"
        );
        assert_eq!(count("event_age_seconds_count"), sink.records.delivered, "{name}");
    }
    let mut reasons = series(&metrics, "signalbox_sink_events_rejected_total", "reason");
    // Reasons that the runtime knows beforehand are there too, with zero.
    reasons.retain(|_, count| *count > 0);
    assert_eq!(reasons, BTreeMap::from([("pinterest_rejected".to_owned(), 4)]));
    assert!(series(&metrics, "signalbox_sink_records_retried_total", "reason")["rate_limited"] > 0);

    let letters = get(&world.admin, "/dead_letters?sink=pinterest&limit=3")
        .await
        .json();
    assert_eq!(letters["kept"], json!({ "pinterest": 4, "source:shop": 1 }));
    assert_eq!(letters["dead_letters"].as_array().unwrap().len(), 3);
    assert!(
        letters["dead_letters"]
            .as_array()
            .unwrap()
            .iter()
            .all(|letter| letter["reason"] == "pinterest_rejected")
    );
}

#[tokio::test]
async fn a_token_is_asked_for_where_one_is_set() {
    let world = World::new().await;
    let top = "[admin]\nlisten = \"${ADMIN}\"\ntoken = \"zq-admin-token\"";
    let config = world.write("p.toml", &shop(top, "", ""));
    let process = world.router(&config).await;
    process.logged("\"running\"").await;
    assert_eq!(get(&world.admin, "/status").await.status, 401);
    assert_eq!(get(&world.admin, "/health").await.status, 200);
    let headers = [("authorization", "Bearer zq-admin-token")];
    let answer = crate::support::client::try_send(&world.admin, "GET", "/status", &headers, b"")
        .await
        .unwrap();
    assert_eq!(answer.status, 200);
    assert!(matches!(answer.json()["sinks"]["pinterest"], Value::Object(_)));
    assert!(!answer.body.contains("zq-admin-token"));
}
