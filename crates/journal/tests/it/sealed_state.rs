//! The state of a sealed journal: parked events, dead letters, checkpoints and ids are on disk only encrypted or hashed.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use redb::ReadableTable;
use signalbox_core::{Event, Receipt};
use signalbox_journal::{
    Appended, Commit, DeadLetter, DeadLetterFilter, DiskJournal, DiskOptions, KeyUse, Open, Page, Parked,
    Progress, Sealing, Start,
};

use crate::support::*;

/// The text in all that is personal here.
const CANARY: &str = "jane.canary@example.com";

fn personal(n: u64) -> Event {
    let text = format!(r#"{{"messageId":"{CANARY}-{n}","type":"track","userId":"{CANARY}"}}"#);
    let receipt = Receipt {
        source: "web".into(),
        received_at: 1_700_000_000_000,
    };
    Event::parse(&text, receipt).unwrap()
}

fn letter(n: u64) -> DeadLetter {
    DeadLetter {
        component: "a".into(),
        message_id: format!("{CANARY}-{n}"),
        source: "web".into(),
        reason: "invalid".into(),
        payload: Some(format!(r#"{{"email":"{CANARY}"}}"#)),
        ..DeadLetter::default()
    }
}

/// Fills a journal: event 0 is parked, two dead letters, a checkpoint, and ids in a file.
async fn fill(options: &DiskOptions) {
    let journal = open_with(options);
    let (mut sink, _) = reader(&journal, "a", Start::End).await;
    journal.append((0..5).map(personal).collect()).await.unwrap();
    sink.commit(Commit {
        progress: Some(Progress {
            cursor: 1,
            ..Progress::default()
        }),
        park: vec![Parked {
            position: 0,
            event: Arc::new(personal(0)),
            open: Open::default(),
            only: None,
        }],
        dead_letters: vec![letter(1)],
        ..Commit::default()
    });
    sink.flush().await;
    journal.bury(vec![letter(2)]).await.unwrap();
    journal.save_checkpoint("web", "file", Some(CANARY.as_bytes().to_vec()));
    journal.flush().await;
    journal.shutdown().await;
}

async fn letters(journal: &DiskJournal) -> Vec<DeadLetter> {
    let page = Page {
        limit: 9,
        payloads: true,
        order: signalbox_journal::Order::OldestFirst,
        ..Page::default()
    };
    let page = journal
        .dead_letter_page(&DeadLetterFilter::default(), page)
        .await
        .unwrap();
    page.letters.into_iter().map(|stored| stored.letter).collect()
}

/// Asserts that a journal has what [`fill`] wrote.
async fn check(options: &DiskOptions) {
    let journal = open_with(options);
    assert_eq!(letters(&journal).await, [letter(1), letter(2)]);
    let counts = journal.letters_of("a");
    let read: u64 = counts.kept;
    assert_eq!(read, 2);
    let saved = BTreeMap::from([("file".to_owned(), CANARY.as_bytes().to_vec())]);
    assert_eq!(journal.checkpoints("web").await.unwrap(), saved);
    let (_sink, resumed) = reader(&journal, "a", Start::End).await;
    assert_eq!(resumed.progress.cursor, 1);
    assert_eq!(resumed.parked.len(), 1);
    assert_eq!(resumed.parked[0].event.to_json(), personal(0).to_json());
    let fates = journal.append((0..5).map(personal).collect()).await.unwrap();
    assert!(fates.iter().all(|fate| *fate == Appended::Duplicate), "{fates:?}");
    assert!(journal.rebuilt().is_none());
    journal.shutdown().await;
}

async fn sealing(options: &DiskOptions) -> Sealing {
    let journal = open_with(options);
    let told = journal.sealing().unwrap();
    journal.shutdown().await;
    told
}

/// The files of a folder in which the canary stands.
fn plain(folder: &Path) -> Vec<String> {
    let mut names = files(folder, "");
    names.retain(|name| {
        let bytes = std::fs::read(folder.join(name)).unwrap();
        bytes.windows(CANARY.len()).any(|part| part == CANARY.as_bytes())
    });
    names
}

#[tokio::test]
async fn a_sealed_state_shows_nothing_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fill(&sealed(folder, &[1])).await;
    let told = plain(folder);
    assert!(told.iter().all(|name| name.starts_with("frames-")), "{told:?}");
    check(&sealed(folder, &[1])).await;
    // A new key takes effect; the old one is needed until then.
    let error = refused(&sealed(folder, &[2]));
    assert!(
        error.contains("keys.bin") && error.contains("list the key with this id"),
        "{error}"
    );
    check(&sealed(folder, &[2, 1])).await;
    let error = refused(&sealed(folder, &[]));
    assert!(error.contains("no key is configured"), "{error}");
}

#[tokio::test]
async fn a_plain_state_is_sealed_when_the_journal_gets_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fill(&options(folder)).await;
    assert!(plain(folder).contains(&"state.redb".to_owned()));
    check(&options(folder)).await;
    // A process that was killed while it wrote the sealed state left its draft.
    std::fs::write(folder.join("state.draft"), "half a file").unwrap();
    check(&sealed(folder, &[1])).await;
    assert!(!plain(folder).contains(&"state.redb".to_owned()));
    assert!(!folder.join("state.draft").exists());
    check(&sealed(folder, &[1])).await;
    let told = sealing(&sealed(folder, &[1])).await;
    assert!(told.sealed && told.plain_bytes > 0 && told.plain_id_bytes > 0);
    assert_eq!((told.plain_letter_bytes, told.set_aside_bytes), (0, 0));
}

#[tokio::test]
async fn the_journal_tells_what_is_in_plain() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fill(&options(folder)).await;
    std::fs::write(folder.join("state.redb.corrupt"), "1234").unwrap();
    let told = sealing(&options(folder)).await;
    assert!(!told.sealed && told.keys.is_empty());
    assert!(told.plain_bytes > 0 && told.plain_id_bytes > 0 && told.plain_letter_bytes > 0);
    assert_eq!(told.set_aside_bytes, 4);
    let folder = tempfile::tempdir().unwrap();
    fill(&sealed(folder.path(), &[1])).await;
    let told = sealing(&sealed(folder.path(), &[2, 1])).await;
    assert_eq!((told.sealed, told.all_plain_bytes()), (true, 0));
    let old = keys(&[1]).unwrap().ids().next().unwrap();
    assert!(told.keys[&old].bytes > 0 && told.keys[&old].files == told.older_key_files());
    let newest = keys(&[2]).unwrap().ids().next().unwrap();
    // Only `keys.bin` needs it.
    assert_eq!(told.keys[&newest], KeyUse { files: 1, bytes: 0 });
    assert!(told.older_key_files() > 0 && told.unneeded.is_empty(), "{told:?}");
}

