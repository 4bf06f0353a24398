use signalbox_core::JournalKey;

use super::*;
use crate::clock::now;
use crate::ids::Ids;
use crate::record::Outcome;

fn record(n: u64) -> Record<'static> {
    let ids = Ids {
        order_id: format!("A-{n}").into(),
        ..Ids::default()
    };
    let times = (now(), now());
    Record {
        position: Some(n),
        ids,
        ..Record::of_event("web", "ads", "Order Completed".into(), Outcome::Delivered, times)
    }
}

fn rows(folder: &std::path::Path) -> Rows {
    let keys = IdKeys::derive([&JournalKey::new([1; 32])]).unwrap();
    Rows::new(Settings::new(folder), keys, Arc::default(), Arc::default())
}

#[test]
fn a_full_disk_costs_the_rows_since_the_last_commit_and_no_more() {
    let folder = tempfile::tempdir().unwrap();
    let mut rows = rows(folder.path());
    rows.add(&record(0), now()).unwrap();
    rows.commit(now()).unwrap();
    // SQLite then answers as it does on a full disk.
    let file = rows.file.as_ref().unwrap();
    file.db.pragma_update(None, "max_page_count", 20).unwrap();
    let trouble = (1..).find_map(|n| rows.add(&record(n), now()).err()).unwrap();
    assert!(trouble.to_string().contains("the disk is full"), "{trouble}");
    assert_eq!(rows.uncommitted(), 0);
    assert_eq!(
        rows.open_ids.len(),
        1,
        "the ids of rows that were not written are forgotten"
    );
    // Opened again, it has no such limit.
    rows.add(&record(7), now()).unwrap();
    rows.commit(now()).unwrap();
    let count: i64 = rows
        .file
        .as_ref()
        .unwrap()
        .db
        .query_row("SELECT count(*) FROM rows", [], |row| row.get(0))
        .unwrap();
    assert_eq!(count, 2);
}

#[test]
fn ids_become_a_segment_when_enough_wait_or_an_hour_has_passed() {
    let folder = tempfile::tempdir().unwrap();
    let mut rows = rows(folder.path());
    let segments = |rows: &Rows| -> i64 {
        let db = &rows.file.as_ref().unwrap().db;
        db.query_row("SELECT count(*) FROM segments", [], |row| row.get(0))
            .unwrap()
    };
    let start = now();
    rows.add(&record(0), start).unwrap();
    rows.commit(start + MINUTE_MILLIS).unwrap();
    assert_eq!((segments(&rows), rows.open_ids.len()), (0, 1), "too few");
    for n in 1..SEGMENT as u64 {
        rows.add(&record(n), start).unwrap();
    }
    rows.commit(start + MINUTE_MILLIS).unwrap();
    assert_eq!(
        (segments(&rows), rows.open_ids.len()),
        (0, SEGMENT),
        "the minute is not over"
    );
    rows.commit(start + 2 * MINUTE_MILLIS).unwrap();
    assert_eq!((segments(&rows), rows.open_ids.len()), (1, 0));
    rows.add(&record(9), start).unwrap();
    rows.commit(start + 3 * MINUTE_MILLIS).unwrap();
    assert_eq!(segments(&rows), 1);
    rows.commit(start + 2 * HOUR_MILLIS).unwrap();
    assert_eq!((segments(&rows), rows.open_ids.len()), (2, 0));
}

#[test]
fn a_file_from_a_time_when_the_clock_was_ahead_is_not_continued() {
    let folder = tempfile::tempdir().unwrap();
    let mut rows = rows(folder.path());
    let (today, later) = (now(), now() + 400 * 24 * HOUR_MILLIS);
    for (at, expected) in [(today, today), (later, later), (today, today), (later, later)] {
        rows.add(&record(0), at).unwrap();
        rows.commit(at).unwrap();
        assert_eq!(rows.file.as_ref().unwrap().name, RowFile::of_day(expected));
    }
    rows.close(later).unwrap();
    rows.resume(today).unwrap();
    assert!(rows.is_open(RowFile::of_day(today)));
}
