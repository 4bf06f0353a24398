//! The news about sinks that make a running pipeline change their drivers: tenures that come and go, drivers that have
//! ended, readers that are open. Only a shared journal gives such news.

use std::sync::Arc;
use std::time::Duration;

use signalbox_journal::{JournalError, Reader, Resumed, Tenures};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// A reason to look at the drivers of sinks; see [`Running::turn`](super::Running::turn).
pub struct Turn(pub(super) News);

/// See [`Turn`].
pub(super) enum News {
    /// The tenures have changed, or a pause is over.
    Look,
    /// The driver with this number has ended.
    Ended(Arc<str>, u64),
    /// The reader with this number is open, or could not be opened.
    Opened(Arc<str>, u64, Box<Opened>),
}

/// An open reader, or the reason why there is none.
pub(super) type Opened = Result<(Box<dyn Reader>, Resumed), JournalError>;

/// Where the news come from.
pub(super) struct Turns {
    tenures: watch::Receiver<Tenures>,
    /// True while the journal may change the tenures.
    changing: bool,
    told: mpsc::UnboundedReceiver<News>,
    tell: mpsc::UnboundedSender<News>,
    /// The next moment to look without news.
    look_at: Option<Instant>,
    last: u64,
}

/// Tells, when it is dropped, that a driver has ended: also if it panicked.
pub(super) struct Ends(Option<News>, mpsc::UnboundedSender<News>);

impl Drop for Ends {
    fn drop(&mut self) {
        if let Some(news) = self.0.take() {
            // The pipeline has ended if nothing listens.
            let _ = self.1.send(news);
        }
    }
}

impl Turns {
    pub(super) fn new() -> Turns {
        let (tell, told) = mpsc::unbounded_channel();
        Turns {
            tenures: watch::channel(Tenures::default()).1,
            changing: false,
            told,
            tell,
            look_at: None,
            last: 0,
        }
    }

    /// Replaces the tenures.
    pub(super) fn set(&mut self, tenures: watch::Receiver<Tenures>) {
        (self.tenures, self.changing) = (tenures, true);
    }

    /// Returns the present tenures. A later change of them is news.
    pub(super) fn tenures(&mut self) -> Tenures {
        self.tenures.borrow_and_update().clone()
    }

    /// Returns the next number of a driver or a reader.
    pub(super) fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    /// Makes the guard that tells of a driver's end.
    pub(super) fn ends(&self, sink: Arc<str>, number: u64) -> Ends {
        Ends(Some(News::Ended(sink, number)), self.tell.clone())
    }

    /// Returns the place to tell news.
    pub(super) fn teller(&self) -> mpsc::UnboundedSender<News> {
        self.tell.clone()
    }

    /// Plans no look without news.
    pub(super) fn plan_nothing(&mut self) {
        self.look_at = None;
    }

    /// Plans a look, unless one is planned that comes before.
    pub(super) fn look_in(&mut self, pause: Duration) {
        let at = Instant::now() + pause;
        self.look_at = Some(self.look_at.map_or(at, |planned| planned.min(at)));
    }

    /// Returns the next news. Cancel safe.
    pub(super) async fn next(&mut self) -> News {
        loop {
            let at = self.look_at;
            tokio::select! {
                Some(news) = self.told.recv() => return news,
                changed = self.tenures.changed(), if self.changing => match changed {
                    Ok(()) => return News::Look,
                    Err(_) => self.changing = false,
                },
                () = sleep_until(at), if at.is_some() => {
                    self.look_at = None;
                    return News::Look;
                }
            }
        }
    }
}

async fn sleep_until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}