#[tokio::test]
async fn a_state_that_cannot_be_sealed_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fill(&options(folder)).await;
    let before = contents(folder);
    std::fs::create_dir(folder.join("state.draft")).unwrap();
    let error = DiskJournal::open(sealed(folder, &[1])).err().unwrap().to_string();
    std::fs::remove_dir(folder.join("state.draft")).unwrap();
    assert!(error.contains("the state is in plain"), "{error}");
    assert!(before["state.redb"] == contents(folder)["state.redb"]);
    // The operator may go on without a key, or make room.
    check(&options(folder)).await;
    check(&sealed(folder, &[1])).await;
    assert!(!plain(folder).contains(&"state.redb".to_owned()));
}

#[tokio::test]
async fn lost_keys_are_restored_from_the_state() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fill(&sealed(folder, &[1])).await;
    std::fs::remove_file(folder.join("keys.bin")).unwrap();
    let error = refused(&sealed(folder, &[]));
    assert!(error.contains("no key is configured"), "{error}");
    let error = refused(&sealed(folder, &[2]));
    assert!(error.contains("list the key with this id"), "{error}");
    check(&sealed(folder, &[1])).await;
    std::fs::write(folder.join("keys.bin"), "no keys").unwrap();
    check(&sealed(folder, &[1])).await;
    // After a rotation the copy in the state is one for the new key.
    check(&sealed(folder, &[2, 1])).await;
    std::fs::remove_file(folder.join("keys.bin")).unwrap();
    check(&sealed(folder, &[2, 1])).await;
}

