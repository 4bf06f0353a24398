//! Dead letters page by page, their summary, and their quotas.

use signalbox_journal::{
    Commit, DeadLetter, DeadLetterFilter, DeadLetterQuota, DiskOptions, Journal, MemoryJournal, OnFull,
    Order, Page, Start, Subscription,
};

use crate::support::*;

fn letter(component: &str, n: u64) -> DeadLetter {
    DeadLetter {
        component: component.to_owned(),
        message_id: format!("id-{n}"),
        source: "web".into(),
        mapping: format!("m{}", n % 3),
        reason: if n.is_multiple_of(2) { "even" } else { "odd" }.into(),
        last_at: 1_000 + n as i64,
        payload: Some(format!("{{\"n\":\"{}\"}}", "x".repeat(900))),
        ..DeadLetter::default()
    }
}

fn letters(component: &str, range: std::ops::Range<u64>) -> Vec<DeadLetter> {
    range.map(|n| letter(component, n)).collect()
}

/// Reads all pages; returns the ids, and the number of pages.
async fn walk(journal: &dyn Journal, filter: &DeadLetterFilter, mut page: Page) -> (Vec<u64>, usize) {
    let (mut ids, mut pages) = (Vec::new(), 0);
    loop {
        let found = journal.dead_letter_page(filter, page).await.unwrap();
        assert!(found.letters.len() <= page.limit);
        assert!(
            found
                .letters
                .iter()
                .all(|stored| stored.letter.payload.is_some() == page.payloads)
        );
        ids.extend(found.letters.iter().map(|stored| stored.id));
        pages += 1;
        page.after = found.next;
        if page.after.is_none() {
            return (ids, pages);
        }
    }
}

async fn pages_and_summary(journal: &dyn Journal) {
    let all = DeadLetterFilter::default();
    let page = |order, limit, payloads| Page {
        after: None,
        order,
        limit,
        payloads,
    };
    let (ids, pages) = walk(journal, &all, page(Order::OldestFirst, 100, false)).await;
    assert_eq!(ids, (1..=5_000).collect::<Vec<u64>>());
    assert!(pages >= 50, "{pages}");
    let (ids, pages) = walk(journal, &all, page(Order::NewestFirst, usize::MAX, true)).await;
    assert_eq!(ids, (1..=5_000).rev().collect::<Vec<u64>>());
    // No page takes more than a few megabytes, for any limit.
    assert!(pages > 1, "{pages}");

    let chosen = |filter: DeadLetterFilter| async move {
        walk(journal, &filter, page(Order::OldestFirst, 1_000, false))
            .await
            .0
    };
    let mapped = DeadLetterFilter {
        component: Some("a".into()),
        mapping: Some("m1".into()),
        ..DeadLetterFilter::default()
    };
    assert_eq!(chosen(mapped).await.len(), 1_000);
    let one = DeadLetterFilter {
        message_id: Some("id-77".into()),
        ..DeadLetterFilter::default()
    };
    assert_eq!(chosen(one).await, [78, 3_078]);
    let since = DeadLetterFilter {
        component: Some("a".into()),
        since: Some(1_000 + 2_990),
        before: Some(1_000 + 2_995),
        ..DeadLetterFilter::default()
    };
    assert_eq!(chosen(since).await, (2_991..=2_995).collect::<Vec<u64>>());
    let up_to = DeadLetterFilter {
        up_to: Some(9),
        ..DeadLetterFilter::default()
    };
    assert_eq!(chosen(up_to).await, (1..=9).collect::<Vec<u64>>());

    let summary = journal.dead_letter_summary(&all).await.unwrap();
    assert_eq!(summary.newest, Some(5_000));
    assert_eq!(summary.groups.len(), 12);
    assert_eq!(summary.groups.iter().map(|group| group.count).sum::<u64>(), 5_000);
    let kept: u64 = journal.letter_counts().values().map(|counts| counts.bytes).sum();
    assert_eq!(summary.groups.iter().map(|group| group.bytes).sum::<u64>(), kept);
    let group = summary
        .groups
        .iter()
        .find(|group| (&*group.component, &*group.reason, &*group.mapping) == ("source:web", "odd", "m1"))
        .unwrap();
    assert_eq!((group.oldest, group.newest), (1_001, 1_000 + 1_999), "{group:?}");
}

