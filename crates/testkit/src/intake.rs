//! The runtime's side of an outlet, as a test wants it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use signalbox_core::{Event, Fate, Intake, Outlet, Reason, Refused, RejectedInput};

/// Takes everything in and keeps it, until it is told to refuse.
#[derive(Debug, Clone, Default)]
pub struct IntakeDouble(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    events: Vec<Event>,
    rejected: Vec<RejectedInput>,
    refused: Vec<(u64, Reason)>,
    refuse: Option<Refused>,
    fates: Vec<Fate>,
}

impl IntakeDouble {
    /// The outlet to hand to a source.
    pub fn outlet(&self) -> Outlet {
        Outlet::new(Arc::new(self.clone()))
    }

    /// From now on refuses everything like this; `None` takes everything in again.
    pub fn refuse(&self, refused: Option<Refused>) {
        self.kept().refuse = refused;
    }

    /// The fates of the next events, in order; those after them are accepted.
    pub fn fates(&self, fates: Vec<Fate>) {
        self.kept().fates = fates;
    }

    /// Accepted events so far.
    pub fn events(&self) -> Vec<Event> {
        self.kept().events.clone()
    }

    /// What was handed over as unusable.
    pub fn rejected(&self) -> Vec<RejectedInput> {
        self.kept().rejected.clone()
    }

    /// What was counted as refused before it became events.
    pub fn refused(&self) -> Vec<(u64, Reason)> {
        self.kept().refused.clone()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Intake for IntakeDouble {
    async fn send(self: Arc<Self>, events: Vec<Event>) -> Result<Vec<Fate>, Refused> {
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
