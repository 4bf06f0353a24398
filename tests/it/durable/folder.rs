//! The journal's folder: one router at a time, and errors for a folder that cannot be used.

use super::{Rig, pipeline};
use crate::support::client::post_all;
use crate::support::events::orders;
use crate::support::process::{Process, command, run};
use crate::support::world::World;

#[tokio::test]
async fn a_second_router_is_told_of_the_first() {
    let rig = Rig::start("").await;
    let mut variables = rig.world.variables();
    for (name, value) in &mut variables {
        if name == "LISTEN" || name == "ADMIN" {
            *value = "127.0.0.1:0".to_owned();
        }
    }
    let config = rig.config();
    let config = config.to_str().unwrap();
    let second = Process::spawn(&mut command(&["run", "--config", config], &variables))
        .exit()
        .await;
    assert_eq!(second.code, Some(1), "{second:?}");
    let pid = rig.router().id();
    for told in [
        &format!("in use by process {pid}"),
        "signalbox-journal",
        "One router at a time",
    ] {
        assert!(second.stderr.contains(told), "{told}: {second:?}");
    }
    // Commands that find no admin address do not get at the files either.
    let status = run(&["status", "--config", config], &variables).await;
    assert_eq!(status.code, Some(1), "{status:?}");
    assert!(status.stderr.contains("in use by process"), "{status:?}");
    // The first goes on.
    post_all(&rig.world.listen, &orders("f", 2)).await;
    rig.settled().await;
    assert_eq!(rig.world.accepted().len(), 2);
}

#[tokio::test]
async fn a_folder_that_cannot_be_used() {
    let world = World::new().await;
    world.write("file", "");
    for (path, told) in [
        ("${FOLDER}/file", "a file is in the way"),
        ("${FOLDER}/file/below", "a file is in the way"),
        ("/proc/signalbox-journal", "check journal.path"),
    ] {
        let top = format!("[journal]\npath = \"{path}\"\n");
        let config = world.write("p.toml", &pipeline(&top, ""));
        let exit = Process::router(&config, &world.variables()).exit().await;
        assert_eq!(exit.code, Some(1), "{exit:?}");
        assert!(exit.stderr.contains(told), "{told}: {exit:?}");
        let named = path.replace("${FOLDER}", world.folder.path().to_str().unwrap());
        assert!(exit.stderr.contains(&named), "{named}: {exit:?}");
    }
}

#[tokio::test]
async fn a_missing_folder_is_made() {
    let mut rig = Rig::start_with(&pipeline("[journal]\npath = \"${FOLDER}/a/b/journal\"\n", "")).await;
    post_all(&rig.world.listen, &orders("m", 1)).await;
    rig.settled().await;
    rig.stop().await;
    assert!(rig.world.path("a/b/journal").is_dir());
    assert_eq!(rig.asked().await.sinks["pinterest"].delivered, 1);
}
