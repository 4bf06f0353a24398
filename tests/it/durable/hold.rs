//! Holds over reloads and restarts, through the real binary.

use signalbox_runtime::hold::HoldCause;
use signalbox_sandbox::SandboxConfig;

use super::{Rig, pipeline};
use crate::support::client::{get, post_all, try_send};
use crate::support::events::{ids, orders};
use crate::support::process::command;
use crate::support::world::{TOKEN, World};

/// The ways to ask for a reload.
#[derive(Debug, Clone, Copy)]
enum By {
    Signal,
    Watch,
    Address,
}

/// Starts a router whose sink `pinterest` is on hold, since its token is wrong.
async fn held(by: By) -> Rig {
    let sandbox = SandboxConfig {
        token: Some(TOKEN.to_owned()),
        ..SandboxConfig::default()
    };
    let rig = Rig {
        world: World::with(sandbox).await,
        router: None,
    };
    rig.write(&pipeline("", "").replace("${TOKEN}", "a-token-of-yesterday"));
    let config = rig.config();
    let mut arguments = vec!["run", "--config", config.to_str().unwrap()];
    if let By::Watch = by {
        arguments.push("--watch-config");
    }
    let router = rig
        .world
        .spawn(&mut command(&arguments, &rig.world.variables()))
        .await;
    router.status(&rig.world.admin, |status| status.ready).await;
    let rig = Rig {
        router: Some(router),
        ..rig
    };
    post_all(&rig.world.listen, &orders("h", 5)).await;
    let status = rig.wait(|status| status.sinks["pinterest"].held.is_some()).await;
    let hold = status.sinks["pinterest"].held.clone().unwrap();
    assert_eq!(
        (hold.cause, &*hold.code),
        (HoldCause::Destination, "unauthorized")
    );
    rig.router().logged("\"cause\":\"destination\"").await;
    rig
}

/// Reads a series of the sink `pinterest`.
async fn metric(rig: &Rig, name: &str, cause: &str) -> String {
    let text = get(&rig.world.admin, "/metrics").await.body;
    let series = format!("{name}{{cause=\"{cause}\",sink=\"pinterest\"}} ");
    let line = text.lines().find_map(|line| line.strip_prefix(&series));
    line.unwrap_or_else(|| panic!("no {series} in {text}")).to_owned()
}

async fn a_good_token_ends_the_hold(by: By) {
    let rig = held(by).await;
    assert_eq!(metric(&rig, "signalbox_sink_held", "destination").await, "1");
    let told = "the new configuration runs";
    let good = pipeline("", "");
    match by {
        By::Signal => {
            rig.write(&good);
            rig.reload(told).await;
        }
        By::Watch => {
            rig.write(&good);
            rig.router().logged(told).await;
        }
        By::Address => {
            rig.write(&good);
            let answer = try_send(&rig.world.admin, "POST", "/reload", &[("x-signalbox", "1")], b"").await;
            assert_eq!(answer.unwrap().status, 200);
        }
    }
    let status = rig.settled().await;
    let pinterest = &status.sinks["pinterest"];
    assert_eq!(
        (&pinterest.held, pinterest.delivered, pinterest.holds),
        (&None, 5, 1)
    );
    assert_eq!(metric(&rig, "signalbox_sink_held", "destination").await, "0");
    assert_eq!(
        metric(&rig, "signalbox_sink_holds_total", "destination").await,
        "1"
    );
    let told = rig.told(&["status"]).await;
    assert!(!told.contains("held"), "{told}");
}

#[tokio::test]
async fn a_reload_with_a_good_token_by_sighup() {
    a_good_token_ends_the_hold(By::Signal).await;
}

#[tokio::test]
async fn a_reload_with_a_good_token_by_watching_the_file() {
    a_good_token_ends_the_hold(By::Watch).await;
}

#[tokio::test]
async fn a_reload_with_a_good_token_by_the_admin_address() {
    a_good_token_ends_the_hold(By::Address).await;
}

#[tokio::test]
async fn an_operators_hold_outlasts_a_restart_and_ends_with_a_reload() {
    let on_hold = pipeline("", "hold = true");
    let mut rig = Rig::start_with(&on_hold).await;
    let events = orders("o", 6);
    post_all(&rig.world.listen, &events).await;
    let is_held = |status: &signalbox_admin::Status| {
        let pinterest = &status.sinks["pinterest"];
        let cause = pinterest.held.as_ref().map(|hold| hold.cause);
        let others = ["archive", "hook"].map(|name| status.sinks[name].delivered);
        cause == Some(HoldCause::Operator) && pinterest.pending == 6 && others == [6, 6]
    };
    rig.wait(is_held).await;
    assert_eq!(metric(&rig, "signalbox_sink_held", "operator").await, "1");
    // A router that stops leaves events that it may not deliver, and the next one may not either.
    rig.stop().await;
    rig.again().await;
    let pending = |status: &signalbox_admin::Status| {
        let pinterest = &status.sinks["pinterest"];
        pinterest.held.is_some() && pinterest.pending == 6
    };
    rig.wait(pending).await;
    assert!(rig.world.accepted().is_empty());
    rig.write(&pipeline("", ""));
    rig.reload("the new configuration runs").await;
    let status = rig.settled().await;
    assert_eq!(
        (
            &status.sinks["pinterest"].held,
            status.sinks["pinterest"].delivered
        ),
        (&None, 6)
    );
    assert_eq!(ids(&rig.world.accepted(), "event_id"), ids(&events, "messageId"));
}

#[tokio::test]
async fn only_the_holds_of_a_running_router_end_status_with_2() {
    let mut rig = Rig::start("hold = true").await;
    let status = rig.command(&["status"]).await;
    assert_eq!(status.code, Some(2), "{status:?}");
    rig.stop().await;
    let status = rig.command(&["status"]).await;
    assert_eq!(status.code, Some(0), "{status:?}");
}
