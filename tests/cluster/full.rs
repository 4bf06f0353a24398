//! The stream of events is full while the destination is down: clients are refused, and all goes on by itself afterwards.

use std::time::Duration;

use signalbox_sandbox::{Faults, Unavailable};

use crate::clients::{Clients, Sending};
use crate::events::is_order;
use crate::kinds::KINDS;
use crate::rig::{Options, Rig, pinterest};

#[tokio::test(flavor = "multi_thread")]
async fn a_full_stream_refuses_and_goes_on_by_itself() {
    let options = Options {
        routers: 2,
        max_bytes: "5MB",
        takeover: Duration::from_secs(10),
        sinks: pinterest("pinterest", "calls_per_minute = 5000"),
    };
    let Some(rig) = Rig::start(options).await else {
        return;
    };
    rig.sandbox.set_faults(Faults {
        unavailable: Some(Unavailable::always()),
        ..Faults::default()
    });
    let clients = Clients::start(Sending {
        to: rig.listen(),
        per_second: 4_000,
        batch: 100,
        to_all: false,
    });
    rig.wait(60, "a refusal", async |rig| {
        for router in &rig.routers {
            let status = router.status().await?;
            if status.sources["shop"].refused.contains_key("journal_full") {
                return Some(());
            }
        }
        None
    })
    .await;
    let full = clients.book();
    rig.sandbox.set_faults(Faults::default());
    let before = full.acknowledged.len();
    rig.wait(60, "the journal to take events again", async |_| {
        (clients.book().acknowledged.len() > before + 1_000).then_some(())
    })
    .await;
    let book = clients.stop().await;
    println!("when it was full: {}\nin the end: {}", full.told(), book.told());
    rig.settled(120).await;
    let mut tally = KINDS[0].tally(&rig.capture());
    tally.catch_up();
    let lost: Vec<u64> = book
        .acknowledged
        .into_iter()
        .filter(|number| is_order(*number) && !tally.has(*number))
        .collect();
    assert!(lost.is_empty(), "acknowledged and nowhere: {lost:?}");
}
