//! A disk that fills up, and has room again.

use serde_json::Value;
use signalbox_sandbox::Faults;

use super::full::{down, send};
use super::{Rig, pipeline};
use crate::support::client::{Answer, get};
use crate::support::disk::Disk;
use crate::support::events::ids;
use crate::support::until;
use crate::support::world::World;

/// Sends these batches, all of which must be taken in.
async fn send_all(rig: &Rig, numbers: std::ops::Range<usize>) -> Vec<Value> {
    let mut all = Vec::new();
    for number in numbers {
        let (events, answer) = send(rig, number).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        all.extend(events);
    }
    all
}

async fn start(disk: &Disk, journal: &str) -> Rig {
    let path = disk.path().join("journal");
    let top = format!("[journal]\npath = \"{}\"\n{journal}", path.display());
    let rig = Rig {
        world: World::new().await,
        router: None,
    };
    rig.write(&pipeline(&top, ""));
    rig
}

/// Starts a router that need not be ready.
async fn started(rig: &mut Rig) {
    rig.router = Some(rig.world.router(&rig.config()).await);
    rig.wait(|_| true).await;
}

async fn ready(rig: &Rig) -> Answer {
    get(&rig.world.admin, "/ready").await
}

#[tokio::test]
async fn what_nobody_wants_any_more_makes_room() {
    for retain in ["24h", "1s"] {
        let Some(disk) = Disk::mount(64) else { return };
        let mut rig = start(&disk, &format!("retain = \"{retain}\"\n")).await;
        rig.again().await;
        let mut taken = send_all(&rig, 0..300).await;
        rig.settled().await;
        disk.fill();
        // The router refuses events until it has removed settled ones, and goes on by itself.
        let mut refused = 0;
        let again = async || {
            let (events, answer) = send(&rig, 500).await;
            match answer.status {
                200 => Some(events),
                status => {
                    assert_eq!(
                        (status, answer.json()["code"].clone()),
                        (503, "journal_unwritable".into())
                    );
                    refused += 1;
                    None
                }
            }
        };
        let events = until(again, || rig.router().stderr()).await;
        taken.extend(events);
        taken.extend(send_all(&rig, 600..610).await);
        let status = rig.settled().await;
        assert!(status.ready, "{status:#?}");
        if refused > 0 {
            rig.router().logged("the journal takes events in again").await;
            let log = rig.router().stderr();
            assert_eq!(log.matches("the journal takes no events in").count(), 1, "{log}");
            assert_eq!(log.matches("cannot be written").count(), 0, "{log}");
        }
        if retain == "24h" {
            let early = "settled events are deleted before retain is over";
            rig.router().logged(early).await;
        }
        rig.kill();
        rig.again().await;
        rig.settled().await;
        let mut accepted = ids(&rig.world.accepted(), "event_id");
        accepted.dedup();
        assert_eq!(accepted, ids(&taken, "messageId"));
        rig.kill();
    }
}

#[tokio::test]
async fn a_router_on_a_full_disk_delivers_what_it_has() {
    // In the first round the router is killed while its disk is full, in the second it stops before.
    for killed in [true, false] {
        let Some(disk) = Disk::mount(64) else { return };
        let mut rig = start(&disk, "").await;
        rig.again().await;
        rig.world.sandbox.set_faults(down());
        let mut taken = send_all(&rig, 0..30).await;
        rig.wait(|status| status.sinks["pinterest"].pending == 300).await;
        if killed {
            // The router may release its ballast for the state, which leaves room for an event until the disk is
            // filled again.
            for number in 100.. {
                disk.fill();
                let (events, answer) = send(&rig, number).await;
                if answer.status == 503 {
                    break;
                }
                assert_eq!((answer.status, number < 200), (200, true));
                taken.extend(events);
            }
            let answer = ready(&rig).await;
            assert_eq!(answer.status, 503);
            assert!(answer.body.contains("free space"), "{answer:?}");
            rig.kill();
            // Another program takes the space that the router had set aside.
            disk.fill();
        } else {
            rig.stop().await;
            disk.fill();
        }
        started(&mut rig).await;
        let status = rig.wait(|status| !status.ready).await;
        assert!(status.not_ready.unwrap().contains("free space"));
        let (_, refused) = send(&rig, 200).await;
        assert_eq!(
            (refused.status, refused.json()["code"].clone()),
            (503, "journal_unwritable".into())
        );
        assert!(refused.header("retry-after").is_some());
        rig.world.sandbox.set_faults(Faults::default());
        let status = rig.settled().await;
        assert!(!status.ready, "{status:#?}");
        let mut accepted = ids(&rig.world.accepted(), "event_id");
        accepted.dedup();
        assert_eq!(accepted, ids(&taken, "messageId"));
        // With room again the router takes events in by itself.
        disk.clear();
        let again = || async { (ready(&rig).await.status == 200).then_some(()) };
        until(again, || rig.router().stderr()).await;
        assert_eq!(send(&rig, 300).await.1.status, 200);
        rig.router().logged("the journal takes events in again").await;
        let log = rig.router().stderr();
        assert_eq!(log.matches("the journal takes no events in").count(), 1, "{log}");
        // The state is tried again every 20 ms to 1 s; its failures have a line each time they begin.
        assert!(
            log.matches("cannot be written, trying again").count() <= 3,
            "{log}"
        );
        rig.settled().await;
        rig.stop().await;
    }
}

#[tokio::test]
async fn room_is_set_aside_while_there_is_some() {
    let Some(disk) = Disk::mount(64) else { return };
    let mut rig = start(&disk, "").await;
    rig.again().await;
    let ballast = disk.path().join("journal/ballast.bin");
    let there = || async {
        use std::os::unix::fs::MetadataExt as _;
        let there = std::fs::metadata(&ballast).ok()?;
        assert!(there.blocks() * 512 >= 16 << 20, "it is sparse");
        Some(())
    };
    until(there, || rig.router().stderr()).await;
    rig.world.sandbox.set_faults(down());
    send_all(&rig, 0..3).await;
    // The router may have released the ballast for its state already, so that there is room for an event.
    let mut numbers = 100..200;
    let refused = async || {
        disk.fill();
        let number = numbers.next().unwrap();
        (send(&rig, number).await.1.status == 503).then_some(())
    };
    until(refused, || rig.router().stderr()).await;
    // The router has released the ballast, so that it can write the state, and makes it again.
    assert!(!ballast.exists());
    disk.clear();
    until(there, || rig.router().stderr()).await;
    let again = || async { (send(&rig, 200).await.1.status == 200).then_some(()) };
    until(again, || rig.router().stderr()).await;
}

#[tokio::test]
async fn a_journal_cannot_begin_on_a_full_disk() {
    let Some(disk) = Disk::mount(4) else { return };
    let rig = start(&disk, "").await;
    disk.fill();
    let exit = rig.command(&["run"]).await;
    assert_eq!(exit.code, Some(1), "{exit:?}");
    let folder = disk.path().display().to_string();
    assert!(
        exit.stderr.contains(&folder) && exit.stderr.contains("free space"),
        "{}",
        exit.stderr
    );
}
