//! A sealed journal: its frames are encrypted, and without the right key nothing of it is changed.

use std::fs;
use std::path::Path;

use signalbox_journal::{DiskJournal, KeyId, Start};

use crate::support::*;

/// Runs a journal with these keys and appends events.
async fn run(folder: &Path, numbers: &[u8], events: std::ops::Range<u64>) {
    let journal = open_with(&sealed(folder, numbers));
    let (_sink, _) = reader(&journal, "a", Start::Beginning).await;
    append(&journal, events).await;
    journal.shutdown().await;
}

/// Reads all events of a journal. Returns the numbers of those found, and the count of those reported as lost, at the start
/// or in reading.
async fn read(folder: &Path, numbers: &[u8]) -> (Vec<u64>, u64) {
    let journal = open_with(&sealed(folder, numbers));
    let (mut sink, resumed) = reader(&journal, "b", Start::Beginning).await;
    journal.close();
    let rest = rest(&mut sink).await;
    journal.shutdown().await;
    let lost: u64 = rest.lost.iter().map(|(from, to)| to - from).sum();
    let told = resumed.progress.totals.rejected.values();
    (rest.numbers(), told.sum::<u64>() + lost)
}

/// The bytes of the frames of events.
fn frames(folder: &Path) -> Vec<u8> {
    let files = files(folder, "frames-").into_iter();
    files
        .flat_map(|name| fs::read(folder.join(name)).unwrap())
        .collect()
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn a_sealed_journal_is_read_after_a_stop_and_after_a_kill_and_shows_no_event() {
    let (folder, copied) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let journal = open_with(&sealed(folder.path(), &[1]));
    let (mut sink, _) = reader(&journal, "a", Start::Beginning).await;
    for n in 0..5 {
        append(&journal, n * 100..n * 100 + 100).await;
    }
    // Some from memory, and some from the file that grows.
    assert_eq!(take(&mut sink, 500).await, (0..500).collect::<Vec<_>>());
    let (mut late, _) = reader(&journal, "late", Start::Beginning).await;
    assert_eq!(take(&mut late, 500).await, (0..500).collect::<Vec<_>>());
    // As a killed router leaves it.
    copy(folder.path(), copied.path());
    journal.shutdown().await;
    for folder in [folder.path(), copied.path()] {
        let bytes = frames(folder);
        for text in ["messageId", "id-17", "traits.p3", "123456789", "xxxxxxxx"] {
            assert!(!holds(&bytes, text), "{text} is in plain");
        }
        let all: Vec<u64> = (0..500).collect();
        assert_eq!(read(folder, &[1]).await, (all, 0));
    }
}

#[tokio::test]
async fn without_the_right_key_nothing_is_changed() {
    for killed in [true, false] {
        let (folder, copied) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let journal = open_with(&sealed(folder.path(), &[1]));
        let (_sink, _) = reader(&journal, "a", Start::Beginning).await;
        append(&journal, 0..10).await;
        copy(folder.path(), copied.path());
        journal.shutdown().await;
        let folder = if killed { copied } else { folder };
        let path = folder.path().join(&files(folder.path(), "frames-")[0]);
        let intact = fs::read(&path).unwrap();
        // The keys of the state are gone as well in the second round, and in the third the heading is damaged.
        for round in 0..3 {
            if round == 2 {
                let mut damaged = intact.clone();
                damaged[30] ^= 1;
                fs::write(&path, damaged).unwrap();
            }
            let before = contents(folder.path());
            for (listed, remedy) in [
                (&[][..], "set journal.key"),
                (&[2, 3][..], "list the key with this id"),
            ] {
                let options = sealed(folder.path(), listed);
                let error = DiskJournal::open(options).err().unwrap().to_string();
                let id = keys(&[1]).unwrap().ids().next().unwrap().to_string();
                for part in [
                    folder.path().to_str().unwrap(),
                    &id,
                    remedy,
                    "Nothing was changed",
                ] {
                    assert!(error.contains(part), "{error}");
                }
                assert!(before == contents(folder.path()), "{listed:?}, killed: {killed}");
            }
            let _ = fs::remove_file(folder.path().join("keys.bin"));
        }
        fs::write(&path, intact).unwrap();
        assert_eq!(read(folder.path(), &[2, 1]).await.0, (0..10).collect::<Vec<_>>());
        assert!(
            folder.path().join("keys.bin").exists(),
            "the copy in a heading was found"
        );
    }
}

#[tokio::test]
async fn a_key_can_be_set_later_and_changed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let id = |n| keys(&[n]).unwrap().ids().next().unwrap();
    let sealing = |journal: &DiskJournal| {
        let sealing = journal.sealing().unwrap();
        (
            sealing.keys.into_keys().collect::<Vec<KeyId>>(),
            sealing.plain_bytes > 0,
        )
    };
    run(folder, &[], 0..10).await;
    run(folder, &[1], 10..20).await;
    run(folder, &[2, 1], 20..30).await;
    let journal = open_with(&sealed(folder, &[2, 1]));
    let mut wanted = vec![id(1), id(2)];
    wanted.sort_unstable();
    assert_eq!(sealing(&journal), (wanted, true));
    journal.shutdown().await;
    let all: Vec<u64> = (0..30).collect();
    assert_eq!(read(folder, &[2, 1]).await, (all, 0));
    let names = files(folder, "frames-");
    let error = refused(&sealed(folder, &[2]));
    let told = format!(
        "needs the key {} for {}: list the key with this id",
        id(1),
        names[1]
    );
    assert!(error.contains(&told), "{error}");
    let error = refused(&sealed(folder, &[3]));
    for told in [
        format!("the key {} for {}", id(1), names[1]),
        format!("the key {} for keys.bin, {}", id(2), names[2]),
        "list the keys with these ids".to_owned(),
    ] {
        assert!(error.contains(&told), "{told}: {error}");
    }
    // The old key is of no use once its files are gone.
    for name in names.iter().take(2) {
        fs::remove_file(folder.join(name)).unwrap();
    }
    let journal = open_with(&sealed(folder, &[2, 1]));
    let told = journal.sealing().unwrap();
    assert_eq!(
        (told.unneeded.clone(), told.older_key_files()),
        (vec![id(1)], 0),
        "{told:?}"
    );
    journal.shutdown().await;
    let journal = open_with(&sealed(folder, &[2]));
    assert_eq!(sealing(&journal), (vec![id(2)], false));
    journal.shutdown().await;
}

