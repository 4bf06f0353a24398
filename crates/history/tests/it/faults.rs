//! Files that are damaged, newer, locked or cannot be written.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use signalbox_core::Money;
use signalbox_history::{
    By, Filter, History, IdKind, KeyFile, Reader, Record, Report, Settings, Sum, key_file_of,
};

use super::support::{file, find, hand, keep, keys, make_older, now, record, start, wait_for};

#[test]
fn a_damaged_file_is_set_aside_and_a_new_one_begins() {
    for beginning in ["rows-", "sums"] {
        let folder = tempfile::tempdir().unwrap();
        let history = start(folder.path());
        keep(&history, vec![record(1)]);
        history.close();
        let path = file(folder.path(), beginning);
        fs::write(
            &path,
            "this is no database, and long enough to have a heading of one ".repeat(80),
        )
        .unwrap();
        let history = start(folder.path());
        keep(&history, vec![record(2)]);
        let mut aside = path.clone().into_os_string();
        aside.push(".corrupt");
        assert!(PathBuf::from(aside).exists(), "{beginning}");
        assert_eq!(find(&history, IdKind::OrderId, "A-2").entries.len(), 1);
        let sums = history.reader().report(&Report {
            by: vec![By::Sink],
            ..Report::default()
        });
        assert!(sums.unwrap().sums[0].count >= 1);
        let health = history.health();
        assert_eq!(health.failing, None, "{beginning}");
        let name = path.file_name().unwrap().to_str().unwrap();
        let told = format!("{name} is damaged and was set aside as {name}.corrupt");
        assert_eq!(
            (&*health.losses[0].told, health.losses[0].records),
            (&*told, None)
        );
        assert_eq!(
            (health.losses.len(), health.gone),
            (1, 0),
            "the number of records is not known"
        );
    }
}

#[test]
fn damage_inside_of_a_file_costs_the_rows_of_a_second_and_a_clear_word() {
    let folder = tempfile::tempdir().unwrap();
    let history = start(folder.path());
    keep(&history, (0..3_000).map(record).collect());
    history.close();
    let path = file(folder.path(), "rows-");
    let mut bytes = fs::read(&path).unwrap();
    // All pages but the first one, which holds the schema.
    bytes[4_096..].fill(0xA5);
    fs::write(&path, bytes).unwrap();
    let history = start(folder.path());
    hand(&history, (0..10).map(record).collect());
    wait_for("a new file is written", || {
        hand(&history, vec![record(77)]);
        history.flush().unwrap();
        !find(&history, IdKind::OrderId, "A-77").entries.is_empty()
    });
    assert!(
        fs::read_dir(folder.path())
            .unwrap()
            .any(|file| { file.unwrap().file_name().to_str().unwrap().ends_with(".corrupt") })
    );
}

#[test]
fn a_file_of_a_newer_version_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let history = start(folder.path());
    keep(&history, vec![record(1)]);
    history.close();
    let path = file(folder.path(), "rows-");
    let newer = Connection::open(&path).unwrap();
    newer.pragma_update(None, "user_version", 99).unwrap();
    drop(newer);
    let before = fs::read(&path).unwrap();
    let history = start(folder.path());
    keep(&history, vec![record(2)]);
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(find(&history, IdKind::OrderId, "A-2").entries.len(), 1);
    let page = history.reader().latest(&Filter::default(), None, 10).unwrap();
    assert_eq!(page.entries.len(), 1);
    assert!(page.unread[0].contains("newer version"), "{:?}", page.unread);
}

/// Makes a file of sums as schema 1 and 2 had it.
fn make_sums_older(path: &Path, version: i32) {
    let older = Connection::open(path).unwrap();
    older
        .execute_batch(&format!(
            "DROP TABLE day_details; DROP TABLE day_sums; PRAGMA user_version = {version};"
        ))
        .unwrap();
}

