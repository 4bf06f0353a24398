//! Histories that keep sums alone.

use signalbox_history::{By, Filter, History, IdHash, IdKind, Keep, Report, Settings};

use super::support::{keep, keys, record, start, wait_for};

fn start_without_rows(folder: &std::path::Path) -> History {
    let settings = Settings {
        rows: Keep::Off,
        ..Settings::new(folder)
    };
    History::start(settings, keys()).unwrap()
}

#[test]
fn records_are_counted_and_no_row_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let history = start_without_rows(folder.path());
    keep(&history, (0..5).map(record).collect());
    let report = Report {
        by: vec![By::Sink],
        ..Report::default()
    };
    let reader = history.reader();
    assert_eq!(reader.report(&report).unwrap().sums[0].count, 5);
    assert!(!reader.has_rows().unwrap() && !history.keeps_rows());
    let health = history.health();
    assert_eq!((health.rows, health.lost, health.failing), (0, 0, None));
    history.close();
    let mut files = std::fs::read_dir(folder.path()).unwrap();
    assert!(!files.any(|file| file.unwrap().file_name().to_string_lossy().starts_with("rows-")));
}

#[test]
fn rows_of_before_are_found_erased_and_removed_by_their_age() {
    let folder = tempfile::tempdir().unwrap();
    let history = start(folder.path());
    keep(&history, vec![record(1)]);
    history.close();
    let history = start_without_rows(folder.path());
    let ids = |kind, text: &str| -> Vec<IdHash> { history.keys().hashes(kind, text) };
    let found = |hashes: &[IdHash]| {
        let page = history.reader().find(hashes, &Filter::default()).unwrap();
        page.entries.len()
    };
    assert!(history.reader().has_rows().unwrap());
    assert_eq!(found(&ids(IdKind::OrderId, "A-1")), 1);
    assert_eq!(
        history.erase(ids(IdKind::UserId, "u-1"), i64::MAX).unwrap(),
        Some(1)
    );
    assert_eq!(found(&ids(IdKind::OrderId, "A-1")), 0);
    history.close();
    // The last file of all goes too.
    let rows = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|file| file.unwrap().path())
        .find(|path| path.extension().is_some_and(|end| end == "db") && !path.ends_with("sums.db"))
        .unwrap();
    let old = folder.path().join("rows-2020-01-01.db");
    std::fs::rename(rows, &old).unwrap();
    let history = start_without_rows(folder.path());
    wait_for("the old file is removed", || !old.exists());
    wait_for("no file is left", || !history.reader().has_rows().unwrap());
}

#[test]
fn the_file_that_was_written_last_goes_when_its_time_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let history = start(folder.path());
    keep(&history, vec![record(1)]);
    history.close();
    let rows = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|file| file.unwrap().path())
        .find(|path| path.extension().is_some_and(|end| end == "db") && !path.ends_with("sums.db"))
        .unwrap();
    let old = folder.path().join("rows-2020-01-01.db");
    std::fs::rename(rows, &old).unwrap();
    // It is opened at the start, since rows may follow, and none do.
    let history = start(folder.path());
    wait_for("the old file is removed", || !old.exists());
    keep(&history, vec![record(2)]);
    assert_eq!(history.health().failing, None);
    let page = history.reader().latest(&Filter::default(), None, 10).unwrap();
    assert_eq!(page.entries.len(), 1);
}
