//! Rendezvous hashing: which of the live routers should drive a group. Each router works it out alone and comes to the same
//! answer; a router that comes or goes changes the answer for its own share of the groups only.

use twox_hash::XxHash3_64;

/// Returns the router that should drive the group; `None` if there is none.
pub(crate) fn preferred<'a>(group: &str, nodes: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    nodes.max_by_key(|node| (score(group, node), *node))
}

fn score(group: &str, node: &str) -> u64 {
    XxHash3_64::oneshot_with_seed(XxHash3_64::oneshot(group.as_bytes()), node.as_bytes())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const NODES: [&str; 4] = ["n1", "n2", "n3", "n4"];

    #[test]
    fn groups_spread_and_stay_where_they_are() {
        let groups: Vec<String> = (0..4_000).map(|n| format!("group {n}")).collect();
        let mut counts = BTreeMap::new();
        for group in &groups {
            let all = preferred(group, NODES.into_iter()).unwrap();
            *counts.entry(all).or_insert(0) += 1;
            assert_eq!(preferred(group, NODES.into_iter().rev()), Some(all));
            let without = NODES.into_iter().filter(|node| *node != "n3");
            if all != "n3" {
                assert_eq!(preferred(group, without), Some(all));
            }
        }
        assert!(
            counts.values().all(|count| (850..1_150).contains(count)),
            "{counts:?}"
        );
        assert_eq!(preferred("group", [].into_iter()), None);
    }

    /// Routers of different versions must agree.
    #[test]
    fn the_hash_never_changes() {
        assert_eq!(score("549755885175", "n1"), 6_794_237_432_608_825_021);
    }
}
