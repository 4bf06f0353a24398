//! Commands that ask before they act, when the operator at the terminal says no.

use std::fs::{File, OpenOptions};
use std::io::Write as _;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::{Rig, pipeline};
use crate::support::client::post_all;
use crate::support::events::orders;
use crate::support::process::{Exit, Process, command};

/// Runs a command at a terminal with this typed.
async fn typed(rig: &Rig, arguments: &[&str], keys: &str) -> Exit {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
    let terminal = OpenOptions::new().read(true).write(true).open(name).unwrap();
    let mut keyboard = File::from(master);
    keyboard.write_all(keys.as_bytes()).unwrap();
    let config = rig.config();
    let arguments = [arguments, &["--config", config.to_str().unwrap()]].concat();
    let exit = Process::spawn(command(&arguments, &rig.world.variables()).stdin(terminal))
        .exit()
        .await;
    drop(keyboard);
    exit
}

#[tokio::test]
async fn a_no_is_a_failure_and_changes_nothing() {
    let text = format!(
        "{}\n[[sinks.hook.mappings]]\nname = \"orders\"\nfields = {{ \"@path\" = \"$.nothing\" }}\n",
        pipeline("", "")
    );
    let rig = Rig::start_with(&text).await;
    post_all(&rig.world.listen, &orders("d", 2)).await;
    rig.settled().await;
    rig.has_letters("hook", 2).await;
    // The second is what Ctrl-D types.
    for no in ["n\n", "\u{4}", "\n"] {
        for arguments in [
            &["deadletters", "discard"][..],
            &["replay", "--sink", "hook", "--from", "0"],
        ] {
            let exit = typed(&rig, arguments, no).await;
            assert_eq!(exit.code, Some(1), "{arguments:?} {no:?}: {exit:?}");
            assert!(exit.stderr.contains("[y/N]"), "{arguments:?} {no:?}: {exit:?}");
        }
    }
    rig.has_letters("hook", 2).await;
    let exit = typed(&rig, &["deadletters", "discard"], "y\n").await;
    assert_eq!((exit.code, &*exit.stdout), (Some(0), "2 removed\n"), "{exit:?}");
}
