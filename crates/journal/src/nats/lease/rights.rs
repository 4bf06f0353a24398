//! The rights that a router holds, as its runtime sees them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;

use crate::{Group, Tenure, Tenures};

/// The groups that the router asks for, with the rights that it holds.
pub(super) struct Rights {
    groups: BTreeMap<Arc<str>, Group>,
    held: BTreeMap<Arc<str>, Right>,
    tenures: watch::Sender<Tenures>,
}

struct Right {
    tenure: Tenure,
    until: watch::Sender<Instant>,
    wanted: watch::Sender<bool>,
    /// The sinks that the runtime has released.
    released: BTreeSet<Arc<str>>,
}

impl Rights {
    pub(super) fn new() -> Rights {
        Rights {
            groups: BTreeMap::new(),
            held: BTreeMap::new(),
            tenures: watch::channel(Tenures::default()).0,
        }
    }

    /// Changes the groups; returns the tenures from now on.
    pub(super) fn set_groups(&mut self, groups: Vec<Group>) -> watch::Receiver<Tenures> {
        self.groups = groups
            .into_iter()
            .map(|group| (Arc::clone(&group.name), group))
            .collect();
        self.held.retain(|name, _| self.groups.contains_key(name));
        self.publish();
        self.tenures.subscribe()
    }

    /// The groups with their sinks, for the report.
    pub(super) fn groups(&self) -> BTreeMap<String, Vec<String>> {
        let groups = self.groups.values();
        let named = |group: &Group| {
            let sinks = group.sinks.iter().map(|sink| sink.to_string());
            (group.name.to_string(), sinks.collect())
        };
        groups.map(named).collect()
    }

    /// True if the router asks for the group.
    pub(super) fn asks(&self, group: &str) -> bool {
        self.groups.contains_key(group)
    }

    /// True if the router holds the group.
    pub(super) fn holds(&self, group: &str) -> bool {
        self.held.contains_key(group)
    }

    /// The groups that are driven, with the wish that another router drives them.
    pub(super) fn driven(&self) -> impl Iterator<Item = (&Arc<str>, bool)> {
        let held = self.held.iter();
        held.map(|(group, right)| (group, *right.wanted.borrow()))
    }

    /// Sets the moment until which a group is held (`None`: not any more); true if that begins or ends.
    pub(super) fn set(&mut self, group: &Arc<str>, until: Option<Instant>, first: bool) -> bool {
        let Some(until) = until.filter(|_| self.groups.contains_key(group)) else {
            let ended = self.held.remove(group).is_some();
            if ended {
                self.publish();
            }
            return ended;
        };
        if let Some(right) = self.held.get(group) {
            right
                .until
                .send_if_modified(|known| std::mem::replace(known, until) != until);
            return false;
        }
        let (moved, renewed) = watch::channel(until);
        let (want, wanted) = watch::channel(false);
        let right = Right {
            tenure: Tenure::renewed(renewed, first).wanted_elsewhere(wanted),
            until: moved,
            wanted: want,
            released: BTreeSet::new(),
        };
        self.held.insert(Arc::clone(group), right);
        self.publish();
        true
    }

    /// Says whether another router should drive a group.
    pub(super) fn want(&self, group: &str, wanted: bool) {
        if let Some(right) = self.held.get(group) {
            right.wanted.send_replace(wanted);
        }
    }

    /// Notes released sinks; returns the groups that are released whole.
    pub(super) fn release(&mut self, sinks: &[Arc<str>]) -> Vec<Arc<str>> {
        let mut whole = Vec::new();
        for (name, right) in &mut self.held {
            let Some(group) = self.groups.get(name) else {
                continue;
            };
            let of_group = sinks.iter().filter(|sink| group.sinks.contains(sink));
            right.released.extend(of_group.cloned());
            if group.sinks.iter().all(|sink| right.released.contains(sink)) {
                whole.push(Arc::clone(name));
            }
        }
        whole
    }

    fn publish(&self) {
        let held = self.held.iter().filter_map(|(name, right)| {
            let group = self.groups.get(name)?;
            Some((group.clone(), right.tenure.clone()))
        });
        self.tenures.send_replace(held.collect());
    }
}

/// Copies of a right end with it.
impl Drop for Right {
    fn drop(&mut self) {
        let now = Instant::now();
        self.until
            .send_if_modified(|until| *until > now && std::mem::replace(until, now) != now);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn group(name: &str, sinks: &[&str]) -> Group {
        Group {
            name: name.into(),
            sinks: sinks.iter().copied().map(Arc::from).collect(),
        }
    }

    #[test]
    fn tenures_follow_the_leases() {
        let mut rights = Rights::new();
        let groups = vec![group("a", &["a1", "a2"]), group("b", &["b1"])];
        let tenures = rights.set_groups(groups.clone());
        assert!(tenures.borrow().of("a1").is_none());
        let later = Instant::now() + Duration::from_secs(60);
        assert!(rights.set(&"a".into(), Some(later), true));
        assert!(!rights.set(&"a".into(), Some(later + Duration::from_secs(1)), true));
        assert!(!rights.set(&"c".into(), Some(later), false));
        let tenure = tenures.borrow().of("a2").unwrap().clone();
        assert!(tenure.holds() && tenure.first && !tenure.is_wanted());
        assert_eq!(tenure.until(), Some(later + Duration::from_secs(1)));
        rights.want("a", true);
        assert!(tenure.is_wanted());
        assert_eq!(rights.driven().collect::<Vec<_>>(), [(&"a".into(), true)]);
        assert!(rights.release(&["a1".into(), "b1".into()]).is_empty());
        assert_eq!(rights.release(&["a2".into()]), ["a".into()]);
        assert!(rights.set(&"a".into(), None, false) && !rights.set(&"a".into(), None, false));
        assert!(!tenure.holds() && tenures.borrow().of("a1").is_none());
        // A group that a reload removes is not driven any more.
        rights.set(&"b".into(), Some(later), false);
        let tenure = tenures.borrow().of("b1").unwrap().clone();
        assert!(!tenure.first);
        let tenures = rights.set_groups(groups[..1].to_vec());
        assert!(!tenure.holds() && tenures.borrow().of("b1").is_none());
        assert_eq!(rights.groups().len(), 1);
    }
}
