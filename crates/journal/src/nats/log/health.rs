//! The health of the connection to the stream: successes and failures of requests.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::Refusing;
use crate::mutex::lock;

/// The time without success after which the router says that it takes no events in.
const LONG: Duration = Duration::from_secs(10);
/// A success elsewhere says nothing while appends failed this recently.
const RECENT: Duration = Duration::from_secs(3);

/// The state of the connection to the stream, as far as the log notices it.
#[derive(Debug, Default)]
pub(super) struct Health(Mutex<Now>);

#[derive(Debug, Default)]
struct Now {
    failing: Option<Failing>,
    /// Set once the stream is not the one that the log was opened on.
    gone: Option<String>,
}

#[derive(Debug)]
struct Failing {
    since: Instant,
    last: Instant,
    why: String,
}

impl Health {
    /// Notes a request that failed, or had no answer.
    pub(super) fn fails(&self, why: &str) {
        let (mut now, instant) = (lock(&self.0), Instant::now());
        match &mut now.failing {
            Some(failing) => failing.last = instant,
            None => {
                tracing::warn!("the journal's NATS servers do not answer as they should: {why}");
                now.failing = Some(Failing {
                    since: instant,
                    last: instant,
                    why: why.to_owned(),
                });
            }
        }
    }

    /// Notes that an append was stored.
    pub(super) fn stores(&self) {
        Health::recover(&mut lock(&self.0));
    }

    /// Notes that the servers answered something else than an append.
    pub(super) fn answers(&self) {
        let mut now = lock(&self.0);
        if now
            .failing
            .as_ref()
            .is_some_and(|failing| failing.last.elapsed() > RECENT)
        {
            Health::recover(&mut now);
        }
    }

    fn recover(now: &mut Now) {
        if let Some(failing) = now.failing.take() {
            let seconds = failing.since.elapsed().as_secs();
            tracing::info!(seconds, "the journal's NATS servers answer again");
        }
    }

    /// Notes that the stream is gone for good; `why` is a sentence with the remedy.
    pub(super) fn gone(&self, why: &str) {
        let mut now = lock(&self.0);
        if now.gone.is_none() {
            tracing::error!("the journal takes no events in: {why}");
            now.gone = Some(why.to_owned());
        }
    }

    /// The sentence why the stream is gone, if it is.
    pub(super) fn is_gone(&self) -> Option<String> {
        lock(&self.0).gone.clone()
    }

    /// The reason why appends fail, if they have for long.
    pub(super) fn refusing(&self) -> Option<Refusing> {
        let now = lock(&self.0);
        if let Some(why) = &now.gone {
            return Some(Refusing {
                why: why.clone(),
                until_restart: true,
            });
        }
        let failing = now
            .failing
            .as_ref()
            .filter(|failing| failing.since.elapsed() > LONG)?;
        Some(Refusing {
            why: format!(
                "the NATS servers have not taken events for {} s: {}; check that a majority of them runs and is reachable",
                failing.since.elapsed().as_secs(),
                failing.why
            ),
            until_restart: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_failure_is_not_told_and_a_lost_stream_is() {
        let health = Health::default();
        health.fails("no leader");
        assert_eq!(health.refusing(), None);
        health.answers();
        assert!(lock(&health.0).failing.is_some(), "appends failed just now");
        health.stores();
        assert!(lock(&health.0).failing.is_none());
        health.gone("the stream was deleted");
        health.stores();
        assert!(health.refusing().unwrap().until_restart);
    }
}