#[test]
fn sums_of_an_older_schema_are_added_up_by_the_day() {
    let folder = tempfile::tempdir().unwrap();
    let history = start(folder.path());
    let ended = |n: u64| Record {
        ended_at: now() - i64::try_from(n).unwrap() * 5 * 3_600_000,
        sink: if n.is_multiple_of(3) { "ads" } else { "pin" }.into(),
        value: n.is_multiple_of(2).then_some(Money {
            millionths: i64::MAX / 3,
            currency: Some("EUR".into()),
        }),
        ..record(n)
    };
    keep(&history, (0..30).map(ended).collect());
    history.close();
    let report = |reader: &Reader, since| {
        let report = Report {
            since,
            by: vec![By::Day, By::Sink],
            details: true,
            ..Report::default()
        };
        reader.report(&report).unwrap().sums
    };
    let reader = Reader::of_files(folder.path().to_owned(), keys());
    let since = Some(now() - 50 * 3_600_000);
    let expected = [report(&reader, None), report(&reader, since)];
    assert_eq!(expected[0].iter().map(|sum| sum.count).sum::<i64>(), 30);
    make_sums_older(&file(folder.path(), "sums"), 2);
    assert_eq!([report(&reader, None), report(&reader, since)], expected);
    let history = start(folder.path());
    history.flush().unwrap();
    // The file is opened for the first sums.
    keep(&history, vec![record(99)]);
    let added = [report(&reader, None), report(&reader, since)];
    // Its sum is that of today's first record, wherever the time of day puts this one in the order.
    for (added, expected) in added.iter().zip(&expected) {
        let changed: Vec<&Sum> = added.iter().filter(|sum| !expected.contains(sum)).collect();
        assert_eq!((added.len(), changed.len()), (expected.len(), 1), "{added:?}");
        let same = |sum: &&Sum| (&sum.group, &sum.currency) == (&changed[0].group, &changed[0].currency);
        let before = expected.iter().find(same).unwrap();
        assert_eq!(changed[0].count, before.count + 1);
    }
}

#[test]
fn files_of_an_older_schema_are_read_and_continued() {
    let folder = tempfile::tempdir().unwrap();
    let history = start(folder.path());
    keep(&history, vec![record(1)]);
    history.close();
    make_older(&file(folder.path(), "rows-"), 1);
    make_sums_older(&file(folder.path(), "sums"), 1);
    let digests = |reader: &Reader| -> Vec<bool> {
        let page = reader.latest(&Filter::default(), None, 10).unwrap();
        assert!(page.unread.is_empty(), "{:?}", page.unread);
        page.entries.iter().map(|entry| entry.digest.is_some()).collect()
    };
    let stopped = Reader::of_files(folder.path().to_owned(), keys());
    assert_eq!(digests(&stopped), [false]);
    assert_eq!(stopped.report(&Report::default()).unwrap().sums[0].count, 1);
    let history = start(folder.path());
    keep(&history, vec![record(2)]);
    assert_eq!(digests(&history.reader()), [true, false]);
    assert_eq!(
        history.reader().report(&Report::default()).unwrap().sums[0].count,
        2
    );
    let entry = &find(&history, IdKind::OrderId, "A-2").entries[0];
    assert_eq!(history.reader().at(&entry.place).unwrap().as_ref(), Some(entry));
    let digest = u64::from_str_radix(entry.digest.as_deref().unwrap(), 16).unwrap();
    assert!(keys().is_digest(digest, b"{}") && !keys().is_digest(digest, b"{ }"));
}

#[test]
fn rows_of_an_older_schema_do_not_tell_of_parameters_and_searches_say_so() {
    let folder = tempfile::tempdir().unwrap();
    let history = start(folder.path());
    keep(&history, vec![record(1)]);
    history.close();
    make_older(&file(folder.path(), "rows-"), 3);
    let set = Some("order_id".parse().unwrap());
    let with = Filter {
        parameter: set,
        ..Filter::default()
    };
    let without = Filter {
        without_parameter: set,
        ..Filter::default()
    };
    let found = |reader: &Reader, filter: &Filter| -> (Vec<Option<String>>, bool) {
        let page = reader.latest(filter, None, 10).unwrap();
        let told = page.unread.iter().any(|unread| {
            unread.starts_with("rows-") && unread.contains("do not tell which parameters they carried")
        });
        assert_eq!(told, !page.unread.is_empty(), "{:?}", page.unread);
        (
            page.entries.into_iter().map(|entry| entry.order_id).collect(),
            told,
        )
    };
    let stopped = Reader::of_files(folder.path().to_owned(), keys());
    assert_eq!(found(&stopped, &with), (vec![], true));
    assert_eq!(found(&stopped, &without), (vec![], true));
    let none = Filter::default();
    assert_eq!(found(&stopped, &none), (vec![Some("A-1".to_owned())], false));
    let key = Filter {
        without_match_key: Some("idfa".to_owned()),
        ..Filter::default()
    };
    assert_eq!(found(&stopped, &key).0.len(), 1, "it tells of match keys");
    // The same file goes on with rows that tell.
    let history = start(folder.path());
    keep(&history, vec![record(2), record(3)]);
    let reader = history.reader();
    assert_eq!(found(&reader, &with), (vec![Some("A-2".to_owned())], true));
    assert_eq!(found(&reader, &without), (vec![Some("A-3".to_owned())], true));
    for (since, before) in [(Some(now() + 1), None), (None, Some(now() - 3_600_000))] {
        let filter = Filter {
            since,
            before,
            ..with.clone()
        };
        assert!(!found(&reader, &filter).1, "older rows do not concern this time");
    }
}

