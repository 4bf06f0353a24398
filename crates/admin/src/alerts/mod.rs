//! Messages to a webhook about trouble, for operators without Prometheus: one for each change of state.
//!
//! One task looks at the pipeline and finds changes, another sends their messages one after the other. Between them lies one
//! message for each alert, which the first task keeps up to date, so that a webhook that comes back gets the present state.
//! Neither task is on the way of an event.

mod changes;
mod conditions;
mod facts;
mod message;
mod shares;
mod target;
#[cfg(test)]
mod tests;
mod waiting;

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use signalbox_config::AlertSettings;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::changes::Watch;
use self::facts::Facts;
use self::shares::Share;
pub use self::target::AlertTarget;
use self::target::Untaken;
pub use self::waiting::AlertStatus;
pub(crate) use self::waiting::Waiting;
use crate::AdminState;

/// The times of the tasks.
#[derive(Clone, Copy, Debug)]
struct Pace {
    /// Time between two looks at the pipeline.
    every: Duration,
    /// Pause after a message that was not taken; it doubles until one is.
    first_wait: Duration,
    /// The longest pause, also if the webhook asks for a longer one: no trouble waits for longer.
    most_wait: Duration,
}

const PACE: Pace = Pace {
    every: Duration::from_secs(5),
    first_wait: Duration::from_secs(1),
    most_wait: Duration::from_secs(60),
};

type Target = Option<Arc<AlertTarget>>;

/// The tasks that watch a pipeline and send messages. They end at [`Alerts::stop`] and when this is dropped.
#[derive(Debug)]
pub struct Alerts {
    target: watch::Sender<Target>,
    waiting: Arc<Waiting>,
    tasks: [JoinHandle<()>; 2],
}

impl Alerts {
    /// Starts to watch; without a target nothing is sent until [`Alerts::set`] brings one. Call it within a runtime.
    #[must_use]
    pub fn start(state: AdminState, target: Option<AlertTarget>) -> Alerts {
        Alerts::at_pace(state, target, PACE)
    }

    fn at_pace(state: AdminState, target: Option<AlertTarget>, pace: Pace) -> Alerts {
        let waiting = state.alerts.clone();
        waiting.switch(target.is_some());
        let (target, receiver) = watch::channel(target.map(Arc::new));
        let tasks = [
            tokio::spawn(look(state, receiver.clone(), pace)),
            tokio::spawn(send(receiver, waiting.clone(), pace)),
        ];
        Alerts {
            target,
            waiting,
            tasks,
        }
    }

    /// Sends to another target, or to none. Messages that wait go to the new target. A trouble that already has its message
    /// gets none again, unless alerts were off meanwhile.
    pub fn set(&self, target: Option<AlertTarget>) {
        self.waiting.switch(target.is_some());
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
    let facts = read(state);
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

/// Reads the facts of this moment.
fn read(state: &AdminState) -> Facts {
    let audit = state.audit().map(|audit| audit.status());
    Facts {
        audit_failing: audit.is_some_and(|audit| audit.failing.is_some()),
        ..Facts::read(&state.ledger(), &*state.source, &state.vitals)
    }
}

/// Looks at the pipeline again and again.
async fn look(state: AdminState, target: watch::Receiver<Target>, pace: Pace) {
    let (mut watch, mut ends) = (Watch::default(), 0);
    loop {
        tokio::time::sleep(pace.every).await;
        let now = state.alerts.ends();
        let (Some(now), Some(target)) = (now, target.borrow().clone()) else {
            continue;
        };
        if now != ends {
            (watch, ends) = (Watch::default(), now);
        }
        let facts = read(&state);
        let observed = watch.observe(&facts, &target.settings, Instant::now());
        state.alerts.update(observed, ends);
    }
}

/// Sends the messages one after the other. One that the webhook does not take goes behind the others.
async fn send(mut target: watch::Receiver<Target>, waiting: Arc<Waiting>, pace: Pace) {
    let mut pause = pace.first_wait;
    loop {
        let message = waiting.first().await;
        let Some(to) = target.borrow_and_update().clone() else {
            waiting.switch(false);
            continue;
        };
        let change = &message.change;
        let body = match message::write(to.settings.name(), change, Timestamp::now()) {
            Ok(body) => body,
            Err(error) => {
                tracing::error!(%error, "the message of an alert cannot be written");
                waiting.taken(&message);
                continue;
            }
        };
        let Err(Untaken { why, after }) = to.post(body.into()).await else {
            pause = pace.first_wait;
            if waiting.taken(&message) {
                tracing::info!("the webhook of [alerts] takes messages again");
            }
            continue;
        };
        if waiting.untaken(&change.subject, &why) {
            tracing::warn!("the webhook of [alerts] does not take a message, which is sent again: {why}");
        }
        // A reload may bring another webhook.
        let asked = pause.max(after.unwrap_or_default()).min(pace.most_wait);
        if let Ok(Err(_)) = tokio::time::timeout(asked, target.changed()).await {
            return;
        }
        pause = (pause * 2).min(pace.most_wait);
    }
}
