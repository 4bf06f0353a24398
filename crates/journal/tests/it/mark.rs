//! The end of the last file: a commit that was under way, or damage.

use std::path::{Path, PathBuf};

use signalbox_journal::Start;
use twox_hash::XxHash3_64;

use crate::support::*;

/// The number of events in a commit.
const EACH: u64 = 10;
const COMMITS: u64 = 8;
const END: u64 = EACH * COMMITS;

/// Makes a folder as a router leaves it when it is killed between two commits.
async fn killed() -> tempfile::TempDir {
    let (folder, copied) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let journal = open(folder.path());
    let (_sink, _) = reader(&journal, "a", Start::End).await;
    for n in 0..COMMITS {
        append(&journal, n * EACH..(n + 1) * EACH).await;
    }
    // The next run must not depend on the counts that are saved every second.
    journal.tidy().await.unwrap();
    copy(folder.path(), copied.path());
    journal.shutdown().await;
    copied
}

fn frames(folder: &Path) -> PathBuf {
    let names = files(folder, "frames-");
    assert_eq!(names.len(), 1);
    folder.join(&names[0])
}

/// Finds the bytes at which the frames of a file begin.
fn places(bytes: &[u8]) -> Vec<usize> {
    let blocks = (0..bytes.len()).step_by(4096);
    blocks
        .filter(|at| bytes[*at..].starts_with(b"\xF7sbframe"))
        .collect()
}

fn change(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(path).unwrap();
    change(&mut bytes);
    std::fs::write(path, bytes).unwrap();
}

/// Turns the mark into one of another boot that is some commits old, as after a power loss.
fn age(folder: &Path, commits: u64) {
    change(&folder.join("MARK"), |bytes| {
        let ends = places(&std::fs::read(frames(folder)).unwrap());
        bytes[12] ^= 1;
        bytes[36..44].copy_from_slice(&(END - commits * EACH).to_le_bytes());
        let offset = ends[ends.len() - commits as usize];
        bytes[44..52].copy_from_slice(&(offset as u64).to_le_bytes());
        let checksum = XxHash3_64::oneshot(&bytes[..52]).to_le_bytes();
        bytes[52..60].copy_from_slice(&checksum);
    });
}

/// Reads everything that a sink finds, and the position that the next event gets.
async fn found(folder: &Path) -> (Vec<u64>, Vec<(u64, u64)>, u64) {
    let journal = open(folder);
    let (mut sink, resumed) = reader(&journal, "a", Start::End).await;
    append(&journal, 1000..1001).await;
    journal.close();
    let found = rest(&mut sink).await;
    assert_eq!(found.lost, [], "told when it was opened");
    journal.shutdown().await;
    let next = found.entries.last().unwrap().position;
    let mut numbers = found.numbers();
    assert_eq!(numbers.pop(), Some(1000));
    let lost = resumed.lost.iter();
    (numbers, lost.map(|lost| (lost.from, lost.to)).collect(), next)
}

fn corrupt(folder: &Path) -> Vec<String> {
    let mut names = files(folder, "");
    names.retain(|name| name.contains("corrupt"));
    names
}

#[tokio::test]
async fn a_flipped_bit_in_the_last_frame_is_damage_after_a_kill() {
    // The damage is in the events, in the head, or in the magic.
    for at in [300, 20, 2] {
        let folder = killed().await;
        let path = frames(folder.path());
        change(&path, |bytes| {
            let last = *places(bytes).last().unwrap();
            bytes[last + at] ^= 1;
        });
        let before = std::fs::read(&path).unwrap();
        let last = END - EACH;
        let whole = (0..last).collect::<Vec<_>>();
        assert_eq!(
            found(folder.path()).await,
            (whole.clone(), vec![(last, END)], END),
            "byte {at}"
        );
        // The unreadable bytes are kept.
        let names = corrupt(folder.path());
        assert_eq!(names.len(), 1);
        let kept = std::fs::read(folder.path().join(&names[0])).unwrap();
        assert!(before.ends_with(&kept) && kept.len() == 4096 * (kept.len() / 4096) && !kept.is_empty());
        // The loss is logged once, and stays.
        let journal = open(folder.path());
        let (mut all, resumed) = reader(&journal, "b", Start::Beginning).await;
        journal.close();
        let lost = resumed.lost.iter().map(|lost| (lost.from, lost.to));
        assert_eq!(lost.collect::<Vec<_>>(), [(last, END)]);
        assert_eq!(rest(&mut all).await.lost, []);
        journal.shutdown().await;
        assert_eq!(corrupt(folder.path()), names);
    }
}

