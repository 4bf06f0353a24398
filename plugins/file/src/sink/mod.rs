//! The sink: events as lines of JSON in a file.

mod appender;
mod config;
mod reasons;

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
pub use config::FileSinkConfig;
use signalbox_core::{Batch, Event, Framing, Outcome, Prepared, Reason, Record, Report, Sink, exposed};
use tokio::sync::Mutex;

use appender::{Appender, Failure};

/// Appends records. The lock is held across a write: it keeps the lines in order, and a disk that hangs
/// occupies one thread, not one for each attempt.
struct FileSink {
    name: Arc<str>,
    path: PathBuf,
    appender: Arc<Mutex<Appender>>,
}

#[async_trait]
impl Sink for FileSink {
    fn prepare(&self, event: &Event) -> Prepared {
        Prepared::Mapped(vec![Ok(Record::line(self.name.clone(), event))])
    }

    async fn deliver(&self, batch: Batch) -> Report {
        let lines: Vec<_> = batch
            .records()
            .iter()
            .map(|record| record.bytes.clone())
            .collect();
        let mut appender = Arc::clone(&self.appender).lock_owned().await;
        let appended = tokio::task::spawn_blocking(move || {
            let (done, failure) = appender.append(&lines);
            (done, failure, appender.take_deleted(done))
        });
        let (done, failure, deleted) = appended.await.unwrap_or_else(|_| {
            let failure = Failure {
                error: std::io::ErrorKind::Interrupted.into(),
                maybe_written: true,
            };
            (0, Some(failure), 0)
        });
        // Each deletion is counted by one warning. There are enough outcomes to carry them, since a line was written
        // after each deletion.
        let mut outcomes = vec![
            Outcome::Delivered {
                warning: Some(reasons::file_deleted()),
            };
            deleted
        ];
        outcomes.resize(done, Outcome::delivered());
        let Some(failure) = failure else {
            return batch.settle_each(outcomes);
        };
        let reason = match reasons::operator_must_act(&failure.error) {
            Some(reason) if done == 0 => return batch.hold(reason),
            Some(reason) => reason,
            None => reasons::try_later(&failure.error),
        };
        let retry = Outcome::Retry {
            reason,
            after: None,
            maybe_written: failure.maybe_written,
        };
        outcomes.resize(batch.records().len(), retry);
        batch.settle_each(outcomes)
    }

    async fn probe(&self) -> Result<(), Reason> {
        let appender = Arc::clone(&self.appender).lock_owned().await;
        match tokio::task::spawn_blocking(move || appender.probe()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => {
                Err(reasons::operator_must_act(&error).unwrap_or_else(|| reasons::try_later(&error)))
            }
            Err(_) => Err(reasons::try_later(&std::io::ErrorKind::Interrupted.into())),
        }
    }

    #[cfg(unix)]
    fn notes(&self) -> Vec<String> {
        use std::os::unix::fs::MetadataExt as _;
        let told = |path: &PathBuf| {
            let there = std::fs::metadata(path).ok().filter(|there| there.is_file())?;
            exposed(path, there.mode())
        };
        let aside = appender::set_aside(&self.path);
        std::iter::once(&self.path)
            .chain(&aside)
            .filter_map(told)
            .collect()
    }

    fn framing(&self) -> Framing {
        // Every record ends in a line break.
        Framing {
            request: 1,
            separator: 1,
        }
    }

    async fn close(&self) {
        let mut appender = Arc::clone(&self.appender).lock_owned().await;
        // With `sync` off this may fail; no record is left to settle by it.
        let _ = tokio::task::spawn_blocking(move || appender.close()).await;
    }
}
