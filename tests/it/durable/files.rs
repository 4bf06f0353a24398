//! A `file` source over restarts: it does not read lines again.

use std::collections::BTreeMap;

use crate::support::process::Process;
use crate::support::world::World;

const PIPELINE: &str = r#"
[admin]
listen = "${ADMIN}"
[sources.backfill]
type = "file"
path = "${FOLDER}/in.jsonl"
[sinks.archive]
type = "file"
inputs = ["backfill"]
path = "${FOLDER}/archive.jsonl"
batch.max_wait = "10ms"
"#;

/// Builds lines without `messageId`: only their file tells them apart.
fn lines(from: usize, to: usize) -> String {
    (from..to)
        .map(|n| format!("{{\"type\":\"page\",\"userId\":\"user-{n}\"}}\n"))
        .collect()
}

fn append(world: &World, text: &str) {
    let before = std::fs::read_to_string(world.path("in.jsonl")).unwrap_or_default();
    std::fs::write(world.path("in.jsonl"), before + text).unwrap();
}

/// Counts how often each user was archived.
fn archived(world: &World) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for event in world.archived() {
        *counts
            .entry(event["userId"].as_str().unwrap().to_owned())
            .or_default() += 1;
    }
    counts
}

fn once(users: usize) -> BTreeMap<String, usize> {
    (0..users).map(|n| (format!("user-{n}"), 1)).collect()
}

/// Runs a router until the file is read and everything is delivered.
async fn run_out(world: &World) -> String {
    let exit = Process::router(&world.path("p.toml"), &world.variables())
        .exit()
        .await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    exit.stderr
}

#[tokio::test]
async fn a_finished_file_is_not_read_again_at_the_next_start() {
    let world = World::new().await;
    // With deduplication off, nothing else would recognise lines that are read twice.
    world.write("p.toml", &format!("[journal]\ndedup_window = \"0s\"\n{PIPELINE}"));
    append(&world, &(lines(0, 3) + "no event\n"));
    run_out(&world).await;
    assert_eq!(archived(&world), once(3));
    let told = run_out(&world).await;
    assert!(told.contains("`read_again = true` reads it again"), "{told}");
    assert_eq!(archived(&world), once(3));
    append(&world, &lines(3, 5));
    run_out(&world).await;
    assert_eq!(archived(&world), once(5));
    // The line that is no event makes one dead letter, not one at each start.
    let config = world.path("p.toml");
    let list = [
        "deadletters",
        "list",
        "--json",
        "--config",
        config.to_str().unwrap(),
    ];
    let letters = crate::support::process::run(&list, &world.variables()).await;
    assert_eq!(letters.lines().len(), 1, "{letters:?}");

    // The source reads the file again if asked to; and a file that takes its place counts as another.
    let again = PIPELINE.replace(
        "path = \"${FOLDER}/in",
        "read_again = true\npath = \"${FOLDER}/in",
    );
    world.write("p.toml", &format!("[journal]\ndedup_window = \"0s\"\n{again}"));
    run_out(&world).await;
    assert_eq!(
        archived(&world),
        (0..5).map(|n| (format!("user-{n}"), 2)).collect()
    );
    world.write("p.toml", &format!("[journal]\ndedup_window = \"0s\"\n{PIPELINE}"));
    std::fs::rename(world.path("in.jsonl"), world.path("in.jsonl.1")).unwrap();
    append(&world, &lines(5, 6));
    run_out(&world).await;
    assert_eq!(archived(&world)["user-5"], 1);
    assert_eq!(archived(&world)["user-0"], 2);
}

