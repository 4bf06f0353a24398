//! `validate` and `init`, and the files in `examples`.

use crate::support::process::run;
use crate::support::world::World;

use super::{lists::examples, signalbox};

/// The variables that the starter file and the examples name.
fn environment() -> Vec<(String, String)> {
    ["PINTEREST_TOKEN", "SHOP_WRITE_KEY", "PINTEREST_AD_ACCOUNT_ID"]
        .map(|name| {
            (
                name.to_owned(),
                if name.ends_with("_ID") {
                    "549755885175"
                } else {
                    "something"
                }
                .to_owned(),
            )
        })
        .to_vec()
}

#[tokio::test]
async fn every_example_is_valid() {
    let mut seen = 0;
    for entry in std::fs::read_dir(examples()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let path = path.to_str().unwrap();
        let exit = run(&["validate", "--config", path], &environment()).await;
        assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), ""), "{path}");
        assert!(exit.stdout.starts_with(&format!("{path}: valid (")), "{exit:?}");
        seen += 1;
    }
    assert!(seen >= 2);
    // The quickstart asks for nothing.
    let quickstart = examples().join("quickstart.toml");
    let exit = signalbox(&["validate", "--config", quickstart.to_str().unwrap()]).await;
    assert_eq!((exit.code, exit.stderr.as_str()), (Some(0), ""));
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
    let exit = signalbox(&["init", "--force", path]).await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    assert!(std::fs::read_to_string(path).unwrap().contains("[sinks."));

    let nowhere = world.path("no/such/folder.toml");
    let exit = signalbox(&["init", nowhere.to_str().unwrap()]).await;
    assert_eq!(exit.code, Some(1));
}
