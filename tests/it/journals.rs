//! Journals that earlier versions left (`tests/journals`): the present version opens a copy, delivers everything, and
//! closes its sums.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use signalbox_admin::Status;
use signalbox_core::JournalKey;
use signalbox_journal::{DiskJournal, DiskOptions, Keys, Log, States};

use crate::support::client::post_all;
use crate::support::events::ids;
use crate::support::process::run;
use crate::support::until;
use crate::support::world::World;

/// The record of a folder's content.
#[derive(Deserialize)]
struct Manifest {
    journalled: u64,
    pending: Vec<String>,
    parked: BTreeMap<String, u64>,
    dead_letters: BTreeMap<String, Vec<String>>,
    orphan: Orphan,
    known: Vec<String>,
    events: Vec<Value>,
}

#[derive(Deserialize)]
struct Orphan {
    name: String,
    pending: Vec<String>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/journals")
}

fn text(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap()
}

fn versions() -> Vec<String> {
    let entries = std::fs::read_dir(folder()).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap())
        // Other folders hold messages of journals on NATS, which the journal's own tests read.
        .filter(|entry| entry.path().join("journal").is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The folders, each with whether it is opened with the key: an encrypted journal always is, a plain one with and without.
fn ways() -> Vec<(String, bool)> {
    let keys = |version: &str| folder().join(version).join("journal/keys.bin").exists();
    let ways = versions().into_iter().flat_map(|version| match keys(&version) {
        true => vec![(version, true)],
        false => vec![(version.clone(), false), (version, true)],
    });
    ways.collect()
}

/// The pipeline file, with the key of the test if asked for.
fn pipeline(key: bool) -> String {
    let key = match key {
        true => format!(
            "\n[journal]\nkey = \"${{file:{}}}\"\n",
            folder().join("test.key").display()
        ),
        false => "\n[journal]\n".to_owned(),
    };
    text("pipeline.toml").replace("\n[journal]\n", &key)
}

fn copy(version: &str, to: &Path) -> Manifest {
    let from = folder().join(version);
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from.join("journal")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
    serde_json::from_str(&std::fs::read_to_string(from.join("manifest.json")).unwrap()).unwrap()
}

fn sorted(names: impl IntoIterator<Item = String>) -> Vec<String> {
    let mut names: Vec<String> = names.into_iter().collect();
    names.sort();
    names
}

/// Collects the events that the webhook got at a path, by id; each must have come once.
fn hooked(world: &World, path: &str) -> BTreeMap<String, Value> {
    let start = format!("POST {path} ");
    let seen = world.hook.seen().into_iter();
    let seen = seen.filter(|seen| seen.head.starts_with(&start));
    let mut events = BTreeMap::new();
    for seen in seen {
        let event: Value = serde_json::from_slice(&seen.body).unwrap();
        let id = event["messageId"].as_str().unwrap().to_owned();
        assert!(events.insert(id.clone(), event).is_none(), "{id} came twice");
    }
    events
}

#[tokio::test]
async fn what_earlier_versions_left_is_delivered() {
    assert_eq!(versions().first().map(String::as_str), Some("0.1.0"));
    for (version, key) in ways() {
        delivered(&version, key).await;
    }
}

/// The world's variables, and the folder of the journal.
fn variables(world: &World, journal: &Path) -> Vec<(String, String)> {
    let folder = ("JOURNAL".to_owned(), journal.display().to_string());
    [world.variables(), vec![folder]].concat()
}

async fn delivered(version: &str, key: bool) {
    let world = World::new().await;
    let journal = world.path("journal");
    let manifest = copy(version, &journal);
    let variables = || variables(&world, &journal);
    let config = world.write("p.toml", &pipeline(key));
    let path = config.to_str().unwrap();

    // The dead letters are those of the manifest.
    let list = ["deadletters", "list", "--json", "--config", path];
    let letters = run(&list, &variables()).await.lines();
    for (component, wanted) in &manifest.dead_letters {
        let of = letters.iter().filter(|letter| letter["sink"] == **component);
        let found: Vec<Value> = of.cloned().collect();
        assert_eq!(&ids(&found, "message_id"), wanted, "{version}: {component}");
    }

    let router = world.router_with(&config, &variables()).await;
    let done = |status: &Status| {
        status.ready && status.sums_close && status.sinks.values().all(|sink| sink.pending == 0)
    };
    let status = router.status(&world.admin, done).await;
    assert_eq!(
        status.sources["shop"].journalled, manifest.journalled,
        "{status:#?}"
    );
    let got = hooked(&world, "/hook");
    assert_eq!(
        sorted(got.keys().cloned()),
        sorted(manifest.pending.clone()),
        "{version}"
    );
    for event in &manifest.events {
        assert_eq!(&got[event["messageId"].as_str().unwrap()], event, "{version}");
    }
    let orphans: Vec<_> = status
        .orphans
        .iter()
        .map(|one| (one.name.as_str(), one.pending))
        .collect();
    let held = manifest.orphan.pending.len() as u64;
    assert_eq!(orphans, [(manifest.orphan.name.as_str(), held)], "{version}");
    let before = status.sources["shop"].duplicate;
    let again: Vec<Value> = manifest
        .known
        .iter()
        .map(|id| serde_json::json!({ "type": "track", "event": "e", "messageId": id, "anonymousId": "a" }))
        .collect();
    post_all(&world.listen, &again).await;
    let known = |status: &Status| status.sources["shop"].duplicate == before + again.len() as u64;
    router.status(&world.admin, known).await;

    // The file has the orphan back, and no longer rejects events without a place for the opt-out.
    world.write(
        "p.toml",
        &(pipeline(key).replace("\"reject\"", "\"send\"") + &text("orphan.toml")),
    );
    router.signal("HUP");
    router.logged("the new configuration runs").await;
    let retry = ["deadletters", "retry", "--config", path];
    let told = run(&retry, &variables()).await;
    assert_eq!(told.code, Some(0), "{told:?}");
    let all = sorted(manifest.orphan.pending.iter().cloned());
    let rejected = &manifest.dead_letters["source:shop"];
    let arrived = || async {
        let (hook, gone) = (hooked(&world, "/hook"), hooked(&world, "/gone"));
        let back = manifest.dead_letters["hook"].iter().chain(rejected);
        let came =
            gone.len() >= all.len() + rejected.len() && back.into_iter().all(|id| hook.contains_key(id));
        came.then_some(gone)
    };
    let gone = until(arrived, || router.stderr()).await;
    let wanted = sorted(all.iter().chain(rejected).cloned());
    assert_eq!(sorted(gone.into_keys()), wanted, "{version}");
    let status = router.status(&world.admin, done).await;
    assert_eq!(status.orphans.len(), 0, "{status:#?}");
    router.signal("TERM");
    let exit = router.exit().await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    assert!(!exit.stderr.contains("\"ERROR\""), "{version}: {}", exit.stderr);
    assert_eq!(set_aside(&journal), Vec::<String>::new(), "{version}");
    let state = std::fs::read(journal.join("state.redb")).unwrap();
    let shown = state.windows(9).any(|part| part == b"messageId");
    assert!(!(shown && key), "{version}: the state is encrypted");
    let offline = run(&["status", "--json", "--config", path], &variables()).await;
    let status: Status = serde_json::from_str(&offline.stdout).unwrap();
    assert!(
        done(&Status {
            ready: true,
            ..status
        }),
        "{}",
        offline.stdout
    );
}

/// Lists files that the router set aside as damaged.
fn set_aside(journal: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(journal).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.contains("corrupt")).collect()
}

