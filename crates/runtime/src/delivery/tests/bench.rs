//! A journal whose sink has one driver after the other.

use signalbox_history::History;
use signalbox_journal::{DeadLetterId, DeadLetterQuota, Reader, Resumed};

use super::*;

pub(super) struct Bench {
    pub(super) journal: MemoryJournal,
    pub(super) ledger: Arc<SinkLedger>,
    pub(super) history: Option<History>,
    started: Instant,
    log: Arc<Mutex<Log>>,
}

impl Bench {
    pub(super) fn new() -> Bench {
        Bench::with_quota(MemoryJournal::DEAD_LETTERS)
    }

    pub(super) fn with_quota(quota: DeadLetterQuota) -> Bench {
        Bench {
            journal: MemoryJournal::with_quota(1 << 30, quota),
            ledger: Arc::new(SinkLedger::default()),
            history: None,
            started: Instant::now(),
            log: Arc::default(),
        }
    }

    /// A sink whose log and clock are those of the bench.
    pub(super) fn sink(
        &self,
        script: impl Fn(&[String], Duration) -> Act + Send + Sync + 'static,
    ) -> Scripted {
        Scripted {
            started: self.started,
            log: self.log.clone(),
            ..Scripted::new(script)
        }
    }

    pub(super) async fn open(&self) -> (Box<dyn Reader>, Resumed) {
        self.journal.reader("sink", &listening()).await.unwrap()
    }

    pub(super) async fn append(&self, ids: impl IntoIterator<Item = impl ToString>) {
        for id in ids {
            self.journal
                .append(vec![super::event(&id.to_string())])
                .await
                .unwrap();
        }
    }

    /// Drives until the stop, and logs the records that it sends.
    pub(super) async fn drive(
        &self,
        stop: Stop,
        script: impl Fn(&[String], Duration) -> Act + Send + Sync + 'static,
    ) -> Parts {
        self.drive_with(stop, Arc::default(), script).await
    }

    /// Works like [`Bench::drive`], with news of returned events.
    pub(super) async fn drive_with(
        &self,
        stop: Stop,
        news: Arc<tokio::sync::Notify>,
        script: impl Fn(&[String], Duration) -> Act + Send + Sync + 'static,
    ) -> Parts {
        let options = rig([""; 0]).options;
        let stage = self.sink(script).stage(&options);
        let parts = Parts::new(options, stage, Arc::default());
        self.go_with(parts, stop, news).await
    }

    /// Continues with what another driver left.
    pub(super) async fn go(&self, parts: Parts, stop: Stop) -> Parts {
        self.go_with(parts, stop, Arc::default()).await
    }

    async fn go_with(&self, parts: Parts, stop: Stop, news: Arc<tokio::sync::Notify>) -> Parts {
        let dead_letters = Arc::new(DeadLetters::new(PersonalData::Plain));
        let signals = (stop, Arc::default(), news);
        let ledger = self.ledger.clone();
        let driver = Driver::new(
            parts,
            self.open().await,
            ledger,
            dead_letters,
            SinkMeters::none(),
            signals,
        );
        driver.with_history(self.history.clone()).run().await
    }

    pub(super) async fn dead(&self) -> Vec<(DeadLetterId, DeadLetter)> {
        self.journal
            .dead_letters(&DeadLetterFilter::default(), usize::MAX)
            .await
            .unwrap()
    }

    /// Number of times each id was sent.
    pub(super) fn sent(&self) -> BTreeMap<String, usize> {
        let mut sent = BTreeMap::new();
        for id in self.log.lock().unwrap().iter().flat_map(|(_, ids)| ids) {
            *sent.entry(id.clone()).or_default() += 1;
        }
        sent
    }
}

pub(super) fn leave_after(secs: u64) -> Stop {
    let stop = Stop::default();
    let leave = stop.leave.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(secs)).await;
        leave.cancel();
    });
    stop
}
