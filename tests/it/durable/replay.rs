//! `signalbox replay`, live and from the files.

use super::Rig;
use crate::support::client::post_all;
use crate::support::events::{ids, orders};

fn archived(rig: &Rig) -> Vec<String> {
    ids(&rig.world.archived(), "messageId")
}

#[tokio::test]
async fn of_a_running_router() {
    let rig = Rig::start("").await;
    let events = orders("r", 5);
    post_all(&rig.world.listen, &events).await;
    rig.settled().await;
    let once = ids(&events, "messageId");

    let plan = rig
        .told(&["replay", "--sink", "hook", "--from", "0", "--dry-run"])
        .await;
    assert!(plan.starts_with("up to 5 events, positions 0 to 5,"), "{plan}");
    // No terminal is there to confirm.
    let asked = rig.command(&["replay", "--sink", "hook", "--from", "0"]).await;
    assert_eq!(asked.code, Some(64), "{asked:?}");
    assert!(asked.stderr.contains("say --yes"), "{asked:?}");
    assert_eq!(ids(&rig.world.hooked(), "messageId"), once);

    // Pinterest does not get again the events that this router delivered to it; a webhook gets all of them.
    for (sink, known) in [("pinterest", 5), ("hook", 0)] {
        let told = rig
            .told(&["replay", "--sink", sink, "--from", "1h", "--yes"])
            .await;
        assert!(told.contains("up to 5 events are delivered again"), "{told}");
        let held_back = match known {
            0 => "no record was held back",
            _ => "5 records were held back: the sink remembers",
        };
        assert!(told.contains(held_back), "{told}");
        let status = rig
            .wait(|status| status.sinks[sink].delivered == 10 && status.sinks[sink].pending == 0)
            .await;
        assert_eq!(
            (
                status.sinks[sink].journalled,
                status.sinks[sink].records.duplicate
            ),
            (10, known)
        );
        assert!(status.sums_close, "{status:#?}");
    }
    assert_eq!(ids(&rig.world.accepted(), "event_id"), once);
    assert_eq!(rig.world.hooked().len(), 10);

    // With --again the memory does not matter.
    let again = [
        "replay",
        "--sink",
        "pinterest",
        "--from",
        "1",
        "--to",
        "3",
        "--again",
        "--yes",
    ];
    let told = rig.told(&again).await;
    assert!(told.contains("no record was held back"), "{told}");
    let status = rig.wait(|status| status.sinks["pinterest"].delivered == 12).await;
    assert_eq!(
        (status.sinks["pinterest"].records.duplicate, status.sums_close),
        (5, true)
    );
    let accepted = ids(&rig.world.accepted(), "event_id");
    assert_eq!(accepted.len(), 7, "{accepted:?}");

    for (wrong, why) in [
        (["--sink", "hook", "--from", "9000"], "nothing to replay"),
        (["--sink", "nobody", "--from", "0"], "no sink 'nobody'"),
    ] {
        let exit = rig
            .command(&[&["replay", "--dry-run"], &wrong[..]].concat())
            .await;
        assert_eq!(exit.code, Some(1), "{exit:?}");
        assert!(exit.stderr.contains(why), "{exit:?}");
    }
}

#[tokio::test]
async fn of_a_stopped_router() {
    let mut rig = Rig::start("").await;
    let events = orders("s", 5);
    for event in &events {
        post_all(&rig.world.listen, std::slice::from_ref(event)).await;
    }
    rig.settled().await;
    rig.stop().await;
    let replay = ["replay", "--sink", "archive", "--from", "2", "--to", "4"];
    let plan = rig.told(&[&replay[..], &["--dry-run"]].concat()).await;
    assert!(plan.starts_with("up to 2 events, positions 2 to 4,"), "{plan}");
    assert_eq!(rig.asked().await.sinks["archive"].pending, 0);
    let told = rig.told(&[&replay[..], &["--yes"]].concat()).await;
    assert!(told.contains("they go out when it starts"), "{told}");
    let offline = rig.asked().await;
    assert_eq!(
        (offline.sinks["archive"].pending, offline.sums_close),
        (2, true),
        "{offline:#?}"
    );
    // To be delivered once again is enough.
    let twice = rig.command(&[&replay[..], &["--dry-run"]].concat()).await;
    assert_eq!(twice.code, Some(1), "{twice:?}");
    rig.told(&["replay", "--sink", "pinterest", "--from", "0", "--yes"])
        .await;

    rig.again().await;
    let status = rig.settled().await;
    assert_eq!(archived(&rig), ["s-0", "s-1", "s-2", "s-2", "s-3", "s-3", "s-4"]);
    assert_eq!(status.sinks["archive"].delivered, 7);
    // Pinterest tells the second copy by its event_id.
    assert_eq!(rig.world.accepted().len(), 10);
    assert_eq!(rig.world.sandbox.counts().duplicates, 5);
}
