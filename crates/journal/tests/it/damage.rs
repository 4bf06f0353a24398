//! Flipped bytes, cut and missing files.

use std::collections::HashSet;
use std::path::Path;

use proptest::prelude::*;
use signalbox_journal::{DiskJournal, DiskOptions, Start};

use crate::support::*;

fn small(folder: &Path) -> DiskOptions {
    DiskOptions {
        file_bytes: 60_000,
        ..options(folder)
    }
}

const EVENTS: u64 = 400;

/// A journal of several files, one sink in the middle of it.
async fn build(folder: &Path) {
    let journal = crate::support::open_with(&small(folder));
    let (mut sink, _) = reader(&journal, "a", Start::End).await;
    for n in 0..EVENTS / 10 {
        append(&journal, n * 10..n * 10 + 10).await;
    }
    sink.commit(settled_before(35));
    sink.flush().await;
    journal.shutdown().await;
}

/// The events that two sinks find, and the position of a new one.
async fn check(folder: &Path) -> (HashSet<u64>, Vec<(u64, u64)>) {
    let journal = crate::support::open_with(&small(folder));
    let (mut old, resumed) = reader(&journal, "a", Start::End).await;
    assert!(
        resumed.progress.cursor == 35 || resumed.progress.cursor == 0 || resumed.progress.cursor == EVENTS
    );
    let (mut new, opened) = reader(&journal, "b", Start::Beginning).await;
    append(&journal, 1000..1001).await;
    journal.close();
    let mut found = rest(&mut new).await;
    // Losses known at the start are reported at once, and the others when a sink reaches them.
    found
        .lost
        .extend(opened.lost.iter().map(|lost| (lost.from, lost.to)));
    // Equality of each event is asserted in there.
    let numbers: HashSet<u64> = found.numbers().into_iter().collect();
    assert_eq!(numbers.len(), found.entries.len());
    assert!(numbers.contains(&1000));
    let again = rest(&mut old).await.numbers();
    for n in (resumed.progress.cursor..EVENTS).chain([1000]) {
        assert_eq!(again.contains(&n), numbers.contains(&n), "{n}");
    }
    for n in 0..EVENTS {
        let lost = found.lost.iter().any(|(from, to)| (*from..*to).contains(&n));
        assert!(
            numbers.contains(&n) || lost || found.lost.is_empty(),
            "{n} vanished"
        );
    }
    journal.shutdown().await;
    (numbers, found.lost)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn a_flipped_byte_costs_its_frame_at_most(
        file in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        bits in 1..=255u8,
        cut in 0..10u8,
    ) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let base = base();
        let folder = tempfile::tempdir().unwrap();
        copy(base, folder.path());
        let names: Vec<_> = files(base, "").into_iter().filter(|name| name != "LOCK").collect();
        let path = folder.path().join(&names[file.index(names.len())]);
        let mut bytes = std::fs::read(&path).unwrap();
        let at = at.index(bytes.len());
        if cut == 0 {
            bytes.truncate(at);
        } else {
            bytes[at] ^= bits;
        }
        std::fs::write(&path, &bytes).unwrap();
        let (numbers, _) = runtime.block_on(check(folder.path()));
        if cut != 0 {
            // At most the frame of ten in which the byte was.
            prop_assert!(numbers.len() as u64 > EVENTS - 11, "{} left, byte {at} of {path:?}", numbers.len());
        }
    }
}

fn base() -> &'static Path {
    static BASE: std::sync::OnceLock<tempfile::TempDir> = std::sync::OnceLock::new();
    BASE.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(build(folder.path()));
        folder
    })
    .path()
}

/// Changes a file through its bytes.
fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(path).unwrap();
    change(&mut bytes);
    std::fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn a_corrupt_frame_is_skipped_and_told() {
    let folder = tempfile::tempdir().unwrap();
    build(folder.path()).await;
    let name = &files(folder.path(), "frames-")[1];
    change(&folder.path().join(name), |bytes| {
        let needle = br#""messageId":"id-"#;
        let at = bytes
            .windows(needle.len())
            .position(|window| window == needle)
            .unwrap();
        bytes[at] ^= 1;
    });
    let (numbers, lost) = check(folder.path()).await;
    assert_eq!((numbers.len() as u64, lost.len()), (EVENTS - 10 + 1, 1));
    assert!(
        files(folder.path(), "")
            .iter()
            .all(|name| !name.contains("corrupt"))
    );
}

#[tokio::test]
async fn a_file_that_was_not_completed_is_read_past_what_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    build(folder.path()).await;
    let names = files(folder.path(), "frames-");
    change(&folder.path().join(&names[1]), |bytes| {
        bytes.truncate(bytes.len() - 1);
        // The heading, the first frame, and one further on.
        bytes[..64].fill(0xA5);
        bytes[4096..4160].fill(0xA5);
        bytes[10 * 4096] ^= 1;
    });
    let (numbers, lost) = check(folder.path()).await;
    assert_eq!((numbers.len() as u64, lost.len()), (EVENTS + 1 - 20, 2));
    assert_eq!(files(folder.path(), "frames-").len(), names.len() + 1);
}

