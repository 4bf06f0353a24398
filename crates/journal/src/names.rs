//! The names of components, present and earlier.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The components of a pipeline, for [`crate::States::adopt`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Roster {
    /// The sources.
    pub sources: Vec<Named>,
    /// The sinks that are delivered to.
    pub sinks: Vec<Named>,
    /// The sinks that are disabled: they keep their earlier events and get no new ones.
    pub disabled: Vec<Named>,
}

/// A component of a pipeline.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// The present name.
    pub name: String,
    /// The earlier name, whose counts and pending events the component takes over.
    pub was: Option<String>,
}

impl Named {
    /// Makes a component that always had this name.
    pub fn new(name: impl Into<String>) -> Named {
        Named {
            name: name.into(),
            was: None,
        }
    }

    /// True for the component's present and its earlier name.
    pub fn is_of(&self, name: &str) -> bool {
        self.name == name || self.was.as_deref() == Some(name)
    }

    /// Returns the earlier and the present name of a renamed component.
    pub(crate) fn renamed(&self) -> Option<(String, String)> {
        let was = self.was.clone()?;
        (was != self.name).then(|| (was, self.name.clone()))
    }
}

impl Roster {
    /// True if there is a source with this name.
    pub fn has_source(&self, name: &str) -> bool {
        self.sources.iter().any(|source| source.name == name)
    }

    /// True if a sink with this name is delivered to.
    pub fn has_sink(&self, name: &str) -> bool {
        self.sinks.iter().any(|sink| sink.name == name)
    }

    /// True if a sink with this name is disabled.
    pub fn has_disabled(&self, name: &str) -> bool {
        self.disabled.iter().any(|sink| sink.name == name)
    }

    /// Lists all sinks, disabled ones too.
    pub fn all_sinks(&self) -> impl Iterator<Item = &Named> + Clone {
        self.sinks.iter().chain(&self.disabled)
    }
}

/// The journal's record of renamed sources. Frames keep the names under which events came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Names {
    /// The later name, by the earlier one.
    renamed: BTreeMap<String, String>,
    /// The source whose ids are stored under a key, if the key is not the source's name. A renamed source keeps its
    /// key, so that its ids stay known.
    keys: BTreeMap<String, String>,
}

impl Names {
    /// The present name of a source.
    pub(crate) fn now<'a>(&'a self, source: &'a str) -> &'a str {
        let mut name = source;
        // Names that are used again are taken out, so there is no cycle; the bound is for files that contain one.
        for _ in 0..=self.renamed.len() {
            match self.renamed.get(name) {
                Some(later) => name = later,
                None => break,
            }
        }
        name
    }

    /// The key of a source for the lookup of ids.
    pub(crate) fn key<'a>(&'a self, source: &'a str) -> &'a str {
        let own = self.keys.iter().find(|(_, name)| *name == source);
        own.map_or(source, |(key, _)| key)
    }

    /// Returns the renamed ones among some sources, with their present names.
    pub(crate) fn renamed_among<'a>(
        &self,
        sources: impl Iterator<Item = &'a String>,
    ) -> BTreeMap<String, String> {
        let now = |source: &String| (source.clone(), self.now(source).to_owned());
        sources.map(now).filter(|(source, now)| source != now).collect()
    }

    /// The earlier names of a source.
    pub(crate) fn earlier(&self, source: &str) -> impl Iterator<Item = &str> {
        let names = self.renamed.keys().map(String::as_str);
        names.filter(move |name| self.now(name) == source)
    }

    /// True if a source may have another key than its name.
    pub(crate) fn has_keys(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Renames a source.
    pub(crate) fn rename(&mut self, old: &str, new: &str) {
        if self.renamed.get(old).is_some_and(|later| later == new) {
            return;
        }
        let key = self.key(old).to_owned();
        self.keys.retain(|_, name| name != new);
        self.keys.insert(key, new.to_owned());
        self.renamed.remove(new);
        self.renamed.insert(old.to_owned(), new.to_owned());
    }

    /// Notes that sources with these names are present: an earlier owner of such a name has nothing to do with them.
    pub(crate) fn present(&mut self, roster: &Roster) {
        for source in &roster.sources {
            let name = &source.name;
            self.renamed.remove(name);
            let taken = self.keys.get(name).is_some_and(|owner| owner != name);
            if taken && self.key(name) == name {
                // No component's name contains a newline.
                let fresh = (2..).map(|number| format!("{name}\n{number}"));
                let fresh = fresh.into_iter().find(|key| !self.keys.contains_key(key));
                if let Some(key) = fresh {
                    self.keys.insert(key, name.clone());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn present(names: &mut Names, sources: &[&str]) {
        names.present(&Roster {
            sources: sources.iter().map(|name| Named::new(*name)).collect(),
            ..Roster::default()
        });
    }

    #[test]
    fn a_source_keeps_its_key_over_its_names() {
        let mut names = Names::default();
        assert_eq!((names.now("web"), names.key("web")), ("web", "web"));
        names.rename("web", "site");
        names.rename("web", "site");
        names.rename("site", "shop");
        assert_eq!(
            (names.now("web"), names.now("site"), names.key("shop")),
            ("shop", "shop", "web")
        );
        names.rename("shop", "web");
        assert_eq!((names.now("site"), names.key("web")), ("web", "web"));
    }

    #[test]
    fn another_source_under_an_old_name_knows_nothing_of_it() {
        let mut names = Names::default();
        names.rename("web", "site");
        present(&mut names, &["web", "site"]);
        assert_eq!((names.now("web"), names.key("web")), ("web", "web\n2"));
        assert_eq!((names.now("site"), names.key("site")), ("site", "web"));
        present(&mut names, &["web", "site"]);
        assert_eq!(names.key("web"), "web\n2");
        names.rename("web", "third");
        present(&mut names, &["web", "site", "third"]);
        let keys = ["web", "site", "third"].map(|name| names.key(name).to_owned());
        assert_eq!(keys, ["web\n3", "web", "web\n2"]);
    }
}