#[tokio::test]
async fn a_kill_while_it_reads_loses_and_doubles_nothing() {
    const USERS: usize = 30_000;
    let world = World::new().await;
    // The second source never ends, so the router does not stop by itself.
    let shop = "[sources.shop]\ntype = \"segment_http\"\nlisten = \"${LISTEN}\"\nwrite_keys = [\"k\"]\n";
    let both = PIPELINE.replace("[\"backfill\"]", "[\"backfill\", \"shop\"]");
    world.write("p.toml", &format!("{both}{shop}"));
    append(&world, &lines(0, USERS));
    let config = world.path("p.toml");
    let mut kills = 0;
    for journalled in [1, 4_000, 9_000, 15_000] {
        let router = world.router(&config).await;
        let read = |status: &signalbox_admin::Status| status.sources["backfill"].journalled >= journalled;
        let status = router.status(&world.admin, read).await;
        // Dropping the router kills it.
        drop(router);
        kills += u64::from(status.sources["backfill"].journalled < USERS as u64);
    }
    assert!(kills > 0, "it was never killed while it read");
    let router = world.router(&config).await;
    let status = router
        .status(&world.admin, |status| {
            let (source, sink) = (&status.sources["backfill"], &status.sinks["archive"]);
            source.journalled >= USERS as u64 && sink.pending == 0
        })
        .await;
    router.signal("TERM");
    assert_eq!(router.exit().await.code, Some(0));
    // Events without an id would be new ones at each reading.
    let mut ids = BTreeMap::new();
    let text = std::fs::read_to_string(world.path("archive.jsonl")).unwrap();
    // A kill may cut a line off in the middle; the next start writes its event again.
    for event in text
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
    {
        let user = event["userId"].as_str().unwrap().to_owned();
        let id = event["messageId"].as_str().unwrap().to_owned();
        let before = ids.insert(user.clone(), id.clone());
        assert!(before.is_none_or(|before| before == id), "{user} came in twice");
    }
    assert_eq!(ids.len(), USERS);
    assert_eq!(status.sources["backfill"].journalled, USERS as u64);
    assert!(status.sums_close, "{status:#?}");
}

#[tokio::test]
async fn a_source_that_is_renamed_goes_on_where_it_was_left() {
    let world = World::new().await;
    let top = "[journal]\ndedup_window = \"0s\"\n";
    world.write("p.toml", &format!("{top}{PIPELINE}"));
    append(&world, &lines(0, 3));
    run_out(&world).await;
    let renamed = PIPELINE
        .replace("[sources.backfill]", "[sources.history]\nwas = \"backfill\"")
        .replace("[\"backfill\"]", "[\"history\"]");
    world.write("p.toml", &format!("{top}{renamed}"));
    append(&world, &lines(3, 4));
    run_out(&world).await;
    assert_eq!(archived(&world), once(4));
}

#[tokio::test]
async fn a_folder_of_exports_is_read_whatever_their_form() {
    let world = World::new().await;
    let pipeline = PIPELINE.replace("${FOLDER}/in.jsonl", "${FOLDER}/exports");
    // With deduplication off, nothing else would recognise events that are read twice.
    world.write("p.toml", &format!("[journal]\ndedup_window = \"0s\"\n{pipeline}"));
    let exports = world.path("exports");
    std::fs::create_dir(&exports).unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(exports.join(name), bytes).unwrap();
    let page = |n: usize| serde_json::json!({"type": "page", "userId": format!("user-{n}")});
    write("a.jsonl", lines(0, 3).as_bytes());
    let list = serde_json::to_string_pretty(&[page(3), page(4)]).unwrap();
    write("b.json", list.as_bytes());
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let batch = serde_json::json!({"batch": [page(5), page(6)]});
    std::io::Write::write_all(&mut gzip, format!("{{\"broken\":\n{batch}\n").as_bytes()).unwrap();
    write("c.json.gz", &gzip.finish().unwrap());
    run_out(&world).await;
    assert_eq!(archived(&world), once(7));
    write("d.jsonl", lines(7, 9).as_bytes());
    run_out(&world).await;
    assert_eq!(archived(&world), once(9));
    let config = world.path("p.toml");
    let list = ["deadletters", "list", "--json", "--config"];
    let list = [&list[..], &[config.to_str().unwrap()]].concat();
    let letters = crate::support::process::run(&list, &world.variables()).await;
    assert_eq!(letters.lines().len(), 1, "{letters:?}");
}
