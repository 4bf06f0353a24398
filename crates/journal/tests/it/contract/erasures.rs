//! Erasures.

use std::sync::Arc;
use std::time::{Duration, Instant};

use signalbox_journal::{
    Commit, DeadLetter, DeadLetterFilter, ErasureResults, Parked, Progress, Start, Subject, Wanted,
};

use super::{Bench, in_order, over_each_kind};
use crate::support::*;

over_each_kind!(
    an_erasure_covers_the_events_that_were_there,
    parked_and_returned_events_are_erased_and_counted,
);

fn wanted(n: u64) -> Vec<Wanted> {
    vec![Wanted::new(Subject::MessageId, &format!("id-{n}")).unwrap()]
}

async fn an_erasure_covers_the_events_that_were_there(bench: Bench) {
    let journal = bench.open().await;
    let _holding = reader(&*journal, "a", Start::End).await;
    let at = in_order(&*journal, 0..10).await;
    let test = Arc::new(journal.erasure_test(&wanted(4), None).unwrap());
    let until = Instant::now() + Duration::from_secs(60);
    let hits = journal.search_log(test, until).await.unwrap();
    let found: Vec<_> = hits
        .found
        .iter()
        .map(|(place, source)| (*place, &**source))
        .collect();
    assert_eq!((found, hits.stopped_at), (vec![(at[4], "web")], None));
    let erasure = journal
        .record_erasure(Subject::MessageId, wanted(4))
        .await
        .unwrap();
    let results = ErasureResults {
        pending: 1,
        ..ErasureResults::default()
    };
    journal.save_erasure(erasure.id, results.clone()).await.unwrap();
    let journal = bench.again(journal).await;
    let list = journal.erasures();
    let kept = list.list();
    assert_eq!(
        (kept.len(), kept[0].id, &kept[0].results),
        (1, erasure.id, &results)
    );
    // Events that come later are no longer covered, nor are those of others.
    let later = in_order(&*journal, 10..11).await[0];
    for (place, number, covered) in [(at[4], 4, true), (at[5], 5, false), (later, 4, false)] {
        assert_eq!(list.covers(Some(place), &event(number)), covered, "{number}");
    }
    let second = journal
        .record_erasure(Subject::MessageId, wanted(5))
        .await
        .unwrap();
    assert!(second.id > erasure.id);
    assert!(list.covers(Some(at[5]), &event(5)));
    journal.shutdown().await;
}

async fn parked_and_returned_events_are_erased_and_counted(bench: Bench) {
    let journal = bench.open().await;
    let (mut a, _) = reader(&*journal, "a", Start::End).await;
    let _holding = reader(&*journal, "other", Start::End).await;
    let at = in_order(&*journal, 0..10).await;
    let parked = |n: u64| Parked {
        position: at[n as usize],
        event: Arc::new(event(n)),
        open: Default::default(),
        only: None,
    };
    let letter = DeadLetter {
        component: "a".into(),
        message_id: "id-4".into(),
        source: "web".into(),
        position: Some(at[4]),
        ..DeadLetter::default()
    };
    a.commit(Commit {
        progress: Some(Progress {
            cursor: at[9],
            ..Progress::default()
        }),
        park: vec![parked(3), parked(4)],
        dead_letters: vec![letter],
        ..Commit::default()
    });
    a.flush().await;
    drop(a);
    let all = DeadLetterFilter::default();
    let id = journal.dead_letters(&all, 9).await.unwrap()[0].0;
    journal.take_dead_letters(&[id], true).await.unwrap();
    let test = Arc::new(journal.erasure_test(&wanted(4), None).unwrap());
    for dry_run in [true, false] {
        let erased = journal.erase_parked(test.clone(), dry_run).await.unwrap();
        assert_eq!(erased, [("a".to_owned(), 2)].into(), "{dry_run}");
    }
    let journal = bench.again(journal).await;
    let (_, resumed) = reader(&*journal, "a", Start::End).await;
    let left: Vec<u64> = resumed
        .parked
        .iter()
        .map(|parked| number(&parked.event))
        .collect();
    assert_eq!((left, resumed.returned), (vec![3], 0));
    assert_eq!(resumed.progress.totals.filtered["erased"], 2);
    journal.shutdown().await;
}
