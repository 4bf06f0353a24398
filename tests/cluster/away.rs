//! Two of three servers are gone: the router says so, sends nothing, and goes on by itself afterwards.

use std::time::{Duration, Instant};

use crate::rig::{Options, Rig, pinterest};
use crate::support::client::{get, post};
use crate::support::events::order;

const SINK: &str = "pinterest";
/// Time after which an event that the servers do not take is refused.
const REFUSED: Duration = Duration::from_secs(8);

#[tokio::test(flavor = "multi_thread")]
async fn without_a_majority_of_the_servers_events_are_refused_and_nothing_is_sent() {
    let options = Options {
        routers: 1,
        takeover: Duration::from_secs(5),
        sinks: pinterest(SINK, ""),
        ..Options::default()
    };
    let Some(mut rig) = Rig::start(options).await else {
        return;
    };
    rig.owner(SINK).await;
    let listen = rig.listen().remove(0);
    let send = async |id: &str| post(&listen, "/v1/track", &order(id).to_string()).await;
    assert_eq!(send("before").await.status, 200);
    rig.settled(30).await;
    rig.servers.kill(0);
    rig.servers.kill(1);
    let began = Instant::now();
    let refused = send("meanwhile").await;
    let waited = began.elapsed();
    assert!(
        refused.status == 503 && refused.body.contains("\"journal_unwritable\""),
        "{refused:?}"
    );
    assert!(refused.header("retry-after").is_some(), "{refused:?}");
    assert!(waited >= REFUSED && waited < REFUSED * 2, "{waited:?}");
    let admin = rig.routers[0].admin.clone();
    let why = rig
        .wait(30, "/ready to say so", async |_| {
            let ready = get(&admin, "/ready").await;
            (ready.status == 503).then_some(ready.body)
        })
        .await;
    assert!(why.contains("NATS servers"), "{why}");
    // A restart would help nothing.
    assert_eq!(get(&admin, "/live").await.status, 200);
    rig.wait(30, "the end of the lease", async |rig| {
        let status = rig.routers[0].status().await?;
        let sink = &status.sinks[SINK];
        (sink.elsewhere && sink.driven_by.is_none() && sink.held.is_none()).then_some(())
    })
    .await;
    rig.servers.launch(0);
    rig.servers.launch(1);
    rig.wait(60, "/ready", async |_| {
        (get(&admin, "/ready").await.status == 200).then_some(())
    })
    .await;
    // As the SDK does.
    assert_eq!(send("meanwhile").await.status, 200);
    rig.wait(60, "the delivery", async |rig| {
        let status = rig.routers[0].status().await?;
        (status.sinks[SINK].delivered == 2).then_some(())
    })
    .await;
    assert_eq!(rig.routers[0].relay.calls().len(), 2);
}
