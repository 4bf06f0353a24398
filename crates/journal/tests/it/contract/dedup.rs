//! Deduplication by source and messageId.

use signalbox_core::{Event, Receipt};
use signalbox_journal::{Appended, Start};

use super::{Bench, duplicates, over_each_kind};
use crate::support::*;

over_each_kind!(
    ids_are_known_within_a_call_across_calls_and_across_restarts,
    of_concurrent_copies_one_is_stored,
);

async fn ids_are_known_within_a_call_across_calls_and_across_restarts(bench: Bench) {
    let journal = bench.open().await;
    let fates = journal.append(vec![event(1), event(2), event(1)]).await.unwrap();
    assert!(
        matches!(
            fates[..],
            [Appended::Stored(_), Appended::Stored(_), Appended::Duplicate]
        ),
        "{fates:?}"
    );
    assert_eq!(duplicates(&journal.append(events(0..3)).await.unwrap()), 2);
    let journal = bench.again(journal).await;
    assert_eq!(duplicates(&journal.append(events(0..4)).await.unwrap()), 3);
    // Another source, and no id at all.
    let other = |text| {
        let receipt = Receipt {
            source: "other".into(),
            received_at: 0,
        };
        Event::parse(text, receipt).unwrap()
    };
    let fates = journal
        .append(vec![other(r#"{"messageId":"id-1"}"#), other("{}"), other("{}")])
        .await
        .unwrap();
    assert_eq!(duplicates(&fates), 0);
    journal.shutdown().await;
}

async fn of_concurrent_copies_one_is_stored(bench: Bench) {
    let journal = bench.open().await;
    let (mut sink, _) = reader(&*journal, "a", Start::End).await;
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let journal = journal.clone();
            tokio::spawn(async move { journal.append(events(0..30)).await.unwrap() })
        })
        .collect();
    let mut stored = 0;
    for task in tasks {
        stored += 30 - duplicates(&task.await.unwrap());
    }
    assert_eq!(stored, 30);
    let mut numbers = take(&mut sink, 30).await;
    numbers.sort_unstable();
    assert_eq!(numbers, (0..30).collect::<Vec<_>>());
    super::nothing_left(&mut sink).await;
    journal.shutdown().await;
}
