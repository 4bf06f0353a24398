//! Names that events bring, as they may be shown.

use std::sync::Arc;

use hashbrown::HashMap;
use signalbox_core::privacy::shown_name;

/// Names that are remembered; more begin anew.
const MOST: usize = 1_000;

/// Names and how they are shown. A search for personal data costs more than all else that a record's history takes, and
/// events bring few names, so each is searched once.
#[derive(Default)]
pub(crate) struct ShownNames {
    known: HashMap<Box<str>, Arc<str>>,
    /// Memory to join the names and versions of libraries in.
    library: String,
}

impl ShownNames {
    /// Returns a name as it may be shown.
    pub(crate) fn shown(&mut self, name: &str) -> Arc<str> {
        shown(&mut self.known, name)
    }

    /// Returns a library with its version as they may be shown; `None` if both are empty.
    pub(crate) fn library(&mut self, name: &str, version: &str) -> Option<Arc<str>> {
        let ShownNames { known, library } = self;
        library.clear();
        for part in [name, " ", version] {
            library.push_str(part);
        }
        let library = library.trim();
        (!library.is_empty()).then(|| shown(known, library))
    }
}

fn shown(known: &mut HashMap<Box<str>, Arc<str>>, name: &str) -> Arc<str> {
    if let Some(shown) = known.get(name) {
        return shown.clone();
    }
    let shown: Arc<str> = shown_name(name).into();
    if known.len() >= MOST {
        known.clear();
    }
    known.insert(name.into(), shown.clone());
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_has_its_name_and_version() {
        let mut names = ShownNames::default();
        let mut library = |name, version| names.library(name, version).map(|shown| shown.to_string());
        assert_eq!(
            library("analytics.js", "2.1.0").as_deref(),
            Some("analytics.js 2.1.0")
        );
        assert_eq!(library("analytics.js", "").as_deref(), Some("analytics.js"));
        assert_eq!(library("", "2.1.0").as_deref(), Some("2.1.0"));
        assert_eq!(library("", ""), None);
        let hidden = library("ada@example.com", "1").unwrap();
        assert!(!hidden.contains("ada"), "{hidden}");
    }

    #[test]
    fn names_beyond_the_limit_begin_anew() {
        let mut names = ShownNames::default();
        for n in 0..=MOST {
            assert_eq!(&*names.shown(&format!("event {n} ")), format!("event {n} "));
        }
        assert_eq!(names.known.len(), 1);
    }
}
