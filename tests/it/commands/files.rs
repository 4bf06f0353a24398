//! `validate` and `init`, and the files in `examples`.

use crate::support::process::run;
use crate::support::world::World;

use super::lists::{example_files, examples};
use super::signalbox;

/// The variables that the starter file and the examples name.
fn environment() -> Vec<(String, String)> {
    [
        ("SHOP_WRITE_KEY", "something"),
        ("PINTEREST_AD_ACCOUNT_ID", "549755885175"),
        ("PINTEREST_TOKEN", "something"),
        ("META_PIXEL_ID", "1203948576120394"),
        ("META_ACCESS_TOKEN", "something"),
        ("TIKTOK_PIXEL_CODE", "C4EXAMPLE0PIXEL00001"),
        ("TIKTOK_ACCESS_TOKEN", "something"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec()
}

#[tokio::test]
async fn every_example_is_valid() {
    for path in example_files() {
        let path = path.to_str().unwrap();
        let exit = run(&["validate", "--config", path], &environment()).await;
        assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), ""), "{path}");
        assert!(exit.stdout.starts_with(&format!("{path}: valid (")), "{exit:?}");
    }
    // These ask for nothing.
    for name in ["quickstart.toml", "three-platforms.toml"] {
        let path = examples().join(name);
        let exit = signalbox(&["validate", "--config", path.to_str().unwrap()]).await;
        assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), ""), "{name}");
    }
}

#[cfg(feature = "nats")]
#[tokio::test]
async fn the_example_with_a_shared_journal_is_valid() {
    let world = World::new().await;
    let key = signalbox(&["keygen"]).await.stdout;
    let mut environment = environment();
    environment.extend(
        [
            ("JOURNAL_KEY", key.trim().to_owned()),
            ("NATS_NKEY", format!("SU{}", "A".repeat(56))),
            ("ADMIN_TOKEN", "something".to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    let path = examples().join("cluster/pipeline.toml");
    let path = path.to_str().unwrap();
    let exit = run(&["validate", "--config", path], &environment).await;
    assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), ""), "{exit:?}");
    assert!(
        exit.stdout
            .contains("note: the NATS servers of [journal] were not asked"),
        "{exit:?}"
    );
    let exit = run(&["validate", "--json", "--config", path], &environment).await;
    assert!(exit.stdout.contains("\"notes\":[\"the NATS servers"), "{exit:?}");

    let mine = world.path("mine.toml");
    let mine = mine.to_str().unwrap();
    let exit = signalbox(&["init", mine, "--journal", "nats"]).await;
    assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), ""));
    assert!(
        exit.stdout.contains("Bring both files to every machine"),
        "{exit:?}"
    );
    let exit = run(&["validate", "--config", mine], &environment).await;
    assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), ""), "{exit:?}");
}

#[tokio::test]
async fn init_offers_vendors() {
    let world = World::new().await;
    let path = world.path("mine.toml");
    let path = path.to_str().unwrap();
    for (vendors, sinks) in [
        ("pinterest", "pinterest"),
        ("meta", "meta"),
        ("tiktok,meta", "meta tiktok"),
        ("pinterest,meta,tiktok", "pinterest meta tiktok"),
    ] {
        let exit = signalbox(&["init", path, "--force", "--vendor", vendors]).await;
        assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), ""));
        let file: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
        let names = sinks.split(' ').chain(["archive"]);
        let mut found: Vec<&str> = file["sinks"]
            .as_table()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        let mut names: Vec<&str> = names.collect();
        found.sort_unstable();
        names.sort_unstable();
        assert_eq!(found, names);
        let exit = run(&["validate", "--config", path], &environment()).await;
        assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), ""), "{vendors}");
    }
}

#[tokio::test]
async fn init_writes_what_validates_and_replaces_nothing() {
    let world = World::new().await;
    let path = world.path("mine.toml");
    let path = path.to_str().unwrap();
    let exit = signalbox(&["init", path]).await;
    assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), ""));
    assert!(
        exit.stdout.contains(&format!("signalbox run --config {path}")),
        "{exit:?}"
    );
    let exit = run(&["validate", "--config", path], &environment()).await;
    assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), ""));

    std::fs::write(path, "mine").unwrap();
    let exit = signalbox(&["init", path]).await;
    assert_eq!(exit.code, Some(1));
    assert!(
        exit.stderr.contains("exists already; --force replaces it"),
        "{exit:?}"
    );
    assert_eq!(std::fs::read_to_string(path).unwrap(), "mine");
    // The key beside it stays: a journal may need it.
    let key = std::fs::read_to_string(world.path("mine.key")).unwrap();
    let exit = signalbox(&["init", "--force", path]).await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    assert!(exit.stdout.contains("mine.key exists already"), "{exit:?}");
    assert_eq!(std::fs::read_to_string(world.path("mine.key")).unwrap(), key);
    assert!(std::fs::read_to_string(path).unwrap().contains("mine.key}"));
    assert!(std::fs::read_to_string(path).unwrap().contains("[sinks."));

    let nowhere = world.path("no/such/folder.toml");
    let exit = signalbox(&["init", nowhere.to_str().unwrap()]).await;
    assert_eq!(exit.code, Some(1));
}

#[tokio::test]
async fn keygen_writes_a_key_for_its_owner_and_replaces_none() {
    use std::os::unix::fs::PermissionsExt as _;

    let world = World::new().await;
    let path = world.path("journal.key");
    let shown = path.to_str().unwrap();
    let exit = signalbox(&["keygen", "--out", shown]).await;
    assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), ""));
    let key = std::fs::read_to_string(&path).unwrap();
    let parsed = signalbox_core::JournalKey::parse(&key).unwrap();
    assert!(!exit.stdout.contains(key.trim()), "the key is not shown");
    for part in [&format!("key = \"${{file:{shown}}}\""), "Keep a copy", "lost"] {
        assert!(exit.stdout.contains(part), "{exit:?}");
    }
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let exit = signalbox(&["keygen", "--out", shown]).await;
    assert_eq!(exit.code, Some(1));
    assert!(exit.stderr.contains("exists already"), "{exit:?}");
    assert_eq!(std::fs::read_to_string(&path).unwrap(), key);

    let exit = signalbox(&["keygen"]).await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    assert!(
        exit.stderr.contains("without the key, the journal and all"),
        "{exit:?}"
    );
    assert_ne!(signalbox_core::JournalKey::parse(&exit.stdout).unwrap(), parsed);
}
