//! Reading, resuming, replaying.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use signalbox_journal::{
    AppendError, Appended, Commit, Open, Parked, Progress, Read, Reader, RecordEnd, Start, Totals,
};

use super::{Bench, in_order, nothing_left, over_each_kind};
use crate::support::*;

over_each_kind!(
    every_fact_is_equal_for_readers_that_keep_pace_and_for_late_ones,
    a_reader_goes_on_where_its_name_left_off,
    replay_by_moving_back,
    a_waiting_reader_wakes_up_and_may_stop_waiting,
    concurrent_appends_are_all_read,
    a_large_append_is_stored_whole,
    an_empty_append_is_nothing,
    what_was_handed_out_can_be_had_again,
);

async fn every_fact_is_equal_for_readers_that_keep_pace_and_for_late_ones(bench: Bench) {
    let journal = bench.open().await;
    let (mut pacing, _) = reader(&*journal, "pacing", Start::End).await;
    let at = in_order(&*journal, 0..250).await;
    assert_eq!(take(&mut pacing, 250).await, (0..250).collect::<Vec<_>>());
    nothing_left(&mut pacing).await;
    drop(pacing);
    let journal = bench.again(journal).await;
    assert_eq!(journal.count(at[10], at[25]).await.unwrap(), 15);
    let (mut late, resumed) = reader(&*journal, "late", Start::Beginning).await;
    assert_eq!(resumed.unread, [("app".to_owned(), 50), ("web".to_owned(), 200)]);
    assert_eq!(take(&mut late, 250).await, (0..250).collect::<Vec<_>>());
    nothing_left(&mut late).await;
    journal.close();
    assert!(matches!(
        journal.append(events(250..251)).await,
        Err(AppendError::Closed)
    ));
    assert!(matches!(late.next(1).await, Read::End));
    journal.shutdown().await;
}

async fn a_reader_goes_on_where_its_name_left_off(bench: Bench) {
    let journal = bench.open().await;
    let (mut sink, _) = reader(&*journal, "a", Start::End).await;
    let at = in_order(&*journal, 0..20).await;
    assert_eq!(take(&mut sink, 20).await.len(), 20);
    let open_event = Open {
        origin: Some(at[3]),
        position: at[12],
        ended: vec![
            ("m".into(), RecordEnd::Rejected("bad".into())),
            ("n".into(), RecordEnd::Delivered),
        ],
        attempts: 3,
        first_attempt: 77,
        again: true,
    };
    let totals = Totals {
        delivered: 9,
        filtered: [("f".to_owned(), 2)].into(),
        late: 5,
        unattributed: 3,
        ..Totals::default()
    };
    let progress = Progress {
        cursor: at[10],
        settled: vec![(at[11], at[12]), (at[15], at[18])],
        open: vec![open_event],
        totals,
    };
    let parked = Parked {
        position: at[4],
        event: Arc::new(event(4)),
        open: Open {
            position: at[4],
            attempts: 9,
            ..Open::default()
        },
        only: Some("m".into()),
    };
    sink.commit(Commit {
        progress: Some(progress.clone()),
        park: vec![parked.clone()],
        ..Commit::default()
    });
    sink.commit(Commit {
        park: vec![Parked {
            position: at[5],
            only: None,
            ..parked
        }],
        parked_open: vec![Open {
            position: at[4],
            attempts: 10,
            first_attempt: 5,
            ..Open::default()
        }],
        ..Commit::default()
    });
    sink.commit(Commit {
        unpark: vec![at[5]],
        ..Commit::default()
    });
    sink.flush().await;
    drop(sink);

    let journal = bench.again(journal).await;
    let (mut sink, resumed) = reader(&*journal, "a", Start::End).await;
    assert_eq!(resumed.progress, progress);
    let [parked] = &resumed.parked[..] else {
        panic!("{:?}", resumed.parked)
    };
    assert_eq!(
        (parked.position, number(&parked.event), parked.only.as_deref()),
        (at[4], 4, Some("m"))
    );
    assert_eq!((parked.open.attempts, parked.open.first_attempt), (10, 5));
    assert_eq!(resumed.unread, [("app".to_owned(), 1), ("web".to_owned(), 5)]);
    let states = journal.sinks().await.unwrap();
    assert_eq!(
        (states.len(), states[0].parked, states[0].unread.clone()),
        (1, 1, resumed.unread)
    );
    assert_eq!(states[0].oldest_pending, Some(event(4).receipt().received_at));
    in_order(&*journal, 20..22).await;
    assert_eq!(take(&mut sink, 8).await, [10, 12, 13, 14, 18, 19, 20, 21]);
    nothing_left(&mut sink).await;
    journal.shutdown().await;
}

