//! `signalbox deadletters` and the admin address with many dead letters.

use serde_json::{Value, json};
use signalbox_journal::{DeadLetter, DiskJournal, DiskOptions, Letters, Log};

use super::{Rig, pipeline};
use crate::support::client::{get, post_all, try_send};
use crate::support::events::{ids, orders};
use crate::support::world::World;

/// The pipeline with a mapping that sends the webhook one member of each event.
fn mapped(path: &str) -> String {
    format!(
        "{}\n[[sinks.hook.mappings]]\nname = \"orders\"\nfields = {{ \"@path\" = \"{path}\" }}\n",
        pipeline("", "")
    )
}

/// Starts a router whose webhook mapping is wrong, so that each of these orders becomes a dead letter.
async fn spoilt(count: usize) -> Rig {
    let rig = Rig::start_with(&mapped("$.properites")).await;
    for part in orders("m", count).chunks(250) {
        post_all(&rig.world.listen, part).await;
    }
    rig.settled().await;
    rig.has_letters("hook", count as u64).await;
    rig
}

/// Starts a router on a journal with this many dead letters of the webhook, each with about `size` bytes of payload.
async fn left_with(count: u64, size: usize) -> Rig {
    let mut rig = Rig {
        world: World::new().await,
        router: None,
    };
    rig.write(&pipeline("", ""));
    let folder = rig.world.path("signalbox-journal");
    let journal = DiskJournal::open(DiskOptions::new(folder)).unwrap();
    for from in (0..count).step_by(500) {
        let letter = |n: u64| DeadLetter {
            component: "hook".into(),
            message_id: format!("left-{n}"),
            source: "shop".into(),
            mapping: ["orders", "views"][n as usize % 2].into(),
            reason: "empty_record".into(),
            last_at: 1_700_000_000_000 + n as i64,
            payload: Some(json!({ "type": "track", "text": "x".repeat(size) }).to_string()),
            ..DeadLetter::default()
        };
        let letters = (from..count.min(from + 500)).map(letter).collect();
        journal.bury(letters).await.unwrap();
    }
    journal.shutdown().await;
    rig.again().await;
    rig
}

#[tokio::test]
async fn nothing_ends_at_a_hundred_without_a_word() {
    let rig = spoilt(130).await;
    for command in ["list", "show"] {
        let exit = rig.command(&["deadletters", command, "--json"]).await;
        assert_eq!((exit.code, exit.lines().len()), (Some(0), 100));
        assert!(exit.stderr.contains("100 of 130 shown"), "{command}: {exit:?}");
        let all = rig.lines(&["deadletters", command, "--all"]).await;
        assert_eq!(all.len(), 130);
        assert_eq!(all[0]["message_id"], "m-129", "the newest first");
    }
    let exported = rig.lines(&["deadletters", "export"]).await;
    assert_eq!(exported.len(), 130);
    assert_eq!(exported[0]["messageId"], "m-0", "the oldest first");
    // A running router takes any limit.
    let many = rig.lines(&["deadletters", "list", "--limit", "10000000"]).await;
    assert_eq!(many.len(), 130);
}

#[tokio::test]
async fn a_limit_limits_what_is_done() {
    let rig = spoilt(12).await;
    let told = rig
        .told(&["deadletters", "discard", "--limit", "1", "--yes"])
        .await;
    assert_eq!(told, "1 removed\n");
    rig.has_letters("hook", 11).await;
    rig.write(&mapped("$.properties"));
    rig.reload("the new configuration runs").await;
    let told = rig.lines(&["deadletters", "retry", "--limit", "3"]).await;
    assert_eq!((&told[0]["removed"], &told[0]["matched"]), (&json!(3), &json!(3)));
    let status = rig.settled().await;
    assert_eq!(status.sinks["hook"].letters.kept, 8, "{status:#?}");
    // The oldest letters come first.
    assert_eq!(
        ids(&rig.world.hooked(), "order_id"),
        ["order-m-1", "order-m-2", "order-m-3"]
    );
    let told = rig.told(&["deadletters", "retry", "--all"]).await;
    assert!(told.starts_with("8 to be delivered again"), "{told}");
    let status = rig.settled().await;
    let hook = &status.sinks["hook"];
    assert_eq!((hook.delivered, hook.letters.kept), (11, 0), "{hook:#?}");
}

