//! A disk journal copied into another journal: every pending delivery, letter and count is there, and nothing else.

use std::collections::BTreeMap;
use std::sync::Arc;

use signalbox_core::{Event, Receipt};
use signalbox_journal::{
    Appended, Commit, Copied, DeadLetter, DeadLetterFilter, DiskJournal, DiskOptions, Erasures as _, Journal,
    MemoryJournal, Named, Open, Parked, Position, Progress, Read, RecordEnd, Roster, SourceTotals, Start,
    Subject, Subscription, Totals, Transferred, Wanted, copied, transfer,
};

use crate::contract::Bench;
use crate::support::*;

mod resumed;

/// The pending deliveries of a sink, as a router finds them: message ids with the attempts made, those parked, those returned.
#[derive(Debug, Default, PartialEq)]
struct Pending {
    unread: Vec<(String, u32)>,
    parked: Vec<(String, u32)>,
    returned: Vec<String>,
    totals: Totals,
}

async fn pending(journal: &dyn Journal, sink: &str, inputs: &[&str]) -> Pending {
    let subscription = Subscription::new(inputs.iter().copied(), Start::End);
    let (mut reader, resumed) = journal.reader(sink, &subscription).await.unwrap();
    let opens: BTreeMap<Position, u32> = resumed
        .progress
        .open
        .iter()
        .map(|open| (open.position, open.attempts))
        .collect();
    let mut found = Pending {
        totals: resumed.progress.totals.clone(),
        ..Pending::default()
    };
    for parked in &resumed.parked {
        assert!(parked.position < resumed.progress.cursor);
        found
            .parked
            .push((parked.event.message_id().to_owned(), parked.open.attempts));
    }
    let returned = reader.returned(0, 1_000).await.unwrap();
    found.returned = returned
        .events
        .iter()
        .map(|parked| parked.event.message_id().to_owned())
        .collect();
    let count: u64 = resumed.unread.iter().map(|(_, count)| count).sum();
    let mut read = 0;
    while read < count {
        let Read::Events(entries) = reader.next(100).await else {
            panic!("events")
        };
        for entry in entries {
            if resumed
                .owed
                .at(entry.position, &entry.event.receipt().source)
                .is_some()
            {
                let attempts = opens.get(&entry.position).copied().unwrap_or_default();
                found.unread.push((entry.event.message_id().to_owned(), attempts));
                read += 1;
            }
        }
    }
    // Events of several sources may change places.
    found.unread.sort();
    found.parked.sort();
    found
}

fn memory() -> Arc<dyn Journal> {
    Arc::new(MemoryJournal::new(1 << 30))
}

fn letter(component: &str, n: u64, position: Option<Position>) -> DeadLetter {
    DeadLetter {
        component: component.into(),
        message_id: format!("id-{n}"),
        source: source(n).into(),
        reason: "bad".into(),
        position,
        received_at: 1_700_000_000_000 + n as i64,
        payload: Some(event(n).to_json()),
        ..DeadLetter::default()
    }
}

fn open_at(position: Position, attempts: u32) -> Open {
    Open {
        position,
        attempts,
        ended: vec![("first".into(), RecordEnd::Delivered)],
        ..Open::default()
    }
}

/// A journal with a sink that has nearly everything behind it, one with parked events and letters, and one that was removed.
async fn filled(folder: &std::path::Path) -> DiskJournal {
    let journal = open(folder);
    journal
        .adopt(&pipeline(&["quick", "slow", "gone"]))
        .await
        .unwrap();
    let (mut quick, _) = reader(&journal, "quick", Start::End).await;
    let (mut slow, _) = reader(&journal, "slow", Start::End).await;
    let subscription = Subscription::new(["app"], Start::End);
    let (gone, _) = journal.reader("gone", &subscription).await.unwrap();
    append(&journal, 0..2_500).await;
    quick.commit(Commit {
        progress: Some(Progress {
            cursor: 2_400,
            settled: vec![(2_405, 2_410), (2_450, 2_499)],
            open: vec![open_at(2_404, 3)],
            totals: Totals {
                delivered: 2_454,
                ..Totals::default()
            },
        }),
        ..Commit::default()
    });
    let parked = |n: u64| Parked {
        position: n,
        event: Arc::new(event(n)),
        open: open_at(n, 7),
        only: None,
    };
    slow.commit(Commit {
        progress: Some(Progress {
            cursor: 700,
            ..Progress::default()
        }),
        dead_letters: vec![letter("slow", 3, Some(3)), letter("slow", 4, Some(4))],
        park: [1, 5, 698, 699].map(parked).to_vec(),
        ..Commit::default()
    });
    quick.flush().await;
    slow.flush().await;
    drop((quick, slow, gone));
    let letters = journal
        .dead_letters(&DeadLetterFilter::default(), 10)
        .await
        .unwrap();
    let (id, _) = letters
        .iter()
        .find(|(_, letter)| letter.message_id == "id-4")
        .unwrap();
    journal.take_dead_letters(&[*id], true).await.unwrap();
    journal
        .bury(vec![letter("source:web", 9_999, None)])
        .await
        .unwrap();
    journal.save_source(
        "web",
        SourceTotals {
            duplicate: 11,
            ..SourceTotals::default()
        },
    );
    journal.save_checkpoint("app", "file.json", Some(b"77".to_vec()));
    journal.adopt(&pipeline(&["quick", "slow"])).await.unwrap();
    append(&journal, 2_500..2_600).await;
    journal.flush().await;
    journal.save_counts().await.unwrap();
    journal
}