async fn replay_by_moving_back(bench: Bench) {
    let journal = bench.open().await;
    // It holds the events.
    let _other = reader(&*journal, "other", Start::End).await;
    let (mut sink, _) = reader(&*journal, "a", Start::End).await;
    let at = in_order(&*journal, 0..20).await;
    take(&mut sink, 20).await;
    let found = journal.find(i64::MAX).await.unwrap();
    let end = found.to;
    assert_eq!(found.at, end);
    sink.commit(settled_before(end));
    sink.flush().await;
    drop(sink);
    assert_eq!(journal.count(found.from, at[0]).await.unwrap(), 0);
    assert_eq!(journal.count(found.from, end).await.unwrap(), 20);
    let moment = event(13).receipt().received_at;
    assert_eq!(journal.find(moment).await.unwrap().at, at[13]);
    assert_eq!(journal.find(0).await.unwrap().at, at[0]);
    let back = Progress {
        cursor: at[13],
        settled: vec![(at[16], end)],
        ..Progress::default()
    };
    journal.set_progress("a", back).await.unwrap();
    assert!(journal.set_progress("b", Progress::default()).await.is_err());

    let journal = bench.again(journal).await;
    let (mut sink, _) = reader(&*journal, "a", Start::End).await;
    assert_eq!(take(&mut sink, 3).await, [13, 14, 15]);
    nothing_left(&mut sink).await;
    journal.shutdown().await;
}

async fn a_waiting_reader_wakes_up_and_may_stop_waiting(bench: Bench) {
    let journal = bench.open().await;
    let (mut sink, _) = reader(&*journal, "a", Start::End).await;
    assert!(
        tokio::time::timeout(Duration::from_millis(1), sink.next(1))
            .await
            .is_err()
    );
    let waiting = tokio::spawn(async move { take(&mut sink, 3).await });
    in_order(&*journal, 0..3).await;
    assert_eq!(waiting.await.unwrap(), [0, 1, 2]);
    journal.shutdown().await;
}

async fn concurrent_appends_are_all_read(bench: Bench) {
    let journal = bench.open().await;
    let (mut sink, _) = reader(&*journal, "a", Start::End).await;
    let append = |task: u64| {
        let journal = journal.clone();
        tokio::spawn(async move {
            let mut positions = Vec::new();
            for n in 0..10 {
                match journal.append(vec![event(task * 10 + n)]).await.unwrap()[..] {
                    [Appended::Stored(position)] => positions.push(position),
                    ref other => panic!("{other:?}"),
                }
            }
            positions
        })
    };
    let tasks: Vec<_> = (0..32).map(append).collect();
    let mut positions = BTreeSet::new();
    for task in tasks {
        let of_task = task.await.unwrap();
        assert!(of_task.is_sorted());
        positions.extend(of_task);
    }
    assert_eq!(positions.len(), 320);
    let mut numbers = take(&mut sink, 320).await;
    numbers.sort_unstable();
    assert_eq!(numbers, (0..320).collect::<Vec<_>>());
    journal.shutdown().await;
}

async fn a_large_append_is_stored_whole(bench: Bench) {
    let journal = bench.open().await;
    let (mut sink, _) = reader(&*journal, "a", Start::End).await;
    assert_eq!(append(&*journal, 0..2_000).await.len(), 2_000);
    take_all(&mut sink).await;
    drop(sink);
    let journal = bench.again(journal).await;
    let (mut sink, _) = reader(&*journal, "a", Start::End).await;
    take_all(&mut sink).await;
    journal.shutdown().await;
}

/// Reads the 2,000 events of an append. Those of each source are in order.
async fn take_all(sink: &mut Box<dyn Reader>) {
    let numbers = take(sink, 2_000).await;
    for name in SOURCES {
        let of_source: Vec<u64> = numbers.iter().copied().filter(|n| source(*n) == name).collect();
        assert!(of_source.is_sorted(), "{name}");
    }
    let numbers: BTreeSet<u64> = numbers.into_iter().collect();
    assert_eq!(numbers.len(), 2_000);
    nothing_left(sink).await;
}

async fn an_empty_append_is_nothing(bench: Bench) {
    let journal = bench.open().await;
    let (mut sink, _) = reader(&*journal, "a", Start::Beginning).await;
    let before = journal.find(0).await.unwrap();
    assert_eq!(journal.append(Vec::new()).await.unwrap(), []);
    assert_eq!(journal.find(0).await.unwrap(), before);
    journal.close();
    assert!(matches!(sink.next(1).await, Read::End));
    journal.shutdown().await;
}

async fn what_was_handed_out_can_be_had_again(bench: Bench) {
    let journal = bench.open().await;
    let (mut sink, _) = reader(&*journal, "a", Start::End).await;
    let mut at = Vec::new();
    for batch in 0..5 {
        at.extend(in_order(&*journal, batch * 20..(batch + 1) * 20).await);
        take(&mut sink, 20).await;
    }
    let wanted = [0, 19, 20, 57, 99].map(|n: usize| at[n]);
    // The last two are no events.
    let mut found = sink.fetch(&[&wanted[..], &[at[99] + 1, 1 << 60]].concat()).await;
    found.sort_by_key(|entry| entry.position);
    let found: Vec<_> = found
        .iter()
        .map(|entry| (entry.position, number(&entry.event)))
        .collect();
    assert_eq!(found, [0, 19, 20, 57, 99].map(|n: u64| (at[n as usize], n)));
    // Reading again does not move the reader.
    in_order(&*journal, 100..101).await;
    assert_eq!(take(&mut sink, 1).await, [100]);
    journal.shutdown().await;
}
