//! The list of erasures: a start with a list that is lost, or older than the journal, is refused before anything changes.

use std::fs;

use signalbox_journal::{DiskJournal, DiskOptions, Erasures as _, Start, Subject, Wanted};

use crate::support::*;

/// Records an erasure of one address; returns its number.
async fn erase(journal: &DiskJournal, address: &str) -> u64 {
    let wanted = vec![Wanted::new(Subject::Email, address).unwrap()];
    journal.record_erasure(Subject::Email, wanted).await.unwrap().id
}

/// A journal with a pending event and two erasures that cover it.
async fn erased(options: &DiskOptions) -> Vec<u8> {
    let journal = open_with(options);
    let (_reader, _) = reader(&journal, "a", Start::End).await;
    append(&journal, 0..1).await;
    assert_eq!(erase(&journal, "ann@shop.example").await, 1);
    let first = fs::read(options.path.join("erasures")).unwrap();
    assert_eq!(erase(&journal, "bob@shop.example").await, 2);
    journal.shutdown().await;
    // The next file of frames has the mark in its heading.
    let journal = open_with(options);
    append(&journal, 1..2).await;
    journal.shutdown().await;
    first
}

/// Expects that a start is refused with this text.
fn refused_for(options: &DiskOptions, told: &str) {
    let error = refused(options);
    for told in ["erasures: ", told, "up to number 2", "--list-lost"] {
        assert!(error.contains(told), "{told}: {error}");
    }
    assert!(!error.contains("ann@"), "{error}");
}

#[tokio::test]
async fn a_lost_list_is_noticed_with_and_without_the_state() {
    for keys in [&[][..], &[1]] {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let options = sealed(folder, keys);
        let older = erased(&options).await;
        let (list, state) = (folder.join("erasures"), folder.join("state.redb"));
        let newest = fs::read(&list).unwrap();
        let whole = fs::read(&state).unwrap();
        for damage in ["none", "broken", "gone"] {
            match damage {
                "none" => {}
                "broken" => fs::write(&state, &whole[..whole.len() / 2]).unwrap(),
                _ => fs::remove_file(&state).unwrap(),
            }
            fs::remove_file(&list).unwrap();
            refused_for(&options, "is missing");
            fs::write(&list, &older).unwrap();
            refused_for(&options, "is older and ends with number 1");
        }
        fs::write(&list, &newest).unwrap();
        let journal = open_with(&options);
        assert_eq!(journal.erasures().list().len(), 2);
        journal.shutdown().await;
    }
}

#[tokio::test]
async fn an_operator_may_accept_the_loss_and_repeat_the_erasures() {
    let folder = tempfile::tempdir().unwrap();
    let strict = options(folder.path());
    erased(&strict).await;
    fs::remove_file(folder.path().join("erasures")).unwrap();
    let accepting = DiskOptions {
        accept_lost_erasures: true,
        ..strict.clone()
    };
    let journal = open_with(&accepting);
    assert!(journal.erasures().is_empty());
    assert_eq!(erase(&journal, "ann@shop.example").await, 4);
    // The process ends without closing anything.
    let copied = tempfile::tempdir().unwrap();
    copy(folder.path(), copied.path());
    journal.shutdown().await;
    for folder in [folder.path(), copied.path()] {
        let journal = open(folder);
        assert_eq!(journal.erasures().list().len(), 1);
        journal.shutdown().await;
    }
}

#[tokio::test]
async fn a_list_that_is_newer_than_its_mark_is_no_error() {
    let (folder, earlier) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let journal = open(folder.path());
    append(&journal, 0..1).await;
    copy(folder.path(), earlier.path());
    erase(&journal, "ann@shop.example").await;
    journal.shutdown().await;
    // As after a process that ended between the list and the mark.
    fs::copy(folder.path().join("erasures"), earlier.path().join("erasures")).unwrap();
    let journal = open(earlier.path());
    assert_eq!(journal.erasures().list().len(), 1);
    // The mark is written without another change of the journal.
    journal.tidy().await.unwrap();
    let copied = tempfile::tempdir().unwrap();
    copy(earlier.path(), copied.path());
    journal.shutdown().await;
    fs::remove_file(copied.path().join("erasures")).unwrap();
    let error = refused(&options(copied.path()));
    assert!(error.contains("is missing"), "{error}");
}

#[tokio::test]
async fn a_list_whose_erasures_have_ended_may_be_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open_with(&sparing(folder.path()));
    append(&journal, 0..1).await;
    erase(&journal, "ann@shop.example").await;
    // No sink needs the event.
    journal.purge().await.unwrap();
    journal.tidy().await.unwrap();
    journal.shutdown().await;
    assert!(files(folder.path(), "frames-").is_empty());
    fs::remove_file(folder.path().join("erasures")).unwrap();
    let journal = open_with(&sparing(folder.path()));
    append(&journal, 1..2).await;
    assert_eq!(erase(&journal, "ann@shop.example").await, 2);
    journal.shutdown().await;
}
