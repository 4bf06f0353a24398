//! The names of a sink's mappings, present and earlier.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The mappings of a sink, as the journal keeps them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mappings {
    /// The fingerprint of each mapping without its name, when the sink was last opened.
    known: BTreeMap<String, String>,
    /// The later name, by the earlier one.
    pub(crate) renamed: BTreeMap<String, String>,
}

impl Mappings {
    /// Notes the sink's present mappings; an empty map means that the sink does not tell. A mapping counts as renamed
    /// if its name is gone and its contents stand under exactly one new name.
    pub(crate) fn open(&mut self, now: &BTreeMap<String, String>) {
        if now.is_empty() {
            return;
        }
        let gone = self.known.iter().filter(|(name, _)| !now.contains_key(*name));
        let mut renamed = Vec::new();
        for (old, what) in gone {
            let fresh = now.iter().filter(|(name, _)| !self.known.contains_key(*name));
            let mut twins = fresh.filter(|(_, other)| *other == what);
            if let (Some((new, _)), None) = (twins.next(), twins.next()) {
                renamed.push((old.clone(), new.clone()));
            }
        }
        for (old, new) in renamed {
            self.rename(&old, &new);
        }
        // A name that is used again belongs to another mapping.
        self.renamed.retain(|old, _| !now.contains_key(old));
        self.known.clone_from(now);
    }

    /// Renames a mapping. The mapping that has its sink's name is also renamed when the sink is.
    pub(crate) fn rename(&mut self, old: &str, new: &str) {
        for later in self.renamed.values_mut().filter(|later| *later == old) {
            new.clone_into(later);
        }
        self.renamed.insert(old.to_owned(), new.to_owned());
        self.renamed.remove(new);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn now(names: &[(&str, &str)]) -> BTreeMap<String, String> {
        let owned = |(name, what): &(&str, &str)| ((*name).to_owned(), (*what).to_owned());
        names.iter().map(owned).collect()
    }

    #[test]
    fn a_mapping_is_known_by_what_it_is() {
        let mut mappings = Mappings::default();
        mappings.open(&now(&[("a", "1"), ("b", "2")]));
        mappings.open(&now(&[("orders", "1"), ("b", "2")]));
        assert_eq!(mappings.renamed, now(&[("a", "orders")]));
        mappings.open(&now(&[]));
        mappings.open(&now(&[("sales", "1"), ("b", "3")]));
        assert_eq!(mappings.renamed, now(&[("a", "sales"), ("orders", "sales")]));
        // Two mappings are alike, and one differs.
        mappings.open(&now(&[("x", "1"), ("y", "1"), ("a", "9")]));
        assert_eq!(mappings.renamed, now(&[("orders", "sales")]));
    }
}
