//! Messages of a running router to a webhook: a hold, a reload that names another webhook, and the end of the process.

use std::time::{Duration, Instant};

use serde_json::Value;
use signalbox_sandbox::Faults;
use signalbox_testkit::{Act, Server};

use super::{ADMIN, router};
use crate::support::client::post;
use crate::support::events::order;
use crate::support::world::{World, shop};

fn pipeline(webhook: &Server) -> String {
    let alerts = format!("{ADMIN}[alerts]\nwebhook = \"{}/messages\"\n", webhook.url());
    shop(&alerts, "", "")
}

/// Waits for a message and returns it.
async fn message(webhook: &Server) -> Value {
    let reached = tokio::time::timeout(Duration::from_secs(60), webhook.reached());
    reached.await.expect("a message within a minute");
    serde_json::from_slice(&webhook.seen()[0].body).unwrap()
}

#[tokio::test]
async fn a_hold_is_reported_and_a_reload_and_the_end_do_not_wait() {
    let world = World::new().await;
    let (first, second) = (
        Server::start(Act::reply(200, "ok")).await,
        Server::start(Act::Silence).await,
    );
    world.sandbox.set_faults(Faults {
        unauthorized: true,
        ..Faults::default()
    });
    let process = router(&world, &pipeline(&first)).await;
    post(&world.listen, "/v1/track", &order("held").to_string()).await;
    let begun = message(&first).await;
    let parts = ["alert", "component", "state", "severity"].map(|part| &begun[part]);
    assert_eq!(parts, ["held", "pinterest", "begun", "critical"], "{begun}");

    world.write("p.toml", &pipeline(&second));
    process.signal("HUP");
    process.logged("the new configuration runs").await;
    world.sandbox.set_faults(Faults::default());
    let ended = message(&second).await;
    assert_eq!(
        (&ended["alert"], &ended["state"]),
        (&"held".into(), &"ended".into())
    );
    assert_eq!(first.seen().len(), 1);

    let asked = Instant::now();
    process.signal("TERM");
    let exit = process.exit().await;
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    // The silent webhook may take ten seconds for its answer.
    assert!(asked.elapsed() < Duration::from_secs(9), "{:?}", asked.elapsed());
}