#[tokio::test]
async fn a_sealed_state_alone_is_not_begun_anew_in_plain() {
    for damage in [None, Some(&b"no state"[..]), Some(&[])] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        run(folder, &[1], 0..10).await;
        for name in files(folder, "frames-") {
            fs::remove_file(folder.join(name)).unwrap();
        }
        let state = folder.join("state.redb");
        match damage {
            None => fs::remove_file(&state).unwrap(),
            Some(bytes) => fs::write(&state, bytes).unwrap(),
        }
        let before = contents(folder);
        let error = DiskJournal::open(sealed(folder, &[])).err().unwrap().to_string();
        assert!(
            error.contains("set journal.key") && error.contains("Nothing was changed"),
            "{error}"
        );
        assert!(before == contents(folder), "{damage:?}");
        open_with(&sealed(folder, &[1])).shutdown().await;
    }
}

/// Files of a journal of two runs, each with three frames.
async fn two_files(folder: &Path) -> [std::path::PathBuf; 2] {
    for n in 0..2 {
        let journal = open_with(&sealed(folder, &[1]));
        let (_sink, _) = reader(&journal, "a", Start::Beginning).await;
        for m in 0..3 {
            append(&journal, n * 30 + m * 10..n * 30 + m * 10 + 10).await;
        }
        journal.shutdown().await;
    }
    let files: Vec<_> = files(folder, "frames-")
        .iter()
        .map(|name| folder.join(name))
        .collect();
    files.try_into().unwrap()
}

/// The byte at which the n-th frame of a file begins.
fn frame(bytes: &[u8], n: usize) -> usize {
    let starts = (0..bytes.len()).step_by(4096);
    starts
        .filter(|at| bytes[*at..].starts_with(b"\xF7sbframe"))
        .nth(n)
        .unwrap()
}

#[tokio::test]
async fn a_damaged_heading_costs_nothing_and_a_moved_frame_is_not_delivered() {
    let all: Vec<u64> = (0..60).collect();
    for what in ["heading", "moved", "exchanged", "plain", "flipped"] {
        let written = tempfile::tempdir().unwrap();
        let [first, second] = two_files(written.path()).await;
        let (mut bytes, other) = (fs::read(&first).unwrap(), fs::read(&second).unwrap());
        let (one, two, end) = (frame(&bytes, 0), frame(&bytes, 1), frame(&bytes, 2));
        assert_eq!(end - two, two - one, "the frames are equally long");
        let lost = match what {
            "heading" => {
                bytes[20] ^= 1;
                None
            }
            "moved" => {
                bytes.copy_within(one..two, two);
                Some((10, 20))
            }
            "exchanged" => {
                let from = frame(&other, 1);
                bytes[two..end].copy_from_slice(&other[from..from + end - two]);
                Some((10, 20))
            }
            "plain" => {
                let folder = tempfile::tempdir().unwrap();
                let journal = open_with(&sealed(folder.path(), &[]));
                append(&journal, 0..10).await;
                append(&journal, 10..20).await;
                journal.shutdown().await;
                let plain = fs::read(folder.path().join(&files(folder.path(), "frames-")[0])).unwrap();
                let from = frame(&plain, 1);
                let length = u32::from_le_bytes(plain[from + 12..from + 16].try_into().unwrap()) as usize;
                assert!(length <= end - two, "it has room where the sealed one was");
                bytes[two..two + length].copy_from_slice(&plain[from..from + length]);
                Some((10, 20))
            }
            _ => {
                bytes[two + 300] ^= 1;
                Some((10, 20))
            }
        };
        // With its summary and without.
        for cut in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            if cut {
                bytes.truncate(end + (two - one));
            }
            copy(written.path(), folder.path());
            fs::write(folder.path().join(first.file_name().unwrap()), &bytes).unwrap();
            let found = read(folder.path(), &[1]).await;
            let left = all.iter().copied();
            let left = left.filter(|n| lost.is_none_or(|(from, to)| *n < from || to <= *n));
            assert_eq!(
                found,
                (left.collect(), lost.map_or(0, |(from, to)| to - from)),
                "{what}, cut: {cut}"
            );
        }
    }
}
