//! Counts over a restart: some go on, others begin anew.

use signalbox_sandbox::{FailEvents, Faults};

use super::Rig;
use crate::support::client::{get, post, post_all};
use crate::support::events::{ago, orders, unmatched};

/// Reads a series from the metrics.
fn counted(metrics: &str, series: &str) -> Option<u64> {
    let line = metrics.lines().find_map(|line| line.strip_prefix(series))?;
    Some(line.trim().parse::<f64>().unwrap() as u64)
}

async fn metrics(rig: &Rig) -> String {
    get(&rig.world.admin, "/metrics").await.body
}

#[tokio::test]
async fn status_goes_on_and_metrics_begin_at_nothing() {
    let mut rig = Rig::start("").await;
    rig.world.sandbox.set_faults(Faults {
        fail_events: Some(FailEvents::times(2)),
        ..Faults::default()
    });
    let mut events = orders("a", 6);
    events[5]["timestamp"] = ago(2 * 3600).into();
    post_all(&rig.world.listen, &events).await;
    post_all(&rig.world.listen, &events[..1]).await;
    post_all(&rig.world.listen, &[unmatched("u-1")]).await;
    assert_eq!(
        post(&rig.world.listen, "/v1/track", r#"{"event":"E"}"#)
            .await
            .status,
        400
    );
    rig.settled().await;
    rig.has_letters("pinterest", 2).await;
    let before = rig.asked().await;
    assert_eq!(before.sinks["pinterest"].records.late, 1);
    assert_eq!(
        before.sinks["pinterest"].unheard,
        [("Help Opened".to_owned(), 1)].into()
    );
    // The router ends by a stop first, then by a kill.
    for stopped in [true, false] {
        if stopped {
            rig.stop().await;
        } else {
            rig.kill();
        }
        rig.again().await;
        let after = rig.settled().await;
        let (was, is) = (&before.sources["shop"], &after.sources["shop"]);
        assert_eq!(
            (is.received, is.journalled, is.duplicate, &is.rejected),
            (was.received, was.journalled, was.duplicate, &was.rejected)
        );
        let (was, is) = (&before.sinks["pinterest"], &after.sinks["pinterest"]);
        assert_eq!(
            (is.journalled, is.delivered, &is.filtered, &is.rejected),
            (was.journalled, was.delivered, &was.filtered, &was.rejected)
        );
        assert_eq!((is.letters.kept, is.records.late), (2, 1));
        // These counts are of this process alone.
        assert_eq!((is.records.delivered, is.requests.attempts), (0, 0));
        let metrics = metrics(&rig).await;
        for series in [
            "signalbox_source_events_received_total{source=\"shop\"}",
            "signalbox_source_events_journalled_total{source=\"shop\"}",
            "signalbox_source_events_duplicate_total{source=\"shop\"}",
            "signalbox_sink_events_journalled_total{sink=\"pinterest\"}",
            "signalbox_sink_events_delivered_total{sink=\"pinterest\"}",
            "signalbox_sink_records_late_total{sink=\"pinterest\"}",
        ] {
            assert_eq!(counted(&metrics, series), Some(0), "{series}\n{metrics}");
        }
        let by_reason = metrics.lines().filter(|line| {
            line.starts_with("signalbox_sink_events_rejected_total{")
                || line.starts_with("signalbox_source_events_rejected_total{")
        });
        for line in by_reason {
            assert!(line.ends_with(" 0"), "{line}");
        }
    }
    post_all(&rig.world.listen, &orders("b", 3)).await;
    rig.settled().await;
    let metrics = metrics(&rig).await;
    let delivered = "signalbox_sink_events_delivered_total{sink=\"pinterest\"}";
    assert_eq!(counted(&metrics, delivered), Some(3), "{metrics}");
    let status = rig.asked().await;
    assert_eq!(
        status.sinks["pinterest"].delivered,
        before.sinks["pinterest"].delivered + 3
    );
    assert!(status.sums_close);
}