#[tokio::test]
async fn everything_that_is_pending_kept_or_counted_goes_over() {
    goes_over(memory()).await;
}

#[cfg(feature = "nats")]
#[tokio::test(flavor = "multi_thread")]
async fn and_to_nats_servers() {
    for bench in [Bench::nats().await, Bench::sealed_nats().await] {
        let Some(bench) = bench else { return };
        let new = bench.open().await;
        goes_over(new.clone()).await;
        new.close();
        new.shutdown().await;
    }
}

async fn goes_over(new: Arc<dyn Journal>) {
    let folder = tempfile::tempdir().unwrap();
    let old: Arc<dyn Journal> = Arc::new(filled(folder.path()).await);
    assert_eq!(copied(&*new).await, Ok(Copied::Never));
    let (mut last, mut calls) = ((0, 0), 0);
    let done = transfer(&*old, &*new, |so_far, all| {
        last = (so_far, all);
        calls += 1;
    })
    .await
    .unwrap();
    assert_eq!((last, done.resumed), ((2_600, 2_600), 0));
    assert!(calls >= 3, "{calls}");
    is_a_copy(&old, &new, &done).await;
}

/// Asserts that a journal is a copy of the one of [`filled`], and appends to it.
async fn is_a_copy(old: &Arc<dyn Journal>, new: &Arc<dyn Journal>, done: &Transferred) {
    assert_eq!(
        (done.events, done.sinks, done.dead_letters, done.erased, done.lost),
        (2_600, 3, 2, 0, 0)
    );
    let id = old.id().unwrap();
    assert_eq!(copied(&**new).await, Ok(Copied::Whole(id)));
    let totals = |journal: &Arc<dyn Journal>| {
        let journal = journal.clone();
        async move {
            let totals = journal.source_totals().await.unwrap().into_iter();
            let known = totals.filter(|(name, _)| SOURCES.contains(&name.as_str()));
            known.collect::<BTreeMap<_, _>>()
        }
    };
    assert_eq!(totals(old).await, totals(new).await);
    assert_eq!(
        old.checkpoints("app").await.unwrap(),
        new.checkpoints("app").await.unwrap()
    );
    let all = DeadLetterFilter::default();
    let letters = |found: Vec<(u64, DeadLetter)>| -> Vec<DeadLetter> {
        let letters = found.into_iter().map(|(_, letter)| DeadLetter {
            position: None,
            ..letter
        });
        letters.collect()
    };
    assert_eq!(
        letters(old.dead_letters(&all, 10).await.unwrap()),
        letters(new.dead_letters(&all, 10).await.unwrap())
    );
    // A letter still leads to its event.
    let moved = new.dead_letters(&all, 10).await.unwrap();
    let (_, of_slow) = moved
        .iter()
        .find(|(_, letter)| letter.component == "slow")
        .unwrap();
    let original = new.events_at(&[of_slow.position.unwrap()]).await.unwrap();
    assert_eq!(original[0].event.message_id(), "id-3");
    let mut count = 0;
    for (sink, inputs) in [("quick", &SOURCES[..]), ("slow", &SOURCES), ("gone", &[])] {
        let (before, after) = (
            pending(&**old, sink, inputs).await,
            pending(&**new, sink, inputs).await,
        );
        assert_eq!(before, after, "{sink}");
        count += after.unread.len() + after.parked.len() + after.returned.len();
    }
    assert_eq!(done.pending, count as u64);
    // Their ids are known.
    let again = new.append(events(2_590..2_601)).await.unwrap();
    let stored = again.iter().filter(|fate| matches!(fate, Appended::Stored(_)));
    assert_eq!(stored.count(), 1);
}

#[tokio::test]
async fn only_a_new_journal_takes_a_copy() {
    let folder = tempfile::tempdir().unwrap();
    let old: Arc<dyn Journal> = Arc::new(filled(folder.path()).await);
    let used = memory();
    let nothing = Subscription::new([], Start::End);
    drop(used.reader("other", &nothing).await.unwrap());
    let error = transfer(&*old, &*used, |_, _| ()).await.unwrap_err();
    assert!(error.to_string().contains("is not empty"), "{error}");
    let new = memory();
    transfer(&*old, &*new, |_, _| ()).await.unwrap();
    let error = transfer(&*old, &*new, |_, _| ()).await.unwrap_err();
    assert!(error.to_string().contains("is not empty"), "{error}");
}

