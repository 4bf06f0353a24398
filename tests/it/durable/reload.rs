//! Another configuration without a restart.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use signalbox_sandbox::{Faults, Unavailable};

use super::{Rig, pipeline};
use crate::support::client::{WRITE_KEY, basic, post_all, try_send};
use crate::support::events::{ids, order, orders};
use crate::support::process::command;
use crate::support::until;

#[tokio::test]
async fn a_changed_sink_goes_on_where_it_was() {
    let wrong = pipeline("", "").replace("base_url = \"${PINTEREST}\"", "base_url = \"${HOOK}/v5\"");
    let rig = Rig::start_with(&wrong).await;
    let events = orders("c", 8);
    // Not Pinterest at all, so it does not speak its language.
    rig.world
        .hook
        .act(signalbox_testkit::Act::reply(503, "nobody here"));
    post_all(&rig.world.listen, &events).await;
    rig.wait(|status| {
        status.sinks["archive"].delivered == 8 && status.sinks["pinterest"].requests.attempts > 1
    })
    .await;
    rig.world.hook.act(signalbox_testkit::Act::reply(200, ""));
    rig.wait(|status| status.sinks["hook"].delivered == 8).await;
    rig.write(&pipeline("", ""));
    rig.reload("the new configuration runs").await;
    let status = rig.settled().await;
    assert_eq!(status.sinks["pinterest"].delivered, 8, "{status:#?}");
    assert_eq!(ids(&rig.world.accepted(), "event_id"), ids(&events, "messageId"));
    // The others did not begin again.
    assert_eq!(rig.world.archived().len(), 8);
    let more = orders("later", 2);
    post_all(&rig.world.listen, &more).await;
    let status = rig.settled().await;
    assert_eq!(status.sinks["pinterest"].delivered, 10);
    assert_eq!(rig.world.archived().len(), 10);
}

#[tokio::test]
async fn an_invalid_file_changes_nothing_and_is_told() {
    let rig = Rig::start("").await;
    rig.world.sandbox.set_faults(Faults {
        unavailable: Some(Unavailable::always()),
        ..Faults::default()
    });
    post_all(&rig.world.listen, &orders("i", 3)).await;
    for (text, why) in [
        ("[sources".to_owned(), "p.toml"),
        (pipeline("", "colour = \"red\""), "sinks.pinterest.colour"),
        (
            pipeline("", "").replace("type = \"file\"", "type = \"fiel\""),
            "fiel",
        ),
    ] {
        rig.write(&text);
        rig.reload("the new configuration is not used").await;
        assert!(rig.router().stderr().contains(why), "{}", rig.router().stderr());
    }
    rig.world.sandbox.set_faults(Faults::default());
    let status = rig.settled().await;
    assert_eq!(status.sinks["pinterest"].delivered, 3);
    post_all(&rig.world.listen, &orders("j", 1)).await;
    rig.settled().await;
    assert_eq!(rig.world.accepted().len(), 4);
}

#[tokio::test]
async fn the_admin_address_reloads_too() {
    let rig = Rig::start("").await;
    let ask = async |headers: &[(&str, &str)]| {
        let answer = try_send(&rig.world.admin, "POST", "/reload", headers, b"").await;
        answer.unwrap()
    };
    // A page in a browser cannot send the header.
    assert_eq!(ask(&[]).await.status, 403);
    let answer = ask(&[("x-signalbox", "1")]).await;
    assert_eq!(
        (answer.status, answer.body.trim()),
        (200, "the new configuration runs")
    );
    rig.write("nonsense");
    let answer = ask(&[("x-signalbox", "1")]).await;
    assert_eq!(answer.status, 409);
    assert!(
        answer.body.contains("the new configuration is not used"),
        "{answer:?}"
    );
    rig.write(&pipeline("[journal]\nmax_bytes = \"5GB\"\n", ""));
    let answer = ask(&[("x-signalbox", "1")]).await;
    assert!(answer.body.contains("need a restart"), "{answer:?}");
}

#[tokio::test]
async fn a_changed_file_is_noticed() {
    let mut rig = Rig::start("").await;
    rig.stop().await;
    let config = rig.config();
    let arguments = ["run", "--watch-config", "--config", config.to_str().unwrap()];
    let router = rig
        .world
        .spawn(&mut command(&arguments, &rig.world.variables()))
        .await;
    router.status(&rig.world.admin, |status| status.ready).await;
    rig.write(&(pipeline("", "") + "\n# nothing new\n"));
    router
        .logged("reload (the file changed): the new configuration runs")
        .await;
    rig.write("nonsense");
    router
        .logged("reload (the file changed): the new configuration is not used")
        .await;
    post_all(&rig.world.listen, &orders("w", 2)).await;
    router
        .status(&rig.world.admin, |status| {
            status.sinks["pinterest"].delivered == 2
        })
        .await;
}

fn joined(number: u64) -> String {
    format!(
        "\n[sinks.joined{number}]\ntype = \"file\"\ninputs = [\"shop\"]\n\
         path = \"${{FOLDER}}/joined{number}.jsonl\"\nsync = false\nbatch.max_wait = \"10ms\"\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_refused_meanwhile() {
    let mut rig = Rig::start("").await;
    rig.keep_ports().await;
    let enough = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..4)
        .map(|client| {
            let (enough, address) = (enough.clone(), rig.world.listen.to_string());
            tokio::spawn(async move {
                let key = basic(WRITE_KEY);
                let headers = [("authorization", key.as_str())];
                let mut sent = Vec::new();
                while !enough.load(Relaxed) {
                    let id = format!("{client}-{}", sent.len());
                    let body = order(&id).to_string();
                    let answer = try_send(&address, "POST", "/v1/track", &headers, body.as_bytes()).await;
                    // Once, without trying again.
                    assert_eq!(answer.map(|answer| answer.status), Some(200), "{id}");
                    sent.push(id);
                }
                sent
            })
        })
        .collect();
    for round in 0..10 {
        // The source and a sink change, so that both are replaced.
        let mut text = pipeline("", &format!("batch.max_events = {}", 50 + round));
        // And others join.
        for new in 0..=round {
            text += &joined(new);
        }
        rig.write(&text.replace(
            "write_keys = [\"${WRITE_KEY}\"]",
            &format!("write_keys = [\"${{WRITE_KEY}}\", \"another-key-{round}\"]"),
        ));
        let before = rig.asked().await.sources["shop"].journalled;
        rig.reload("the new configuration runs").await;
        let more = || async {
            let status = rig.wait(|status| status.ready).await;
            (status.sources["shop"].journalled > before + 5).then_some(())
        };
        until(more, || rig.router().stderr()).await;
    }
    enough.store(true, Relaxed);
    let mut sent = Vec::new();
    for client in clients {
        sent.extend(client.await.unwrap());
    }
    sent.sort();
    let status = rig.settled().await;
    assert_eq!(status.sources["shop"].journalled, sent.len() as u64);
    assert_eq!(ids(&rig.world.accepted(), "event_id"), sent);
    assert_eq!(ids(&rig.world.archived(), "messageId"), sent);
    assert_eq!(ids(&rig.world.hooked(), "messageId"), sent);
    // A sink that joined counts the events that it got, from the first one on.
    for new in 0..10 {
        let path = rig.world.path(&format!("joined{new}.jsonl"));
        let got = std::fs::read_to_string(path).unwrap().lines().count() as u64;
        let sink = &status.sinks[&format!("joined{new}")];
        assert_eq!((sink.journalled, sink.delivered), (got, got), "{sink:#?}");
    }
}
