//! The routers that were heard, as one of them knows them.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::rank;
use crate::{Node, NodeReport};

/// The time for which a silent router is shown. Its key disappears from the bucket after the same time.
pub(super) const SHOWN: Duration = Duration::from_secs(30);

/// The value of a router's key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Value {
    pub(crate) start: String,
    pub(crate) groups: BTreeMap<String, Vec<String>>,
    pub(crate) drives: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) declines: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) regrouped: Vec<String>,
    pub(crate) ready: bool,
    pub(crate) report: NodeReport,
}

/// The routers by name.
pub(super) struct Table {
    own: String,
    /// The time for which a silent router counts as alive. A router that lost its leases by its silence is not alive: it must
    /// not get them back before it is heard.
    alive: Duration,
    heard: BTreeMap<String, (Value, Instant)>,
}

impl Table {
    /// Creates the table of a router that has heard no other.
    pub(super) fn new(own: &str, value: Value, alive: Duration, now: Instant) -> Table {
        Table {
            own: own.to_owned(),
            alive,
            heard: [(own.to_owned(), (value, now))].into(),
        }
    }

    /// Notes a router's report; true if it may change which router should drive a group.
    pub(super) fn heard(&mut self, node: &str, value: Value, now: Instant) -> bool {
        let known = self.heard.get(node);
        let news = known.is_none_or(|(known, at)| {
            known.ready != value.ready
                || known.groups != value.groups
                || known.drives != value.drives
                || known.declines != value.declines
                || now - *at > self.alive
        });
        self.heard.insert(node.to_owned(), (value, now));
        news
    }

    /// Notes that a router has stopped.
    pub(super) fn left(&mut self, node: &str) {
        if node != self.own {
            self.heard.remove(node);
        }
    }

    /// Lists the routers, and forgets the ones that have been silent for too long.
    pub(super) fn list(&mut self, now: Instant) -> Vec<Node> {
        let own = &self.own;
        self.heard
            .retain(|name, (_, at)| name == own || now - *at < SHOWN);
        let node = |(name, (value, at)): (&String, &(Value, Instant))| Node {
            own: name == own,
            name: name.clone(),
            start: value.start.clone(),
            ready: value.ready,
            silent: if name == own { Duration::ZERO } else { now - *at },
            groups: value.groups.clone(),
            drives: value.drives.clone(),
            declines: value.declines.clone(),
            regrouped: value.regrouped.clone(),
            report: value.report.clone(),
        };
        self.heard.iter().map(node).collect()
    }

    /// True if this router should drive the group (`None`: any router's work), of all that are alive and ready. A router whose
    /// file has more sinks of the group comes first: with a router that lacks one, nobody would drive that sink. The router
    /// `without` does not count.
    pub(super) fn prefers_own(&self, group: Option<&str>, without: Option<&str>, now: Instant) -> bool {
        let sinks = |value: &Value| {
            let sinks = group.and_then(|group| value.groups.get(group));
            sinks.map_or(0, Vec::len)
        };
        let nodes = self.heard.iter().filter(|(name, (value, at))| {
            let alive = **name == self.own || now - *at < self.alive;
            let asks = group.is_none_or(|group| {
                let declines = value.declines.iter().any(|declined| declined == group);
                value.groups.contains_key(group) && !declines
            });
            alive && value.ready && asks && Some(name.as_str()) != without
        });
        let most = nodes.clone().map(|(_, (value, _))| sinks(value)).max();
        let nodes = nodes.filter(|(_, (value, _))| Some(sinks(value)) == most);
        let names = nodes.map(|(name, _)| name.as_str());
        rank::preferred(group.unwrap_or_default(), names).is_none_or(|name| name == self.own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALIVE: Duration = Duration::from_secs(8);

    fn value(groups: &[&str]) -> Value {
        let groups = groups.iter().map(|group| ((*group).to_owned(), Vec::new()));
        Value {
            start: "1".into(),
            ready: true,
            groups: groups.collect(),
            ..Value::default()
        }
    }

    #[test]
    fn a_router_with_more_sinks_of_a_group_comes_first() {
        let start = Instant::now();
        let with = |sinks: &[&str]| Value {
            groups: [(
                "g".to_owned(),
                sinks.iter().map(|sink| (*sink).to_owned()).collect(),
            )]
            .into(),
            ..value(&[])
        };
        for (own, other, prefers) in [
            (&["x"][..], &["x", "y"][..], false),
            (&["x", "y"], &["x"], true),
            (
                &["x", "y"],
                &["x", "z"],
                rank::preferred("g", ["a", "b"].into_iter()) == Some("a"),
            ),
        ] {
            let mut table = Table::new("a", with(own), ALIVE, start);
            table.heard("b", with(other), start);
            assert_eq!(
                table.prefers_own(Some("g"), None, start),
                prefers,
                "{own:?} {other:?}"
            );
            // Alone, or if the other one cannot open the sinks, it drives what it has.
            assert!(table.prefers_own(Some("g"), Some("b"), start));
            let declines = Value {
                declines: vec!["g".into()],
                ..with(other)
            };
            table.heard("b", declines, start);
            assert!(table.prefers_own(Some("g"), None, start));
        }
    }

    #[test]
    fn routers_that_live_and_ask_for_a_group_may_be_preferred() {
        let groups: Vec<String> = (0..50).map(|n| n.to_string()).collect();
        let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
        let start = Instant::now();
        let mut table = Table::new("a", value(&groups), ALIVE, start);
        let count = |table: &Table, without, now| {
            let own = groups
                .iter()
                .filter(|group| table.prefers_own(Some(group), without, now));
            own.count()
        };
        assert_eq!(count(&table, None, start), 50);
        assert!(table.heard("b", value(&[]), start));
        assert_eq!(count(&table, None, start), 50);
        let busy = Value {
            ready: false,
            ..value(&groups)
        };
        assert!(table.heard("b", busy, start));
        assert_eq!(count(&table, None, start), 50);
        assert!(table.heard("b", value(&groups), start));
        assert!(!table.heard("b", value(&groups), start));
        let own = count(&table, None, start);
        assert!((10..40).contains(&own), "{own}");
        assert_eq!(count(&table, Some("b"), start), 50);
        assert_eq!(count(&table, None, start + ALIVE), 50);
        assert_eq!(table.list(start + ALIVE).len(), 2);
        // It leaves the groups to the others.
        let declines = Value {
            declines: groups.iter().map(|group| (*group).to_owned()).collect(),
            ..value(&groups)
        };
        assert!(table.heard("b", declines, start));
        assert_eq!(count(&table, None, start), 50);
        assert!(table.heard("b", value(&groups), start));
        // It comes back.
        assert!(table.heard("b", value(&groups), start + ALIVE + ALIVE / 8));
        table.left("b");
        table.left("a");
        assert_eq!(table.list(start).len(), 1);
        table.heard("b", value(&groups), start);
        let left = table.list(start + SHOWN);
        assert!(left.len() == 1 && left[0].own && left[0].silent.is_zero());
    }
}
