//! The notes that the driver takes for the history.

use signalbox_core::JournalKey;
use signalbox_history::{Checksum, Entry, Filter, History, IdKeys, IdKind, Outcome as Ended, Settings};
use signalbox_journal::ERASED;
use tempfile::TempDir;

use super::bench::{Bench, leave_after};
use super::*;
use crate::delivery::recorder::Recorder;

/// A bench with a history.
fn bench() -> (Bench, IdKeys, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let keys = IdKeys::derive([&JournalKey::new([1; 32])]).unwrap();
    let history = History::start(Settings::new(folder.path()), keys.clone()).unwrap();
    let mut bench = Bench::new();
    bench.history = Some(history);
    (bench, keys, folder)
}

/// The rows of the history, by the events' ids.
fn rows(bench: &Bench) -> BTreeMap<String, Entry> {
    let history = bench.history.as_ref().unwrap();
    history.flush().unwrap();
    let page = history.reader().latest(&Filter::default(), None, 100).unwrap();
    let rows = page.entries.into_iter();
    rows.map(|row| (row.message_id.clone().unwrap_or_default(), row))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn events_parked_before_a_restart_are_told_like_others() {
    let (bench, _keys, _folder) = bench();
    drop(bench.open().await);
    bench.append(["a"]).await;
    let parts = |script: fn(&[String], Duration) -> Act| {
        let mut options = rig([""; 0]).options;
        options.window.events = 1;
        let stage = bench.sink(script).stage(&options);
        Parts::new(options, stage, Arc::default())
    };
    let put_off = |ids: &[String], _| {
        let each = |id: &String| match id.as_str() {
            "a" => retry(),
            _ => Outcome::delivered(),
        };
        Act::Each(ids.iter().map(each).collect())
    };
    // Events that come later have `a` parked.
    let later = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        bench.append(["b", "c"]).await;
    };
    tokio::join!(bench.go(parts(put_off), leave_after(9)), later);
    assert_eq!(bench.ledger.pending(), 1);
    assert_eq!(bench.open().await.1.parked.len(), 1);
    bench.journal.close();
    bench.go(parts(|_, _| Act::Deliver), Stop::default()).await;
    assert_eq!(bench.ledger.delivered.get(), 3);
    let rows = rows(&bench);
    for (position, id) in ["a", "b", "c"].into_iter().enumerate() {
        let row = &rows[id];
        assert_eq!((&*row.source, row.received_at), ("in", 1), "{id}");
        assert_eq!(row.position, Some(position as u64), "{id}");
        assert_eq!((&*row.outcome, row.mapping.as_deref()), ("delivered", Some("m")));
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_record_that_was_made_again_the_history_tells_what_was_sent() {
    let (bench, keys, _folder) = bench();
    drop(bench.open().await);
    bench.append(["learns", "other"]).await;
    bench.journal.close();
    let first = Mutex::new(true);
    bench
        .drive(Stop::default(), move |_, _| {
            if std::mem::take(&mut *first.lock().unwrap()) {
                Act::Reencode("color")
            } else {
                Act::Deliver
            }
        })
        .await;
    let rows = rows(&bench);
    for (id, sent) in [("learns", "learns!"), ("other", "other")] {
        let row = &rows[id];
        assert_eq!((&*row.source, row.bytes as usize), ("in", sent.len()), "{id}");
        let digest = format!("{:016x}", keys.digest(Checksum::of(sent.as_bytes())));
        assert_eq!(row.digest.as_deref(), Some(&*digest), "{id}");
    }
}

/// An event of a person.
fn of_person(id: &str, user_id: &str) -> Event {
    let json =
        format!(r#"{{"messageId":"{id}","userId":"{user_id}","traits":{{"email":"ivy@example.com"}}}}"#);
    Event::parse(&json, event("").receipt().clone()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn persons_are_found_by_ids_of_any_length_but_not_those_of_erased_events() {
    let (bench, keys, _folder) = bench();
    drop(bench.open().await);
    let long = "u".repeat(300);
    bench.journal.append(vec![of_person("a", &long)]).await.unwrap();
    bench.journal.close();
    bench.drive(Stop::default(), |_, _| Act::Deliver).await;
    let history = bench.history.as_ref().unwrap();
    let mut recorder = Recorder::new(history.clone(), &rig([""; 0]).options);
    for (id, reason) in [("b", "no_consent"), ("c", ERASED)] {
        let reason = Reason::new(reason, "told");
        let event = of_person(id, id);
        recorder.unsent((Some(&event), Some(7), 1), "", Ended::Filtered, &reason);
    }
    recorder.hand_over();
    history.flush().unwrap();
    let found = |kind, text: &str| {
        let found = history
            .reader()
            .find(&keys.hashes(kind, text), &Filter::default());
        let ids = found.unwrap().entries.into_iter();
        ids.map(|row| row.message_id.unwrap()).collect::<Vec<String>>()
    };
    assert_eq!(found(IdKind::UserId, &long), ["a"]);
    assert_eq!(found(IdKind::UserId, "b"), ["b"]);
    assert!(found(IdKind::UserId, "c").is_empty());
    let mut all = found(IdKind::Email, "ivy@example.com");
    all.sort();
    assert_eq!(all, ["a", "b"]);
}
