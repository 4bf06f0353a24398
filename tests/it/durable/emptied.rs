//! A state that is emptied, cut, filled with garbage or taken away at a random moment, while events come in.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;

use super::{Rig, pipeline};
use crate::support::client::{WRITE_KEY, basic, try_send};
use crate::support::events::orders;
use crate::support::until;

/// Events in a request.
const EACH: usize = 10;
/// Events acknowledged before the router is killed.
const SOME: usize = 100;

/// Posts until told to end, even while no router listens, and collects the acknowledged ids.
async fn post_on(listen: String, end: Arc<AtomicBool>, acknowledged: Arc<Mutex<BTreeSet<String>>>) {
    let key = basic(WRITE_KEY);
    let headers = [
        ("authorization", key.as_str()),
        ("content-type", "application/json"),
    ];
    let mut n = 0;
    while !end.load(Ordering::Relaxed) {
        let prefix = format!("e{n}");
        n += 1;
        let body = json!({ "batch": orders(&prefix, EACH) }).to_string();
        match try_send(&listen, "POST", "/v1/batch", &headers, body.as_bytes()).await {
            Some(answer) if answer.status == 200 => acknowledged
                .lock()
                .unwrap()
                .extend((0..EACH).map(|i| format!("{prefix}-{i}"))),
            // No router takes events in at the moment.
            _ => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

fn damage(state: &Path, how: u64, rng: &mut fastrand::Rng) {
    let mut bytes = std::fs::read(state).unwrap();
    match how % 5 {
        0 => bytes.clear(),
        1 => bytes.truncate(rng.usize(..bytes.len())),
        2 => bytes.fill(0x5A),
        3 => {
            for _ in 0..20 {
                let at = rng.usize(..bytes.len());
                bytes[at] ^= rng.u8(1..);
            }
        }
        _ => return std::fs::remove_file(state).unwrap(),
    }
    std::fs::write(state, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_becomes_of_the_state_no_event_is_lost() {
    let rounds = std::env::var("EMPTIED_ROUNDS").map_or(5, |rounds| rounds.parse().unwrap());
    let mut rng = fastrand::Rng::with_seed(7);
    let mut rig = Rig::start_with(&pipeline("", "")).await;
    let (end, acknowledged) = (Arc::default(), Arc::new(Mutex::new(BTreeSet::new())));
    let posting = tokio::spawn(post_on(
        rig.world.listen.to_string(),
        Arc::clone(&end),
        acknowledged.clone(),
    ));
    let count = || acknowledged.lock().unwrap().len();
    for round in 0..rounds {
        let before = count();
        let more = || async { (count() >= before + SOME).then_some(()) };
        until(more, || rig.router().stderr()).await;
        // The kill comes at a random moment.
        tokio::time::sleep(Duration::from_millis(rng.u64(..40))).await;
        rig.kill();
        damage(&rig.world.path("signalbox-journal/state.redb"), round, &mut rng);
        rig.again().await;
    }
    end.store(true, Ordering::Relaxed);
    posting.await.unwrap();
    let status = rig.settled().await;
    assert!(status.sums_close, "{status:#?}");
    let wanted = acknowledged.lock().unwrap().clone();
    for (sink, events, id) in [
        ("hook", rig.world.hooked(), "messageId"),
        ("archive", rig.world.archived_despite_kills(), "messageId"),
        ("pinterest", rig.world.accepted(), "event_id"),
    ] {
        let ids: BTreeSet<String> = events
            .iter()
            .map(|event| event[id].as_str().unwrap().to_owned())
            .collect();
        let missing: Vec<_> = wanted.difference(&ids).collect();
        assert!(
            missing.is_empty(),
            "{sink}: {} of {} missing: {missing:?}",
            missing.len(),
            wanted.len()
        );
    }
}
