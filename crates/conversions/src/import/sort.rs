//! Sorts the destinations of a text by vendor, and gives each its subscriptions.

use serde_json::{Map, Value as Json};

use super::options::{Destination, Import};
use super::read::{Document, Found, Loose, text};

impl Import {
    /// Returns the vendor's destinations with their subscriptions, and names of everything else.
    pub(super) fn sort(&self, mut document: Document) -> (Vec<(&'static Destination, Found)>, Vec<String>) {
        let kinds: Vec<Option<&'static Destination>> = document
            .destinations
            .iter()
            .map(|found| self.kind_of(found, &document.loose))
            .collect();
        let mut others = Vec::new();
        let mut homeless: Vec<Map<String, Json>> = Vec::new();
        for loose in std::mem::take(&mut document.loose) {
            if let Some(id) = document.foreign_id(&loose.subscription) {
                let name = text(&loose.subscription, "name").unwrap_or_default();
                others.push(format!(
                    "the subscription {name:?} of the destination {id:?}, which is not in the text,"
                ));
                continue;
            }
            let named = document.named_by(&loose.subscription);
            match named.or_else(|| by_place(&kinds, &loose)) {
                Some(at) => document.destinations[at].subscriptions.push(loose.subscription),
                None => homeless.push(loose.subscription),
            }
        }
        let mut mine = Vec::new();
        for (found, kind) in document.destinations.into_iter().zip(&kinds) {
            match (kind, &found.shown) {
                (Some(kind), _) => mine.push((*kind, found)),
                (None, Some(name)) => others.push(format!("the destination {name:?}")),
                (None, None) => others.push("a destination without a name".to_owned()),
            }
        }
        for subscription in homeless {
            // The text holds subscriptions alone.
            let kind = self
                .destinations
                .iter()
                .find(|kind| kinds.is_empty() && kind.action_of(&subscription).is_some());
            let Some(kind) = kind else {
                let name = text(&subscription, "name").unwrap_or_default();
                others.push(format!("the subscription {name:?}"));
                continue;
            };
            let of_kind = |(is, _): &(&'static Destination, Found)| std::ptr::eq(*is, kind);
            let at = mine.iter().position(of_kind).unwrap_or_else(|| {
                let mut found = Found::default();
                found.notes.push(format!(
                    "nothing here names the destination; taken for Segment's {:?} by its actions",
                    kind.name
                ));
                mine.push((kind, found));
                mine.len() - 1
            });
            mine[at].1.subscriptions.push(subscription);
        }
        (mine, others)
    }

    /// Returns the kind of a destination: the one its name tells, or else the one its settings and subscriptions fit.
    fn kind_of(&self, found: &Found, loose: &[Loose]) -> Option<&'static Destination> {
        let mut kinds = self.destinations.iter();
        if !found.catalog.is_empty() {
            return kinds.find(|kind| found.catalog.iter().any(|name| name.contains(kind.known_as)));
        }
        let subscriptions = || {
            found
                .subscriptions
                .iter()
                .chain(loose.iter().map(|loose| &loose.subscription))
        };
        kinds.find(|kind| {
            let all_known = found.settings.keys().all(|key| kind.knows(key));
            kind.is_told_by(&found.settings)
                || all_known && subscriptions().any(|subscription| kind.action_of(subscription).is_some())
        })
    }
}

/// Returns the last destination before a subscription that has its action, or else the first one behind it. A text's only
/// destination takes every subscription.
fn by_place(kinds: &[Option<&'static Destination>], loose: &Loose) -> Option<usize> {
    if kinds.len() == 1 {
        return Some(0);
    }
    let fits = |at: &usize| kinds[*at].is_some_and(|kind| kind.action_of(&loose.subscription).is_some());
    (0..loose.after)
        .rev()
        .find(fits)
        .or_else(|| (loose.after..kinds.len()).find(fits))
}
