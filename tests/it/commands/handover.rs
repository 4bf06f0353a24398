//! A restart while clients go on sending: the listening socket outlives the process.

use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use crate::support::client::{WRITE_KEY, basic, try_send};
use crate::support::events::{ids, order};
use crate::support::process::{Process, command};
use crate::support::until;
use crate::support::world::{World, shop};

/// A process that is handed the socket, as a service manager does.
async fn start(world: &World, config: &str, listener: &TcpListener) -> Process {
    let handed_over = OwnedFd::from(listener.try_clone().unwrap());
    let mut command = command(&["run", "--config", config], &world.variables());
    command
        .env("LISTEN_FDS", "1")
        .env("LISTEN_FDS_FIRST_FD", "0")
        .stdin(Stdio::from(handed_over));
    world.spawn(&mut command).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_refuses_nobody() {
    let world = World::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    world.listen.is(listener.local_addr().unwrap());
    let config = world.write("p.toml", &shop("[admin]\nlisten = \"${ADMIN}\"\n", "", ""));
    let config = config.to_str().unwrap();
    let first = start(&world, config, &listener).await;
    first.status(&world.admin, |status| status.ready).await;

    let (enough, taken) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients: Vec<_> = (0..4)
        .map(|client| {
            let (enough, taken, address) = (enough.clone(), taken.clone(), world.listen.to_string());
            tokio::spawn(async move {
                let key = basic(WRITE_KEY);
                let mut sent = Vec::new();
                while !enough.load(Relaxed) {
                    let id = format!("{client}-{}", sent.len());
                    let body = order(&id).to_string();
                    let headers = [("authorization", key.as_str())];
                    let answer = try_send(&address, "POST", "/v1/track", &headers, body.as_bytes()).await;
                    // Once, without trying again.
                    assert_eq!(answer.map(|answer| answer.status), Some(200), "{id}");
                    taken.fetch_add(1, Relaxed);
                    sent.push(id);
                }
                sent
            })
        })
        .collect();
    let more = async |count: usize| {
        let goal = taken.load(Relaxed) + count;
        let reached = || async { (taken.load(Relaxed) >= goal).then_some(()) };
        until(reached, || format!("{goal} events taken")).await;
    };
    more(20).await;
    first.signal("TERM");
    let exit = first.exit().await;
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let second = start(&world, config, &listener).await;
    more(20).await;
    enough.store(true, Relaxed);
    let mut sent = Vec::new();
    for client in clients {
        sent.extend(client.await.unwrap());
    }
    second.signal("TERM");
    assert_eq!(second.exit().await.code, Some(0));
    sent.sort();
    assert_eq!(ids(&world.archived(), "messageId"), sent);
    assert_eq!(ids(&world.accepted(), "event_id"), sent);
}
