//! Helpers of the tests.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use signalbox_core::{Event, Facts, HashedPath, JournalKey, LimitedDataProcessing, Receipt, Warning};
use signalbox_journal::{
    Appended, Commit, DiskJournal, DiskOptions, Entry, Keys, Lost, Named, Position, Progress, Read, Reader,
    Resumed, Roster, Start, Subscription,
};
pub(crate) use signalbox_journal::{Journal, Letters, Log, States};

/// The sources of events.
pub(crate) const SOURCES: [&str; 2] = ["app", "web"];

/// The source of an event of this number.
pub(crate) fn source(n: u64) -> &'static str {
    if n.is_multiple_of(5) { "app" } else { "web" }
}

/// An event whose number distinguishes it from all others.
pub(crate) fn event(n: u64) -> Event {
    let receipt = Receipt {
        source: source(n).into(),
        received_at: 1_700_000_000_000 + n as i64,
    };
    let text = format!(
        r#"{{"messageId":"id-{n}","type":"track","n":{n},"big":123456789012345678{},"text":"é\n\u0000{}","deep":[[{{"a":null}}]]}}"#,
        n % 10,
        "x".repeat((n % 7) as usize * 300)
    );
    let mut event = Event::parse(&text, receipt).unwrap();
    if n.is_multiple_of(3) {
        *event.facts_mut() = Facts {
            sinks: Some(vec!["a".into(), format!("s{n}")]),
            limited_data_processing: Some(LimitedDataProcessing {
                state: "CA".into(),
                country: "US".into(),
            }),
            hashed: vec![HashedPath {
                path: format!("traits.p{n}").into(),
                rules: "pinterest".into(),
                kind: (n % 2 == 1).then_some("email".into()),
                hashes: vec![format!("{n:064x}").into(); (n % 2) as usize],
            }],
            warnings: vec![Warning {
                code: "c".into(),
                path: "p".into(),
                message: format!("left out {n}"),
            }],
        };
    }
    event
}

pub(crate) fn events(range: std::ops::Range<u64>) -> Vec<Event> {
    range.map(event).collect()
}

/// The number of an event that is exactly as [`event`] makes it.
pub(crate) fn number(found: &Event) -> u64 {
    let n: u64 = found.message_id().strip_prefix("id-").unwrap().parse().unwrap();
    let made = event(n);
    assert_eq!(found.to_json(), made.to_json());
    assert_eq!(found.receipt(), made.receipt());
    assert_eq!(found.facts(), made.facts());
    n
}

pub(crate) fn options(folder: &Path) -> DiskOptions {
    DiskOptions {
        linger: Duration::ZERO,
        ballast_bytes: 0,
        ..DiskOptions::new(folder)
    }
}

/// Options that retain neither settled events nor ids.
pub(crate) fn sparing(folder: &Path) -> DiskOptions {
    DiskOptions {
        retain: Duration::ZERO,
        dedup_window: Duration::ZERO,
        ..options(folder)
    }
}

/// The operator's keys of these numbers, the newest first; `None` without numbers.
pub(crate) fn keys(numbers: &[u8]) -> Option<Keys> {
    let keys: Vec<JournalKey> = numbers.iter().map(|n| JournalKey::new([*n; 32])).collect();
    Keys::new(&keys).unwrap()
}

/// Options with the keys of these numbers.
pub(crate) fn sealed(folder: &Path, numbers: &[u8]) -> DiskOptions {
    DiskOptions {
        keys: keys(numbers),
        ..options(folder)
    }
}

/// Opens a journal once its lock is free. Other tests start processes, and between fork and exec each holds the
/// descriptors of this one, the lock of a journal that was just closed included.
pub(crate) fn open_with(options: &DiskOptions) -> DiskJournal {
    let mut tries = 0;
    loop {
        match DiskJournal::open(options.clone()) {
            Err(error) if tries < 100 && error.to_string().contains("in use by") => {
                tries += 1;
                std::thread::sleep(Duration::from_millis(10));
            }
            opened => return opened.unwrap(),
        }
    }
}

pub(crate) fn open(folder: &Path) -> DiskJournal {
    open_with(&options(folder))
}

pub(crate) async fn reader(journal: &dyn Journal, sink: &str, start: Start) -> (Box<dyn Reader>, Resumed) {
    let subscription = Subscription::new(SOURCES, start);
    journal.reader(sink, &subscription).await.unwrap()
}

