//! The files of two routers put a sink into different rate groups: one of them drives it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::clients::{Clients, Sending};
use crate::events::is_order;
use crate::rig::{Options, Rig, pinterest};
use crate::rolling::more;

const SINK: &str = "pinterest";
const TAKEOVER: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread")]
async fn a_sink_of_different_rate_groups_in_two_files_has_one_driver() {
    let options = Options {
        routers: 2,
        takeover: TAKEOVER,
        sinks: pinterest(SINK, "calls_per_minute = 5000"),
        ..Options::default()
    };
    let Some(mut rig) = Rig::start(options).await else {
        return;
    };
    let clients = Clients::start(Sending {
        to: rig.listen(),
        per_second: 100,
        batch: 1,
        to_all: false,
    });
    let driver = rig.owner(SINK).await;
    let other = 1 - driver;
    rig.routers[other].stop().await;
    rig.routers[other]
        .change_file(|text| text.replace(&format!("rate_group = \"{SINK}\""), "rate_group = \"another\""));
    rig.routers[other].launch();
    rig.routers[other].running().await;
    waits(&rig, other).await;
    let both = Instant::now();
    more(&rig, &clients).await;
    assert_eq!(rig.routers[other].relay.first_after(both), None);

    // The lease of the other group is not enough until the driver is gone.
    rig.routers[driver].kill();
    let killed = Instant::now();
    let first = rig
        .wait(30, "calls of the other router", async |rig| {
            rig.routers[other].relay.first_after(killed)
        })
        .await;
    let last = rig.routers[driver].relay.last().unwrap();
    println!(
        "the other router calls {:?} after the last call of the killed one",
        first - last
    );
    rig.routers[driver].launch();
    rig.routers[driver].running().await;
    waits(&rig, driver).await;
    let both = Instant::now();
    more(&rig, &clients).await;
    assert_eq!(rig.routers[driver].relay.first_after(both), None);
    let book = clients.stop().await;
    rig.settled(60).await;
    let calls = rig.routers.iter().flat_map(|router| router.relay.calls());
    let sent: BTreeSet<u64> = calls.flat_map(|call| call.events).collect();
    let lost: Vec<u64> = book
        .acknowledged
        .into_iter()
        .filter(|number| is_order(*number) && !sent.contains(number))
        .collect();
    assert!(lost.is_empty(), "acknowledged and never sent: {lost:?}");
}

/// Waits until the status of each router says that this one does not drive the sink, and why.
async fn waits(rig: &Rig, at: usize) {
    let name = &rig.routers[at].node;
    rig.wait(30, "the word of the router that waits", async |rig| {
        for router in &rig.routers {
            let status = router.status().await?;
            let node = status.nodes.iter().find(|node| node.name == *name)?;
            if node.rate_group_differs != [SINK] {
                return None;
            }
        }
        let status = rig.routers[at].status().await?;
        let driven_by = status.sinks[SINK].driven_by.clone();
        (driven_by.as_ref() == Some(&rig.routers[1 - at].node)).then_some(())
    })
    .await;
}
