//! Components that continue under another name.

use std::sync::Arc;

use signalbox_journal::{
    Appended, Commit, DeadLetter, DeadLetterFilter, Journal, Log, MemoryJournal, Named, Parked, Progress,
    RecordEnd, Roster, SourceTotals, Standing, Start, States, Subscription,
};

use crate::support::{copy, event, open};

fn renamed(sources: &[(&str, &str)], sinks: &[(&str, &str)]) -> Roster {
    let named = |names: &[(&str, &str)]| {
        let one = |(name, was): &(&str, &str)| Named {
            was: (!was.is_empty()).then(|| (*was).to_owned()),
            ..Named::new(*name)
        };
        names.iter().map(one).collect()
    };
    Roster {
        sources: named(sources),
        sinks: named(sinks),
        ..Roster::default()
    }
}

fn under(source: &str, number: u64) -> signalbox_core::Event {
    let receipt = signalbox_core::Receipt {
        source: source.into(),
        received_at: 7,
    };
    signalbox_core::Event::parse(&event(number).to_json(), receipt).unwrap()
}

fn letter(component: &str) -> DeadLetter {
    DeadLetter {
        component: component.into(),
        reason: "bad".into(),
        ..DeadLetter::default()
    }
}

async fn letters(journal: &dyn Journal, component: &str) -> usize {
    let filter = DeadLetterFilter {
        component: Some(component.into()),
        ..DeadLetterFilter::default()
    };
    let kept = journal
        .dead_letter_counts()
        .into_iter()
        .collect::<std::collections::BTreeMap<_, _>>();
    let found = journal.dead_letters(&filter, 99).await.unwrap().len();
    assert_eq!(kept.get(component).copied().unwrap_or(0), found as u64);
    found
}

#[tokio::test]
async fn a_source_takes_its_counts_ids_letters_and_debts_along() {
    let folder = tempfile::tempdir().unwrap();
    let memory = MemoryJournal::new(1 << 30);
    for kind in ["disk", "memory"] {
        // The journal is opened again for each step, so that everything must come from the files.
        let journal = || -> Box<dyn Journal> {
            match kind {
                "disk" => Box::new(open(folder.path())),
                _ => Box::new(memory.clone()),
            }
        };
        let end = async |journal: Box<dyn Journal>| {
            if kind == "disk" {
                journal.close();
                journal.shutdown().await;
            }
        };
        let log = journal();
        let before = renamed(&[("web", "")], &[("sink", "")]);
        log.adopt(&before).await.unwrap();
        drop(
            log.reader("sink", &Subscription::new(["web"], Start::End))
                .await
                .unwrap(),
        );
        log.append((0..10).map(|number| under("web", number)).collect())
            .await
            .unwrap();
        log.save_source(
            "web",
            SourceTotals {
                journalled: 10,
                duplicate: 3,
                ..SourceTotals::default()
            },
        );
        log.save_checkpoint("web", "file", Some(b"7".to_vec()));
        log.bury(vec![letter("source:web"), letter("sink"), letter("source:web")])
            .await
            .unwrap();
        end(log).await;
        let after = renamed(&[("site", "web")], &[("sink", "")]);
        for round in 0..3u64 {
            let log = journal();
            // A rename lasts, with the setting and without it.
            let roster = if round < 2 {
                &after
            } else {
                &renamed(&[("site", "")], &[("sink", "")])
            };
            log.adopt(roster).await.unwrap();
            let (mut reader, resumed) = log
                .reader("sink", &Subscription::new(["site"], Start::End))
                .await
                .unwrap();
            assert_eq!(
                resumed.owed.at(3, "web"),
                Some(Standing::Input),
                "{kind}: it is no stranger"
            );
            let unread: u64 = resumed.unread.iter().map(|(_, count)| count).sum();
            assert_eq!(unread, 10 + round);
            drop(reader.next(1).await);
            assert!(log.sinks().await.unwrap()[0].removed.is_empty());
            let totals = log.source_totals().await.unwrap();
            let [(name, totals)] = totals.as_slice() else {
                panic!("{totals:?}")
            };
            assert_eq!((name.as_str(), totals.duplicate), ("site", 3), "{kind}");
            if kind == "disk" {
                assert_eq!(totals.journalled, 10 + round);
            }
            assert_eq!(log.checkpoints("site").await.unwrap()["file"], b"7");
            assert_eq!(
                (
                    letters(&*log, "source:site").await,
                    letters(&*log, "source:web").await
                ),
                (2, 0)
            );
            let fates = log
                .append(vec![under("site", 4), under("site", 100 + round)])
                .await
                .unwrap();
            assert_eq!(fates[0], Appended::Duplicate, "{kind} {round}");
            assert!(matches!(fates[1], Appended::Stored(_)));
            end(log).await;
        }
        // Another source with the old name has separate ids, and the renamed one keeps its ids.
        let log = journal();
        let both = renamed(&[("site", ""), ("web", "")], &[("sink", "")]);
        log.adopt(&both).await.unwrap();
        let fates = log
            .append(vec![under("web", 4), under("site", 4), under("web", 4)])
            .await
            .unwrap();
        assert!(matches!(fates[0], Appended::Stored(_)), "{kind}: {fates:?}");
        assert_eq!(fates[1..], [Appended::Duplicate, Appended::Duplicate]);
        end(log).await;
        let log = journal();
        log.adopt(&both).await.unwrap();
        let fates = log.append(vec![under("web", 4), under("site", 4)]).await.unwrap();
        assert_eq!(fates, [Appended::Duplicate, Appended::Duplicate], "{kind}");
        end(log).await;
    }
}

