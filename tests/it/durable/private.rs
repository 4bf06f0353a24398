//! Files on disk: only the router's user may use them, under any umask.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};

use super::{Rig, pipeline};
use crate::support::client::post_all;
use crate::support::events::orders;
use crate::support::process::{Process, run};
use crate::support::world::World;

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().mode() & 0o777
}

/// Lists the files in the journal's folder, with their modes.
fn files(folder: &Path) -> Vec<(String, u32)> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries
        .map(|entry| (entry.file_name().into_string().unwrap(), mode(&entry.path())))
        .collect()
}

/// Starts a router with an umask that takes nothing away.
async fn open_handed(rig: &Rig) -> Process {
    let mut shell = Command::new("sh");
    shell
        .args(["-c", "umask 000; exec \"$0\" run --config \"$1\""])
        .arg(env!("CARGO_BIN_EXE_signalbox"))
        .arg(rig.config())
        .current_dir(rig.world.folder.path())
        .env_clear()
        .envs(rig.world.variables())
        .stdin(Stdio::null())
        .stderr(Stdio::piped());
    rig.world.spawn(&mut shell).await
}

#[tokio::test]
async fn the_journal_and_the_archive_are_for_their_owner_alone() {
    let world = World::new().await;
    let mut rig = Rig { world, router: None };
    rig.write(&pipeline("[journal]\npath = \"${FOLDER}/deep/journal\"\n", ""));
    rig.router = Some(open_handed(&rig).await);
    rig.wait(|status| status.ready).await;
    post_all(&rig.world.listen, &orders("p", 5)).await;
    rig.settled().await;
    let folder = rig.world.path("deep/journal");
    let running = files(&folder);
    rig.stop().await;
    // The router writes the ids at the end.
    let stopped = files(&folder);
    for kind in ["LOCK", "state.redb", "frames-"] {
        assert!(
            running.iter().any(|(name, _)| name.starts_with(kind)),
            "{running:?}"
        );
    }
    assert!(
        stopped.iter().any(|(name, _)| name.starts_with("ids-")),
        "{stopped:?}"
    );
    for (name, mode) in running.iter().chain(&stopped) {
        assert_eq!(*mode, 0o600, "{name} has mode {mode:o}");
    }
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&rig.world.path("archive.jsonl")), 0o600);
}

#[tokio::test]
async fn what_others_may_use_is_named_at_the_start() {
    let mut rig = Rig::start("").await;
    post_all(&rig.world.listen, &orders("p", 1)).await;
    rig.settled().await;
    rig.stop().await;
    let journal = rig.world.path("signalbox-journal");
    let (state, archive) = (journal.join("state.redb"), rig.world.path("archive.jsonl"));
    for (path, mode) in [(&journal, 0o755), (&state, 0o644), (&archive, 0o640)] {
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    }
    rig.again().await;
    let journal = Path::new("signalbox-journal");
    for (path, mode) in [
        (journal, "0755"),
        (&journal.join("state.redb"), "0644"),
        (&archive, "0640"),
    ] {
        let path = path.display();
        let told = format!(
            "{path}: others than its owner may use it (mode {mode}); shut them out with: chmod go= {path}"
        );
        rig.router().logged(&told).await;
        assert_eq!(rig.router().stderr().matches(&told).count(), 1);
    }
}

#[tokio::test]
async fn a_pipeline_file_may_hold_keys() {
    let world = World::new().await;
    let path = world.path("new.toml");
    let exit = run(&["init", path.to_str().unwrap()], &world.variables()).await;
    assert_eq!((exit.code, mode(&path)), (Some(0), 0o600), "{exit:?}");
}
