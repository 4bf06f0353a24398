//! Live views of a running router: `signalbox tap` and `signalbox top`.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::client::{post, post_all};
use crate::support::events::{order, unmatched};
use crate::support::pipeline::{ADMIN, archive, hashing, sink, source};
use crate::support::process::{Process, command, run, run_with};
use crate::support::until;
use crate::support::world::World;

const TOKEN: &str = "zq-operator-token-8d1f";

/// Starts a router, and returns it with the path of its file.
async fn start(world: &World, text: &str) -> (Process, String) {
    let config = world.write("p.toml", text);
    let router = world.router(&config).await;
    (router, config.to_str().unwrap().to_owned())
}

/// Starts `signalbox tap`, and waits until it shows events.
async fn tap(world: &World, config: &str, arguments: &[&str]) -> Process {
    let mut all = vec!["tap", "-c", config];
    all.extend(arguments);
    let process = Process::spawn(&mut command(&all, &world.variables()));
    process.logged("showing live events").await;
    process
}

#[tokio::test]
async fn live_events_show_at_their_source_with_personal_values_hashed() {
    let world = World::new().await;
    let (_router, config) = start(&world, &[ADMIN, &source(""), &archive()].concat()).await;
    let filter = "event = \"Order Completed\"";
    let tap = tap(
        &world,
        &config,
        &["--source", "shop", "--filter", filter, "--limit", "2"],
    )
    .await;
    let mut noted = order("m-1");
    noted["properties"]["note"] = json!("write to zed@example.com");
    noted["properties"]["password"] = json!("hunter2");
    noted["messageId"] = json!("zoe@example.com");
    post_all(&world.listen, &[unmatched("help"), noted.clone(), order("m-2")]).await;
    let exit = tap.exit().await;
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    let lines = exit.lines();
    let seen: Vec<_> = lines
        .iter()
        .map(|line| (&line["source"], &line["outcome"]))
        .collect();
    assert_eq!(seen, [(&json!("shop"), &json!("journalled")); 2]);
    assert_eq!(lines[0]["event"]["properties"]["order_id"], "order-m-1");
    assert_eq!(
        lines[0]["event"]["context"]["traits"]["email"]
            .as_str()
            .unwrap()
            .len(),
        64
    );
    for value in [
        "ada.okafor",
        "Ada",
        "zed@",
        "hunter2",
        "zoe@",
        "198.51.100.7",
        "user-of-m",
    ] {
        assert!(!exit.stdout.contains(value), "{value}: {}", exit.stdout);
    }

    // The journal knows the first one already.
    let again = self::tap(
        &world,
        &config,
        &["--limit", "1", "--source", "shop", "--rate", "5/s"],
    )
    .await;
    post_all(&world.listen, &[noted]).await;
    assert_eq!(again.exit().await.lines()[0]["outcome"], "duplicate");
}

#[tokio::test]
async fn a_sink_shows_the_records_that_events_become() {
    let world = World::new().await;
    let pinterest = sink(
        "ads",
        "type = \"pinterest_conversions\"\nbase_url = \"${PINTEREST}\"\nad_account_id = \"549755885175\"\nconversion_token = \
         \"${TOKEN}\"",
    );
    let (_router, config) = start(&world, &[ADMIN, &hashing("\"pinterest\""), &pinterest].concat()).await;
    let tap = tap(&world, &config, &["--sink", "ads", "--limit", "2"]).await;
    post_all(&world.listen, &[order("m-1"), unmatched("help")]).await;
    let lines = tap.exit().await.lines();
    let (made, filtered) = (&lines[0], &lines[1]);
    assert_eq!(
        (&made["outcome"], &made["source"]),
        (&json!("mapped"), &json!("shop")),
        "{made}"
    );
    let record = &made["records"][0];
    assert_eq!(
        (&record["mapping"], &record["event_name"]),
        (&json!("Checkout"), &json!("checkout")),
        "{made}"
    );
    assert!(
        record["bytes"].as_u64() > Some(100) && made["position"].is_u64(),
        "{made}"
    );
    let told = (
        &filtered["outcome"],
        &filtered["reason"],
        &filtered["event"]["event"],
    );
    assert_eq!(
        told,
        (
            &json!("filtered"),
            &json!("no_trigger_matched"),
            &json!("Help Opened")
        )
    );
}

#[tokio::test]
async fn plain_values_need_the_token() {
    let world = World::new().await;
    let (router, config) = start(&world, &[ADMIN, &source(""), &archive()].concat()).await;
    let exit = run(&["tap", "-c", &config, "--plain"], &world.variables()).await;
    assert_eq!(exit.code, Some(1));
    assert!(exit.stderr.contains("set `token` in [admin]"), "{}", exit.stderr);
    drop(router);

    let guarded = ADMIN.replacen("listen", &format!("token = \"{TOKEN}\"\nlisten"), 1);
    let (router, config) = start(&world, &[guarded.as_str(), &source(""), &archive()].concat()).await;
    router.running().await;
    let arguments = ["--plain", "--source", "shop", "--limit", "1"];
    let tap = tap(&world, &config, &arguments).await;
    post_all(&world.listen, &[order("m-9")]).await;
    let lines = tap.exit().await.lines();
    assert_eq!(
        lines[0]["event"]["context"]["traits"]["email"],
        "ada.okafor@example.com"
    );
}