fn parked(number: u64) -> Parked {
    let open = signalbox_journal::Open {
        position: number,
        ended: vec![("checkout".into(), RecordEnd::Delivered)],
        ..Default::default()
    };
    Parked {
        position: number,
        event: Arc::new(event(number)),
        open,
        only: None,
    }
}

#[tokio::test]
async fn a_sink_takes_its_progress_parked_events_and_letters_along() {
    let folder = tempfile::tempdir().unwrap();
    let disk = open(folder.path());
    let memory = MemoryJournal::new(1 << 30);
    for journal in [&disk as &dyn Journal, &memory] {
        let listening = Subscription::new(["app", "web"], Start::End);
        journal
            .adopt(&renamed(&[("app", ""), ("web", "")], &[("old", "")]))
            .await
            .unwrap();
        let (mut reader, _) = journal.reader("old", &listening).await.unwrap();
        journal.append((0..20).map(event).collect()).await.unwrap();
        let mut progress = Progress {
            cursor: 6,
            settled: vec![(8, 10)],
            ..Progress::default()
        };
        progress.totals.delivered = 7;
        reader.commit(Commit {
            progress: Some(progress),
            park: vec![parked(2)],
            dead_letters: vec![letter("old")],
            ..Commit::default()
        });
        reader.flush().await;
        drop(reader);
        let after = renamed(&[("app", ""), ("web", "")], &[("new", "old")]);
        for _ in 0..2 {
            journal.adopt(&after).await.unwrap();
            let (_, resumed) = journal.reader("new", &listening).await.unwrap();
            assert_eq!(
                (resumed.progress.cursor, resumed.progress.totals.delivered),
                (6, 7)
            );
            assert_eq!(resumed.parked.len(), 1);
            assert_eq!(resumed.parked[0].open.ended.len(), 1);
            assert_eq!(resumed.unread.iter().map(|(_, count)| count).sum::<u64>(), 12);
            assert_eq!(
                (letters(journal, "new").await, letters(journal, "old").await),
                (1, 0)
            );
            let states = journal.sinks().await.unwrap();
            assert_eq!((states.len(), states[0].parked), (1, 1));
        }
    }
    disk.shutdown().await;
}

