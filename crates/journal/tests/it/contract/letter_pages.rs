//! Dead letters page by page, their summary, and their quotas.

use signalbox_journal::{
    Commit, DeadLetter, DeadLetterFilter, DeadLetterId, DeadLetterQuota, OnFull, Order, Page, Reader, Start,
};

use super::{Bench, over_each_kind};
use crate::support::*;

over_each_kind!(
    they_are_read_in_pages_of_bounded_size,
    a_source_drops_its_oldest_and_a_sink_says_that_it_is_full,
);

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

async fn they_are_read_in_pages_of_bounded_size(bench: Bench) {
    let journal = bench.open().await;
    let (mut a, _) = reader(&*journal, "a", Start::End).await;
    a.commit(Commit {
        dead_letters: letters("a", 0..3_000),
        ..Commit::default()
    });
    a.flush().await;
    journal.bury(letters("source:web", 0..2_000)).await.unwrap();
    journal.flush().await;
    let journal = &*journal;
    let all = DeadLetterFilter::default();
    let page = |order, limit, payloads| Page {
        after: None,
        order,
        limit,
        payloads,
    };
    let (ids, pages) = walk(journal, &all, page(Order::OldestFirst, 100, false)).await;
    assert!(ids.len() == 5_000 && ids.is_sorted_by(|one, next| one < next));
    assert!(pages >= 50, "{pages}");
    let (mut newest_first, pages) = walk(journal, &all, page(Order::NewestFirst, usize::MAX, true)).await;
    newest_first.reverse();
    assert!(newest_first == ids);
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
    assert_eq!(chosen(one).await, [ids[77], ids[3_077]]);
    let since = DeadLetterFilter {
        component: Some("a".into()),
        since: Some(1_000 + 2_990),
        before: Some(1_000 + 2_995),
        ..DeadLetterFilter::default()
    };
    assert_eq!(chosen(since).await, ids[2_990..2_995]);
    let up_to = DeadLetterFilter {
        up_to: Some(ids[8]),
        ..DeadLetterFilter::default()
    };
    assert_eq!(chosen(up_to).await, ids[..9]);

    let summary = journal.dead_letter_summary(&all).await.unwrap();
    assert_eq!(summary.newest, ids.last().copied());
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
    journal.shutdown().await;
}

const QUOTA: DeadLetterQuota = DeadLetterQuota {
    sink_bytes: 100_000,
    on_full: OnFull::HoldSink,
    source_bytes: 50_000,
    max_age: None,
};

/// A sink's letters are never dropped to make room; a source's are, without touching those of sinks.
async fn a_source_drops_its_oldest_and_a_sink_says_that_it_is_full(mut bench: Bench) {
    bench.quota = QUOTA;
    let journal = bench.open().await;
    let (mut a, _) = reader(&*journal, "a", Start::End).await;
    let bury = |a: &mut Box<dyn Reader>, range| {
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
    }
    journal.flush().await;
    let counts = journal.letter_counts();
    let (sink, source) = (counts["a"], counts["source:web"]);
    assert_eq!((sink.kept, sink.dropped), (120, 0), "{sink:?}");
    assert!(sink.bytes > 100_000 && sink.max_bytes == 100_000, "{sink:?}");
    assert!(source.bytes <= 50_000 && source.kept >= 30, "{source:?}");
    assert_eq!(source.kept + source.dropped, 200, "{source:?}");
    let of = |component: &str| DeadLetterFilter {
        component: Some(component.into()),
        ..DeadLetterFilter::default()
    };
    let left = journal.dead_letters(&of("source:web"), 1_000).await.unwrap();
    assert_eq!(left[0].1.message_id, "id-199");
    assert_eq!(left.len() as u64, source.kept);
    // The hold ends when the operator makes room.
    let of_sink = journal.dead_letters(&of("a"), 60).await.unwrap();
    let ids: Vec<DeadLetterId> = of_sink.into_iter().map(|(id, _)| id).collect();
    assert_eq!(journal.take_dead_letters(&ids, false).await.unwrap().removed, 60);
    assert!(!a.dead_letters_full(0));
    drop(a);
    // The number of dropped letters is known after a restart.
    let counts = journal.letter_counts();
    assert_eq!(counts["a"].kept, 60);
    let journal = bench.again(journal).await;
    assert_eq!(journal.letter_counts(), counts);
    journal.shutdown().await;
}
