//! Folders that cannot be used.

use signalbox_journal::DiskJournal;

use crate::support::*;

#[tokio::test]
async fn one_router_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    let error = DiskJournal::open(options(folder.path()))
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains(&format!("in use by process {}", std::process::id())),
        "{error}"
    );
    assert!(error.contains("admin address"), "{error}");
    journal.shutdown().await;
    open(folder.path()).shutdown().await;
}

#[test]
fn a_file_in_the_way_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    std::fs::write(&path, "").unwrap();
    let error = DiskJournal::open(options(&path)).err().unwrap().to_string();
    assert!(
        error.contains(path.to_str().unwrap()) && error.contains("a file is in the way"),
        "{error}"
    );
    let error = DiskJournal::open(options(&path.join("deeper")))
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("a file is in the way"), "{error}");
}

#[test]
fn files_of_an_early_version_are_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let old = folder.path().join("frames-00000000000000000000.redb");
    std::fs::write(&old, "events").unwrap();
    let error = DiskJournal::open(options(folder.path()))
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains(old.to_str().unwrap()) && error.contains("let that version deliver"),
        "{error}"
    );
    assert_eq!(std::fs::read(&old).unwrap(), b"events");
    assert!(files(folder.path(), "state").is_empty());
}
