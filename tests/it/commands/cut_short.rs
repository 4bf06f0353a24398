//! A second signal, and values from files that are not regular ones.

use std::process::Command;

use signalbox_sandbox::{Faults, Slow};

use crate::support::client::post_all;
use crate::support::events::{ids, orders};
use crate::support::process::run;
use crate::support::world::{World, shop};

const ADMIN: &str = "[admin]\nlisten = \"${ADMIN}\"\n";

#[tokio::test]
async fn a_second_signal_that_cuts_deliveries_short_is_no_success() {
    let world = World::new().await;
    let slow = Slow {
        delay_ms: 60_000,
        ..Slow::always()
    };
    world.sandbox.set_faults(Faults {
        slow: Some(slow),
        ..Faults::default()
    });
    let events = orders("s", 3);
    let config = world.write("p.toml", &shop(ADMIN, "", "timeout = \"90s\""));
    let process = world.router(&config).await;
    process.status(&world.admin, |status| status.ready).await;
    post_all(&world.listen, &events).await;
    process
        .status(&world.admin, |status| {
            let others = ["archive", "hook"]
                .iter()
                .all(|name| status.sinks[*name].delivered == 3);
            others && status.sinks["pinterest"].requests.in_flight > 0
        })
        .await;
    process.signal("TERM");
    process.logged("SIGTERM: stopping").await;
    process.signal("TERM");
    let exit = process.exit().await;
    assert_eq!(exit.code, Some(1), "{exit:?}");
    assert!(
        exit.stderr.contains("cut short with 3 deliveries to make"),
        "{exit:?}"
    );
    // The deliveries are still where the log says.
    world.sandbox.set_faults(Faults::default());
    let process = world.router(&config).await;
    process
        .status(&world.admin, |status| status.sinks["pinterest"].delivered == 3)
        .await;
    assert_eq!(ids(&world.accepted(), "event_id"), ids(&events, "messageId"));
    process.signal("TERM");
    assert_eq!(process.exit().await.code, Some(0));
}

#[tokio::test]
async fn a_value_comes_from_a_regular_file_only() {
    let world = World::new().await;
    let pipe = world.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let folder = world.path("");
    let cases = [
        (pipe.display().to_string(), "it is a named pipe"),
        ("/dev/zero".to_owned(), "it is a device"),
        (folder.display().to_string(), "it is a folder"),
    ];
    for (path, told) in cases {
        let text = shop("", "", "").replace("${TOKEN}", &format!("${{file:{path}}}"));
        let config = world.write("p.toml", &text);
        for command in ["validate", "run"] {
            let arguments = [command, "--config", config.to_str().unwrap()];
            let exit = run(&arguments, &world.variables()).await;
            assert_eq!(exit.code, Some(3), "{exit:?}");
            for part in [
                "sinks.pinterest.conversion_token: ",
                &format!("{told}, not a regular file"),
                "help: name a regular file",
            ] {
                assert!(exit.stderr.contains(part), "{part:?} in {}", exit.stderr);
            }
        }
    }
}
