//! `run`: how it starts, stops, and what its exit codes mean.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::Value;
use signalbox_sandbox::{Faults, Slow};

use crate::support::client::{get, post, post_all, try_send};
use crate::support::events::{ids, order, orders};
use crate::support::process::{Process, command, run_with};
use crate::support::world::{World, shop};

const ADMIN: &str = "[admin]\nlisten = \"${ADMIN}\"\n";

async fn started(world: &World, top: &str, pinterest: &str) -> Process {
    let config = world.write("p.toml", &shop(&format!("{ADMIN}{top}"), "", pinterest));
    let process = world.router(&config).await;
    process.status(&world.admin, |status| status.ready).await;
    process
}

fn slow(delay_ms: u64) -> Faults {
    Faults {
        slow: Some(Slow {
            delay_ms,
            ..Slow::always()
        }),
        ..Faults::default()
    }
}

#[tokio::test]
async fn sigterm_drains() {
    let world = World::new().await;
    world.sandbox.set_faults(slow(300));
    // Batches that would wait for long: the drain does not.
    let process = started(&world, "", "batch.max_events = 10\nconcurrency = 1").await;
    let events = orders("t", 30);
    post_all(&world.listen, &events).await;
    process
        .status(&world.admin, |status| {
            status.sinks["pinterest"].requests.in_flight > 0
        })
        .await;
    process.signal("TERM");
    process.logged("SIGTERM: stopping").await;
    // The router takes in no more events and delivers those it has accepted.
    let exit = process.exit().await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    assert_eq!(ids(&world.accepted(), "event_id"), ids(&events, "messageId"));
    assert_eq!(world.hooked().len(), 30);
    assert!(
        exit.stderr
            .contains("everything was delivered or is accounted for"),
        "{exit:?}"
    );
    assert!(
        try_send(&world.listen, "POST", "/v1/track", &[], b"{}")
            .await
            .is_none()
    );
}

#[tokio::test]
async fn the_admin_address_stays_while_it_drains() {
    let world = World::new().await;
    world.sandbox.set_faults(slow(60_000));
    let process = started(&world, "[journal]\ntype = \"memory\"\n", "timeout = \"90s\"").await;
    assert_eq!(get(&world.admin, "/ready").await.status, 200);
    post_all(&world.listen, &orders("t", 3)).await;
    process
        .status(&world.admin, |status| {
            status.sinks["pinterest"].requests.in_flight > 0
        })
        .await;
    process.signal("TERM");
    let status = process.status(&world.admin, |status| !status.ready).await;
    assert_eq!(status.not_ready.as_deref(), Some("stopping"));
    assert_eq!(get(&world.admin, "/ready").await.status, 503);
    assert_eq!(get(&world.admin, "/health").await.status, 200);
    // A second signal gives up at once, and the log counts the deliveries that are left.
    process.signal("TERM");
    let exit = process.exit().await;
    assert_eq!(exit.code, Some(4), "{exit:?}");
    assert!(
        exit.stderr.contains("SIGTERM again: giving up at once"),
        "{exit:?}"
    );
    assert!(exit.stderr.contains("3 deliveries were not made"), "{exit:?}");
}

#[tokio::test]
async fn the_deadline_ends_a_drain() {
    let world = World::new().await;
    world.sandbox.set_faults(slow(60_000));
    for (journal, code, told) in [
        ("memory", 4, "3 deliveries were not made"),
        ("disk", 0, "3 deliveries are left"),
    ] {
        let top = format!("[shutdown]\ndeadline = \"300ms\"\n[journal]\ntype = \"{journal}\"\n");
        let process = started(&world, &top, "timeout = \"90s\"").await;
        post_all(&world.listen, &orders(journal, 3)).await;
        process
            .status(&world.admin, |status| status.sinks["hook"].delivered == 3)
            .await;
        process.signal("INT");
        let exit = process.exit().await;
        assert_eq!(exit.code, Some(code), "{exit:?}");
        assert!(
            exit.stderr.contains("SIGINT: stopping") && exit.stderr.contains(told),
            "{exit:?}"
        );
    }
    // The next start delivers the events that the disk kept, and no others.
    world.sandbox.set_faults(Faults::default());
    let process = started(&world, "", "").await;
    let status = process
        .status(&world.admin, |status| status.sinks["pinterest"].pending == 0)
        .await;
    assert_eq!(status.sinks["pinterest"].delivered, 3);
    assert_eq!(world.hooked().len(), 6);
}

#[tokio::test]
async fn an_interrupt_before_anything_happened() {
    let world = World::new().await;
    let process = started(&world, "", "").await;
    process.signal("INT");
    let exit = process.exit().await;
    assert_eq!((exit.code, exit.stdout.as_str()), (Some(0), ""), "{exit:?}");
    assert_eq!(world.sandbox.counts().requests, 0);
}

#[tokio::test]
async fn a_port_is_taken() {
    let world = World::new().await;
    for (variable, told) in [("LISTEN", "sources.shop: "), ("ADMIN", "admin: ")] {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap().to_string();
        let mut variables = world.variables();
        variables.retain(|(name, _)| name != variable);
        variables.push((variable.to_owned(), address.clone()));
        let config = world.write("p.toml", &shop(ADMIN, "", ""));
        let exit = Process::router(&config, &variables).exit().await;
        assert_eq!(exit.code, Some(1), "{exit:?}");
        let line = exit
            .stderr
            .lines()
            .find(|line| line.starts_with("signalbox: "))
            .unwrap_or_default();
        assert!(line.contains(told) && line.contains(&address), "{exit:?}");
    }
}