#[tokio::test]
async fn they_are_chosen_by_mapping_message_and_time() {
    let rig = left_with(40, 10).await;
    let count = async |more: &[&str]| rig.lines(&[&["deadletters", "list"], more].concat()).await.len();
    assert_eq!(count(&["--mapping", "views"]).await, 20);
    assert_eq!(count(&["--message-id", "left-7"]).await, 1);
    assert_eq!(count(&["--since", "1h"]).await, 0);
    assert_eq!(count(&["--since", "2023-11-14T22:13:20.030Z"]).await, 10);
    assert_eq!(count(&["--since", "2023-11-14"]).await, 40);
    let told = rig
        .lines(&["deadletters", "discard", "--mapping", "views", "--yes"])
        .await;
    assert_eq!(told[0]["removed"], 20);
    assert_eq!(count(&[]).await, 20);
    let refused = rig.command(&["deadletters", "list", "--since", "17"]).await;
    assert!(
        refused.code == Some(64) && refused.stderr.contains("not a position"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_summary_tells_what_there_is_before_anything_is_listed() {
    let mut rig = left_with(1_500, 10).await;
    for _ in 0..2 {
        let told = rig.told(&["deadletters", "summary"]).await;
        let line = |mapping: &str| told.lines().find(|line| line.contains(mapping)).unwrap();
        for mapping in ["orders", "views"] {
            let words: Vec<&str> = line(mapping).split_whitespace().collect();
            assert_eq!(
                (words[0], words[2], words[3]),
                ("750", "hook", "empty_record"),
                "{told}"
            );
        }
        assert!(
            told.contains("hook: 1,500 kept") && told.contains("of 1GB"),
            "{told}"
        );
        let json = &rig.lines(&["deadletters", "summary", "--mapping", "views"]).await[0];
        assert_eq!(json["groups"].as_array().unwrap().len(), 1, "{json}");
        assert_eq!(
            (&json["groups"][0]["count"], &json["kept"]["hook"]["kept"]),
            (&json!(750), &json!(1_500))
        );
        // In the next round the files of the stopped router say the same.
        rig.kill();
    }
}

#[tokio::test]
async fn the_admin_address_answers_in_pages() {
    let rig = left_with(1_300, 10).await;
    let admin = &rig.world.admin;
    let page = async |query: &str| get(admin, &format!("/dead_letters?{query}")).await.json();
    let first = page("limit=100000").await;
    assert_eq!(first["dead_letters"].as_array().unwrap().len(), 1_000);
    let rest = page(&format!("limit=100000&cursor={}", first["next"])).await;
    assert_eq!(rest["dead_letters"].as_array().unwrap().len(), 300);
    assert!(
        rest["next"].is_null() && rest["kept"]["hook"] == 1_300,
        "{rest:?}"
    );
    let oldest = page("limit=2&order=oldest&payload=1").await;
    assert_eq!(oldest["dead_letters"][0]["message_id"], "left-0");
    assert_eq!(oldest["dead_letters"][1]["event"]["type"], "track");

    // Retries and discards proceed piece by piece.
    let discard = async |query: &str| -> Value {
        let path = format!("/dead_letters/discard?{query}");
        let answer = try_send(admin, "POST", &path, &[("x-signalbox", "1")], b"").await;
        answer.unwrap().json()
    };
    let piece = discard("cursor=0&limit=5").await;
    assert_eq!(
        (&piece["removed"], &piece["next"], &piece["up_to"]),
        (&json!(5), &json!(5), &json!(1_300))
    );
    let piece = discard("cursor=5&up_to=10").await;
    assert_eq!((&piece["removed"], &piece["next"]), (&json!(5), &json!(null)));
    assert_eq!(discard("").await["removed"], 1_290);
}

/// Reads the resident memory of a process, in kilobytes.
fn resident(id: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_router_needs_little_memory_to_show_many() {
    const COUNT: u64 = 20_000;
    let rig = left_with(COUNT, 2_000).await;
    let id = rig.router().id();
    // The first answers need memory that does not depend on the number of letters.
    get(&rig.world.admin, "/dead_letters?limit=1&payload=1").await;
    get(&rig.world.admin, "/status").await;
    let before = resident(id);
    let mut most = 0;
    let address = &rig.world.admin;
    let url = |path: &str| format!("http://{address}/dead_letters{path}");
    // The call fails if another test has installed the provider already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let ask = async |path: &str| {
        client
            .get(url(path))
            .header("x-signalbox", "1")
            .send()
            .await
            .unwrap()
    };

    let large = ask("?limit=100000&payload=1").await.bytes().await.unwrap();
    assert!(large.len() < 8_000_000, "a page has its limits: {}", large.len());
    most = resident(id).max(most);

    let mut stream = ask("/export?payload=1").await;
    let (mut lines, mut bytes) = (0, 0);
    let mut last = None;
    while let Some(chunk) = stream.chunk().await.unwrap() {
        lines += chunk.iter().filter(|byte| **byte == b'\n').count() as u64;
        bytes += chunk.len() as u64;
        last = chunk.last().copied();
        most = resident(id).max(most);
    }
    assert_eq!((lines, last), (COUNT, Some(b'\n')));
    assert!(bytes > COUNT * 2_000, "{bytes}");

    let summary = get(address, "/dead_letters/summary").await.json();
    assert_eq!(summary["groups"].as_array().unwrap().len(), 2);
    most = resident(id).max(most);
    let told = rig.told(&["deadletters", "discard", "--yes"]).await;
    assert_eq!(told, format!("{COUNT} removed\n"));
    most = resident(id).max(most);
    assert!(most < before + 32_000, "{before} kB before, {most} kB at most");
}

#[tokio::test]
async fn discarding_wants_a_yes() {
    let rig = left_with(3, 10).await;
    let exit = rig.command(&["deadletters", "discard", "--all"]).await;
    assert!(exit.code == Some(64) && exit.stderr.contains("--yes"), "{exit:?}");
    assert_eq!(rig.lines(&["deadletters", "list"]).await.len(), 3);
    let both = ["deadletters", "list", "--all", "--limit", "2"];
    assert_eq!(rig.command(&both).await.code, Some(64));
}

#[tokio::test]
async fn the_state_is_compacted_when_asked_but_never_while_a_router_runs() {
    let mut rig = left_with(150, 100_000).await;
    let state = rig.world.path("signalbox-journal/state.redb");
    let size = || std::fs::metadata(&state).unwrap().len();
    let full = size();
    rig.told(&["deadletters", "discard", "--yes"]).await;
    let exit = rig.command(&["journal", "compact"]).await;
    assert!(
        exit.code == Some(1) && exit.stderr.contains("in use by process"),
        "{exit:?}"
    );
    rig.kill();
    let told = rig.told(&["journal", "compact"]).await;
    assert!(
        told.starts_with("the state took ") && size() < full / 4,
        "{told} {full} {}",
        size()
    );
    let none = rig.lines(&["deadletters", "list"]).await;
    assert_eq!(none, Vec::<Value>::new());
}

#[tokio::test]
async fn a_retry_that_is_killed_loses_nothing() {
    const COUNT: usize = 200;
    let mut rig = spoilt(COUNT).await;
    rig.write(&mapped("$.properties"));
    rig.reload("the new configuration runs").await;
    let config = rig.config().display().to_string();
    let variables = rig.world.variables();
    let retry = tokio::spawn(async move {
        let command = ["deadletters", "retry", "--config", &config];
        crate::support::process::run(&command, &variables).await
    });
    // The kill comes in the middle: some events have come back, and few are delivered.
    rig.wait(|status| status.sinks["hook"].letters.kept < COUNT as u64)
        .await;
    rig.kill();
    // The command has ended either with its report or because the router has ended.
    retry.await.unwrap();
    rig.again().await;
    rig.told(&["deadletters", "retry"]).await;
    let status = rig.settled().await;
    assert_eq!(status.sinks["hook"].letters.kept, 0, "{status:#?}");
    let mut wanted: Vec<String> = (0..COUNT).map(|n| format!("order-m-{n}")).collect();
    wanted.sort();
    let mut hooked = ids(&rig.world.hooked(), "order_id");
    hooked.dedup();
    assert_eq!(hooked, wanted);
}
