//! Groups concurrent appends into frames, and publishes them.
//!
//! A frame holds events of one source. A bounded number of frames is under way at once; later appends wait and share the
//! next frame, so frames grow with the load.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};

use super::group::{ENOUGH, Group, Waiting, cut};
use super::publish::publish;
use super::shared::Shared;

/// Groups appends and publishes them until the last sender of `inbox` is dropped; returns when all are answered.
pub(super) async fn run(shared: Arc<Shared>, mut inbox: mpsc::Receiver<Waiting>) {
    let most = shared.options.under_way.max(1);
    let window = Arc::new(Semaphore::new(most));
    while let Some(first) = inbox.recv().await {
        let Ok(permit) = window.clone().acquire_owned().await else {
            break;
        };
        let others = window.available_permits() + 1 < most;
        let batch = gather(first, &mut inbox, others.then_some(shared.options.linger)).await;
        let mut permit = Some(permit);
        for groups in in_turn(cut(batch, shared.largest_append())) {
            let permit = match permit.take() {
                Some(permit) => permit,
                None => match window.clone().acquire_owned().await {
                    Ok(permit) => permit,
                    Err(_) => break,
                },
            };
            let shared = shared.clone();
            tokio::spawn(async move {
                publish(&shared, groups).await;
                drop(permit);
            });
        }
    }
    // All permits are back when the last frame is answered.
    let _ = window.acquire_many(most as u32).await;
}

/// Puts the groups of one source together, which are sent one after the other: an append that takes several messages is stored in
/// order.
fn in_turn(groups: Vec<Group>) -> Vec<Vec<Group>> {
    let mut turns: Vec<Vec<Group>> = Vec::new();
    for group in groups {
        let of_it = |turn: &&mut Vec<Group>| turn.iter().any(|first| first.source == group.source);
        match turns.iter_mut().find(of_it) {
            Some(turn) => turn.push(group),
            None => turns.push(vec![group]),
        }
    }
    turns
}

/// Takes the appends that have come. If `linger` is set, waits so long for more.
async fn gather(
    first: Waiting,
    inbox: &mut mpsc::Receiver<Waiting>,
    linger: Option<Duration>,
) -> Vec<Waiting> {
    let until = linger.map(|linger| tokio::time::Instant::now() + linger);
    let mut bytes = first.bytes();
    let mut batch = vec![first];
    while bytes < ENOUGH {
        let next = match inbox.try_recv() {
            Ok(next) => next,
            Err(_) => {
                let Some(until) = until else { break };
                match tokio::time::timeout_at(until, inbox.recv()).await {
                    Ok(Some(next)) => next,
                    Ok(None) | Err(_) => break,
                }
            }
        };
        bytes += next.bytes();
        batch.push(next);
    }
    batch
}
