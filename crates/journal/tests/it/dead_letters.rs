//! Dead letters.

use signalbox_journal::{
    Commit, DeadLetter, DeadLetterFilter, DeadLetterQuota, DiskOptions, Journal, MemoryJournal, OnFull,
    Start, Taken,
};

use crate::support::*;

fn letter(n: u64, payload: Option<String>) -> DeadLetter {
    DeadLetter {
        component: "a".into(),
        message_id: format!("id-{n}"),
        source: source(n).into(),
        mapping: "m".into(),
        reason: if n.is_multiple_of(2) { "even" } else { "odd" }.into(),
        message: "a sentence".into(),
        attempts: 2,
        first_at: 10,
        last_at: 20 + n as i64,
        position: Some(n),
        received_at: event(n).receipt().received_at,
        payload,
        facts: serde_json::to_string(event(n).facts()).ok(),
    }
}

#[tokio::test]
async fn they_are_kept_found_and_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    let (mut a, _) = reader(&journal, "a", Start::End).await;
    append(&journal, 0..10).await;
    let letters = vec![
        letter(3, None),
        letter(50, Some(event(50).to_json())),
        letter(51, None),
    ];
    a.commit(Commit {
        dead_letters: letters.clone(),
        ..settled_before(10)
    });
    a.flush().await;
    let of_source = DeadLetter {
        component: "source:web".into(),
        position: None,
        ..letter(4, None)
    };
    journal.bury(vec![of_source.clone()]).await.unwrap();
    journal.shutdown().await;

    let journal = open(folder.path());
    let all = journal
        .dead_letters(&DeadLetterFilter::default(), 9)
        .await
        .unwrap();
    assert_eq!(all.iter().map(|(id, _)| *id).collect::<Vec<_>>(), [4, 3, 2, 1]);
    assert_eq!((&all[0].1, &all[3].1), (&of_source, &letters[0]));
    assert_eq!(
        journal.dead_letter_counts(),
        [("a".to_owned(), 3), ("source:web".to_owned(), 1)]
    );
    let odd = DeadLetterFilter {
        reason: Some("odd".into()),
        ..DeadLetterFilter::default()
    };
    assert_eq!(journal.dead_letters(&odd, 1).await.unwrap()[0].0, 3);
    let taken = journal.take_dead_letters(&[1, 2, 3, 4, 99], true).await.unwrap();
    assert_eq!(
        taken,
        Taken {
            removed: 2,
            from_journal: 1,
            from_letter: 1,
            without_payload: 2,
            returned: vec![("a".to_owned(), 2)],
        }
    );
    assert_eq!(journal.sinks().await.unwrap()[0].parked, 2);
    let (mut a, resumed) = reader(&journal, "a", Start::End).await;
    assert_eq!((resumed.parked.len(), resumed.returned), (0, 2));
    let returned = a.returned(0, 9).await.unwrap();
    let parked: Vec<_> = returned
        .events
        .iter()
        .map(|parked| (number(&parked.event), parked.only.clone()))
        .collect();
    assert_eq!(parked, [(3, Some("m".to_owned())), (50, Some("m".to_owned()))]);
    let back: Vec<_> = returned.events.iter().map(|parked| parked.position).collect();
    a.commit(Commit {
        unpark: vec![back[0]],
        ..Commit::default()
    });
    a.flush().await;
    assert_eq!(
        journal.take_dead_letters(&[3, 4], false).await.unwrap().removed,
        2
    );
    assert_eq!(journal.dead_letter_counts(), []);
    journal.shutdown().await;

    let journal = open(folder.path());
    let (_, resumed) = reader(&journal, "a", Start::End).await;
    assert_eq!(resumed.returned, 1);
    journal.bury(vec![letter(1, None)]).await.unwrap();
    // The writing thread answers this, so everything before is written.
    journal.tidy().await.unwrap();
    let all = journal
        .dead_letters(&DeadLetterFilter::default(), 9)
        .await
        .unwrap();
    assert_eq!(all[0].0, 5, "ids are not given twice");
    journal.shutdown().await;
}

#[tokio::test]
async fn their_quota_drops_the_oldest() {
    let folder = tempfile::tempdir().unwrap();
    let options = DiskOptions {
        dead_letters: DeadLetterQuota {
            sink_bytes: 20_000,
            on_full: OnFull::DropOldest,
            ..DeadLetterQuota::default()
        },
        ..options(folder.path())
    };
    let journal = crate::support::open_with(&options);
    let (mut a, _) = reader(&journal, "a", Start::End).await;
    for round in 0..10 {
        let dead_letters = (0..10).map(|n| letter(round * 10 + n, None)).collect();
        a.commit(Commit {
            dead_letters,
            ..Commit::default()
        });
    }
    a.flush().await;
    let all = journal
        .dead_letters(&DeadLetterFilter::default(), 1000)
        .await
        .unwrap();
    assert!((20..90).contains(&all.len()), "{}", all.len());
    assert_eq!(all[0].0, 100);
    assert_eq!(journal.dead_letter_counts(), [("a".to_owned(), all.len() as u64)]);
    journal.shutdown().await;
}

/// Buries letters of two ages; those above `max_age` go, and are counted.
async fn the_old_ones_go(journal: &dyn Journal) {
    let now = i64::try_from(
        std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .as_millis(),
    )
    .unwrap();
    let days = |days: i64| now - days * 24 * 3_600_000;
    let ended = |component: &str, last_at: i64| DeadLetter {
        component: component.to_owned(),
        last_at,
        ..DeadLetter::default()
    };
    let letters = vec![
        ended("a", days(100)),
        ended("source:web", days(91)),
        ended("a", days(89)),
        ended("source:web", days(0)),
    ];
    journal.bury(letters).await.unwrap();
    let all = DeadLetterFilter::default();
    let began = std::time::Instant::now();
    // The counts follow the change of the state a moment later.
    let counted = || {
        let counts = journal.letter_counts();
        counts
            .values()
            .all(|counts| (counts.kept, counts.dropped) == (1, 1))
    };
    while journal.dead_letters(&all, 9).await.unwrap().len() > 2 || !counted() {
        let counts = journal.letter_counts();
        assert!(
            began.elapsed() < std::time::Duration::from_secs(30),
            "they stay: {counts:?}"
        );
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn letters_above_the_maximum_age_are_dropped() {
    let quota = DeadLetterQuota {
        max_age: Some(std::time::Duration::from_secs(90 * 24 * 3600)),
        ..DeadLetterQuota::default()
    };
    the_old_ones_go(&MemoryJournal::with_quota(1 << 20, quota)).await;
    let folder = tempfile::tempdir().unwrap();
    let options = DiskOptions {
        dead_letters: quota,
        ..options(folder.path())
    };
    let journal = crate::support::open_with(&options);
    the_old_ones_go(&journal).await;
    journal.shutdown().await;
    let journal = crate::support::open_with(&options);
    let counts = journal.letter_counts();
    assert_eq!((counts["a"].kept, counts["a"].dropped), (1, 1), "{counts:?}");
    journal.shutdown().await;
}
