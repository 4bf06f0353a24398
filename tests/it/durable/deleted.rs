//! Journal files that are deleted or replaced under a running router.

use std::time::{Duration, Instant};

use signalbox_sandbox::{Faults, Unavailable};

use super::{Rig, pipeline};
use crate::support::client::{Answer, get, post, post_all};
use crate::support::events::{ids, order, orders};
use crate::support::until;

fn down() -> Faults {
    Faults {
        unavailable: Some(Unavailable::always()),
        ..Faults::default()
    }
}

/// Starts a router whose destination is down, with a hundred events pending for it.
async fn with_a_backlog(deadline: &str) -> Rig {
    let text = pipeline("", "").replace("200ms", deadline);
    let rig = Rig::start_with(&text).await;
    rig.world.sandbox.set_faults(down());
    post_all(&rig.world.listen, &orders("d", 100)).await;
    rig.wait(|status| status.sinks["pinterest"].pending == 100 && status.sinks["archive"].pending == 0)
        .await;
    rig
}

async fn send_one(rig: &Rig, id: &str) -> Answer {
    let body = serde_json::json!({ "batch": [order(id)] }).to_string();
    post(&rig.world.listen, "/v1/batch", &body).await
}

/// Waits until the router has noticed, and says, that it must take nothing in.
async fn noticed(rig: &Rig, what: &str) {
    let not_ready = || async {
        let answer = get(&rig.world.admin, "/ready").await;
        (answer.status == 503).then_some(answer)
    };
    let began = Instant::now();
    let answer = until(not_ready, || rig.router().stderr()).await;
    assert!(answer.body.contains(what), "{answer:?}");
    // The router needs a second, and a loaded machine some more.
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    rig.router().logged("the journal takes no events in").await;
}

#[tokio::test]
async fn events_are_refused_once_the_folder_is_gone_and_the_rest_is_delivered() {
    let mut rig = with_a_backlog("20s").await;
    std::fs::remove_dir_all(rig.world.path("signalbox-journal")).unwrap();
    // The source refuses at once, not only after the periodic check.
    for n in 0..5 {
        let refused = send_one(&rig, &format!("late-{n}")).await;
        assert_eq!(refused.status, 503, "{refused:?}");
        assert_eq!(refused.json()["code"], "journal_unwritable");
    }
    noticed(&rig, "was deleted or moved while the router ran").await;
    let status = rig.wait(|status| !status.ready).await;
    assert_eq!(status.sources["shop"].refused["journal_unwritable"], 5);
    assert!(status.sums_close, "{status:#?}");
    let log = rig.router().stderr();
    assert_eq!(log.matches("the journal takes no events in").count(), 1, "{log}");
    assert!(
        log.contains("signalbox-journal was deleted") && log.contains("until a restart"),
        "{log}"
    );
    // The acknowledged events are still in the open file. A stop delivers them.
    let router = rig.router.take().unwrap();
    router.signal("TERM");
    rig.world.sandbox.set_faults(Faults::default());
    let exit = router.exit().await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    assert_eq!(
        ids(&rig.world.accepted(), "event_id"),
        ids(&orders("d", 100), "messageId")
    );
    assert!(
        !rig.world.path("signalbox-journal").exists(),
        "nothing is made in its place"
    );
    // A restart works, too.
    rig.again().await;
    assert_eq!(send_one(&rig, "after").await.status, 200);
}

#[tokio::test]
async fn what_cannot_be_delivered_any_more_is_counted_at_the_end() {
    let mut rig = with_a_backlog("200ms").await;
    let folder = rig.world.path("signalbox-journal");
    std::fs::rename(&folder, rig.world.path("moved")).unwrap();
    // Another folder in its place does not belong to the router, and stays as it is.
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("frames-00000000000000000000.bin"), "not ours").unwrap();
    noticed(&rig, "signalbox-journal was replaced while the router ran").await;
    assert_eq!(send_one(&rig, "late").await.status, 503);
    let router = rig.router.take().unwrap();
    router.signal("TERM");
    let exit = router.exit().await;
    assert_eq!(exit.code, Some(4), "{exit:?}");
    assert!(
        exit.stderr.contains("100 deliveries were not made"),
        "{}",
        exit.stderr
    );
    let told =
        "acknowledged events that a sink has not settled were only in files that were deleted or moved";
    assert!(exit.stderr.contains(told), "{}", exit.stderr);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    // With the folder back in its place, the router goes on.
    std::fs::remove_dir_all(&folder).unwrap();
    std::fs::rename(rig.world.path("moved"), &folder).unwrap();
    rig.world.sandbox.set_faults(Faults::default());
    rig.again().await;
    rig.settled().await;
    assert_eq!(
        ids(&rig.world.accepted(), "event_id"),
        ids(&orders("d", 100), "messageId")
    );
}

#[tokio::test]
async fn a_single_file_that_is_deleted_or_replaced_is_noticed() {
    for (name, copy) in [("state.redb", false), ("LOCK", false), ("state.redb", true)] {
        let rig = Rig::start("").await;
        let path = rig.world.path("signalbox-journal").join(name);
        let what = if copy {
            std::fs::copy(&path, rig.world.path("copy")).unwrap();
            std::fs::rename(rig.world.path("copy"), &path).unwrap();
            format!("{name} was replaced")
        } else {
            std::fs::remove_file(&path).unwrap();
            format!("{name} was deleted")
        };
        noticed(&rig, &what).await;
        assert_eq!(send_one(&rig, "late").await.status, 503);
    }
}
