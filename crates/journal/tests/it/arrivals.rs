//! Events that come for a sink while its reader is opened, and readers that are replaced.

use std::sync::Arc;

use signalbox_journal::{Journal, MemoryJournal, Read, Start, Subscription};

use crate::support::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_appended_while_a_reader_opens_is_counted_once() {
    let folder = tempfile::tempdir().unwrap();
    counts(Arc::new(open(folder.path()))).await;
    counts(Arc::new(MemoryJournal::new(1 << 30))).await;
}

async fn counts(journal: Arc<dyn Journal>) {
    let listening = Subscription::new(["web"], Start::Beginning);
    let first = journal.reader("first", &listening).await.unwrap();
    let appending = {
        let journal = journal.clone();
        tokio::spawn(async move {
            for n in 0..400 {
                journal.append(events(n..n + 1)).await.unwrap();
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
    assert_eq!(journal.count(10, 25).await.unwrap(), 15);
    journal.close();
    journal.shutdown().await;
}

#[tokio::test]
async fn a_reader_that_was_replaced_is_told_so() {
    let folder = tempfile::tempdir().unwrap();
    for journal in [
        Arc::new(open(folder.path())) as Arc<dyn Journal>,
        Arc::new(MemoryJournal::new(1 << 20)),
    ] {
        let listening = Subscription::new(SOURCES, Start::End);
        let (mut old, _) = journal.reader("a", &listening).await.unwrap();
        let waiting = tokio::spawn(async move { old.next(1).await });
        tokio::task::yield_now().await;
        let (mut new, resumed) = journal.reader("a", &listening).await.unwrap();
        assert!(matches!(waiting.await.unwrap(), Read::Revoked));
        journal.append(events(0..3)).await.unwrap();
        assert_eq!((take(&mut new, 3).await.len(), resumed.arrivals.count()), (3, 3));
        assert!(!resumed.arrivals.is_revoked());
        journal.shutdown().await;
    }
}