#[test]
fn a_locked_file_costs_rows_until_it_is_free_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let history = start(folder.path());
    keep(&history, vec![record(1)]);
    let locks = [file(folder.path(), "rows-"), file(folder.path(), "sums")].map(|path| {
        let lock = Connection::open(path).unwrap();
        lock.execute_batch("BEGIN EXCLUSIVE").unwrap();
        lock
    });
    keep(&history, (2..5).map(record).collect());
    let health = history.health();
    assert!(health.failing.as_ref().unwrap().contains("locked"), "{health:?}");
    assert_eq!((health.rows, health.lost), (1, 3));
    drop(locks);
    keep(&history, vec![record(6)]);
    let health = history.health();
    assert_eq!((health.failing, health.rows, health.lost), (None, 2, 3));
    // Sums waited.
    let sums = history.reader().report(&Report::default()).unwrap().sums;
    assert_eq!(sums[0].count, 5);
}

#[test]
fn a_second_router_leaves_the_files_of_the_first_alone_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let first = start(folder.path());
    keep(&first, vec![record(1)]);
    let second = start(folder.path());
    keep(&second, vec![record(2)]);
    let health = second.health();
    assert!(
        health.failing.as_ref().unwrap().contains("another router"),
        "{health:?}"
    );
    assert_eq!((health.rows, health.lost), (0, 1));
    first.close();
    wait_for("the second one goes on", || {
        keep(&second, vec![record(3)]);
        second.health().rows > 0
    });
    assert_eq!(second.health().failing, None);
    assert_eq!(find(&second, IdKind::OrderId, "A-1").entries.len(), 1);
    // Its sums waited.
    let sums = second.reader().report(&Report::default()).unwrap().sums;
    assert!(sums[0].count >= 3, "{sums:?}");
}

#[test]
fn deleted_files_are_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("history");
    let history = start(&inner);
    keep(&history, vec![record(1)]);
    fs::remove_dir_all(&inner).unwrap();
    wait_for("records are kept in new files", || {
        keep(&history, vec![record(2)]);
        !find(&history, IdKind::OrderId, "A-2").entries.is_empty()
    });
    assert_eq!(history.health().failing, None);
}

#[test]
fn a_folder_that_cannot_be_made_costs_no_event_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let blocked = folder.path().join("history");
    fs::write(&blocked, "a file in the way").unwrap();
    let history = start(&blocked);
    keep(&history, vec![record(1)]);
    let health = history.health();
    assert!(health.failing.unwrap().contains("history"));
    assert_eq!((health.rows, health.lost), (0, 1));
    fs::remove_file(&blocked).unwrap();
    wait_for("the history goes on by itself", || {
        keep(&history, vec![record(2)]);
        history.health().rows > 0
    });
    wait_for("and says so", || history.health().failing.is_none());
}

#[test]
fn a_key_that_cannot_be_written_delays_the_history_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let blocked = folder.path().join("blocked");
    fs::write(&blocked, "a file in the way").unwrap();
    let inner = blocked.join("history");
    let path = key_file_of(&inner);
    let open = || KeyFile::open(&path).unwrap();
    let KeyFile { keys, new } = open();
    let settings = Settings {
        new_key: new,
        ..Settings::new(&inner)
    };
    let history = History::start(settings, keys).unwrap();
    keep(&history, vec![record(1)]);
    let health = history.health();
    assert_eq!((health.rows, health.lost), (0, 1));
    assert!(health.failing.unwrap().contains("blocked"));
    fs::remove_file(&blocked).unwrap();
    wait_for("the history begins by itself", || {
        keep(&history, vec![record(2)]);
        history.health().rows > 0
    });
    history.close();
    let KeyFile { keys, new } = open();
    assert!(new.is_none(), "the key was written");
    let wanted = keys.hashes(IdKind::OrderId, "A-2");
    let page = Reader::of_files(inner, keys).find(&wanted, &Filter::default());
    assert!(!page.unwrap().entries.is_empty());
}