#[tokio::test]
async fn the_keys_of_another_journal_are_refused() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fill(&sealed(one.path(), &[1])).await;
    fill(&sealed(other.path(), &[1])).await;
    std::fs::copy(other.path().join("keys.bin"), one.path().join("keys.bin")).unwrap();
    let error = refused(&sealed(one.path(), &[1]));
    assert!(error.contains("another keys.bin"), "{error}");
    std::fs::remove_file(one.path().join("keys.bin")).unwrap();
    check(&sealed(one.path(), &[1])).await;
}

#[tokio::test]
async fn a_lost_state_is_rebuilt_and_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fill(&sealed(folder, &[1])).await;
    std::fs::remove_file(folder.join("state.redb")).unwrap();
    let journal = open_with(&sealed(folder, &[1]));
    assert!(journal.rebuilt().is_some());
    let fates = journal.append((0..5).map(personal).collect()).await.unwrap();
    assert!(fates.iter().all(|fate| *fate == Appended::Duplicate), "{fates:?}");
    journal.bury(vec![letter(1), letter(2)]).await.unwrap();
    journal.shutdown().await;
    assert!(!plain(folder).contains(&"state.redb".to_owned()));
    let error = refused(&sealed(folder, &[]));
    assert!(error.contains("no key is configured"), "{error}");
}

#[tokio::test]
async fn a_parked_event_that_cannot_be_read_is_counted_as_lost() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fill(&sealed(folder, &[1])).await;
    let db = redb::Database::open(folder.join("state.redb")).unwrap();
    let txn = db.begin_write().unwrap();
    {
        let table = redb::TableDefinition::<(&str, u64), &[u8]>::new("parked");
        let mut table = txn.open_table(table).unwrap();
        let mut bytes = table.get(("a", 0)).unwrap().unwrap().value().to_vec();
        *bytes.last_mut().unwrap() ^= 1;
        table.insert(("a", 0), bytes.as_slice()).unwrap();
    }
    txn.commit().unwrap();
    drop(db);
    for start in 0..2 {
        let journal = open_with(&sealed(folder, &[1]));
        let (_sink, resumed) = reader(&journal, "a", Start::End).await;
        assert_eq!(resumed.parked.len(), 0);
        let lost: Vec<_> = resumed.lost.iter().map(|lost| (lost.from, lost.events)).collect();
        assert_eq!(lost, if start == 0 { vec![(0, 1)] } else { vec![] });
        assert_eq!(resumed.progress.totals.rejected["journal_unreadable"], 1);
        assert_eq!(journal.sinks().await.unwrap()[0].parked, 0);
        assert_eq!(letters(&journal).await.len(), 2);
        journal.shutdown().await;
    }
}

#[tokio::test]
async fn lost_ids_are_learnt_from_sealed_frames() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fill(&sealed(folder, &[1])).await;
    for name in files(folder, "ids-") {
        std::fs::remove_file(folder.join(name)).unwrap();
    }
    check(&sealed(folder, &[1])).await;
    // The keys are also in the headings of the files of events.
    for name in ["keys.bin", "state.redb"] {
        std::fs::remove_file(folder.join(name)).unwrap();
    }
    let journal = open_with(&sealed(folder, &[1]));
    let fates = journal.append((0..5).map(personal).collect()).await.unwrap();
    assert!(fates.iter().all(|fate| *fate == Appended::Duplicate), "{fates:?}");
    journal.shutdown().await;
}

#[tokio::test]
async fn renamed_sinks_and_sources_keep_what_is_sealed() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fill(&sealed(folder, &[1])).await;
    let journal = open_with(&sealed(folder, &[1]));
    let mut roster = pipeline(&[]);
    roster.sources.retain(|source| source.name != "web");
    let renamed = |new: &str, old: &str| {
        let mut named = signalbox_journal::Named::new(new);
        named.was = Some(old.to_owned());
        named
    };
    roster.sources.push(renamed("site", "web"));
    roster.sinks.push(renamed("b", "a"));
    journal.adopt(&roster).await.unwrap();
    let found = letters(&journal).await;
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|letter| letter.component == "b"));
    let saved = BTreeMap::from([("file".to_owned(), CANARY.as_bytes().to_vec())]);
    assert_eq!(journal.checkpoints("site").await.unwrap(), saved);
    let (_sink, resumed) = reader(&journal, "b", Start::End).await;
    assert_eq!(resumed.parked.len(), 1);
    journal.shutdown().await;
}
