//! The stream of events is full while the destination is down: clients are refused, and all goes on by itself afterwards.

use signalbox_sandbox::{Faults, Unavailable};

use crate::clients::{Clients, Sending};
use crate::rig::{Options, Rig};

#[tokio::test(flavor = "multi_thread")]
async fn a_full_stream_refuses_and_goes_on_by_itself() {
    let options = Options {
        routers: 2,
        max_bytes: "5MB",
        ..Options::default()
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
        per_second: 1_000,
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
    rig.nothing_is_lost(&book);
}
