//! Copies that were cut off and go on, or cannot.

use std::sync::Arc;

use signalbox_journal::{Copied, Journal, SourceTotals, TransferError, copied, transfer};

use super::{filled, is_a_copy};
use crate::contract::Bench;
use crate::support::*;

/// A bench for each kind of journal that outlives its process.
async fn lasting() -> Vec<Bench> {
    let benches = [
        Bench::disk().await,
        #[cfg(feature = "nats")]
        Bench::nats().await,
        #[cfg(feature = "nats")]
        Bench::sealed_nats().await,
    ];
    benches.into_iter().flatten().collect()
}

/// Makes a journal that is full after a part of a copy, and opens it again with room for all of it.
async fn cut_off(bench: &mut Bench, old: &Arc<dyn Journal>) -> Arc<dyn Journal> {
    bench.max_bytes = 1_500_000;
    let new = bench.open().await;
    let error = transfer(&**old, &*new, |_, _| ()).await.unwrap_err();
    assert!(error.to_string().contains("max_bytes"), "{error}");
    assert_eq!(copied(&*new).await, Ok(Copied::Begun(old.id().unwrap())));
    bench.max_bytes = 20_000_000;
    bench.again(new).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_was_cut_off_among_its_events_goes_on() {
    for mut bench in lasting().await {
        let folder = tempfile::tempdir().unwrap();
        let old: Arc<dyn Journal> = Arc::new(filled(folder.path()).await);
        let new = cut_off(&mut bench, &old).await;
        let done = transfer(&*old, &*new, |_, _| ()).await.unwrap();
        assert!((1..2_600).contains(&done.resumed), "{done:?}");
        is_a_copy(&old, &new, &done).await;
        new.close();
        new.shutdown().await;
    }
}

/// Marks a whole copy as begun, as if the process had died before its end.
async fn not_whole(journal: &dyn Journal) {
    let (source, key) = ("signalbox journal move", "copy");
    let mark = journal.checkpoints(source).await.unwrap().remove(key).unwrap();
    let mark = String::from_utf8(mark)
        .unwrap()
        .replace("\"whole\":true", "\"whole\":false");
    journal.save_checkpoint(source, key, Some(mark.into_bytes()));
    journal.flush().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_was_cut_off_after_its_last_state_writes_them_anew() {
    for bench in lasting().await {
        let folder = tempfile::tempdir().unwrap();
        let old: Arc<dyn Journal> = Arc::new(filled(folder.path()).await);
        let new = bench.open().await;
        transfer(&*old, &*new, |_, _| ()).await.unwrap();
        not_whole(&*new).await;
        let new = bench.again(new).await;
        assert_eq!(copied(&*new).await, Ok(Copied::Begun(old.id().unwrap())));
        let done = transfer(&*old, &*new, |_, _| ()).await.unwrap();
        assert_eq!(done.resumed, 2_600);
        is_a_copy(&old, &new, &done).await;
        new.close();
        new.shutdown().await;
    }
}

/// Polls a future so many times, and then drops it.
#[cfg(feature = "nats")]
async fn polled<T>(polls: u32, future: impl Future<Output = T>) -> Option<T> {
    let mut future = std::pin::pin!(future);
    let mut left = polls;
    std::future::poll_fn(|context| {
        if left == 0 {
            return std::task::Poll::Ready(None);
        }
        left -= 1;
        future.as_mut().poll(context).map(Some)
    })
    .await
}

#[cfg(feature = "nats")]
#[tokio::test(flavor = "multi_thread")]
async fn a_copy_to_nats_servers_that_is_cut_off_anywhere_goes_on() {
    let Some(bench) = Bench::sealed_nats().await else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let old: Arc<dyn Journal> = Arc::new(filled(folder.path()).await);
    let mut new = bench.open().await;
    let (mut polls, mut resumed) = (1, 0);
    let done = loop {
        match polled(polls, transfer(&*old, &*new, |_, _| ())).await {
            Some(done) => break done.unwrap(),
            None => polls += 1 + polls / 3,
        }
        resumed += 1;
        new = bench.again(new).await;
        if matches!(copied(&*new).await, Ok(Copied::Whole(_))) {
            // It was cut off behind its last change, and would not be called again.
            not_whole(&*new).await;
        }
    };
    assert!(resumed > 5 && done.resumed > 0, "{resumed} {done:?}");
    is_a_copy(&old, &new, &done).await;
    new.close();
    new.shutdown().await;
}

/// A copy of a disk journal into another one that was cut off.
struct Begun {
    old: Arc<dyn Journal>,
    new: Arc<dyn Journal>,
    _bench: Bench,
    _folder: tempfile::TempDir,
}

impl Begun {
    async fn new() -> Begun {
        let folder = tempfile::tempdir().unwrap();
        let old: Arc<dyn Journal> = Arc::new(filled(folder.path()).await);
        let mut bench = Bench::disk().await.unwrap();
        Begun {
            new: cut_off(&mut bench, &old).await,
            old,
            _bench: bench,
            _folder: folder,
        }
    }

    /// Asserts that the copy cannot go on, and why.
    async fn cannot_resume(&self, expected: &str) {
        let error = transfer(&*self.old, &*self.new, |_, _| ()).await.unwrap_err();
        assert!(
            matches!(&error, TransferError::CannotResume(why) if why.contains(expected)),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_copy_of_what_has_changed_since_does_not_go_on() {
    let begun = Begun::new().await;
    append(&*begun.old, 2_600..2_601).await;
    begun.cannot_resume("the old journal").await;
}

#[tokio::test]
async fn a_copy_with_an_event_of_another_origin_does_not_go_on() {
    let begun = Begun::new().await;
    append(&*begun.new, 9_000..9_001).await;
    begun.cannot_resume("is not the one that follows").await;
}

#[tokio::test]
async fn a_copy_that_differs_at_its_end_does_not_go_on() {
    let begun = Begun::new().await;
    let totals = SourceTotals {
        journalled: 1,
        ..SourceTotals::default()
    };
    begun.new.save_source("another", totals);
    begun.new.flush().await;
    begun.cannot_resume("counts of the sources").await;
}

#[tokio::test]
async fn a_copy_does_not_go_on_with_another_journal() {
    let begun = Begun::new().await;
    let other = tempfile::tempdir().unwrap();
    let other = filled(other.path()).await;
    let error = transfer(&other, &*begun.new, |_, _| ()).await.unwrap_err();
    assert!(error.to_string().contains("is not empty"), "{error}");
    assert_eq!(
        copied(&*begun.new).await,
        Ok(Copied::Begun(begun.old.id().unwrap()))
    );
}
