//! Limits of age and bytes.

use signalbox_history::{By, Filter, History, Report, Settings};

use super::support::{keep, keys, record, start, wait_for};

#[test]
fn the_oldest_rows_go_by_the_file_and_sums_stay() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        max_bytes: 8_000_000,
        ..Settings::new(folder.path())
    };
    let history = History::start(settings, keys()).unwrap();
    let mut handed = 0;
    wait_for("a first file is removed", || {
        keep(&history, (handed..handed + 2_500).map(record).collect());
        handed += 2_500;
        let files = std::fs::read_dir(folder.path()).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let first = names
            .into_iter()
            .any(|name| name.starts_with("rows-") && name.ends_with(".db") && !name.contains('T'));
        !first
    });
    let health = history.health();
    assert!(health.files > 1 && health.failing.is_none(), "{health:?}");
    let reader = history.reader();
    let newest = reader.latest(&Filter::default(), None, 1).unwrap();
    assert_eq!(newest.entries[0].position, Some(handed - 1));
    let sums = reader
        .report(&Report {
            by: vec![By::Sink],
            ..Report::default()
        })
        .unwrap()
        .sums;
    assert_eq!(sums[0].count, i64::try_from(handed).unwrap());
}

#[test]
fn files_older_than_keep_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let old = ["rows-2020-01-01.db", "rows-2020-01-02T05.db"];
    let history = start(folder.path());
    keep(&history, vec![record(1)]);
    history.close();
    let today = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|file| file.unwrap().path())
        .find(|path| path.file_name().unwrap().to_str().unwrap().starts_with("rows-"))
        .unwrap();
    for name in old {
        std::fs::copy(&today, folder.path().join(name)).unwrap();
    }
    let history = start(folder.path());
    wait_for("old files are removed", || {
        !old.iter().any(|name| folder.path().join(name).exists())
    });
    assert_eq!(
        history
            .reader()
            .latest(&Filter::default(), None, 10)
            .unwrap()
            .entries
            .len(),
        1
    );
}

#[test]
fn a_start_long_after_the_last_write_removes_nothing_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let history = start(folder.path());
    keep(&history, vec![record(1)]);
    history.close();
    let names = || -> Vec<String> {
        let files = std::fs::read_dir(folder.path()).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.ends_with(".db")).collect()
    };
    let today = names()
        .into_iter()
        .find(|name| name.starts_with("rows-"))
        .unwrap();
    // As if the clock had jumped by years since.
    let old = "rows-2020-01-01.db";
    std::fs::rename(folder.path().join(today), folder.path().join(old)).unwrap();
    let written = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_577_880_000);
    for name in names() {
        let file = std::fs::File::options()
            .write(true)
            .open(folder.path().join(name));
        file.unwrap().set_modified(written).unwrap();
    }
    let history = start(folder.path());
    // The history looks at the ages of files after 5,000 rows.
    for n in 0..3 {
        keep(&history, (2_500 * n..2_500 * (n + 1)).map(record).collect());
    }
    let reader = history.reader();
    let at = reader.at(&format!("{old}:1").parse().unwrap());
    assert_eq!(at.unwrap().unwrap().position, Some(1));
    let sums = reader.report(&Report::default()).unwrap().sums;
    assert_eq!(sums[0].count, 7_501, "{sums:?}");
}
