//! The right to drive sinks. Several routers may share a journal; each sink is driven by one of them at a time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;

/// Sinks that are driven by the same router, since they share a rate limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The name of the group.
    pub name: Arc<str>,
    /// The names of its sinks.
    pub sinks: Vec<Arc<str>>,
}

/// The right to drive a group of sinks. A journal that several routers share limits it in time and renews it.
#[derive(Debug, Clone)]
pub struct Tenure {
    until: Option<watch::Receiver<Instant>>,
    wanted: Option<watch::Receiver<bool>>,
    /// True if no other router has driven the group: nothing is known to have used its rate limit.
    pub first: bool,
}

impl Tenure {
    /// Creates the right that never ends, for a journal that no other router shares.
    pub fn endless() -> Tenure {
        Tenure {
            until: None,
            wanted: None,
            first: true,
        }
    }

    /// Creates a right that ends at a moment, which the journal moves on while it can.
    pub fn renewed(until: watch::Receiver<Instant>, first: bool) -> Tenure {
        Tenure {
            until: Some(until),
            wanted: None,
            first,
        }
    }

    /// True if the other one is the same right, renewed or not. A right that ended and was given again is another one.
    pub fn is_same(&self, other: &Tenure) -> bool {
        match (&self.until, &other.until) {
            (None, None) => true,
            (Some(until), Some(other)) => until.same_channel(other),
            _ => false,
        }
    }

    /// Adds the journal's wish that another router drives the group.
    #[must_use]
    pub fn wanted_elsewhere(self, wanted: watch::Receiver<bool>) -> Tenure {
        Tenure {
            wanted: Some(wanted),
            ..self
        }
    }

    /// True while another router should drive the group. The right does not end by that: the router finishes its attempts,
    /// commits, and calls [`Log::release`](crate::Log::release).
    pub fn is_wanted(&self) -> bool {
        self.wanted.as_ref().is_some_and(|wanted| *wanted.borrow())
    }

    /// Waits until [`Tenure::is_wanted`] is true. It may never be.
    pub async fn wanted(&self) {
        if let Some(wanted) = &self.wanted
            && wanted.clone().wait_for(|wanted| *wanted).await.is_ok()
        {
            return;
        }
        std::future::pending().await
    }

    /// Waits until the right has ended, which never happens to an endless one.
    pub async fn ended(&self) {
        let Some(mut until) = self.until.clone() else {
            return std::future::pending().await;
        };
        loop {
            let left = until
                .borrow_and_update()
                .saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            tokio::select! {
                () = tokio::time::sleep(left) => {}
                // Without a journal that renews it, the right ends at the moment that it has.
                Ok(()) = until.changed() => {}
            }
        }
    }

    /// True if the group may be driven now.
    #[inline]
    pub fn holds(&self) -> bool {
        self.until().is_none_or(|until| Instant::now() < until)
    }

    /// Returns the moment at which the right ends unless it is renewed; `None` if it does not end.
    pub fn until(&self) -> Option<Instant> {
        self.until.as_ref().map(|until| *until.borrow())
    }
}

/// The sinks that this router may drive.
#[derive(Debug, Clone, Default)]
pub struct Tenures(BTreeMap<Arc<str>, Tenure>);

impl Tenures {
    /// Gives all groups to this router without an end.
    pub fn all(groups: Vec<Group>) -> Tenures {
        let groups = groups.into_iter().map(|group| (group, Tenure::endless()));
        groups.collect()
    }

    /// Returns the right to drive a sink; `None` if another router drives it.
    pub fn of(&self, sink: &str) -> Option<&Tenure> {
        self.0.get(sink)
    }

    /// True if no other router has driven any of the sinks.
    pub fn are_first(&self) -> bool {
        self.0.values().all(|tenure| tenure.first)
    }
}

impl FromIterator<(Group, Tenure)> for Tenures {
    fn from_iter<I: IntoIterator<Item = (Group, Tenure)>>(groups: I) -> Tenures {
        let sinks = groups.into_iter().flat_map(|(group, tenure)| {
            let sinks = group.sinks.into_iter();
            sinks.map(move |sink| (sink, tenure.clone()))
        });
        Tenures(sinks.collect())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_right_ends_unless_it_is_renewed() {
        let group = |name: &str| Group {
            name: name.into(),
            sinks: vec![format!("{name} 1").into(), format!("{name} 2").into()],
        };
        let all = Tenures::all(vec![group("a")]);
        assert!(
            all.of("a 2")
                .is_some_and(|tenure| tenure.holds() && tenure.until().is_none())
        );
        assert!(all.of("b 1").is_none() && all.are_first());
        let (renew, until) = watch::channel(Instant::now());
        let some: Tenures = [(group("b"), Tenure::renewed(until, false))]
            .into_iter()
            .collect();
        let tenure = some.of("b 1").unwrap().clone();
        assert!(!tenure.holds() && !some.are_first());
        renew.send_replace(Instant::now() + Duration::from_secs(60));
        assert!(tenure.holds());
    }

    #[tokio::test]
    async fn the_end_of_a_right_is_awaited_over_renewals() {
        let soon = || Instant::now() + Duration::from_millis(20);
        let (renew, until) = watch::channel(soon());
        let tenure = Tenure::renewed(until, false);
        let waiting = tokio::spawn({
            let tenure = tenure.clone();
            async move { tenure.ended().await }
        });
        renew.send_replace(Instant::now() + Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(40)).await;
        assert!(!waiting.is_finished());
        renew.send_replace(soon());
        waiting.await.unwrap();
        assert!(!tenure.holds());
        // A right that is taken back ends at once, and an abandoned one in its time.
        let (renew, until) = watch::channel(Instant::now() + Duration::from_secs(60));
        let tenure = Tenure::renewed(until, false);
        renew.send_replace(Instant::now());
        tenure.ended().await;
        renew.send_replace(soon());
        drop(renew);
        tenure.ended().await;
    }

    #[tokio::test]
    async fn the_journal_can_want_a_group_elsewhere() {
        let (_renew, until) = watch::channel(Instant::now() + Duration::from_secs(60));
        let (want, wanted) = watch::channel(false);
        let tenure = Tenure::renewed(until, true).wanted_elsewhere(wanted);
        assert!(!tenure.is_wanted() && !Tenure::endless().is_wanted());
        assert!(tenure.is_same(&tenure.clone()) && !tenure.is_same(&Tenure::endless()));
        let waiting = tokio::spawn({
            let tenure = tenure.clone();
            async move { tenure.wanted().await }
        });
        want.send_replace(true);
        waiting.await.unwrap();
        assert!(tenure.is_wanted() && tenure.holds());
    }
}
