//! The rights that a router holds, as its runtime sees them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use tokio::sync::watch;

use crate::{Group, Tenure, Tenures};

/// The groups that the router asks for, with the rights that it holds.
pub(super) struct Rights {
    /// A group without sinks is not in the router's file: the router asks for it to end claims on sinks.
    groups: BTreeMap<Arc<str>, Group>,
    /// The groups that the router leaves to others, and until when.
    declined: BTreeMap<Arc<str>, Instant>,
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
            declined: BTreeMap::new(),
            held: BTreeMap::new(),
            tenures: watch::channel(Tenures::default()).0,
        }
    }

    /// Changes the groups; returns the tenures from now on. Groups left out that are held stay so, without sinks, until
    /// [`Rights::seek`] leaves them out, too.
    pub(super) fn set_groups(&mut self, groups: Vec<Group>) -> watch::Receiver<Tenures> {
        self.groups = groups
            .into_iter()
            .map(|group| (Arc::clone(&group.name), group))
            .collect();
        for (name, right) in &mut self.held {
            if !self.groups.contains_key(name) {
                let until = *right.until.borrow();
                *right = Right::new(until, right.tenure.first);
                self.groups.insert(Arc::clone(name), without_sinks(name));
            }
        }
        self.declined.retain(|name, _| self.groups.contains_key(name));
        self.publish();
        self.tenures.subscribe()
    }

    /// Changes the groups that are not in the file; true if that changes anything.
    pub(super) fn seek(&mut self, wanted: &BTreeSet<Arc<str>>) -> bool {
        let before = self.groups.len();
        self.groups
            .retain(|name, group| !group.sinks.is_empty() || wanted.contains(name));
        let mut changed = self.groups.len() != before;
        for name in wanted {
            if !self.groups.contains_key(name) {
                self.groups.insert(Arc::clone(name), without_sinks(name));
                changed = true;
            }
        }
        self.held.retain(|name, _| self.groups.contains_key(name));
        changed
    }

    /// The tenures from now on.
    pub(super) fn changes(&self) -> watch::Receiver<Tenures> {
        self.tenures.subscribe()
    }

    /// Returns the group of a sink.
    pub(super) fn group_of(&self, sink: &str) -> Option<Arc<str>> {
        let mut groups = self.groups.values();
        let group = groups.find(|group| group.sinks.iter().any(|name| **name == *sink));
        group.map(|group| Arc::clone(&group.name))
    }

    /// Lists the sinks with their groups.
    pub(super) fn sinks(&self) -> BTreeMap<String, Arc<str>> {
        let groups = self.groups.values();
        let sinks = groups.flat_map(|group| {
            let sinks = group.sinks.iter();
            sinks.map(|sink| (sink.to_string(), Arc::clone(&group.name)))
        });
        sinks.collect()
    }

    /// Leaves the groups of these sinks to others until a moment.
    pub(super) fn decline(&mut self, sinks: &[Arc<str>], until: Instant) {
        let of_one = |group: &&Group| group.sinks.iter().any(|sink| sinks.contains(sink));
        let groups = self.groups.values().filter(of_one);
        self.declined
            .extend(groups.map(|group| (Arc::clone(&group.name), until)));
    }

    /// Leaves a group to others no longer; true if it was.
    pub(super) fn accept(&mut self, group: &str) -> bool {
        self.declined.remove(group).is_some()
    }

    /// Forgets the groups whose time is over; true if there are any.
    pub(super) fn forget_declined(&mut self, now: Instant) -> bool {
        let before = self.declined.len();
        self.declined.retain(|_, until| now < *until);
        self.declined.len() != before
    }

    /// The groups that are left to others.
    pub(super) fn declined(&self) -> Vec<String> {
        self.declined.keys().map(|group| group.to_string()).collect()
    }

    /// The groups of the file with their sinks, for the report.
    pub(super) fn groups(&self) -> BTreeMap<String, Vec<String>> {
        let groups = self.groups.values().filter(|group| !group.sinks.is_empty());
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

    /// True if the router holds the group at a moment.
    pub(super) fn holds_at(&self, group: &str, now: Instant) -> bool {
        let right = self.held.get(group);
        right.is_some_and(|right| now < *right.until.borrow())
    }

    /// The groups that are driven, with the wish that another router drives them.
    pub(super) fn driven(&self) -> impl Iterator<Item = (&Arc<str>, bool)> {
        let held = self.held.iter();
        let held = held.filter(|(name, _)| in_file(&self.groups, name).is_some());
        held.map(|(group, right)| (group, *right.wanted.borrow()))
    }

    /// Sets the moment until which a group is held (`None`: not any more); true if that begins or ends, and the group is in
    /// the file.
    pub(super) fn set(&mut self, group: &Arc<str>, until: Option<Instant>, first: bool) -> bool {
        let in_file = in_file(&self.groups, group).is_some();
        let Some(until) = until.filter(|_| self.asks(group)) else {
            let ended = self.held.remove(group).is_some();
            if ended {
                self.publish();
            }
            return ended && in_file;
        };
        if let Some(right) = self.held.get(group) {
            right
                .until
                .send_if_modified(|known| std::mem::replace(known, until) != until);
            return false;
        }
        self.held.insert(Arc::clone(group), Right::new(until, first));
        self.publish();
        in_file
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
            let Some(group) = in_file(&self.groups, name) else {
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

/// Returns a group if the router's file has it.
fn in_file<'a>(groups: &'a BTreeMap<Arc<str>, Group>, name: &str) -> Option<&'a Group> {
    groups.get(name).filter(|group| !group.sinks.is_empty())
}

/// Makes a group that is not in the router's file.
fn without_sinks(name: &Arc<str>) -> Group {
    Group {
        name: Arc::clone(name),
        sinks: Vec::new(),
    }
}

impl Right {
    fn new(until: Instant, first: bool) -> Right {
        let (moved, renewed) = watch::channel(until);
        let (want, wanted) = watch::channel(false);
        Right {
            tenure: Tenure::renewed(renewed, first).wanted_elsewhere(wanted),
            until: moved,
            wanted: want,
            released: BTreeSet::new(),
        }
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
        // Its lease stays until nothing is claimed under it.
        let now = Instant::now();
        assert!(rights.holds_at("b", now) && rights.driven().next().is_none());
        assert!(!rights.set(&"b".into(), Some(later), false));
        assert!(!rights.seek(&["b".into()].into()) && rights.holds_at("b", now));
        assert!(rights.seek(&["c".into()].into()) && !rights.holds("b"));
        assert!(rights.asks("c") && !rights.set(&"c".into(), Some(later), false));
        assert!(rights.holds_at("c", now) && !rights.holds_at("c", later));
        assert_eq!(rights.release(&["a1".into()]), Vec::<Arc<str>>::new());
        assert!(rights.group_of("b1").is_none());
        assert_eq!(rights.sinks().len(), 2);
    }

    #[test]
    fn a_group_is_left_to_others_for_a_time() {
        let mut rights = Rights::new();
        rights.set_groups(vec![group("a", &["a1", "a2"]), group("b", &["b1"])]);
        let now = Instant::now();
        rights.decline(&["a2".into()], now + Duration::from_secs(9));
        assert!(!rights.forget_declined(now));
        assert_eq!(rights.declined(), ["a"]);
        assert!(!rights.accept("b") && rights.accept("a") && rights.declined().is_empty());
        rights.decline(&["b1".into()], now);
        assert!(rights.forget_declined(now) && rights.declined().is_empty());
    }
}