#[tokio::test]
async fn they_are_read_in_pages_of_bounded_size() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    let (mut a, _) = reader(&journal, "a", Start::End).await;
    a.commit(Commit {
        dead_letters: letters("a", 0..3_000),
        ..Commit::default()
    });
    a.flush().await;
    journal.bury(letters("source:web", 0..2_000)).await.unwrap();
    a.flush().await;
    pages_and_summary(&journal).await;
    journal.shutdown().await;

    let journal = MemoryJournal::new(1 << 20);
    let (mut a, _) = journal
        .reader("a", &Subscription::new(["s"], Start::End))
        .await
        .unwrap();
    a.commit(Commit {
        dead_letters: letters("a", 0..3_000),
        ..Commit::default()
    });
    journal.bury(letters("source:web", 0..2_000)).await.unwrap();
    pages_and_summary(&journal).await;
}

const QUOTA: DeadLetterQuota = DeadLetterQuota {
    sink_bytes: 100_000,
    on_full: OnFull::HoldSink,
    source_bytes: 50_000,
    max_age: None,
};

/// Tests the quotas: a sink's letters are never dropped to make room; a source's are, without touching those of sinks.
async fn each_has_its_own_quota(journal: &dyn Journal) {
    let (mut a, _) = journal
        .reader("a", &Subscription::new(["s"], Start::End))
        .await
        .unwrap();
    let bury = |a: &mut Box<dyn signalbox_journal::Reader>, range| {
        a.commit(Commit {
            dead_letters: letters("a", range),
            ..Commit::default()
        });
    };
    bury(&mut a, 0..10);
    a.flush().await;
    assert!(!a.dead_letters_full(0));
    bury(&mut a, 10..120);
    a.flush().await;
    assert!(a.dead_letters_full(0));
    for n in 0..20 {
        journal
            .bury(letters("source:web", n * 10..n * 10 + 10))
            .await
            .unwrap();
        a.flush().await;
    }
    let counts = journal.letter_counts();
    let (sink, source) = (counts["a"], counts["source:web"]);
    assert_eq!((sink.kept, sink.dropped), (120, 0), "{sink:?}");
    assert!(sink.bytes > 100_000 && sink.max_bytes == 100_000, "{sink:?}");
    assert!(source.bytes <= 50_000 && source.kept >= 30, "{source:?}");
    assert_eq!(source.kept + source.dropped, 200, "{source:?}");
    let web = DeadLetterFilter {
        component: Some("source:web".into()),
        ..DeadLetterFilter::default()
    };
    let left = journal.dead_letters(&web, 1_000).await.unwrap();
    assert_eq!(left[0].1.message_id, "id-199");
    assert_eq!(left.len() as u64, source.kept);
    // The hold ends when the operator makes room.
    let ids: Vec<u64> = (1..=60).collect();
    assert_eq!(journal.take_dead_letters(&ids, false).await.unwrap().removed, 60);
    assert!(!a.dead_letters_full(0));
    assert_eq!(journal.letter_counts()["a"].kept, 60);
}

#[tokio::test]
async fn a_source_drops_its_oldest_and_a_sink_says_that_it_is_full() {
    let folder = tempfile::tempdir().unwrap();
    let options = DiskOptions {
        dead_letters: QUOTA,
        ..options(folder.path())
    };
    let journal = open_with(&options);
    each_has_its_own_quota(&journal).await;
    let counts = journal.letter_counts();
    journal.shutdown().await;
    // The number of dropped letters is known after a restart.
    let journal = open_with(&options);
    assert_eq!(journal.letter_counts(), counts);
    journal.shutdown().await;
    each_has_its_own_quota(&MemoryJournal::with_quota(1 << 20, QUOTA)).await;
}

#[tokio::test]
async fn the_space_of_discarded_letters_is_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    let (mut a, _) = reader(&journal, "a", Start::End).await;
    let size = || std::fs::metadata(folder.path().join("state.redb")).unwrap().len();
    let mut sizes = Vec::new();
    for round in 0..5 {
        for part in 0..10 {
            let from = round * 5_000 + part * 500;
            a.commit(Commit {
                dead_letters: letters("a", from..from + 500),
                ..Commit::default()
            });
            a.flush().await;
        }
        sizes.push(size());
        let ids: Vec<u64> = (round * 5_000 + 1..=round * 5_000 + 5_000).collect();
        for some in ids.chunks(1_000) {
            journal.take_dead_letters(some, false).await.unwrap();
        }
    }
    assert_eq!(journal.dead_letter_counts(), []);
    assert!(sizes[4] <= sizes[0] * 2, "{sizes:?}");
    journal.shutdown().await;
}