#[tokio::test]
async fn a_file_that_is_wrong_or_missing() {
    let world = World::new().await;
    let config = world.write("p.toml", "[sinks]\n");
    let exit = Process::router(&config, &[]).exit().await;
    assert_eq!((exit.code, exit.stdout.as_str()), (Some(3), ""), "{exit:?}");
    let exit = Process::router(&world.path("none.toml"), &[]).exit().await;
    assert_eq!(exit.code, Some(3), "{exit:?}");
    assert!(exit.stderr.contains("cannot be read"), "{exit:?}");
}

#[tokio::test]
async fn a_wrong_log_filter() {
    let exit = crate::support::process::run(&["plugins"], &[("SIGNALBOX_LOG".into(), "a=loud".into())]).await;
    assert_eq!(exit.code, Some(64));
    assert!(exit.stderr.contains("SIGNALBOX_LOG is no log filter"), "{exit:?}");
}

#[tokio::test]
async fn logs_are_json_unless_told_otherwise() {
    let world = World::new().await;
    let process = started(&world, "", "").await;
    process.signal("TERM");
    let exit = process.exit().await;
    let lines: Vec<Value> = exit
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(
        lines
            .iter()
            .any(|line| line["message"] == "running" && line["level"] == "INFO"),
        "{exit:?}"
    );
}

const PIPE: &str = "[sources.in]\ntype = \"file\"\npath = \"-\"\n[sinks.out]\ntype = \"file\"\ninputs = [\"in\"]\n\
                    path = \"${FOLDER}/archive.jsonl\"\nbatch.max_wait = \"1h\"\n";

#[tokio::test]
async fn a_pipeline_with_an_end_ends_by_itself() {
    let world = World::new().await;
    let config = world.write("p.toml", PIPE);
    let events = orders("f", 500);
    let mut input: String = events.iter().map(|event| format!("{event}\n")).collect();
    input.push_str("\n{\"type\":\"track\"}\nnonsense");
    let exit = run_with(
        &["run", "--config", config.to_str().unwrap()],
        &world.variables(),
        &input,
    )
    .await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    assert_eq!(ids(&world.archived(), "messageId"), ids(&events, "messageId"));
    // In the order of the input.
    assert_eq!(world.archived()[499]["messageId"], "f-499");
}

#[tokio::test]
async fn standard_input_that_never_ends_does_not_hold_up_the_end() {
    let world = World::new().await;
    let config = world.write("p.toml", &format!("{ADMIN}{PIPE}"));
    let mut command = command(&["run", "--config", config.to_str().unwrap()], &world.variables());
    let mut process = world.spawn(command.stdin(Stdio::piped())).await;
    let mut stdin = process.stdin();
    stdin
        .write_all(format!("{}\n", order("typed")).as_bytes())
        .unwrap();
    process
        .status(&world.admin, |status| status.sources["in"].journalled == 1)
        .await;
    process.signal("TERM");
    let exit = process.exit().await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    assert_eq!(ids(&world.archived(), "messageId"), ["typed"]);
}

#[tokio::test]
async fn a_source_that_cannot_open_its_file() {
    let world = World::new().await;
    let config = world.write(
        "p.toml",
        &PIPE.replace("path = \"-\"", "path = \"${FOLDER}/none.jsonl\""),
    );
    let exit = Process::router(&config, &world.variables()).exit().await;
    assert_eq!(exit.code, Some(1), "{exit:?}");
    assert!(
        exit.stderr.contains("sources.in: ") && exit.stderr.contains("none.jsonl"),
        "{exit:?}"
    );
}

#[tokio::test]
async fn a_full_journal_refuses_until_there_is_room() {
    let world = World::new().await;
    world.sandbox.set_faults(slow(60_000));
    let process = started(&world, "[journal]\nmax_bytes = \"40kB\"\n", "timeout = \"1s\"").await;
    let mut accepted = 0;
    let refused = loop {
        let answer = post(
            &world.listen,
            "/v1/track",
            &order(&format!("j-{accepted}")).to_string(),
        )
        .await;
        if answer.status != 200 {
            break answer;
        }
        accepted += 1;
        assert!(accepted < 1000, "the journal is never full");
    };
    assert_eq!(refused.status, 503, "{refused:?}");
    assert!(refused.header("retry-after").unwrap().parse::<u32>().unwrap() > 0);
    assert_eq!(refused.json()["code"], "journal_full");
    let status = process
        .status(&world.admin, |status| status.sources["shop"].unaccounted == 0)
        .await;
    assert_eq!(status.sources["shop"].refused["journal_full"], 1);
    assert_eq!(status.sources["shop"].journalled, accepted);

    // The client repeats its request.
    world.sandbox.set_faults(Faults::default());
    let again = order(&format!("j-{accepted}")).to_string();
    crate::support::until(
        || async { (post(&world.listen, "/v1/track", &again).await.status == 200).then_some(()) },
        || process.stderr(),
    )
    .await;
    process
        .status(&world.admin, |status| {
            status.sinks["pinterest"].delivered == accepted + 1
        })
        .await;
    process.signal("TERM");
    let exit = process.exit().await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    let mut ids = ids(&world.accepted(), "event_id");
    ids.dedup();
    assert_eq!(ids.len() as u64, accepted + 1);
}
