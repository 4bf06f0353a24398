//! A file of events that was deleted, emptied or cut: the router reports and counts the loss, and delivers the
//! rest.

use std::path::{Path, PathBuf};

use signalbox_sandbox::{Faults, Unavailable};

use super::{Rig, pipeline, values};
use crate::support::client::{get, post_all};
use crate::support::events::{ids, order, orders};
use crate::support::files::frames;

/// Events in each file.
const EACH: u64 = 100;

/// Lists the files of events, the oldest first.
fn files(rig: &Rig) -> Vec<PathBuf> {
    frames(&rig.world.path("signalbox-journal"))
}

/// Prepares a stopped router with three files of events that the archive has and Pinterest does not. With `others`,
/// events of another source, for another sink, lie among them.
async fn with_three_files(others: bool) -> Rig {
    let own = "[sources.old]\ntype = \"file\"\npath = \"${FOLDER}/old.jsonl\"\n[sinks.copy]\ntype = \"file\"\n\
               inputs = [\"old\"]\npath = \"${FOLDER}/copy.jsonl\"\n";
    let mut rig = Rig::start("batch.max_events = 10").await;
    rig.world.sandbox.set_faults(Faults {
        unavailable: Some(Unavailable::always()),
        ..Faults::default()
    });
    for part in ["a", "b", "c"] {
        if part == "b" && others {
            let lines: Vec<String> = (0..50).map(|n| order(&format!("old-{n}")).to_string()).collect();
            rig.world.write("old.jsonl", &lines.join("\n"));
            rig.write(&pipeline(own, "batch.max_events = 10"));
        }
        if rig.router.is_none() {
            rig.again().await;
        }
        post_all(&rig.world.listen, &orders(part, EACH as usize)).await;
        rig.wait(|status| {
            let done = |(name, sink): (&String, &signalbox_admin::SinkStatus)| {
                name == "pinterest" || sink.pending == 0
            };
            let old = status.sinks.get("copy").is_none_or(|copy| copy.delivered == 50);
            status.sinks.iter().all(done) && old
        })
        .await;
        rig.stop().await;
    }
    assert_eq!(files(&rig).len(), 3);
    rig
}

fn harm(path: &Path, empty: bool) {
    if empty {
        let file = std::fs::File::options().write(true).open(path).unwrap();
        file.set_len(0).unwrap();
    } else {
        std::fs::remove_file(path).unwrap();
    }
}

/// Checks that the events of two files arrived, and that the counts show the loss of the third.
async fn check(mut rig: Rig) {
    rig.world.sandbox.set_faults(Faults::default());
    for start in 0..2 {
        let status = rig.settled().await;
        let pinterest = &status.sinks["pinterest"];
        assert_eq!(pinterest.delivered, 2 * EACH, "{start}: {pinterest:#?}");
        assert_eq!(pinterest.journalled, 3 * EACH, "{start}: {pinterest:#?}");
        assert_eq!(pinterest.rejected["journal_file_missing"], EACH, "{start}");
        assert_eq!(pinterest.rejected.len(), 1, "{pinterest:#?}");
        let others = status.sinks.iter().filter(|(name, _)| *name != "pinterest");
        for (name, other) in others {
            assert!(other.rejected.is_empty(), "{name}: {other:#?}");
        }
        let sent = [orders("a", EACH as usize), orders("c", EACH as usize)].concat();
        let mut accepted = ids(&rig.world.accepted(), "event_id");
        accepted.dedup();
        assert_eq!(accepted, ids(&sent, "messageId"));
        let metrics = get(&rig.world.admin, "/metrics").await.body;
        let counted = format!(
            "signalbox_sink_events_rejected_total{{reason=\"journal_file_missing\",sink=\"pinterest\"}} {EACH}\n"
        );
        // Metrics count from the start of the process.
        assert_eq!(metrics.contains(&counted), start == 0, "{metrics}");
        rig.has_letters("pinterest", 1).await;
        if start == 0 {
            rig.stop().await;
            rig.again().await;
        }
    }
    let letters = rig.lines(&["deadletters", "list"]).await;
    assert_eq!(values(&letters, "reason"), ["journal_file_missing"]);
}

#[tokio::test]
async fn a_file_that_is_missing_at_the_start_is_in_log_and_books_at_once() {
    for empty in [false, true] {
        let mut rig = with_three_files(false).await;
        harm(&files(&rig)[1], empty);
        rig.again().await;
        // No event has been delivered yet.
        let status = rig.wait(|status| status.ready).await;
        let pinterest = &status.sinks["pinterest"];
        assert!(status.sums_close, "{status:#?}");
        assert_eq!(pinterest.rejected["journal_file_missing"], EACH, "{pinterest:#?}");
        assert_eq!((pinterest.journalled, pinterest.pending), (3 * EACH, 2 * EACH));
        let log = rig.router().stderr();
        let told = if empty {
            "100 acknowledged events are lost"
        } else {
            "a file of the journal is missing, empty or cut short"
        };
        assert_eq!(log.matches(told).count(), 1, "{log}");
        check(rig).await;
    }
}

#[tokio::test]
async fn a_file_that_vanishes_under_a_running_router_is_in_log_and_books_when_a_sink_comes_to_it() {
    for empty in [false, true] {
        let mut rig = with_three_files(true).await;
        rig.again().await;
        rig.wait(|status| status.sinks["pinterest"].requests.attempts >= 3)
            .await;
        harm(&files(&rig)[1], empty);
        rig.world.sandbox.set_faults(Faults::default());
        rig.router()
            .logged("journal file missing, empty or cut short")
            .await;
        check(rig).await;
    }
}
