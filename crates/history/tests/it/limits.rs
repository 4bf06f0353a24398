//! Limits of age, bytes and queue.

use std::sync::mpsc;
use std::time::Duration;

use signalbox_history::{By, Filter, Handover, History, Record, Report, Settings};

use super::support::{hand, keep, keys, record, start, wait_for};

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
        .unwrap();
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

/// A handover that is made once the test says so.
struct Slow(mpsc::Receiver<()>);

impl Handover for Slow {
    fn count(&self) -> usize {
        1
    }

    fn records(self: Box<Self>, into: &mut Vec<Record>) {
        self.0.recv_timeout(Duration::from_secs(20)).unwrap();
        into.push(record(0));
    }
}

/// A handover whose sink's plugin panics.
struct Panicking;

impl Handover for Panicking {
    fn count(&self) -> usize {
        2
    }

    fn records(self: Box<Self>, into: &mut Vec<Record>) {
        into.push(record(0));
        panic!("a fault of the plugin");
    }
}

#[test]
fn records_too_many_are_dropped_and_counted_and_nobody_waits() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings {
        queue: 10,
        ..Settings::new(folder.path())
    };
    let history = History::start(settings, keys()).unwrap();
    let (go, wait) = mpsc::channel();
    history.hand(Box::new(Slow(wait)));
    hand(&history, (1..9).map(record).collect());
    hand(&history, (9..20).map(record).collect());
    assert_eq!(history.health().dropped, 11);
    go.send(()).unwrap();
    history.flush().unwrap();
    let health = history.health();
    assert_eq!((health.rows, health.dropped, health.queued), (9, 11, 0));
    // Larger than the queue, but nothing waits.
    keep(&history, (20..40).map(record).collect());
    assert_eq!(history.health().rows, 29);
}

#[test]
fn a_panic_in_a_handover_costs_its_records_only() {
    let folder = tempfile::tempdir().unwrap();
    let history = start(folder.path());
    history.hand(Box::new(Panicking));
    keep(&history, vec![record(1)]);
    let health = history.health();
    assert_eq!((health.rows, health.dropped), (2, 1));
}
