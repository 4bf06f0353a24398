//! Messages to a webhook about trouble, for operators without Prometheus: one for each change of state.
//!
//! One task looks at the pipeline and finds changes, another sends their messages one after the other. Between them is a
//! bounded queue. While it is full, changes stay unnoticed, so that a webhook that comes back gets the old messages and then
//! those of the state at that time. Neither task is on the way of an event.

mod changes;
mod conditions;
mod facts;
mod message;
mod shares;
mod target;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use signalbox_config::AlertSettings;
use signalbox_http::Bytes;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use self::changes::Watch;
use self::facts::Facts;
use self::shares::Share;
pub use self::target::AlertTarget;
use self::target::Untaken;
use crate::AdminState;

/// The most messages that wait for the webhook.
const MOST_WAITING: usize = 32;

/// The times of the tasks.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// Time between two looks at the pipeline.
    every: Duration,
    /// Wait before the first retry of a message; it doubles from there.
    first_wait: Duration,
    /// The longest wait, unless the webhook names a longer one.
    most_wait: Duration,
}

const PACE: Pace = Pace {
    every: Duration::from_secs(5),
    first_wait: Duration::from_secs(1),
    most_wait: Duration::from_secs(300),
};

type Target = Option<Arc<AlertTarget>>;

/// The tasks that watch a pipeline and send messages. They end at [`Alerts::stop`] and when this is dropped.
#[derive(Debug)]
pub struct Alerts {
    target: watch::Sender<Target>,
    tasks: [JoinHandle<()>; 2],
}

impl Alerts {
    /// Starts to watch; without a target nothing is sent until [`Alerts::set`] brings one. Call it within a runtime.
    #[must_use]
    pub fn start(state: AdminState, target: Option<AlertTarget>) -> Alerts {
        Alerts::at_pace(state, target, PACE)
    }

    fn at_pace(state: AdminState, target: Option<AlertTarget>, pace: Pace) -> Alerts {
        let (target, receiver) = watch::channel(target.map(Arc::new));
        let (queue, waiting) = mpsc::channel(MOST_WAITING);
        let tasks = [
            tokio::spawn(look(state, receiver.clone(), queue, pace)),
            tokio::spawn(send(receiver, waiting, pace)),
        ];
        Alerts { target, tasks }
    }

    /// Sends to another target, or to none. Messages that wait go to the new target. A trouble that already has its message
    /// gets none again, unless alerts were off meanwhile.
    pub fn set(&self, target: Option<AlertTarget>) {
        self.target.send_replace(target.map(Arc::new));
    }

    /// Ends at once, without waiting for messages under way.
    pub fn stop(&self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Drop for Alerts {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A trouble that calls for an operator. The text holds names of components, codes and counts, never a value of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Stable word for the subject, such as `held` or `lagging`.
    pub kind: &'static str,
    /// Name of the component; empty for the router.
    pub component: Arc<str>,
    /// True if it cannot wait.
    pub critical: bool,
    /// The trouble in a sentence, without the name of the component.
    pub text: String,
}

/// Lists the troubles of this moment, by the limits that `[alerts]` has by default. The share of rejected events needs time to
/// be seen, and is not among them.
pub(crate) fn troubles(state: &AdminState) -> Vec<Trouble> {
    let facts = Facts::read(&state.ledger(), &*state.source, &state.vitals);
    let settings = AlertSettings::usual();
    let judged = conditions::judge(&facts, &settings, |_| None, |_| Share::default());
    let troubles = judged.into_iter().filter_map(|((kind, component), judged)| {
        let trouble = judged.err()?;
        Some(Trouble {
            kind: kind.word(),
            component,
            critical: trouble.critical,
            text: trouble.text,
        })
    });
    troubles.collect()
}

/// Looks at the pipeline again and again.
async fn look(state: AdminState, target: watch::Receiver<Target>, queue: mpsc::Sender<Bytes>, pace: Pace) {
    let mut watch = Watch::default();
    loop {
        tokio::time::sleep(pace.every).await;
        let Some(target) = target.borrow().clone() else {
            watch = Watch::default();
            continue;
        };
        let settings = &target.settings;
        let facts = Facts::read(&state.ledger(), &*state.source, &state.vitals);
        for change in watch.observe(&facts, settings, Instant::now(), queue.capacity()) {
            let body = match message::write(settings.name(), &change, Timestamp::now()) {
                Ok(body) => body,
                Err(error) => {
                    tracing::error!(%error, "the message of an alert cannot be written");
                    continue;
                }
            };
            // This task alone fills the queue, so there is room unless the other task has ended.
            if queue.try_send(body.into()).is_err() {
                return;
            }
        }
    }
}

/// Sends the messages in their order, each until the webhook takes it or alerts are switched off.
async fn send(mut target: watch::Receiver<Target>, mut waiting: mpsc::Receiver<Bytes>, pace: Pace) {
    let mut failing: Option<String> = None;
    while let Some(message) = waiting.recv().await {
        let mut wait = pace.first_wait;
        loop {
            let Some(to) = target.borrow_and_update().clone() else {
                break;
            };
            let Err(Untaken { why, after }) = to.post(message.clone()).await else {
                if failing.take().is_some() {
                    tracing::info!("the webhook of [alerts] takes messages again");
                }
                break;
            };
            if failing.as_ref() != Some(&why) {
                tracing::warn!("the webhook of [alerts] does not take a message, which is sent again: {why}");
                failing = Some(why);
            }
            // A reload may bring another webhook.
            let pause = wait.max(after.unwrap_or_default());
            if let Ok(Err(_)) = tokio::time::timeout(pause, target.changed()).await {
                return;
            }
            wait = (wait * 2).min(pace.most_wait);
        }
    }
}
