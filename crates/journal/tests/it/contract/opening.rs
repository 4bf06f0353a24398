//! Events that come for a sink while its reader is opened, and readers that are replaced.

use signalbox_journal::{Read, Start, Subscription};

use super::{Bench, in_order, over_each_kind};
use crate::support::*;

over_each_kind!(
    what_is_appended_while_a_reader_opens_is_counted_once,
    a_reader_that_was_replaced_is_told_so_and_has_no_say,
);

async fn what_is_appended_while_a_reader_opens_is_counted_once(bench: Bench) {
    let journal = bench.open().await;
    let listening = Subscription::new(["web"], Start::Beginning);
    let first = journal.reader("first", &listening).await.unwrap();
    let appending = {
        let journal = journal.clone();
        tokio::spawn(async move {
            for n in 0..400 {
                append(&*journal, n..n + 1).await;
            }
        })
    };
    let mut readers = vec![first];
    while !appending.is_finished() {
        let name = format!("sink {}", readers.len());
        readers.push(journal.reader(&name, &listening).await.unwrap());
    }
    appending.await.unwrap();
    for (mut reader, resumed) in readers {
        let unread: u64 = resumed.unread.iter().map(|(_, count)| count).sum();
        assert_eq!(unread + resumed.arrivals.count(), 320);
        let ahead = reader.ahead(0).await.unwrap();
        assert_eq!(ahead.unread, [("web".to_owned(), 320)]);
        assert_eq!(ahead.arrived, resumed.arrivals.count());
    }
    journal.close();
    journal.shutdown().await;
}

async fn a_reader_that_was_replaced_is_told_so_and_has_no_say(bench: Bench) {
    let journal = bench.open().await;
    let (mut old, _) = reader(&*journal, "a", Start::End).await;
    let waiting = tokio::spawn(async move { (old.next(1).await, old) });
    tokio::task::yield_now().await;
    let (mut new, resumed) = reader(&*journal, "a", Start::End).await;
    let (read, mut old) = waiting.await.unwrap();
    assert!(matches!(read, Read::Revoked));
    let at = in_order(&*journal, 0..3).await;
    assert_eq!((take(&mut new, 3).await.len(), resumed.arrivals.count()), (3, 3));
    assert!(!resumed.arrivals.is_revoked());
    new.commit(settled_before(at[1]));
    new.flush().await;
    old.commit(settled_before(at[2]));
    old.flush().await;
    let (_, resumed) = reader(&*journal, "a", Start::End).await;
    assert_eq!(resumed.progress.cursor, at[1]);
    journal.shutdown().await;
}
