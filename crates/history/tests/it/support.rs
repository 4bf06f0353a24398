//! Records for tests, and histories of them.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rusqlite::Connection;
use signalbox_core::{JournalKey, Money, Parameter, Parameters};
use signalbox_history::{
    Attempt, Checksum, Filter, History, IdKeys, IdKind, Ids, Outcome, Page, People, Record, Settings, Warned,
};

pub(crate) fn keys() -> IdKeys {
    IdKeys::derive([&JournalKey::new([7; 32])]).unwrap()
}

pub(crate) fn start(folder: &Path) -> History {
    History::start(Settings::new(folder), keys()).unwrap()
}

pub(crate) fn now() -> i64 {
    Timestamp::now().as_millisecond()
}

/// A delivered record with ids made of a number.
pub(crate) fn record(n: u64) -> Record<'static> {
    let people = [
        (IdKind::Email, format!("ivy{n}@example.com")),
        (IdKind::Phone, format!("+49 30 90182{n}")),
        (IdKind::UserId, format!("u-{n}")),
    ];
    let at = now();
    Record {
        ended_at: at,
        received_at: at - 1_500,
        happened_at: at - 60_000,
        source: "web".into(),
        library: Some("analytics.js 2.1.0".into()),
        position: Some(n),
        sink: "ads".into(),
        mapping: Some("Checkout".into()),
        event: "Order Completed".into(),
        event_name: Some("checkout".into()),
        action_source: Some("web".into()),
        outcome: Outcome::Delivered,
        reason: None,
        message: None,
        attempts: vec![Attempt {
            at: at - 100,
            millis: 95,
            status: Some(200),
            result: "delivered".into(),
        }],
        request_id: Some("r-1".into()),
        warnings: vec![Warned {
            code: "phone_without_country".into(),
            path: "user_data.ph".into(),
        }],
        match_keys: Some(Cow::Owned(Arc::new(["email", "phone"].into_iter().collect()))),
        parameters: {
            let mut carried = Parameters::default();
            carried.add(Parameter::Value, true);
            carried.add(Parameter::OrderId, n.is_multiple_of(2));
            carried
        },
        value: Some(Money {
            millionths: 72_050_000,
            currency: Some("EUR".into()),
        }),
        batch: Some((3, 2)),
        bytes: 640,
        checksum: Some(Checksum::of(b"{}")),
        late: false,
        ids: Ids {
            message_id: format!("m-{n}").into(),
            event_id: format!("e-{n}").into(),
            order_id: format!("A-{n}").into(),
            people: People::of(people.iter().map(|(kind, text)| (*kind, &**text)), &keys()),
        },
    }
}

/// A record of an event that made none.
pub(crate) fn filtered(n: u64) -> Record<'static> {
    Record {
        mapping: None,
        event_name: None,
        outcome: Outcome::Filtered,
        reason: Some("no_trigger_matched".into()),
        message: Some("no mapping listens to it".into()),
        attempts: Vec::new(),
        value: None,
        match_keys: None,
        parameters: Parameters::default(),
        warnings: Vec::new(),
        batch: None,
        bytes: 0,
        ..record(n)
    }
}

pub(crate) fn hand(history: &History, records: Vec<Record<'_>>) {
    let mut notes = history.notes();
    records.iter().for_each(|record| notes.add(record));
    assert!(notes.count() > 0);
    history.hand(notes);
}

/// Hands over and waits until the history has committed.
pub(crate) fn keep(history: &History, records: Vec<Record<'_>>) {
    hand(history, records);
    history.flush().unwrap();
}

pub(crate) fn find(history: &History, kind: IdKind, text: &str) -> Page {
    let reader = history.reader();
    reader
        .find(&reader.keys().hashes(kind, text), &Filter::default())
        .unwrap()
}

/// Waits for a condition, at most a minute.
pub(crate) fn wait_for(what: &str, mut test: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !test() {
        assert!(Instant::now() < until, "never: {what}");
        std::thread::yield_now();
    }
}

/// Searches all bytes of all files of a folder.
pub(crate) fn holds(folder: &Path, text: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        bytes.windows(text.len()).any(|window| window == text.as_bytes())
    })
}

/// Finds a file of a history by the beginning of its name.
pub(crate) fn file(folder: &Path, beginning: &str) -> PathBuf {
    let mut files = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    files
        .find(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with(beginning) && name.ends_with(".db")
        })
        .unwrap()
}

/// Makes a file of rows as schema 1 or 3 had it.
pub(crate) fn make_older(path: &Path, version: i32) {
    let older = Connection::open(path).unwrap();
    let view: String = older
        .query_row(
            "SELECT sql FROM sqlite_schema WHERE name = 'records'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    let newer = match version {
        1 => ",\n  rows.digest",
        _ => ",\n  CASE WHEN rows.parameters",
    };
    let (kept, _) = view.split_once(newer).unwrap();
    let drops = match version {
        1 => "ALTER TABLE rows DROP COLUMN digest;",
        _ => "",
    };
    older
        .execute_batch(&format!(
            "DROP VIEW records; {drops} ALTER TABLE rows DROP COLUMN parameters; {kept} FROM rows; PRAGMA user_version = {version};"
        ))
        .unwrap();
}
