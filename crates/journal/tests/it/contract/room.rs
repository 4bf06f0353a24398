//! The room that events take, and its return.

use std::sync::Arc;
use std::time::{Duration, Instant};

use signalbox_core::{Event, Receipt};
use signalbox_journal::{AppendError, Commit, Parked, Progress, Reader, Start};

use super::{Bench, in_order, over_each_kind};
use crate::support::*;

over_each_kind!(
    a_full_journal_refuses_until_the_slowest_sink_has_settled,
    an_orphan_holds_until_it_is_forgotten,
);

async fn settle(reader: &mut Box<dyn Reader>, cursor: u64) {
    reader.commit(settled_before(cursor));
    reader.flush().await;
}

/// Fifty events of more than two kilobytes each.
fn large(round: u64) -> Vec<Event> {
    let text = "x".repeat(2_000);
    let event = |n: u64| {
        let receipt = Receipt {
            source: "web".into(),
            received_at: 1,
        };
        let json = format!(r#"{{"messageId":"large {n}","text":"{text}"}}"#);
        Event::parse(&json, receipt).unwrap()
    };
    (round * 50..round * 50 + 50).map(event).collect()
}

async fn a_full_journal_refuses_until_the_slowest_sink_has_settled(mut bench: Bench) {
    bench.max_bytes = 3_000_000;
    let journal = bench.open().await;
    let (mut quick, _) = reader(&*journal, "quick", Start::End).await;
    let (mut slow, _) = reader(&*journal, "slow", Start::End).await;
    let mut round = 0;
    let refusal = loop {
        match journal.append(large(round)).await {
            Ok(_) => round += 1,
            Err(error) => break error,
        }
    };
    let AppendError::Full { retry_after } = refusal else {
        panic!("{refusal}")
    };
    assert!(round >= 3 && retry_after > Duration::ZERO, "{round}");
    let usage = journal.usage();
    assert!(usage.bytes <= usage.max_bytes, "{usage:?}");
    assert_eq!(journal.refusing(), None, "full is no failure");
    let end = journal.find(i64::MAX).await.unwrap().to;
    settle(&mut quick, end).await;
    let refused = journal.append(large(round)).await;
    assert!(matches!(refused, Err(AppendError::Full { .. })), "{refused:?}");
    assert_eq!(journal.slowest().unwrap().0, "slow");
    settle(&mut slow, end).await;
    // Refused ids are not known.
    let began = Instant::now();
    let fates = loop {
        match journal.append(large(round)).await {
            Ok(fates) => break fates,
            Err(error) => assert!(
                matches!(error, AppendError::Full { .. }) && began.elapsed() < Duration::from_secs(30),
                "{error:?}"
            ),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(super::duplicates(&fates), 0);
    journal.shutdown().await;
}

async fn an_orphan_holds_until_it_is_forgotten(bench: Bench) {
    let journal = bench.open().await;
    let (mut a, _) = reader(&*journal, "a", Start::End).await;
    let (mut orphan, _) = reader(&*journal, "orphan", Start::End).await;
    let mut at = in_order(&*journal, 0..20).await;
    settle(&mut a, at[19] + 1).await;
    let park = Parked {
        position: at[1],
        event: Arc::new(event(1)),
        open: Default::default(),
        only: None,
    };
    orphan.commit(Commit {
        progress: Some(Progress {
            cursor: at[5],
            settled: vec![(at[7], at[9])],
            ..Progress::default()
        }),
        park: vec![park],
        ..Commit::default()
    });
    orphan.flush().await;
    drop((a, orphan));

    let journal = bench.again(journal).await;
    journal.adopt(&pipeline(&["a"])).await.unwrap();
    let (mut a, _) = reader(&*journal, "a", Start::End).await;
    at.extend(in_order(&*journal, 20..22).await);
    settle(&mut a, at[21] + 1).await;
    assert_eq!(journal.slowest(), Some(("orphan".to_owned(), at[5])));
    // The count is 20 events less 5 before the cursor and 2 beyond it, and one parked; later ones were not for the
    // sink.
    assert_eq!(journal.forget("orphan", None).await.unwrap(), 14);
    let states = journal.sinks().await.unwrap();
    let state = states.iter().find(|state| state.name == "orphan").unwrap();
    assert_eq!(state.progress.totals.filtered["forgotten"], 14);
    assert_eq!(
        (state.parked, state.unread.len(), state.oldest_pending),
        (0, 0, None)
    );
    assert_eq!(journal.slowest(), Some(("a".to_owned(), at[21] + 1)));
    at.extend(in_order(&*journal, 22..25).await);
    settle(&mut a, at[24] + 1).await;
    // When it comes back, it is new but for its counts.
    let (_orphan, resumed) = reader(&*journal, "orphan", Start::End).await;
    assert!(resumed.progress.cursor > at[24] && resumed.unread.is_empty());
    assert_eq!(resumed.progress.totals.filtered["forgotten"], 14);
    journal.shutdown().await;
}
