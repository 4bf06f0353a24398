//! Components that continue under another name, when the process is killed or the state is lost.

use crate::contract::renamed::{knows_its_own, replaced};
use crate::support::*;

#[tokio::test]
async fn ids_stay_with_their_source_when_the_process_is_killed() {
    let (folder, killed) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let journal = open(folder.path());
    replaced(&journal).await;
    // The files as they are: no id has been written beside the frames.
    copy(folder.path(), killed.path());
    knows_its_own(&open(killed.path())).await;
    journal.shutdown().await;
}

#[tokio::test]
async fn ids_stay_with_their_source_when_the_state_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    replaced(&journal).await;
    journal.shutdown().await;
    std::fs::remove_file(folder.path().join("state.redb")).unwrap();
    let journal = open(folder.path());
    knows_its_own(&journal).await;
    let counts = journal.source_totals().await.unwrap();
    let of = |name: &str| {
        counts
            .iter()
            .find(|(source, _)| source == name)
            .unwrap()
            .1
            .journalled
    };
    assert_eq!((of("site"), of("web")), (20, 21));
}
