//! A disk that takes no more while the router runs.

use std::path::Path;
use std::time::Duration;

use signalbox_journal::{AppendError, DiskOptions, Start};

use crate::support::*;

const NAME: &str = "refused::a_disk_that_takes_no_more_refuses_and_loses_nothing";

/// Runs in a process whose files may not grow beyond a limit.
async fn fill(folder: &Path) {
    let journal = crate::support::open_with(&options(folder));
    let (mut sink, _) = reader(&journal, "a", Start::End).await;
    let mut n = 0;
    let error = loop {
        match journal.append(events(n..n + 100)).await {
            Ok(_) => n += 100,
            Err(error) => break error,
        }
        assert!(n < 1_000_000, "the limit is not enforced");
    };
    let AppendError::Failed(error) = error else {
        panic!("{error}")
    };
    assert!(error.to_string().contains(folder.to_str().unwrap()), "{error}");
    // The next file has room again, and the journal knows no id of the refused events.
    append(&journal, n..n + 100).await;
    n += 100;
    journal.close();
    assert_eq!(rest(&mut sink).await.numbers(), (0..n).collect::<Vec<_>>());
    sink.commit(settled_before(n - 50));
    tokio::time::timeout(Duration::from_secs(60), sink.flush())
        .await
        .unwrap();
    println!("acknowledged {n}");
    #[expect(clippy::disallowed_methods, reason = "as if killed: nothing is closed")]
    std::process::exit(0);
}

#[tokio::test]
async fn a_disk_that_takes_no_more_refuses_and_loses_nothing() {
    if let Ok(folder) = std::env::var(SMALL_FILES) {
        fill(Path::new(&folder)).await;
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let told = in_small_files(NAME, 6000, folder.path(), "acknowledged ");
    let n: u64 = told.parse().unwrap();

    let journal = crate::support::open_with(&DiskOptions::new(folder.path()));
    let (mut sink, resumed) = reader(&journal, "a", Start::End).await;
    assert_eq!(resumed.progress.cursor, n - 50);
    let (mut all, _) = reader(&journal, "b", Start::Beginning).await;
    append(&journal, n..n + 10).await;
    journal.close();
    assert_eq!(
        rest(&mut sink).await.numbers(),
        (n - 50..n + 10).collect::<Vec<_>>()
    );
    assert_eq!(rest(&mut all).await.numbers(), (0..n + 10).collect::<Vec<_>>());
    assert_eq!(journalled(&journal).await, n + 10);
    assert!(
        files(folder.path(), "")
            .iter()
            .all(|name| !name.contains("corrupt"))
    );
    journal.shutdown().await;
}
