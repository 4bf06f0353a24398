//! A double of the runtime's side of an outlet.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use signalbox_core::{Event, Fate, Intake, Outlet, Reason, Refused, RejectedInput};
use tokio::sync::watch;

/// Takes everything in and keeps it, unless a test has it refuse or wait.
#[derive(Debug, Clone, Default)]
pub struct IntakeDouble(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    kept: Mutex<Kept>,
    held: watch::Sender<bool>,
    /// Calls since the last [`IntakeDouble::hold`] or [`IntakeDouble::refuse`].
    calls: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct Kept {
    events: Vec<Event>,
    rejected: Vec<RejectedInput>,
    refused: Vec<(u64, Reason)>,
    refuse: Option<Refused>,
    fates: Vec<Fate>,
}

impl IntakeDouble {
    /// Returns the outlet for a source.
    pub fn outlet(&self) -> Outlet {
        Outlet::new(self.0.clone())
    }

    /// Refuses everything like this from now on; `None` takes everything in again.
    pub fn refuse(&self, refused: Option<Refused>) {
        self.0.kept().refuse = refused;
        self.0.calls.send_replace(0);
    }

    /// Has calls wait from now on; `false` lets them go on.
    pub fn hold(&self, held: bool) {
        self.0.held.send_replace(held);
        self.0.calls.send_replace(0);
    }

    /// Resolves once the source has made this number of calls since the last [`hold`](Self::hold) or
    /// [`refuse`](Self::refuse).
    ///
    /// # Panics
    /// Never: the sender lives as long as this.
    pub async fn called(&self, times: usize) {
        let mut calls = self.0.calls.subscribe();
        let called = calls.wait_for(|calls| *calls >= times).await.map(drop);
        called.expect("the sender is alive");
    }

    /// The fates of the next events, in order; those after them are accepted.
    pub fn fates(&self, fates: Vec<Fate>) {
        self.0.kept().fates = fates;
    }

    /// Accepted events so far.
    pub fn events(&self) -> Vec<Event> {
        self.0.kept().events.clone()
    }

    /// Takes out the accepted events.
    pub fn take_events(&self) -> Vec<Event> {
        std::mem::take(&mut self.0.kept().events)
    }

    /// Takes out the inputs that the source handed over as unusable.
    pub fn take_rejected(&self) -> Vec<RejectedInput> {
        std::mem::take(&mut self.0.kept().rejected)
    }

    /// Takes out the counts of events refused before they became events.
    pub fn take_refused(&self) -> Vec<(u64, Reason)> {
        std::mem::take(&mut self.0.kept().refused)
    }

    /// Inputs that the source handed over as unusable.
    pub fn rejected(&self) -> Vec<RejectedInput> {
        self.0.kept().rejected.clone()
    }

    /// Counts of events refused before they became events, with their reasons.
    pub fn refused(&self) -> Vec<(u64, Reason)> {
        self.0.kept().refused.clone()
    }
}

impl Shared {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call, and waits while calls are held.
    async fn enter(&self) {
        self.calls.send_modify(|calls| *calls += 1);
        let open = self.held.subscribe().wait_for(|held| !held).await.map(drop);
        open.expect("the sender is alive");
    }
}

#[async_trait]
impl Intake for Shared {
    async fn send(self: Arc<Self>, events: Vec<Event>) -> Result<Vec<Fate>, Refused> {
        self.enter().await;
        let mut kept = self.kept();
        if let Some(refused) = &kept.refuse {
            return Err(refused.clone());
        }
        let mut fates = Vec::with_capacity(events.len());
        for event in events {
            let fate = if kept.fates.is_empty() {
                Fate::Accepted
            } else {
                kept.fates.remove(0)
            };
            if fate == Fate::Accepted {
                kept.events.push(event);
            }
            fates.push(fate);
        }
        Ok(fates)
    }

    async fn reject(self: Arc<Self>, rejected: Vec<RejectedInput>) -> Result<(), Refused> {
        self.enter().await;
        let mut kept = self.kept();
        if let Some(refused) = &kept.refuse {
            return Err(refused.clone());
        }
        kept.rejected.extend(rejected);
        Ok(())
    }

    fn refuse(&self, events: u64, reason: Reason) {
        self.kept().refused.push((events, reason));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use signalbox_core::RefusedCause;

    use super::*;
    use crate::event;

    #[tokio::test]
    async fn keeps_refuses_and_follows_fates() {
        let double = IntakeDouble::default();
        let outlet = double.outlet();
        double.fates(vec![Fate::Duplicate]);
        let sent = outlet.send(vec![event("{}"), event("{}")]).await;
        assert_eq!(sent, Ok(vec![Fate::Duplicate, Fate::Accepted]));
        let refused = Refused {
            cause: RefusedCause::Full,
            retry_after: Duration::from_secs(1),
        };
        double.refuse(Some(refused.clone()));
        assert_eq!(outlet.send(vec![event("{}")]).await, Err(refused));
        outlet.refuse(3, Reason::new("wrong_key", ""));
        let (count, reason) = &double.refused()[0];
        assert_eq!((*count, reason.code()), (3, "wrong_key"));
        assert_eq!((double.events().len(), double.rejected().len()), (1, 0));
    }
}