/// Appends in one call, expects all of it to be new, and returns the positions.
pub(crate) async fn append(journal: &dyn Journal, range: std::ops::Range<u64>) -> Vec<Position> {
    let fates = journal.append(events(range)).await.unwrap();
    let place = |fate: Appended| match fate {
        Appended::Stored(position) => position,
        Appended::Duplicate => panic!("a duplicate"),
    };
    fates.into_iter().map(place).collect()
}

/// The rest of a closed journal, read to its end.
#[derive(Default)]
pub(crate) struct Rest {
    pub(crate) entries: Vec<Entry>,
    pub(crate) lost: Vec<(Position, Position)>,
}

impl Rest {
    pub(crate) fn numbers(&self) -> Vec<u64> {
        self.entries.iter().map(|entry| number(&entry.event)).collect()
    }
}

/// Reads to the end; the journal must be closed.
pub(crate) async fn rest(reader: &mut Box<dyn Reader>) -> Rest {
    let mut rest = Rest::default();
    loop {
        match reader.next(100).await {
            Read::Events(entries) => rest.entries.extend(entries),
            Read::Lost(Lost { from, to, .. }) => rest.lost.push((from, to)),
            Read::End => return rest,
            Read::Revoked => panic!("another reader was opened"),
        }
    }
}

/// Reads this number of events.
pub(crate) async fn take(reader: &mut Box<dyn Reader>, count: usize) -> Vec<u64> {
    let mut numbers = Vec::new();
    while numbers.len() < count {
        match reader.next(count - numbers.len()).await {
            Read::Events(entries) => numbers.extend(entries.iter().map(|entry| number(&entry.event))),
            other => panic!("{other:?}"),
        }
    }
    numbers
}

pub(crate) fn settled_before(cursor: Position) -> Commit {
    Commit {
        progress: Some(Progress {
            cursor,
            ..Progress::default()
        }),
        ..Commit::default()
    }
}

/// The environment variable that tells a test of [`in_small_files`] that it is the process under test, and its folder.
pub(crate) const SMALL_FILES: &str = "SIGNALBOX_JOURNAL_TEST_SMALL_FILES";

/// Runs a test of this binary in a process of its own, whose files may not grow beyond this number of blocks of 512 bytes
/// by POSIX, or 1024 in some shells. Returns what it printed behind `told`.
pub(crate) fn in_small_files(test: &str, blocks: u32, folder: &Path, told: &str) -> String {
    // The signal must be ignored to get the error.
    let limited = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" --exact \"$1\" --nocapture");
    let output = Command::new("sh")
        .args(["-c", &limited])
        .arg(std::env::current_exe().unwrap())
        .arg(test)
        .env(SMALL_FILES, folder)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    let found = output.lines().find_map(|line| line.split_once(told));
    let (_, rest) = found.unwrap_or_else(|| panic!("{output}"));
    rest.trim().to_owned()
}

/// The events in the journal, as the totals of its sources count them.
pub(crate) async fn journalled(journal: &DiskJournal) -> u64 {
    let totals = journal.source_totals().await.unwrap();
    totals.iter().map(|(_, totals)| totals.journalled).sum()
}

/// Files of a folder whose names start so.
pub(crate) fn files(folder: &Path, prefix: &str) -> Vec<String> {
    let names = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.filter(|name| name.starts_with(prefix)).collect();
    names.sort();
    names
}

/// All files of a journal except the lock, which names the process that looked at it last.
pub(crate) fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let names = files(folder, "").into_iter().filter(|name| name != "LOCK");
    names
        .map(|name| (name.clone(), fs::read(folder.join(name)).unwrap()))
        .collect()
}

/// Expects that a start is refused and changes no file; returns the error.
pub(crate) fn refused(options: &DiskOptions) -> String {
    let before = contents(&options.path);
    let error = DiskJournal::open(options.clone()).err().unwrap().to_string();
    assert!(before == contents(&options.path), "nothing is changed: {error}");
    error
}

/// Copies the files of a folder.
pub(crate) fn copy(from: &Path, to: &Path) {
    for name in files(from, "") {
        std::fs::copy(from.join(&name), to.join(&name)).unwrap();
    }
}

/// Makes a pipeline with these sinks and all sources.
pub(crate) fn pipeline(sinks: &[&str]) -> Roster {
    Roster {
        sources: SOURCES.iter().map(|name| Named::new(*name)).collect(),
        sinks: sinks.iter().map(|name| Named::new(*name)).collect(),
        ..Roster::default()
    }
}
