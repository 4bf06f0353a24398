//! Routers, then servers, are stopped in order and started again one after the other: clients notice nothing that a second
//! try does not mend.

use crate::clients::{Clients, Sending};
use crate::rig::{Options, Rig};

/// The longest that an answer may take, with the second try.
const LONGEST: u64 = 8_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_rolling_restart_fails_no_request() {
    let Some(mut rig) = Rig::start(Options::default()).await else {
        return;
    };
    let clients = Clients::start(Sending {
        to: rig.listen(),
        per_second: 100,
        batch: 2,
        to_all: false,
    });
    for at in 0..rig.routers.len() {
        more(&rig, &clients).await;
        rig.routers[at].stop().await;
        rig.routers[at].launch();
        rig.routers[at].running().await;
    }
    let routers = clients.book();
    for at in 0..rig.servers.len() {
        more(&rig, &clients).await;
        rig.servers.stop(at).await;
        rig.servers.start_again(at).await;
    }
    more(&rig, &clients).await;
    let book = clients.stop().await;
    println!(
        "after the routers: {}\nafter the servers: {}",
        routers.told(),
        book.told()
    );
    let longest = book.waits.iter().max().copied().unwrap_or_default();
    let failed = (routers.failed_twice, book.failed_twice);
    assert!(
        failed == (0, 0) && longest < LONGEST,
        "{failed:?} {longest} ms {}",
        rig.shown().await
    );
    rig.settled(60).await;
}

/// Waits until the routers have acknowledged further events.
pub(crate) async fn more(rig: &Rig, clients: &Clients) {
    let before = clients.book().acknowledged.len();
    rig.wait(30, "further events", async |_| {
        (clients.book().acknowledged.len() > before + 100).then_some(())
    })
    .await;
}
