//! Components that continue under another name.

use std::sync::Arc;

use signalbox_core::{Event, Receipt};
use signalbox_journal::{
    Appended, Commit, DeadLetter, DeadLetterFilter, Named, Open, Parked, Position, Progress, Read, RecordEnd,
    Roster, SourceTotals, Standing, Start, Subscription,
};

use super::{Bench, in_order, over_each_kind};
use crate::support::*;

over_each_kind!(
    a_source_takes_its_counts_ids_letters_and_debts_along,
    a_sink_takes_its_progress_parked_events_and_letters_along,
    a_sink_renamed_without_a_word_gets_its_past_when_the_word_is_said,
    ids_stay_with_their_source,
);
#[cfg(feature = "nats")]
over_each_kind!(
    @sealed_nats
    a_source_takes_its_counts_ids_letters_and_debts_along,
    a_sink_takes_its_progress_parked_events_and_letters_along,
    ids_stay_with_their_source
);

/// Makes a pipeline of sources and sinks, each with its earlier name if it has one.
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

/// An event of this number from another source.
fn under(source: &str, number: u64) -> Event {
    let receipt = Receipt {
        source: source.into(),
        received_at: 7,
    };
    Event::parse(&event(number).to_json(), receipt).unwrap()
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

async fn a_source_takes_its_counts_ids_letters_and_debts_along(bench: Bench) {
    let journal = bench.open().await;
    let before = renamed(&[("web", "")], &[("sink", "")]);
    journal.adopt(&before).await.unwrap();
    let subscription = Subscription::new(["web"], Start::End);
    drop(journal.reader("sink", &subscription).await.unwrap());
    let events = (0..10).map(|number| under("web", number)).collect();
    let Appended::Stored(third) = journal.append(events).await.unwrap()[3] else {
        panic!("a duplicate")
    };
    journal.save_source(
        "web",
        SourceTotals {
            journalled: 10,
            duplicate: 3,
            ..SourceTotals::default()
        },
    );
    journal.save_checkpoint("web", "file", Some(b"7".to_vec()));
    let dead_letters = vec![letter("source:web"), letter("sink"), letter("source:web")];
    journal.bury(dead_letters).await.unwrap();
    // The journal is opened again for each step, so that everything must come from what it keeps.
    let mut journal = bench.again(journal).await;
    let after = renamed(&[("site", "web")], &[("sink", "")]);
    let later = renamed(&[("site", "")], &[("sink", "")]);
    for round in 0..3u64 {
        // A rename lasts, with the setting and without it.
        let roster = if round < 2 { &after } else { &later };
        journal.adopt(roster).await.unwrap();
        let subscription = Subscription::new(["site"], Start::End);
        let (mut reader, resumed) = journal.reader("sink", &subscription).await.unwrap();
        let standing = resumed.owed.at(third, "web");
        assert_eq!(standing, Some(Standing::Input), "it is no stranger");
        let unread: u64 = resumed.unread.iter().map(|(_, count)| count).sum();
        assert_eq!(unread, 10 + round);
        drop(reader.next(1).await);
        drop(reader);
        assert!(journal.sinks().await.unwrap()[0].removed.is_empty());
        let totals = journal.source_totals().await.unwrap();
        let [(name, totals)] = totals.as_slice() else {
            panic!("{totals:?}")
        };
        assert_eq!((name.as_str(), totals.duplicate), ("site", 3));
        assert!(totals.journalled >= 10, "{totals:?}");
        assert_eq!(journal.checkpoints("site").await.unwrap()["file"], b"7");
        assert_eq!(
            (
                letters(&*journal, "source:site").await,
                letters(&*journal, "source:web").await
            ),
            (2, 0)
        );
        let again = vec![under("site", 4), under("site", 100 + round)];
        let fates = journal.append(again).await.unwrap();
        assert_eq!(fates[0], Appended::Duplicate, "{round}");
        assert!(matches!(fates[1], Appended::Stored(_)));
        journal = bench.again(journal).await;
    }
    // Another source with the old name has separate ids, and the renamed one keeps its ids.
    let both = renamed(&[("site", ""), ("web", "")], &[("sink", "")]);
    journal.adopt(&both).await.unwrap();
    let again = vec![under("web", 4), under("site", 4), under("web", 4)];
    let fates = journal.append(again).await.unwrap();
    assert!(matches!(fates[0], Appended::Stored(_)), "{fates:?}");
    assert_eq!(fates[1..], [Appended::Duplicate, Appended::Duplicate]);
    let journal = bench.again(journal).await;
    journal.adopt(&both).await.unwrap();
    let again = vec![under("web", 4), under("site", 4)];
    let fates = journal.append(again).await.unwrap();
    assert_eq!(fates, [Appended::Duplicate, Appended::Duplicate]);
    journal.shutdown().await;
}

fn parked(number: u64, position: Position) -> Parked {
    let open = Open {
        position,
        ended: vec![("checkout".into(), RecordEnd::Delivered)],
        ..Default::default()
    };
    Parked {
        position,
        event: Arc::new(event(number)),
        open,
        only: None,
    }
}

async fn a_sink_takes_its_progress_parked_events_and_letters_along(bench: Bench) {
    let journal = bench.open().await;
    let journal = &*journal;
    let listening = Subscription::new(["app", "web"], Start::End);
    journal
        .adopt(&renamed(&[("app", ""), ("web", "")], &[("old", "")]))
        .await
        .unwrap();
    let (mut reader, _) = journal.reader("old", &listening).await.unwrap();
    let at = in_order(journal, 0..20).await;
    let mut progress = Progress {
        cursor: at[6],
        settled: vec![(at[8], at[10])],
        ..Progress::default()
    };
    progress.totals.delivered = 7;
    reader.commit(Commit {
        progress: Some(progress),
        park: vec![parked(2, at[2])],
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
            (at[6], 7)
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
    journal.shutdown().await;
}

async fn a_sink_renamed_without_a_word_gets_its_past_when_the_word_is_said(bench: Bench) {
    let journal = bench.open().await;
    let journal = &*journal;
    let listening = Subscription::new(["app", "web"], Start::End);
    let sources = [("app", ""), ("web", "")];
    journal.adopt(&renamed(&sources, &[("old", "")])).await.unwrap();
    let (mut reader, _) = journal.reader("old", &listening).await.unwrap();
    let mut at = in_order(journal, 0..10).await;
    reader.commit(Commit {
        progress: Some(Progress {
            cursor: at[2],
            settled: vec![(at[5], at[6])],
            ..Progress::default()
        }),
        park: vec![parked(1, at[1])],
        ..Commit::default()
    });
    reader.flush().await;
    drop(reader);
    journal.adopt(&renamed(&sources, &[("new", "")])).await.unwrap();
    let (mut reader, _) = journal.reader("new", &listening).await.unwrap();
    at.extend(in_order(journal, 10..20).await);
    reader.commit(Commit {
        progress: Some(Progress {
            cursor: at[15],
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
    let is_owed = |n: &u64| resumed.owed.at(at[*n as usize], source(*n)).is_some();
    let owed: Vec<u64> = (0..20).filter(is_owed).collect();
    assert_eq!(owed, [2, 3, 4, 6, 7, 8, 9, 15, 16, 17, 18, 19]);
    assert_eq!(resumed.unread.iter().map(|(_, count)| count).sum::<u64>(), 12);
    assert_eq!((resumed.progress.cursor, resumed.parked.len()), (at[2], 1));
    assert!(matches!(reader.next(1).await, Read::Events(_)));
    journal.shutdown().await;
}

/// The state of things after `web` became `site` and another source took the name `web`.
pub(crate) async fn replaced(journal: &dyn Journal) {
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
pub(crate) async fn knows_its_own(journal: &dyn Journal) {
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

async fn ids_stay_with_their_source(bench: Bench) {
    let journal = bench.open().await;
    replaced(&*journal).await;
    let journal = bench.again(journal).await;
    knows_its_own(&*journal).await;
    journal.shutdown().await;
}
