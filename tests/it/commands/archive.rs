//! The archive that `init` writes, and the files that rotation deletes.

use super::signalbox;
use crate::support::client::post_all;
use crate::support::events::orders;
use crate::support::world::{World, shop};

#[tokio::test]
async fn the_archive_that_init_writes_keeps_everything() {
    let world = World::new().await;
    let path = world.path("mine.toml");
    let exit = signalbox(&["init", path.to_str().unwrap()]).await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    let text = std::fs::read_to_string(&path).unwrap();
    let file: toml::Table = text.parse().unwrap();
    let archive = file["sinks"]["archive"].as_table().unwrap();
    assert_eq!(archive["type"].as_str(), Some("file"));
    for deletes in ["max_size", "keep"] {
        assert!(!archive.contains_key(deletes), "{deletes}: {archive:?}");
    }
}

#[tokio::test]
async fn a_file_that_rotation_deletes_is_logged_and_counted() {
    let world = World::new().await;
    let rotating = "path = \"${FOLDER}/archive.jsonl\"\nmax_size = \"1kB\"\nkeep = 1";
    let text = shop("[admin]\nlisten = \"${ADMIN}\"\n", "", "");
    let text = text.replace("path = \"${FOLDER}/archive.jsonl\"", rotating);
    let router = world.router(&world.write("p.toml", &text)).await;
    router.status(&world.admin, |status| status.ready).await;
    let events = orders("r", 20);
    post_all(&world.listen, &events).await;
    let status = router
        .status(&world.admin, |status| status.sinks["archive"].delivered == 20)
        .await;
    let deleted = status.sinks["archive"].records.warnings["rotated_file_deleted"];
    assert!(deleted > 0);
    let metrics = crate::support::client::get(&world.admin, "/metrics").await.body;
    let counted = metrics.lines().find(|line| {
        line.starts_with("signalbox_sink_warnings_total{") && line.contains("code=\"rotated_file_deleted\"")
    });
    assert!(counted.unwrap().ends_with(&format!(" {deleted}")), "{counted:?}");
    router.signal("TERM");
    let exit = router.exit().await;
    let told: Vec<&str> = exit
        .stderr
        .lines()
        .filter(|line| line.contains("rotation deleted the oldest file"))
        .collect();
    assert_eq!(told.len() as u64, deleted, "{exit:?}");
    for line in told {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["sink"], "archive", "{line}");
        assert!(line["bytes"].as_u64().unwrap() > 0, "{line}");
        assert!(
            line["file"].as_str().unwrap().ends_with("archive.jsonl.1"),
            "{line}"
        );
    }
    // Some lines were deleted.
    let left = |name: &str| std::fs::read_to_string(world.path(name)).unwrap().lines().count();
    assert!(left("archive.jsonl") + left("archive.jsonl.1") < 20);
}