#[tokio::test]
async fn a_commit_that_was_under_way_is_cut_off_after_a_kill() {
    let whole = (0..END).collect::<Vec<_>>();
    for part in ["half", "head", "garbage", "zeros"] {
        let folder = killed().await;
        change(&frames(folder.path()), |bytes| {
            let first = places(bytes)[0];
            let mut frame = bytes[first..first + 4096].to_vec();
            match part {
                "half" => frame.truncate(700),
                "head" => frame[200] ^= 1,
                "garbage" => frame.fill(0xA5),
                _ => frame.fill(0),
            }
            bytes.extend_from_slice(&frame);
        });
        assert_eq!(found(folder.path()).await, (whole.clone(), vec![], END), "{part}");
        assert_eq!(corrupt(folder.path()), Vec::<String>::new(), "{part}");
    }
}

#[tokio::test]
async fn of_a_commit_that_was_under_way_nothing_stays() {
    let folder = killed().await;
    // One commit has two frames, and the first did not reach the disk.
    let path = frames(folder.path());
    let mut bytes = std::fs::read(&path).unwrap();
    let cut = *places(&bytes).last().unwrap();
    let last = bytes.split_off(cut);
    bytes.resize(cut + 4096, 0xA5);
    bytes.extend_from_slice(&last);
    std::fs::write(&path, &bytes).unwrap();
    change(&folder.path().join("MARK"), |mark| {
        mark[36..44].copy_from_slice(&(END - EACH).to_le_bytes());
        mark[44..52].copy_from_slice(&(cut as u64).to_le_bytes());
        let checksum = XxHash3_64::oneshot(&mark[..52]).to_le_bytes();
        mark[52..60].copy_from_slice(&checksum);
    });
    let journal = open(folder.path());
    let (mut sink, _) = reader(&journal, "b", Start::Beginning).await;
    journal.close();
    let found = rest(&mut sink).await;
    assert_eq!(found.numbers(), (0..END - EACH).collect::<Vec<_>>());
    journal.shutdown().await;
}

#[tokio::test]
async fn after_a_power_loss_a_frame_with_a_right_head_is_damage() {
    for marked in [true, false] {
        let folder = killed().await;
        let path = frames(folder.path());
        change(&path, |bytes| {
            let last = *places(bytes).last().unwrap();
            bytes[last + 300] ^= 1;
        });
        if marked {
            age(folder.path(), 2);
        } else {
            std::fs::remove_file(folder.path().join("MARK")).unwrap();
        }
        let last = END - EACH;
        let wanted = ((0..last).collect(), vec![(last, END)], END);
        assert_eq!(found(folder.path()).await, wanted, "{marked}");
        assert_eq!(corrupt(folder.path()).len(), 1);
    }
}

#[tokio::test]
async fn after_a_power_loss_what_is_no_frame_is_set_aside() {
    let folder = killed().await;
    age(folder.path(), 1);
    change(&frames(folder.path()), |bytes| {
        bytes.resize(bytes.len() + 5000, 0xA5)
    });
    let whole = (0..END).collect::<Vec<_>>();
    assert_eq!(found(folder.path()).await, (whole, vec![], END));
    let names = corrupt(folder.path());
    let kept = std::fs::read(folder.path().join(&names[0])).unwrap();
    assert_eq!((names.len(), kept), (1, vec![0xA5; 5000]));
}

#[tokio::test]
async fn the_next_frame_says_what_was_acknowledged_before_it() {
    // The last two frames are damaged: of one, only the place is known; the other still has its head.
    let folder = killed().await;
    std::fs::remove_file(folder.path().join("MARK")).unwrap();
    change(&frames(folder.path()), |bytes| {
        let places = places(bytes);
        let (one, other) = (places[places.len() - 2], places[places.len() - 1]);
        bytes[one..other].fill(0xA5);
        bytes[other + 300] ^= 1;
    });
    let whole = (0..END - 2 * EACH).collect::<Vec<_>>();
    assert_eq!(
        found(folder.path()).await,
        (whole, vec![(END - 2 * EACH, END)], END)
    );
}

#[tokio::test]
async fn a_last_file_that_is_gone_is_lost_and_its_positions_with_it() {
    let folder = killed().await;
    std::fs::remove_file(frames(folder.path())).unwrap();
    std::fs::remove_file(folder.path().join("state.redb")).unwrap();
    let journal = open(folder.path());
    assert_eq!(append_at(&journal, 7).await, END);
    journal.shutdown().await;
}

async fn append_at(journal: &signalbox_journal::DiskJournal, n: u64) -> u64 {
    match journal.append(vec![event(n)]).await.unwrap()[..] {
        [signalbox_journal::Appended::Stored(position)] => position,
        ref other => panic!("{other:?}"),
    }
}
