//! Files of a killed router that are unreadable, or that a newer version wrote.

use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use signalbox_admin::Status;
use signalbox_testkit::Act;

use super::{Rig, pipeline};
use crate::support::client::post_all;
use crate::support::events::{ids, orders};
use crate::support::files::frames;
use crate::support::process::Process;

/// The newest file of events.
fn newest(rig: &Rig) -> PathBuf {
    frames(&rig.world.path("signalbox-journal")).pop().unwrap()
}

/// Flips a byte within the last frame of the newest file.
fn damage(rig: &Rig) {
    let path = newest(rig);
    let bytes = std::fs::read(&path).unwrap();
    let mut blocks = (0..bytes.len()).step_by(4096);
    let last = blocks
        .rfind(|at| bytes[*at..].starts_with(b"\xF7sbframe"))
        .unwrap();
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.write_all_at(&[bytes[last + 500] ^ 1], last as u64 + 500)
        .unwrap();
}

#[tokio::test]
async fn a_flipped_bit_in_the_last_frame_is_counted_and_told() {
    let mut rig = Rig::start_with(&pipeline("", "")).await;
    rig.world.hook.act(Act::reply(503, ""));
    let kept = orders("kept", 20);
    post_all(&rig.world.listen, &kept).await;
    post_all(&rig.world.listen, &orders("lost", 10)).await;
    rig.wait(|status| status.sinks["archive"].delivered == 30).await;
    rig.kill();
    damage(&rig);
    rig.world.hook.forget();
    rig.world.hook.act(Act::reply(200, ""));
    rig.again().await;
    let counted = |status: &Status| {
        let hook = &status.sinks["hook"];
        let lost = hook.rejected.get("journal_unreadable") == Some(&10);
        hook.delivered == 20 && lost && hook.pending == 0 && status.sums_close
    };
    rig.wait(counted).await;
    // A request of the killed router may arrive late, with events that are lost now.
    let mut hooked = ids(&rig.world.hooked(), "messageId");
    hooked.dedup();
    hooked.retain(|id| !id.starts_with("lost-"));
    assert_eq!(hooked, ids(&kept, "messageId"));
    rig.router().logged("acknowledged events are lost").await;
    rig.router().logged(".corrupt").await;
    // The router goes on behind the lost events.
    let more = orders("more", 3);
    post_all(&rig.world.listen, &more).await;
    rig.wait(|status| status.sinks["hook"].delivered == 23).await;
    rig.stop().await;
    rig.again().await;
    let status = rig.settled().await;
    assert!(status.sums_close, "{status:#?}");
}

#[tokio::test]
async fn after_a_power_loss_it_is_told_as_perhaps_never_acknowledged() {
    let mut rig = Rig::start_with(&pipeline("", "")).await;
    rig.world.hook.act(Act::reply(503, ""));
    post_all(&rig.world.listen, &orders("lost", 10)).await;
    rig.kill();
    damage(&rig);
    // The mark may not have reached the disk.
    std::fs::remove_file(rig.world.path("signalbox-journal/MARK")).unwrap();
    rig.again().await;
    let told = "up to 10 events, perhaps never acknowledged, are lost";
    rig.router().logged(told).await;
    rig.router().logged(".corrupt").await;
    let lost = |status: &Status| {
        status.sinks["hook"].rejected.get("journal_unreadable") == Some(&10) && status.sums_close
    };
    rig.wait(lost).await;
}

#[tokio::test]
async fn a_frame_of_a_newer_version_stops_the_router_and_stays_as_it_is() {
    let mut rig = Rig::start_with(&pipeline("", "")).await;
    post_all(&rig.world.listen, &orders("n", 10)).await;
    rig.kill();
    let path = newest(&rig);
    let mut bytes = std::fs::read(&path).unwrap();
    // These bytes are the version, and the checksum of the head.
    bytes[4096 + 8] = 9;
    let checksum = twox_hash::XxHash3_64::oneshot(&bytes[4096..4096 + 70]);
    bytes[4096 + 70..4096 + 78].copy_from_slice(&checksum.to_le_bytes());
    std::fs::write(&path, &bytes).unwrap();
    let exit = Process::router(&rig.config(), &rig.world.variables())
        .exit()
        .await;
    assert_eq!(exit.code, Some(1), "{exit:?}");
    let name = path.file_name().unwrap().to_str().unwrap();
    let wanted = [
        name,
        "newer version of Signalbox (frame format 9",
        "use that version",
    ];
    assert!(wanted.iter().all(|part| exit.stderr.contains(part)), "{exit:?}");
    assert!(std::fs::read(&path).unwrap() == bytes);
}
