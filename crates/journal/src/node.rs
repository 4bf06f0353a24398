//! The routers that share a journal, as they describe themselves to each other. Reports carry names, numbers and codes,
//! and no values of events.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The report of a router about itself. Routers of other versions may leave members out or add some.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeReport {
    /// The version of Signalbox.
    pub version: String,
    /// The address of its admin listener; `None` without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub admin: Option<String>,
    /// A fingerprint of the settings of each component (`sinks.shop`). Routers whose files agree have the same ones.
    pub fingerprints: BTreeMap<String, String>,
    /// The sinks that it holds, with the reason code.
    pub held: BTreeMap<String, String>,
    /// The counts of its ledgers, by component and the name of the count.
    pub sums: BTreeMap<String, BTreeMap<String, u64>>,
}

/// A router that shares the journal. See [`Log::nodes`](crate::Log::nodes).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// The id of its process. A restart changes it.
    pub start: String,
    /// True for this router.
    pub own: bool,
    /// True if it may take over groups: it has read all it needs, and is not about to stop.
    pub ready: bool,
    /// The time since it was heard last.
    pub silent: Duration,
    /// The groups whose sinks it has in its file, with the names of these sinks.
    pub groups: BTreeMap<String, Vec<String>>,
    /// The groups that it drives now.
    pub drives: Vec<String>,
    /// The groups that it gave back within the last minutes, since it could not open their sinks.
    pub declines: Vec<String>,
    /// The sinks that its file has in another group than the one under which they are driven: it does not drive them.
    pub regrouped: Vec<String>,
    /// Its report.
    pub report: NodeReport,
}

impl Node {
    /// True if this router has the sink in its file.
    #[must_use]
    pub fn has_sink(&self, sink: &str) -> bool {
        self.groups.values().flatten().any(|name| name == sink)
    }

    /// Finds the router that drives a sink. The one that drove it before may not have said yet that it does so no longer,
    /// or may be dead: the router that was heard last counts.
    pub fn driving<'a>(nodes: impl IntoIterator<Item = &'a Node>, sink: &str) -> Option<&'a Node> {
        let drive = nodes.into_iter().filter(|node| node.drives_sink(sink));
        drive.min_by_key(|node| node.silent)
    }

    /// Finds the router because of which nobody drives a sink: it drives the sink's rate group, and its file lacks the sink. Returns
    /// also the group.
    pub fn lacking<'a>(nodes: &'a [Node], sink: &str) -> Option<(&'a Node, &'a str)> {
        if Node::driving(nodes, sink).is_some() {
            return None;
        }
        let has = |sinks: &[String]| sinks.iter().any(|name| name == sink);
        let groups = nodes.iter().flat_map(|node| &node.groups);
        let mut groups = groups.filter(|(_, sinks)| has(sinks)).map(|(group, _)| group);
        groups.find_map(|group| {
            let lacks = nodes.iter().filter(|node| {
                node.drives.contains(group) && node.groups.get(group).is_some_and(|sinks| !has(sinks))
            });
            Some((lacks.min_by_key(|node| node.silent)?, group.as_str()))
        })
    }

    /// True if this router drives the sink.
    #[must_use]
    pub fn drives_sink(&self, sink: &str) -> bool {
        let mut sinks = self
            .drives
            .iter()
            .filter_map(|group| self.groups.get(group))
            .flatten();
        sinks.any(|name| name == sink) && !self.regrouped.iter().any(|name| name == sink)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_router_drives_the_sinks_of_its_groups() {
        let node = Node {
            groups: [
                ("a".to_owned(), vec!["a 1".to_owned(), "a 2".to_owned()]),
                ("b".to_owned(), vec!["b 1".to_owned()]),
            ]
            .into(),
            drives: vec!["a".to_owned()],
            regrouped: vec!["a 1".to_owned()],
            ..Node::default()
        };
        assert!(node.drives_sink("a 2") && !node.drives_sink("b 1") && !node.drives_sink("a 1"));
        assert!(node.has_sink("b 1") && !node.has_sink("c"));
    }

    #[test]
    fn the_router_that_was_heard_last_drives_a_sink() {
        let node = |name: &str, silent| Node {
            name: name.to_owned(),
            silent: Duration::from_secs(silent),
            groups: [("a".to_owned(), vec!["a 1".to_owned()])].into(),
            drives: vec!["a".to_owned()],
            ..Node::default()
        };
        let nodes = [node("dead", 14), node("alive", 1)];
        assert_eq!(
            Node::driving(&nodes, "a 1").map(|node| &*node.name),
            Some("alive")
        );
        assert!(Node::driving(&nodes, "b").is_none());
    }

    #[test]
    fn the_router_that_lacks_a_sink_of_its_group_is_found() {
        let node = |name: &str, sinks: &[&str], drives: &[&str]| Node {
            name: name.to_owned(),
            groups: [(
                "g".to_owned(),
                sinks.iter().map(|sink| (*sink).to_owned()).collect(),
            )]
            .into(),
            drives: drives.iter().map(|group| (*group).to_owned()).collect(),
            ..Node::default()
        };
        let lacking = |nodes: &[Node], sink: &str| {
            let found = Node::lacking(nodes, sink);
            found.map(|(node, group)| format!("{} {group}", node.name))
        };
        let nodes = [node("a", &["x"], &["g"]), node("b", &["x", "y"], &[])];
        assert_eq!(lacking(&nodes, "y").as_deref(), Some("a g"));
        assert_eq!(lacking(&nodes, "x"), None);
        assert_eq!(lacking(&nodes, "z"), None);
        // Nobody drives the group, or the router that has the sink does.
        assert_eq!(lacking(&nodes[1..], "y"), None);
        let nodes = [node("a", &["x"], &["g"]), node("b", &["x", "y"], &["g"])];
        assert_eq!(lacking(&nodes, "y"), None);
    }

    #[test]
    fn reports_of_other_versions_are_read() {
        let report: NodeReport = serde_json::from_str(r#"{"version":"9.0","weather":"fair"}"#).unwrap();
        assert_eq!(report.version, "9.0");
        let text = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<NodeReport>(&text).unwrap(), report);
    }
}
