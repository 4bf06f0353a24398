//! The routers that share the journal, as `/status` shows them.

use serde::{Deserialize, Serialize};
use signalbox_journal::{Journal, Node};
use signalbox_runtime::undriven;

/// A router that shares the journal.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeStatus {
    /// Its name.
    pub name: String,
    /// True for the router that answers.
    pub own: bool,
    /// Its version of Signalbox; empty until it has told.
    pub version: String,
    /// The address of its admin listener, as its file has it; none without one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin: Option<String>,
    /// Seconds since it was heard last.
    pub silent_seconds: u64,
    /// The rate groups whose sinks it drives.
    pub drives: Vec<String>,
    /// The rate groups that it gave back within the last five minutes, since it could not read the state of one of their
    /// sinks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub declines: Vec<String>,
    /// The sinks that it does not drive, since its file has them in another rate group than the one under which another
    /// router drives them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rate_group_differs: Vec<String>,
    /// The components whose settings differ from those of the router that answers, such as `sinks.ads`. Only routers
    /// of the same version are compared.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differs: Vec<String>,
}

/// Lists the routers that share a journal, by name; none if no other router can share it.
pub(crate) fn nodes(journal: &dyn Journal) -> Vec<NodeStatus> {
    let nodes = journal.nodes();
    let own = nodes.iter().find(|node| node.own);
    let status = |node: &Node| NodeStatus {
        name: node.name.clone(),
        own: node.own,
        version: node.report.version.clone(),
        admin: node.report.admin.clone(),
        silent_seconds: node.silent.as_secs(),
        drives: node.drives.clone(),
        declines: node.declines.clone(),
        rate_group_differs: node.regrouped.clone(),
        differs: own.map(|own| differences(own, node)).unwrap_or_default(),
    };
    nodes.iter().map(status).collect()
}

/// Tells of the sinks of this router's file that no router drives since another one lacks them in its file.
pub(crate) fn undriven(nodes: &[Node]) -> Vec<String> {
    let own = nodes.iter().filter(|node| node.own);
    let sinks = own.flat_map(|node| node.groups.values().flatten());
    let told = sinks.filter_map(|sink| Some(format!("sinks.{sink}: {}", undriven::told(nodes, sink)?)));
    told.collect()
}

/// Names the components whose settings differ. Other versions may compute the fingerprints in another way.
fn differences(own: &Node, other: &Node) -> Vec<String> {
    if own.report.version != other.report.version {
        return Vec::new();
    }
    let (own, other) = (&own.report.fingerprints, &other.report.fingerprints);
    let mut names: Vec<&String> = own.keys().chain(other.keys()).collect();
    names.sort_unstable();
    names.dedup();
    let differ = names
        .into_iter()
        .filter(|name| own.get(*name) != other.get(*name));
    differ.cloned().collect()
}

#[cfg(test)]
mod tests {
    use signalbox_journal::NodeReport;

    use super::*;

    fn node(version: &str, fingerprints: &[(&str, &str)]) -> Node {
        let fingerprints = fingerprints.iter();
        Node {
            report: NodeReport {
                version: version.to_owned(),
                fingerprints: fingerprints
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                    .collect(),
                ..NodeReport::default()
            },
            ..Node::default()
        }
    }

    #[test]
    fn a_sink_that_the_driver_of_its_group_lacks_is_told_with_the_remedy() {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let node = |name: &str, sinks: &[&str], drives: &[&str]| Node {
            name: name.to_owned(),
            own: name == "one",
            groups: [("549755885175".to_owned(), names(sinks))].into(),
            drives: names(drives),
            ..Node::default()
        };
        let nodes = [
            node("one", &["ads", "web"], &[]),
            node("two", &["ads"], &["549755885175"]),
        ];
        let told = undriven(&nodes);
        assert!(
            told.len() == 1
                && told[0].starts_with(
                    "sinks.web: no router drives the sink (driver_lacks_sink): two drives its rate group"
                )
                && told[0].contains("give all routers the same file"),
            "{told:?}"
        );
        assert!(undriven(&nodes[..1]).is_empty());
    }

    #[test]
    fn components_that_differ_are_named_unless_the_versions_differ() {
        let own = node("1", &[("sinks.a", "1"), ("sinks.b", "2"), ("sources.web", "3")]);
        let other = node("1", &[("sinks.a", "1"), ("sinks.b", "9"), ("sinks.c", "4")]);
        assert_eq!(differences(&own, &other), ["sinks.b", "sinks.c", "sources.web"]);
        assert!(differences(&own, &own.clone()).is_empty());
        assert!(differences(&own, &node("2", &[])).is_empty());
    }
}
