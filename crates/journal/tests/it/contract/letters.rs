//! Dead letters.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use signalbox_journal::{
    Commit, DeadLetter, DeadLetterFilter, DeadLetterId, DeadLetterQuota, Entry, OnFull, Position, SendAgain,
    Start, Taken,
};

use super::{Bench, in_order, over_each_kind};
use crate::support::*;

over_each_kind!(
    they_are_kept_found_and_taken_back,
    their_quota_drops_the_oldest,
    letters_above_the_maximum_age_are_dropped,
    an_event_is_sent_again_once_and_replaces_its_letters,
);

/// A letter of the sink `a` about an event at a place in the log.
fn letter(n: u64, place: Option<Position>, payload: Option<String>) -> DeadLetter {
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
        position: place,
        received_at: event(n).receipt().received_at,
        payload,
        facts: serde_json::to_string(event(n).facts()).ok(),
    }
}

/// All letters with their ids, the newest first.
async fn all(journal: &dyn Journal) -> Vec<(DeadLetterId, DeadLetter)> {
    let all = DeadLetterFilter::default();
    let letters = journal.dead_letters(&all, 1_000).await.unwrap();
    assert!(letters.is_sorted_by(|(newer, _), (older, _)| newer > older));
    letters
}

async fn they_are_kept_found_and_taken_back(bench: Bench) {
    let journal = bench.open().await;
    let (mut a, _) = reader(&*journal, "a", Start::End).await;
    // It holds the events.
    let _other = reader(&*journal, "other", Start::End).await;
    let at = in_order(&*journal, 0..10).await;
    let gone = |n| Some(at[9] + n);
    let letters = vec![
        letter(3, Some(at[3]), None),
        letter(50, gone(1), Some(event(50).to_json())),
        letter(51, gone(2), None),
    ];
    a.commit(Commit {
        dead_letters: letters.clone(),
        ..settled_before(at[9] + 1)
    });
    a.flush().await;
    drop(a);
    let of_source = DeadLetter {
        component: "source:web".into(),
        ..letter(4, None, None)
    };
    journal.bury(vec![of_source.clone()]).await.unwrap();

    let journal = bench.again(journal).await;
    let kept = all(&*journal).await;
    assert_eq!(kept.len(), 4);
    assert_eq!((&kept[0].1, &kept[3].1), (&of_source, &letters[0]));
    assert_eq!(
        journal.dead_letter_counts(),
        [("a".to_owned(), 3), ("source:web".to_owned(), 1)]
    );
    let odd = DeadLetterFilter {
        reason: Some("odd".into()),
        ..DeadLetterFilter::default()
    };
    assert_eq!(journal.dead_letters(&odd, 1).await.unwrap()[0].0, kept[1].0);
    let mut ids: Vec<DeadLetterId> = kept.iter().rev().map(|(id, _)| *id).collect();
    ids.push(1 << 40);
    let taken = journal.take_dead_letters(&ids, true).await.unwrap();
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
    let states = journal.sinks().await.unwrap();
    let of_a = states.iter().find(|state| state.name == "a").unwrap();
    assert_eq!(of_a.parked, 2);
    let (mut a, resumed) = reader(&*journal, "a", Start::End).await;
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
    drop(a);
    let left = journal.take_dead_letters(&ids[2..4], false).await.unwrap();
    assert_eq!(left.removed, 2);
    assert_eq!(journal.dead_letter_counts(), []);

    let journal = bench.again(journal).await;
    let (_, resumed) = reader(&*journal, "a", Start::End).await;
    assert_eq!(resumed.returned, 1);
    journal.bury(vec![letter(1, Some(at[1]), None)]).await.unwrap();
    journal.flush().await;
    let newest = all(&*journal).await[0].0;
    assert!(kept.iter().all(|(id, _)| newest > *id), "ids are not given twice");
    journal.shutdown().await;
}

async fn their_quota_drops_the_oldest(mut bench: Bench) {
    bench.quota = DeadLetterQuota {
        sink_bytes: 20_000,
        on_full: OnFull::DropOldest,
        ..DeadLetterQuota::default()
    };
    let journal = bench.open().await;
    let (mut a, _) = reader(&*journal, "a", Start::End).await;
    for round in 0..10 {
        let dead_letters = (0..10).map(|n| letter(round * 10 + n, None, None)).collect();
        a.commit(Commit {
            dead_letters,
            ..Commit::default()
        });
    }
    a.flush().await;
    let kept = all(&*journal).await;
    assert!((20..90).contains(&kept.len()), "{}", kept.len());
    assert_eq!(kept[0].1.message_id, "id-99");
    let counts = journal.letters_of("a");
    assert_eq!(
        (counts.kept, counts.dropped),
        (kept.len() as u64, 100 - counts.kept)
    );
    assert_eq!(journal.dead_letter_counts(), [("a".to_owned(), counts.kept)]);
    journal.shutdown().await;
}

async fn letters_above_the_maximum_age_are_dropped(mut bench: Bench) {
    bench.quota = DeadLetterQuota {
        max_age: Some(Duration::from_secs(90 * 24 * 3600)),
        ..DeadLetterQuota::default()
    };
    let journal = bench.open().await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let days = |days: i64| i64::try_from(now).unwrap() - days * 24 * 3_600_000;
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
    // The journal drops them by itself, soon after its start and then now and again, and the counts follow a moment later.
    let journal = bench.again(journal).await;
    let began = Instant::now();
    let counted = || {
        let counts = journal.letter_counts();
        counts
            .values()
            .all(|counts| (counts.kept, counts.dropped) == (1, 1))
    };
    while all(&*journal).await.len() > 2 || !counted() {
        let counts = journal.letter_counts();
        assert!(began.elapsed() < Duration::from_secs(30), "they stay: {counts:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    journal.shutdown().await;
}

async fn an_event_is_sent_again_once_and_replaces_its_letters(bench: Bench) {
    let journal = bench.open().await;
    let (mut a, _) = reader(&*journal, "a", Start::End).await;
    // It holds the events.
    let _other = reader(&*journal, "other", Start::End).await;
    let at = in_order(&*journal, 0..3).await;
    a.commit(Commit {
        dead_letters: vec![letter(1, Some(at[1]), None)],
        ..settled_before(at[2])
    });
    a.flush().await;
    let id = all(&*journal).await[0].0;
    let held = journal.events_at(&[at[1], at[2], at[2] + 7]).await.unwrap();
    let again = |entry: Entry| SendAgain {
        event: entry.event,
        place: Some(entry.position),
        only: None,
        letters: vec![id],
    };
    let wanted: Vec<SendAgain> = held.into_iter().map(again).collect();
    // The event 2 is not settled.
    let given = journal.send_again("a", wanted.clone()).await.unwrap();
    assert_eq!(given, [true, false]);
    assert_eq!(journal.dead_letter_counts(), []);
    let given = journal.send_again("a", wanted.clone()).await.unwrap();
    assert_eq!(given, [false, false]);
    assert!(journal.send_again("nobody", wanted).await.is_err());
    let returned = a.returned(0, 9).await.unwrap().events;
    let places: Vec<_> = returned
        .iter()
        .map(|parked| (parked.place(), parked.open.again))
        .collect();
    assert_eq!(places, [(Some(at[1]), true)]);
    drop(a);
    let journal = bench.again(journal).await;
    let (_, resumed) = reader(&*journal, "a", Start::End).await;
    assert_eq!(resumed.returned, 1);
    journal.shutdown().await;
}