#[tokio::test]
async fn what_is_beyond_the_rate_is_counted() {
    let world = World::new().await;
    let (_router, config) = start(&world, &[ADMIN, &source(""), &archive()].concat()).await;
    let tap = tap(&world, &config, &["--source", "shop", "--rate", "1"]).await;
    let events: Vec<Value> = (0..20).map(|n| unmatched(&format!("m-{n}"))).collect();
    let batch = json!({ "batch": events }).to_string();
    post(&world.listen, "/v1/batch", &batch).await;
    tap.logged("more left out").await;
    assert!(tap.stdout().lines().count() < 20);
}

#[tokio::test]
async fn taps_end_with_their_client_and_with_the_router() {
    let world = World::new().await;
    let (router, config) = start(&world, &[ADMIN, &source(""), &archive()].concat()).await;
    // The answer comes in chunks.
    let ask = async || {
        let mut stream = TcpStream::connect(&*world.admin).await.unwrap();
        let body = "{\"limit\":0}";
        let head = format!(
            "POST /tap HTTP/1.1\r\nhost: {}\r\nx-signalbox: 1\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            &*world.admin,
            body.len()
        );
        stream.write_all((head + body).as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let mut taps = Vec::new();
    for _ in 0..8 {
        taps.push(tap(&world, &config, &[]).await);
    }
    let refused = ask().await;
    assert!(
        refused.starts_with("HTTP/1.1 409") && refused.contains("end one of them"),
        "{refused}"
    );
    drop(taps);
    until(
        async || ask().await.starts_with("HTTP/1.1 200").then_some(()),
        || router.stderr(),
    )
    .await;

    let last = tap(&world, &config, &[]).await;
    router.signal("TERM");
    let exit = last.exit().await;
    assert_eq!(exit.code, Some(1), "{}", exit.stderr);
    assert_eq!(router.exit().await.code, Some(0));
}

#[tokio::test]
async fn mistakes_are_told_with_their_remedy() {
    let world = World::new().await;
    let (_router, config) = start(&world, &[ADMIN, &source(""), &archive()].concat()).await;
    let variables = world.variables();
    for (arguments, input, code, told) in [
        (
            &["--sink", "nothing"][..],
            "",
            1,
            "there is no such sink; there are: archive",
        ),
        (
            &["--source", "archive"][..],
            "",
            1,
            "there is no such source; there are: shop",
        ),
        (&["--filter", "type !=\"page\""][..], "", 64, "--filter: "),
        (&["--filter", "-"][..], "type !=\"page\"\n", 64, "--filter: "),
        (&["--rate", "0"][..], "", 64, "from 1 to 1000"),
        (
            &["--sink", "archive", "--source", "shop"][..],
            "",
            64,
            "cannot be used with",
        ),
    ] {
        let all: Vec<&str> = ["tap", "-c", &config]
            .into_iter()
            .chain(arguments.iter().copied())
            .collect();
        let exit = run_with(&all, &variables, input).await;
        assert_eq!(exit.code, Some(code), "{arguments:?}: {}", exit.stderr);
        assert!(exit.stderr.contains(told), "{arguments:?}: {}", exit.stderr);
    }
    let silent = world.write(
        "silent.toml",
        &[&source(""), &archive()].map(String::as_str).concat(),
    );
    for command in ["tap", "top"] {
        let exit = run(&[command, "-c", silent.to_str().unwrap()], &variables).await;
        assert_eq!(exit.code, Some(1));
        assert!(exit.stderr.contains("[admin] listen"), "{}", exit.stderr);
    }
}

#[tokio::test]
async fn top_shows_rates_over_and_over() {
    let world = World::new().await;
    let (_router, config) = start(&world, &[ADMIN, &source(""), &archive()].concat()).await;
    let arguments = ["top", "-c", &config, "--once", "--interval", "1s"];
    let top = Process::spawn(&mut command(&arguments, &world.variables()));
    post_all(&world.listen, &[order("m-1"), order("m-2")]).await;
    let exit = top.exit().await;
    assert_eq!(exit.code, Some(0), "{}", exit.stderr);
    for told in ["received/s", "delivered/s", "shop", "archive", "ready; journal: "] {
        assert!(exit.stdout.contains(told), "{told}: {}", exit.stdout);
    }

    // Without --once it goes on until its reader goes.
    let on = Process::spawn(&mut command(
        &["top", "-c", &config, "--interval", "100ms"],
        &world.variables(),
    ));
    let blocks = || async { (on.stdout().matches("Signalbox ").count() >= 2).then_some(()) };
    until(blocks, || on.stderr()).await;
    assert!(!on.stdout().contains('\u{1b}'));
}