#[tokio::test]
async fn without_their_state_everything_of_them_comes_again() {
    for (version, key) in ways() {
        let world = World::new().await;
        let journal = world.path("journal");
        let manifest = copy(&version, &journal);
        std::fs::remove_file(journal.join("state.redb")).unwrap();
        let variables = variables(&world, &journal);
        let config = world.write("p.toml", &(pipeline(key) + &text("orphan.toml")));
        // A command creates the state, which then knows no sinks.
        let asked = run(&["status", "--config", config.to_str().unwrap()], &variables).await;
        assert!(
            asked.stderr.contains("state is missing beside its events"),
            "{asked:?}"
        );
        let router = world.router_with(&config, &variables).await;
        let done = |status: &Status| {
            status.ready && status.sums_close && status.sinks.values().all(|sink| sink.pending == 0)
        };
        let status = router.status(&world.admin, done).await;
        let all = sorted(manifest.orphan.pending.iter().cloned());
        assert_eq!(sorted(hooked(&world, "/gone").into_keys()), all, "{version}");
        let again = status.journal.may_come_again.unwrap();
        // The count reaches to the end of the log, beyond the events that the sink is owed.
        assert_eq!(again["gone"], manifest.journalled, "{version}");
    }
}

#[tokio::test]
async fn what_earlier_versions_parked_is_parked() {
    let test_key = JournalKey::parse(&text("test.key")).unwrap();
    for (version, key) in ways() {
        let world = World::new().await;
        let journal = world.path("journal");
        let manifest = copy(&version, &journal);
        let options = DiskOptions {
            keys: if key {
                Keys::new(std::slice::from_ref(&test_key)).unwrap()
            } else {
                None
            },
            ..DiskOptions::new(&journal)
        };
        let journal = DiskJournal::open(options).unwrap();
        for sink in journal.sinks().await.unwrap() {
            let wanted = manifest.parked.get(&sink.name).copied().unwrap_or_default();
            assert_eq!(sink.parked, wanted, "{version}: {}", sink.name);
        }
        journal.shutdown().await;
    }
}
