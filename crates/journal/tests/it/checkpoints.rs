//! Checkpoints of sources in the files of a process that was killed.

use signalbox_journal::{DeadLetter, DeadLetterFilter};

use crate::support::*;

#[tokio::test]
async fn they_are_on_disk_when_they_are_flushed() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    journal.save_checkpoint("web", "a", Some(b"1".to_vec()));
    journal.flush().await;
    // A kill leaves the same files as a copy.
    let killed = tempfile::tempdir().unwrap();
    copy(folder.path(), killed.path());
    journal.shutdown().await;
    let journal = open(killed.path());
    assert_eq!(journal.checkpoints("web").await.unwrap()["a"], b"1");
    journal.shutdown().await;
}

#[tokio::test]
async fn none_is_durable_before_the_dead_letters_that_came_earlier() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    for n in 0..20 {
        journal
            .bury(vec![DeadLetter {
                component: "source:web".into(),
                ..DeadLetter::default()
            }])
            .await
            .unwrap();
        journal.save_checkpoint("web", "n", Some(vec![n]));
        let killed = tempfile::tempdir().unwrap();
        copy(folder.path(), killed.path());
        let crashed = open(killed.path());
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
