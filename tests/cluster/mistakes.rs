//! Mistakes of operators with a cluster, on one rig: files that lack a sink, a state that is overwritten, and a stream of
//! events that is deleted.

use std::time::{Duration, Instant};

use async_nats::jetstream::{self, Context};

use crate::rig::{Options, Rig, pinterest};
use crate::support::client::{get, post};
use crate::support::events::order;
use crate::support::process::Process;

/// Two sinks of one rate group.
const ADS: &str = "ads";
const WEB: &str = "web";
const TAKEOVER: Duration = Duration::from_secs(3);
/// The time within which an event is stored or refused, and some more.
const REFUSED: Duration = Duration::from_secs(16);

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_of_operators_are_told_with_their_remedies() {
    let options = Options {
        routers: 2,
        takeover: TAKEOVER,
        sinks: pinterest(ADS, "") + &sink(WEB),
        ..Options::default()
    };
    let Some(mut rig) = Rig::start(options).await else {
        return;
    };
    let client = async_nats::connect(rig.servers.urls()).await.unwrap();
    let servers = jetstream::new(client);
    files_lack_a_sink(&mut rig).await;
    a_state_is_overwritten(&rig, &servers).await;
    the_events_are_deleted(&mut rig, &servers).await;
    for router in &rig.routers {
        assert!(!router.log().contains("panicked"), "{}", router.log());
    }
}

/// A sink of the first one's rate group.
fn sink(name: &str) -> String {
    pinterest(name, "").replace(
        &format!("rate_group = \"{name}\""),
        &format!("rate_group = \"{ADS}\""),
    )
}

async fn files_lack_a_sink(rig: &mut Rig) {
    let (lacks, has) = (0, 1);
    rig.routers[has].stop().await;
    restart(rig, lacks, |text| text.replace(&sink(WEB), "")).await;
    assert_eq!(rig.owner(ADS).await, lacks);
    // The router that has both sinks gets their group.
    rig.routers[has].launch();
    rig.routers[has].running().await;
    drives(rig, has).await;

    // If each lacks a sink that the other one has, nobody drives one of them.
    restart(rig, lacks, |text| text + &sink("app")).await;
    rig.wait(30, "a warning in /ready", async |rig| {
        for router in &rig.routers {
            let ready = get(&router.admin, "/ready").await;
            if ready.body.contains("(driver_lacks_sink): router-") {
                assert_eq!(ready.status, 200);
                let status = router.status().await?;
                let mut notes = status.sinks.values().flat_map(|sink| &sink.notes);
                return notes
                    .any(|note| note.contains("give all routers the same file"))
                    .then_some(());
            }
        }
        None
    })
    .await;
    restart(rig, lacks, |text| text.replace(&sink("app"), &sink(WEB))).await;
}

/// Restarts a router with another file.
async fn restart(rig: &mut Rig, at: usize, change: impl FnOnce(String) -> String) {
    rig.routers[at].stop().await;
    rig.routers[at].change_file(change);
    rig.routers[at].launch();
    rig.routers[at].running().await;
}

/// Waits until a router drives both sinks.
async fn drives(rig: &Rig, at: usize) {
    rig.wait(30, "the router that has both sinks to drive them", async |rig| {
        let status = rig.routers[at].status().await?;
        let mut both = [ADS, WEB].into_iter().map(|sink| &status.sinks[sink]);
        both.all(|sink| !sink.elsewhere).then_some(())
    })
    .await;
}

async fn a_state_is_overwritten(rig: &Rig, servers: &Context) {
    accepted(rig, "before").await;
    rig.settled(30).await;
    let written = servers.publish("sbx.st.sink.web", "no state".into());
    written.await.unwrap().await.unwrap();
    let router = &rig.routers[0];
    rig.wait(30, "the hold", async |_| {
        let status = router.status().await?;
        let held = status.sinks[WEB].held.clone()?;
        (held.code == "state_unreadable").then_some(())
    })
    .await;
    accepted(rig, "given up").await;
    let exit = Process::spawn(&mut router.command(&["forget", "--sink", WEB, "--yes"]))
        .exit()
        .await;
    assert!(
        exit.code == Some(0) && exit.stdout.contains("web: its state is given up"),
        "{exit:?}"
    );
    accepted(rig, "after").await;
    for (sink, delivered) in [(ADS, 3), (WEB, 1)] {
        rig.wait(60, sink, async |rig| {
            let status = rig.routers[0].status().await?;
            let sink = &status.sinks[sink];
            (sink.delivered == delivered && sink.pending == 0 && sink.held.is_none()).then_some(())
        })
        .await;
    }
}

async fn the_events_are_deleted(rig: &mut Rig, servers: &Context) {
    rig.settled(30).await;
    servers.delete_stream("sbx_EV").await.unwrap();
    let began = Instant::now();
    refused(rig, "gone").await;
    for at in 0..rig.routers.len() {
        let admin = rig.routers[at].admin.clone();
        let why = rig
            .wait(60, "/ready to name the stream", async |_| {
                let ready = get(&admin, "/ready").await;
                (ready.status == 503 && ready.body.contains("sbx_EV")).then_some(ready.body)
            })
            .await;
        assert!(
            why.contains("the stream 'sbx_EV' was deleted") && why.contains("restart the router"),
            "{why}"
        );
        let status = rig.routers[at].status().await.unwrap();
        assert!(!status.ready && status.not_ready.is_some_and(|told| why.contains(&told)));
        let log = rig.routers[at].log();
        assert!(log.contains("the journal takes no events in: the stream 'sbx_EV' was deleted"));
    }
    println!("/ready names the deleted stream after {:?}", began.elapsed());
    let began = Instant::now();
    refused(rig, "gone").await;
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());

    for at in 0..rig.routers.len() {
        rig.routers[at].stop().await;
    }
    rig.routers[0].launch();
    rig.routers[0].running().await;
    assert!(rig.routers[0].log().contains("the stream 'sbx_EV' is gone"));
    rig.routers[1].launch();
    rig.routers[1].running().await;
    accepted(rig, "gone").await;
    for (sink, delivered) in [(ADS, 4), (WEB, 2)] {
        rig.wait(60, sink, async |rig| {
            let status = rig.routers[1].status().await?;
            (status.sinks[sink].delivered == delivered).then_some(())
        })
        .await;
    }
}

/// Sends an event to the first router, which stores it.
async fn accepted(rig: &Rig, id: &str) {
    let answer = post(&rig.routers[0].listen, "/v1/track", &order(id).to_string()).await;
    assert_eq!(answer.status, 200, "{id}: {answer:?}");
}

/// Sends an event to each router, which refuses it.
async fn refused(rig: &Rig, id: &str) {
    for router in &rig.routers {
        let began = Instant::now();
        let answer = post(&router.listen, "/v1/track", &order(id).to_string()).await;
        assert!(
            answer.status == 503 && answer.body.contains("\"journal_unwritable\""),
            "{answer:?}"
        );
        assert!(answer.header("retry-after").is_some(), "{answer:?}");
        assert!(began.elapsed() < REFUSED, "{:?}", began.elapsed());
    }
}