#[tokio::test]
async fn a_file_of_which_nothing_can_be_read_is_set_aside() {
    let folder = tempfile::tempdir().unwrap();
    build(folder.path()).await;
    let name = &files(folder.path(), "frames-")[1];
    change(&folder.path().join(name), |bytes| bytes.fill(0xA5));
    let (numbers, lost) = check(folder.path()).await;
    assert_eq!(lost.len(), 1);
    assert_eq!(numbers.len() as u64, EVENTS + 1 - (lost[0].1 - lost[0].0));
    assert!(files(folder.path(), "").contains(&format!("{name}.corrupt")));
}

#[tokio::test]
async fn a_missing_file_is_a_gap() {
    let folder = tempfile::tempdir().unwrap();
    build(folder.path()).await;
    let names = files(folder.path(), "frames-");
    std::fs::remove_file(folder.path().join(&names[1])).unwrap();
    let (numbers, lost) = check(folder.path()).await;
    assert_eq!(lost.len(), 1);
    assert_eq!(numbers.len() as u64, EVENTS + 1 - (lost[0].1 - lost[0].0));
    // The last one: its positions are not given to others.
    std::fs::remove_file(folder.path().join(names.last().unwrap())).unwrap();
    let journal = open(folder.path());
    let (mut sink, _) = reader(&journal, "c", Start::Beginning).await;
    append(&journal, 2000..2001).await;
    journal.close();
    let last = rest(&mut sink).await;
    assert_eq!(last.entries.last().unwrap().position, EVENTS + 1);
    journal.shutdown().await;
}

#[tokio::test]
async fn without_its_state_sinks_start_at_the_oldest_event() {
    for damage in ["missing", "emptied", "garbage", "cut"] {
        let folder = tempfile::tempdir().unwrap();
        build(folder.path()).await;
        let path = folder.path().join("state.redb");
        match damage {
            "missing" => std::fs::remove_file(&path).unwrap(),
            "emptied" => change(&path, Vec::clear),
            "garbage" => change(&path, |bytes| bytes.fill(0x5A)),
            _ => change(&path, |bytes| bytes.truncate(5000)),
        }
        let journal = crate::support::open_with(&small(folder.path()));
        let (mut sink, resumed) = reader(&journal, "a", Start::End).await;
        journal.all_opened();
        assert_eq!(resumed.progress.cursor, 0, "{damage}");
        assert_eq!(resumed.unread.iter().map(|(_, n)| n).sum::<u64>(), EVENTS);
        journal.close();
        assert_eq!(rest(&mut sink).await.numbers().len() as u64, EVENTS);
        assert_eq!(
            files(folder.path(), "state.redb.corrupt").is_empty(),
            damage == "missing" || damage == "emptied"
        );
        journal.shutdown().await;
        // Once all sinks were opened and it was shut down, new ones are new again.
        let journal = crate::support::open_with(&small(folder.path()));
        let (_, resumed) = reader(&journal, "new", Start::End).await;
        assert_eq!(resumed.progress.cursor, EVENTS);
        journal.shutdown().await;
    }
}

#[tokio::test]
async fn damage_while_it_runs_stops_nobody() {
    use std::os::unix::fs::FileExt;
    let folder = tempfile::tempdir().unwrap();
    let journal = DiskJournal::open(DiskOptions {
        cache_bytes: 0,
        ..small(folder.path())
    })
    .unwrap();
    let (mut sink, _) = reader(&journal, "a", Start::End).await;
    for n in 0..EVENTS / 10 {
        append(&journal, n * 10..n * 10 + 10).await;
    }
    assert_eq!(take(&mut sink, 50).await.len(), 50);
    // Also in the file that grows, while it is open.
    for name in files(folder.path(), "frames-") {
        let file = std::fs::File::options()
            .write(true)
            .open(folder.path().join(&name))
            .unwrap();
        file.write_all_at(&[0xA5; 20_000], 4096).unwrap();
    }
    append(&journal, EVENTS..EVENTS + 10).await;
    append(&journal, EVENTS + 10..EVENTS + 20).await;
    journal.close();
    let found = rest(&mut sink).await;
    let numbers = found.numbers();
    assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
    let lost: u64 = found.lost.iter().map(|(from, to)| to - from).sum();
    assert_eq!(numbers.len() as u64 + lost, EVENTS + 20 - 50, "{:?}", found.lost);
    assert!(lost > 0 && numbers.len() as u64 > EVENTS / 4, "{lost} lost");
    journal.shutdown().await;
    let journal = crate::support::open_with(&small(folder.path()));
    let (mut again, _) = reader(&journal, "b", Start::Beginning).await;
    append(&journal, 5000..5001).await;
    journal.close();
    assert!(rest(&mut again).await.numbers().contains(&5000));
    journal.shutdown().await;
}
