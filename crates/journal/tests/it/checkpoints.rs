//! Checkpoints of sources.

use std::collections::BTreeMap;

use signalbox_journal::{DeadLetter, DeadLetterFilter, Journal, MemoryJournal};

use crate::support::*;

fn saved(pairs: &[(&str, &[u8])]) -> BTreeMap<String, Vec<u8>> {
    pairs
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.to_vec()))
        .collect()
}

/// Tests the behaviour that every journal shows while it is open.
async fn keeps(journal: &dyn Journal) {
    assert!(journal.checkpoints("web").await.unwrap().is_empty());
    journal.save_checkpoint("web", "a", Some(b"1".to_vec()));
    journal.save_checkpoint("web", "b", Some(b"2".to_vec()));
    journal.save_checkpoint("we", "a", Some(b"of another source".to_vec()));
    journal.save_checkpoint("web", "a", Some(b"3".to_vec()));
    journal.save_checkpoint("web", "b", None);
    journal.save_checkpoint("web", "c", Some(Vec::new()));
    assert_eq!(
        journal.checkpoints("web").await.unwrap(),
        saved(&[("a", b"3"), ("c", b"")])
    );
    assert_eq!(
        journal.checkpoints("we").await.unwrap(),
        saved(&[("a", b"of another source")])
    );
    assert!(journal.checkpoints("w").await.unwrap().is_empty());
    journal.flush().await;
}

#[tokio::test]
async fn they_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open_with(&options(folder.path()));
    keeps(&journal).await;
    // A kill leaves the same files as a copy after `flush`.
    let copy = tempfile::tempdir().unwrap();
    for name in files(folder.path(), "") {
        std::fs::copy(folder.path().join(&name), copy.path().join(&name)).unwrap();
    }
    journal.shutdown().await;
    for folder in [folder.path(), copy.path()] {
        let journal = open_with(&options(folder));
        assert_eq!(
            journal.checkpoints("web").await.unwrap(),
            saved(&[("a", b"3"), ("c", b"")])
        );
        journal.shutdown().await;
    }
}

#[tokio::test]
async fn in_memory_they_last_as_long_as_the_journal() {
    keeps(&MemoryJournal::new(1_000_000)).await;
}

#[tokio::test]
async fn none_is_durable_before_the_dead_letters_that_came_earlier() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open_with(&options(folder.path()));
    for n in 0..20 {
        journal
            .bury(vec![DeadLetter {
                component: "source:web".into(),
                ..DeadLetter::default()
            }])
            .await
            .unwrap();
        journal.save_checkpoint("web", "n", Some(vec![n]));
        let copy = tempfile::tempdir().unwrap();
        for name in files(folder.path(), "") {
            std::fs::copy(folder.path().join(&name), copy.path().join(&name)).unwrap();
        }
        let crashed = open_with(&options(copy.path()));
        let letters = crashed
            .dead_letters(&DeadLetterFilter::default(), 100)
            .await
            .unwrap();
        let at = crashed.checkpoints("web").await.unwrap();
        let told = at.get("n").map_or(0, |value| usize::from(value[0]) + 1);
        assert!(letters.len() >= told, "{} letters, {told} told of", letters.len());
        crashed.shutdown().await;
    }
    journal.shutdown().await;
}