#[tokio::test]
async fn a_sink_renamed_without_a_word_gets_its_past_when_the_word_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let disk = open(folder.path());
    let memory = MemoryJournal::new(1 << 30);
    for journal in [&disk as &dyn Journal, &memory] {
        let listening = Subscription::new(["app", "web"], Start::End);
        let sources = [("app", ""), ("web", "")];
        journal.adopt(&renamed(&sources, &[("old", "")])).await.unwrap();
        let (mut reader, _) = journal.reader("old", &listening).await.unwrap();
        journal.append((0..10).map(event).collect()).await.unwrap();
        reader.commit(Commit {
            progress: Some(Progress {
                cursor: 2,
                settled: vec![(5, 6)],
                ..Progress::default()
            }),
            park: vec![parked(1)],
            ..Commit::default()
        });
        reader.flush().await;
        drop(reader);
        journal.adopt(&renamed(&sources, &[("new", "")])).await.unwrap();
        let (mut reader, _) = journal.reader("new", &listening).await.unwrap();
        journal.append((10..20).map(event).collect()).await.unwrap();
        reader.commit(Commit {
            progress: Some(Progress {
                cursor: 15,
                ..Progress::default()
            }),
            ..Commit::default()
        });
        reader.flush().await;
        drop(reader);
        journal
            .adopt(&renamed(&sources, &[("new", "old")]))
            .await
            .unwrap();
        let (mut reader, resumed) = journal.reader("new", &listening).await.unwrap();
        let owed: Vec<u64> = (0..20)
            .filter(|at| resumed.owed.at(*at, crate::support::source(*at)).is_some())
            .collect();
        assert_eq!(owed, [2, 3, 4, 6, 7, 8, 9, 15, 16, 17, 18, 19]);
        assert_eq!(resumed.unread.iter().map(|(_, count)| count).sum::<u64>(), 12);
        assert_eq!((resumed.progress.cursor, resumed.parked.len()), (2, 1));
        assert!(matches!(reader.next(1).await, signalbox_journal::Read::Events(_)));
    }
    disk.shutdown().await;
}

/// The state of things after `web` became `site` and another source took the name `web`.
async fn replaced(journal: &dyn Journal) {
    journal.adopt(&renamed(&[("web", "")], &[])).await.unwrap();
    let (_reader, _) = journal
        .reader("s", &Subscription::new(["web"], Start::End))
        .await
        .unwrap();
    journal
        .append((0..10).map(|n| under("web", n)).collect())
        .await
        .unwrap();
    journal.adopt(&renamed(&[("site", "web")], &[])).await.unwrap();
    journal
        .append((10..20).map(|n| under("site", n)).collect())
        .await
        .unwrap();
    let roster = renamed(&[("site", ""), ("web", "")], &[]);
    journal.adopt(&roster).await.unwrap();
    journal.append(vec![under("web", 99)]).await.unwrap();
}

/// The old source knows its ids under its new name; the new one under the old name knows none of them.
async fn knows_its_own(journal: &dyn Journal) {
    let roster = renamed(&[("site", ""), ("web", "")], &[]);
    journal.adopt(&roster).await.unwrap();
    let again = journal
        .append((0..20).map(|n| under("site", n)).collect())
        .await
        .unwrap();
    assert!(again.iter().all(|fate| *fate == Appended::Duplicate), "{again:?}");
    let new = journal
        .append((0..20).map(|n| under("web", n)).collect())
        .await
        .unwrap();
    assert!(new.iter().all(|fate| *fate != Appended::Duplicate), "{new:?}");
    let known = journal.append(vec![under("web", 99)]).await.unwrap();
    assert_eq!(known, [Appended::Duplicate]);
}

#[tokio::test]
async fn ids_stay_with_their_source_when_the_process_is_killed() {
    let (folder, killed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let journal = open(folder.path());
    replaced(&journal).await;
    // The files as they are: no id has been written beside the frames.
    copy(folder.path(), killed.path());
    knows_its_own(&open(killed.path())).await;
    journal.shutdown().await;
}

#[tokio::test]
async fn ids_stay_with_their_source_when_the_state_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    replaced(&journal).await;
    journal.shutdown().await;
    std::fs::remove_file(folder.path().join("state.redb")).unwrap();
    let journal = open(folder.path());
    knows_its_own(&journal).await;
    let counts = journal.source_totals().await.unwrap();
    let of = |name: &str| {
        counts
            .iter()
            .find(|(source, _)| source == name)
            .unwrap()
            .1
            .journalled
    };
    assert_eq!((of("site"), of("web")), (20, 21));
}