#[tokio::test]
async fn a_copy_that_ends_early_is_known_as_one() {
    let folder = tempfile::tempdir().unwrap();
    let old: Arc<dyn Journal> = Arc::new(filled(folder.path()).await);
    let small: Arc<dyn Journal> = Arc::new(MemoryJournal::new(100_000));
    let error = transfer(&*old, &*small, |_, _| ()).await.unwrap_err();
    assert!(error.to_string().contains("max_bytes"), "{error}");
    assert_eq!(copied(&*small).await, Ok(Copied::Begun(old.id().unwrap())));
}

#[tokio::test]
async fn erased_events_stay_behind_and_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    let (_reader, _) = reader(&journal, "a", Start::End).await;
    append(&journal, 0..10).await;
    let wanted = vec![Wanted::new(Subject::MessageId, "id-4").unwrap()];
    journal.record_erasure(Subject::MessageId, wanted).await.unwrap();
    let old: Arc<dyn Journal> = Arc::new(journal);
    let new = memory();
    let done = transfer(&*old, &*new, |_, _| ()).await.unwrap();
    assert_eq!((done.events, done.erased, done.pending), (9, 1, 9));
    let found = pending(&*new, "a", &SOURCES).await;
    assert!(!found.unread.iter().any(|(id, _)| id == "id-4"));
    assert_eq!(found.totals.filtered.get("erased"), Some(&1));
}

#[tokio::test]
async fn events_with_an_id_that_came_before_are_pending_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open_with(&DiskOptions {
        dedup_window: std::time::Duration::ZERO,
        ..options(folder.path())
    });
    let (_reader, _) = reader(&journal, "a", Start::End).await;
    append(&journal, 0..3).await;
    append(&journal, 1..2).await;
    let old: Arc<dyn Journal> = Arc::new(journal);
    let new = memory();
    let done = transfer(&*old, &*new, |_, _| ()).await.unwrap();
    assert_eq!((done.events, done.pending), (3, 4));
    let found = pending(&*new, "a", &SOURCES).await;
    assert_eq!((found.unread.len(), found.returned), (3, vec!["id-1".to_owned()]));
}

#[tokio::test]
async fn a_renamed_source_has_its_present_name() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    journal.adopt(&pipeline(&["a"])).await.unwrap();
    let (first, _) = reader(&journal, "a", Start::End).await;
    append(&journal, 0..20).await;
    drop(first);
    let renamed = Roster {
        sources: vec![
            Named::new("app"),
            Named {
                was: Some("web".into()),
                ..Named::new("shop")
            },
        ],
        ..pipeline(&["a"])
    };
    journal.adopt(&renamed).await.unwrap();
    let inputs = Subscription::new(["app", "shop"], Start::End);
    drop(journal.reader("a", &inputs).await.unwrap());
    let old: Arc<dyn Journal> = Arc::new(journal);
    let new = memory();
    let done = transfer(&*old, &*new, |_, _| ()).await.unwrap();
    assert_eq!((done.events, done.pending), (20, 20));
    let found = pending(&*new, "a", &["app", "shop"]).await;
    assert_eq!(found.unread.len(), 20);
    let receipt = Receipt {
        source: "shop".into(),
        received_at: 1,
    };
    let same = Event::parse(&event(1).to_json(), receipt).unwrap();
    assert_eq!(new.append(vec![same]).await, Ok(vec![Appended::Duplicate]));
}

#[tokio::test]
async fn events_that_are_gone_count_as_rejected() {
    let folder = tempfile::tempdir().unwrap();
    let options = DiskOptions {
        file_bytes: 60_000,
        ..options(folder.path())
    };
    let journal = open_with(&options);
    let (first, _) = reader(&journal, "a", Start::End).await;
    for n in 0..40 {
        append(&journal, n * 10..n * 10 + 10).await;
    }
    drop(first);
    journal.shutdown().await;
    let files = files(folder.path(), "frames-");
    std::fs::remove_file(folder.path().join(&files[1])).unwrap();
    let old: Arc<dyn Journal> = Arc::new(open_with(&options));
    let new = memory();
    let done = transfer(&*old, &*new, |_, _| ()).await.unwrap();
    let found = pending(&*new, "a", &SOURCES).await;
    assert_eq!(
        (done.events, done.pending),
        (found.unread.len() as u64, done.events)
    );
    let rejected: u64 = found.totals.rejected.values().sum();
    assert!(
        rejected > 0 && done.events + rejected == 400,
        "{done:?} {rejected}"
    );
}

#[tokio::test]
async fn a_journal_that_was_moved_is_not_opened_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    append(&journal, 0..3).await;
    journal.shutdown().await;
    assert_eq!(DiskJournal::moved(folder.path()), Ok(None));
    DiskJournal::mark_moved(folder.path(), "the journal 'sbx' on NATS").unwrap();
    let error = refused(&options(folder.path()));
    assert!(
        error.contains("were moved to the journal 'sbx' on NATS") && error.contains("delete the file MOVED")
    );
    std::fs::remove_file(folder.path().join("MOVED")).unwrap();
    open(folder.path()).shutdown().await;
}
