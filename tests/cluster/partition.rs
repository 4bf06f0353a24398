//! The server that leads the stream of events is cut off from the other servers, both ways or one, while clients and routers
//! still reach it. A leader that is heard but does not hear disturbs the elections of the others, so that events may be refused
//! for as long as that lasts.

use std::time::{Duration, Instant};

use crate::clients::{Clients, Sending};
use crate::disk::current;
use crate::long_only;
use crate::rig::{Options, Rig};
use crate::rolling::more;

/// The ways that are cut: from the leader, and to it.
const CUTS: [(bool, bool); 3] = [(true, true), (true, false), (false, true)];

/// Time for which a leader does not hear the others.
const DEAF: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_without_its_followers_loses_nothing() {
    if !long_only() {
        return;
    }
    let linked = true;
    let Some(rig) = Rig::start(Options {
        linked,
        ..Options::default()
    })
    .await
    else {
        return;
    };
    let clients = Clients::start(Sending {
        to: rig.listen(),
        per_second: 100,
        batch: 2,
        to_all: true,
    });
    for (from, to) in CUTS {
        more(&rig, &clients).await;
        let leader = rig.servers.wait_for_leader("sbx_EV").await;
        let began = Instant::now();
        cut(&rig, leader, from, to);
        if from {
            more(&rig, &clients).await;
            println!(
                "cut (from the leader: {from}, to it: {to}): a hundred further events after {:.1?}",
                began.elapsed()
            );
            more(&rig, &clients).await;
        } else {
            let before = clients.book().acknowledged.len();
            tokio::time::sleep(DEAF).await;
            println!(
                "a leader that does not hear: {} further events in {DEAF:?}",
                clients.book().acknowledged.len() - before
            );
        }
        cut(&rig, leader, false, false);
        rig.wait(60, "the servers to be together again", async |rig| {
            current(&rig.servers).await
        })
        .await;
    }
    let book = clients.stop().await;
    println!("{}", book.told());
    rig.settled(120).await;
    rig.nothing_is_lost(&book);
}

/// Cuts or mends the ways from a server to the others, and those to it.
fn cut(rig: &Rig, server: usize, from: bool, to: bool) {
    for other in (0..rig.servers.len()).filter(|other| *other != server) {
        rig.servers.cut(server, other, from);
        rig.servers.cut(other, server, to);
    }
}
