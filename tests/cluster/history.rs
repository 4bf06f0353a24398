//! Each router keeps the history of what it delivered, and any of them answers for all; an erasure reaches all of them.

use std::time::Duration;

use serde_json::Value;

use crate::events::{PERSONAL, event, id};
use crate::rig::{Options, Rig, pinterest};
use crate::router::Router;
use crate::support::client::post_all;

const SINK: &str = "pinterest";

/// Orders of one stretch of the test.
const ORDERS: u64 = 9;

/// Sends orders from a number on to a router, and waits until all routers count this many as delivered.
async fn deliver(rig: &Rig, to: usize, first: u64) {
    let events: Vec<Value> = (first + 1..=first + ORDERS).map(event).collect();
    let before = delivered(&rig.routers[to]).await;
    post_all(&rig.routers[to].listen, &events).await;
    rig.wait(30, "the orders to be delivered", async |rig| {
        for router in &rig.routers {
            if router.status().await.is_some() && delivered(router).await < before + ORDERS {
                return None;
            }
        }
        Some(())
    })
    .await;
}

async fn delivered(router: &Router) -> u64 {
    router
        .status()
        .await
        .map_or(0, |status| status.sinks[SINK].delivered)
}

/// Runs a command that answers in JSON at a router.
async fn told(router: &Router, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = router.command(arguments);
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.unwrap().unwrap();
    let all = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(all).unwrap())
}

/// Counts the delivered records that a router reports.
async fn reported(router: &Router) -> u64 {
    let (code, told) = told(router, &["report", "--since", "1h", "--by", "outcome", "--json"]).await;
    assert_eq!(code, Some(0), "{told}");
    let sums = told
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let delivered = sums.filter(|sum| sum["outcome"] == "delivered");
    delivered.map(|sum| sum["records"].as_u64().unwrap()).sum()
}

async fn knows(router: &Router, number: u64) -> bool {
    let (code, told) = told(router, &["events", "--message-id", &id(number)]).await;
    assert!(matches!(code, Some(0 | 1)), "{told}");
    code == Some(0)
}

async fn erase(router: &Router, number: u64) -> String {
    let (code, told) = told(router, &["erase", "--yes", "--message-id", &id(number)]).await;
    assert_eq!(code, Some(0), "{told}\n{}", router.log());
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn any_router_answers_for_the_histories_of_all_and_erases_in_them() {
    let options = Options {
        routers: 2,
        takeover: Duration::from_secs(5),
        sinks: format!(
            "[history]\nevents = \"all\"\n{}",
            pinterest(SINK, "calls_per_minute = 5000")
        ),
        ..Options::default()
    };
    let Some(mut rig) = Rig::start(options).await else {
        return;
    };
    let first = rig.owner(SINK).await;
    let second = 1 - first;
    deliver(&rig, second, 0).await;
    // The other router delivers the next ones.
    rig.routers[first].stop().await;
    rig.owner(SINK).await;
    deliver(&rig, second, 10).await;
    rig.routers[first].launch();
    rig.running().await;
    rig.wait(30, "the routers to answer for each other", async |rig| {
        for router in &rig.routers {
            if reported(router).await < 2 * ORDERS {
                return None;
            }
        }
        Some(())
    })
    .await;
    for router in &rig.routers {
        assert_eq!(reported(router).await, 2 * ORDERS);
        assert!(knows(router, 1).await && knows(router, 11).await && !knows(router, 99).await);
        let (_, listed) = told(router, &["events", "--json", "--limit", "100"]).await;
        let places = listed.matches("@router-1\"").count() + listed.matches("@router-2\"").count();
        assert!(
            places >= 18 && listed.contains("@router-1\"") && listed.contains("@router-2\""),
            "{listed}"
        );
        assert!(PERSONAL.iter().all(|personal| !listed.contains(personal)));
    }

    // The first router delivered number 1; the second one erases it.
    let erased = erase(&rig.routers[second], 1).await;
    assert!(
        erased.contains("records of the history that lost their ids: 1\n"),
        "{erased}"
    );
    for router in &rig.routers {
        assert!(!knows(router, 1).await && knows(router, 2).await);
    }

    // An erasure while its router does not run.
    rig.routers[first].stop().await;
    rig.owner(SINK).await;
    erase(&rig.routers[second], 2).await;
    rig.routers[first].launch();
    rig.running().await;
    rig.wait(
        30,
        "the router to erase what was erased without it",
        async |rig| {
            let mut known = false;
            for router in &rig.routers {
                known |= knows(router, 2).await;
            }
            (!known).then_some(())
        },
    )
    .await;
    for router in &rig.routers {
        assert!(knows(router, 3).await);
        assert_eq!(reported(router).await, 2 * ORDERS, "numbers of nobody stay");
    }
}
