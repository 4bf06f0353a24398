//! Starts that are killed at any moment, on events with and without their state.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use signalbox_testkit::Act;

use super::{Rig, pipeline};
use crate::support::client::post_all;
use crate::support::events::orders;
use crate::support::process::{Exit, Process};
use crate::support::until;

const EVENTS: usize = 60;
/// The latest moment at which a start is killed.
const FIRST: Duration = Duration::from_secs(1);

/// The time by which each start is killed later than the one before: 100 ms, or as `UNCLEAN_STEP_MS` says.
fn step() -> Duration {
    let millis = std::env::var("UNCLEAN_STEP_MS").ok();
    Duration::from_millis(millis.map_or(100, |millis| millis.parse().unwrap()))
}

fn copy(from: &Path, to: &Path) {
    let _ = std::fs::remove_dir_all(to);
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

/// Prepares events that the webhook has not got yet, and no router.
async fn pending() -> Rig {
    let mut rig = Rig::start_with(&pipeline("", "")).await;
    rig.world.hook.act(Act::reply(503, ""));
    post_all(&rig.world.listen, &orders("u", EVENTS)).await;
    rig.wait(|status| status.sinks["archive"].delivered == EVENTS as u64)
        .await;
    rig.kill();
    rig.world.hook.act(Act::reply(200, ""));
    rig
}

/// Waits until the webhook has got all events.
async fn all_came(rig: &Rig, told: &str) {
    let wanted: BTreeSet<String> = (0..EVENTS).map(|n| format!("u-{n}")).collect();
    let came = || async {
        let hooked = rig.world.hooked();
        let ids = hooked.iter().filter_map(|event| event["messageId"].as_str());
        (ids.map(str::to_owned).collect::<BTreeSet<_>>() == wanted).then_some(())
    };
    until(came, || format!("{told}: {}", rig.router().stderr())).await;
    let status = rig.settled().await;
    assert!(status.sums_close, "{told}: {status:#?}");
}

/// The folder of the starts.
#[derive(Clone, Copy, PartialEq)]
enum Base {
    /// One with a state.
    State,
    /// One whose state is lost.
    NoState,
    /// One in plain with a state, which gets a key.
    FirstKey,
}

/// The pipeline file with a key.
fn sealed() -> String {
    pipeline("[journal]\nkey = \"${JOURNAL_KEY}\"\n", "")
}

/// Kills starts on copies of one folder, and expects the next start to deliver everything.
async fn killed_at_any_moment(of: Base) {
    let mut rig = pending().await;
    let (journal, base) = (rig.world.path("signalbox-journal"), rig.world.path("base"));
    copy(&journal, &base);
    match of {
        Base::State => {}
        Base::NoState => std::fs::remove_file(base.join("state.redb")).unwrap(),
        Base::FirstKey => rig.write(&sealed()),
    }
    let mut after = Duration::ZERO;
    while after <= FIRST {
        copy(&base, &journal);
        rig.world.hook.forget();
        let first = rig.world.router(&rig.config()).await;
        // There is no condition to wait for: the test is about the moment.
        tokio::time::sleep(after).await;
        drop(first);
        rig.again().await;
        all_came(&rig, &format!("killed after {after:?}")).await;
        let sealing = rig.settled().await.journal.seal.unwrap_or_default();
        assert_eq!(sealing.sealed, of == Base::FirstKey, "{sealing:?}");
        rig.kill();
        after += step();
    }
}

#[tokio::test]
async fn with_a_state() {
    killed_at_any_moment(Base::State).await;
}

#[tokio::test]
async fn without_a_state() {
    killed_at_any_moment(Base::NoState).await;
}

#[tokio::test]
async fn with_a_first_key() {
    killed_at_any_moment(Base::FirstKey).await;
}

#[tokio::test]
async fn without_a_state_and_without_room_for_one() {
    let mut rig = pending().await;
    let state = rig.world.path("signalbox-journal/state.redb");
    std::fs::remove_file(&state).unwrap();
    let exit = without_room(&rig).await;
    assert!(exit.stderr.contains("state.draft"), "{exit:?}");
    assert!(!state.exists());
    rig.again().await;
    all_came(&rig, "after a start without room").await;
}

#[tokio::test]
async fn with_a_first_key_and_without_room_for_a_sealed_state() {
    let mut rig = pending().await;
    let state = rig.world.path("signalbox-journal/state.redb");
    let before = std::fs::read(&state).unwrap();
    rig.write(&sealed());
    let exit = without_room(&rig).await;
    assert!(
        exit.stderr.contains("the state is in plain and stays as it is"),
        "{exit:?}"
    );
    assert!(before == std::fs::read(&state).unwrap());
    rig.again().await;
    all_came(&rig, "after a start without room").await;
}

/// Starts a router that cannot write more than a few blocks to a file; returns its end.
async fn without_room(rig: &Rig) -> Exit {
    // The limit is in blocks of 512 bytes by POSIX, 1024 in some shells: 8 or 16 KiB. With the signal ignored, writing
    // fails with an error.
    let run = "trap '' XFSZ; ulimit -f 16; exec \"$0\" run --config \"$1\"";
    let config = rig.config();
    let program = env!("CARGO_BIN_EXE_signalbox");
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", run]).arg(program).arg(config);
    limited
        .env_clear()
        .envs(rig.world.variables())
        .current_dir(rig.world.folder.path());
    limited
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let exit = Process::spawn(&mut limited).exit().await;
    assert_eq!(exit.code, Some(1), "{exit:?}");
    exit
}
