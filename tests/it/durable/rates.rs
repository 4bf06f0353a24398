//! The limit of an ad account over restarts, reloads and several sinks.

use std::time::{Duration, Instant};

use super::{Rig, pipeline};
use crate::support::client::{post_all, try_send};
use crate::support::events::{ids, orders};
use crate::support::until;

/// Settings that allow six calls at once, then one every 1.1 seconds.
const SLOW: &str = "calls_per_minute = 60\nbatch.max_events = 1";
const BURST: u64 = 6;
const EVERY: Duration = Duration::from_millis(1_090);

/// The most calls that the limit allows in the time since the first start.
fn allowed(since: Instant) -> u64 {
    BURST + (since.elapsed().as_millis() / EVERY.as_millis()) as u64
}

/// Waits until Pinterest has got this many calls.
async fn calls(rig: &Rig, wanted: u64) -> u64 {
    let counted = || async { Some(rig.world.sandbox.counts().requests).filter(|calls| *calls >= wanted) };
    until(counted, || format!("{wanted} calls: {}", rig.router().stderr())).await
}

#[tokio::test]
async fn starts_in_a_row_stay_within_the_limit() {
    let began = Instant::now();
    let mut rig = Rig::start(SLOW).await;
    post_all(&rig.world.listen, &orders("r", 60)).await;
    // The journal is new, so there were no calls before.
    calls(&rig, BURST).await;
    for round in 0..4 {
        rig.kill();
        rig.again().await;
        // The router delivers, at the pace of the limit.
        let made = calls(&rig, rig.world.sandbox.counts().requests + 1).await;
        assert!(
            made <= allowed(began),
            "{made} calls in {:?}, round {round}",
            began.elapsed()
        );
    }
}

#[tokio::test]
async fn reloads_replays_and_retries_stay_within_the_limit() {
    let began = Instant::now();
    let rig = Rig::start(SLOW).await;
    post_all(&rig.world.listen, &orders("r", 60)).await;
    calls(&rig, BURST).await;
    for round in 0..4 {
        let wait = "batch.max_wait = \"20ms\"";
        let changed = pipeline("", SLOW).replace(wait, &wait.replace("20", &format!("2{}", round + 1)));
        rig.write(&changed);
        rig.reload("the new configuration runs").await;
        for path in [
            "/dead_letters/retry?sink=pinterest",
            "/replay?sink=pinterest&from=0",
        ] {
            let answer = try_send(&rig.world.admin, "POST", path, &[("x-signalbox", "1")], b"").await;
            assert_eq!(answer.unwrap().status, 200, "{path}");
        }
        let made = calls(&rig, rig.world.sandbox.counts().requests + 1).await;
        assert!(
            made <= allowed(began),
            "{made} calls in {:?}, round {round}",
            began.elapsed()
        );
    }
}

/// A second sink of the same ad account, with these settings.
fn second(settings: &str) -> String {
    format!(
        r#"
[sinks.second]
type = "pinterest_conversions"
inputs = ["shop"]
base_url = "${{PINTEREST}}"
ad_account_id = "549755885175"
conversion_token = "${{TOKEN}}"
test = true
{settings}
"#
    )
}

#[tokio::test]
async fn two_sinks_of_one_account_share_its_limit() {
    let began = Instant::now();
    let rig = Rig::start_with(&format!("{}{}", pipeline("", SLOW), second(SLOW))).await;
    let events = orders("r", 8);
    post_all(&rig.world.listen, &events).await;
    let made = calls(&rig, BURST).await;
    assert!(made <= allowed(began), "{made} calls in {:?}", began.elapsed());
    // Neither sink waits for the other to finish.
    let status = rig
        .wait(|status| {
            ["pinterest", "second"]
                .iter()
                .all(|name| status.sinks[*name].delivered >= 2)
        })
        .await;
    let made: u64 = ["pinterest", "second"]
        .iter()
        .map(|name| status.sinks[*name].requests.attempts)
        .sum();
    assert!(made <= allowed(began), "{made} calls in {:?}", began.elapsed());
    assert!(status.sinks["pinterest"].pending > 0 && status.sinks["second"].pending > 0);
}

#[tokio::test]
async fn accounts_apart_have_a_limit_each() {
    let other = second(SLOW).replace("549755885175", "549755885176");
    let rig = Rig::start_with(&format!("{}{other}", pipeline("", SLOW))).await;
    let events = orders("r", BURST as usize);
    post_all(&rig.world.listen, &events).await;
    let began = Instant::now();
    calls(&rig, 2 * BURST).await;
    assert!(began.elapsed() < 4 * EVERY, "{:?}", began.elapsed());
    assert_eq!(ids(&rig.world.accepted(), "event_id"), ids(&events, "messageId"));
}

#[tokio::test]
async fn validate_warns_of_limits_that_differ() {
    let mut rig = Rig::start("").await;
    rig.stop().await;
    rig.write(&format!(
        "{}{}",
        pipeline("", SLOW),
        second("calls_per_minute = 100")
    ));
    let exit = rig.command(&["validate"]).await;
    let told = format!("{}{}", exit.stdout, exit.stderr);
    assert_eq!(exit.code, Some(0), "{told}");
    assert!(
        told.contains("sinks.second.calls_per_minute: it shares its rate group with 'pinterest'")
            && told.contains("60 counts for both together"),
        "{told}"
    );
    let apart = second("calls_per_minute = 100\nrate_group = \"another\"");
    rig.write(&format!("{}{apart}", pipeline("", SLOW)));
    let exit = rig.command(&["validate"]).await;
    assert!(
        !format!("{}{}", exit.stdout, exit.stderr).contains("rate group"),
        "{exit:?}"
    );
}
