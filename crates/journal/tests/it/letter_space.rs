//! The space of dead letters in the state.

use signalbox_journal::{Commit, DeadLetter, Start};

use crate::support::*;

fn letter(n: u64) -> DeadLetter {
    DeadLetter {
        component: "a".into(),
        message_id: format!("id-{n}"),
        payload: Some("x".repeat(900)),
        ..DeadLetter::default()
    }
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
                dead_letters: (from..from + 500).map(letter).collect(),
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
