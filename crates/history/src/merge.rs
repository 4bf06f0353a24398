//! One answer from those of several routers: each router keeps the history of its deliveries.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::entry::Entry;
use crate::reader::Page;
use crate::report::Sum;

/// A record, and the router whose history it is in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Located {
    /// The router's name or address.
    pub router: String,
    /// The record.
    #[serde(flatten)]
    pub entry: Entry,
}

/// Merges pages of several routers, the newest record first, and keeps at most `limit` of them. A router whose page ends
/// before that has more of them ([`Page::next`]), so records older than its last one are left out: another page brings them.
#[must_use]
pub fn merge_pages(pages: Vec<(String, Page)>, limit: usize) -> Vec<Located> {
    let horizon = pages
        .iter()
        .filter(|(_, page)| page.next.is_some())
        .filter_map(|(_, page)| page.entries.last())
        .map(|entry| entry.ended_at)
        .max();
    let located = pages.into_iter().flat_map(|(router, page)| {
        let locate = move |entry| Located {
            router: router.clone(),
            entry,
        };
        page.entries.into_iter().map(locate)
    });
    let mut all: Vec<Located> = located
        .filter(|located| horizon.is_none_or(|horizon| located.entry.ended_at >= horizon))
        .collect();
    all.sort_by_key(|located| Reverse(located.entry.ended_at));
    all.truncate(limit);
    all
}

/// Adds sums of several routers up, group by group.
#[must_use]
pub fn merge_sums(answers: Vec<Vec<Sum>>) -> Vec<Sum> {
    let mut merged: BTreeMap<(Vec<String>, String), Sum> = BTreeMap::new();
    for sum in answers.into_iter().flatten() {
        let known = merged.entry((sum.group.clone(), sum.currency.clone()));
        let total = known.or_insert_with(|| Sum {
            group: sum.group.clone(),
            currency: sum.currency.clone(),
            ..Sum::default()
        });
        total.add(sum);
    }
    merged.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(ended_at: i64) -> Entry {
        serde_json::from_value(serde_json::json!({
            "place": format!("rows-2026-11-29.db:{ended_at}"), "ended_at": ended_at, "received_at": 0, "happened_at": 0,
            "source": "web", "sink": "ads", "event": "track", "outcome": "delivered", "attempts": [], "warnings": [],
            "match_keys": [], "bytes": 0, "late": false
        }))
        .unwrap()
    }

    #[test]
    fn pages_of_routers_are_one_without_gaps() {
        let page = |ends: &[i64], has_more: bool| {
            let entries: Vec<Entry> = ends.iter().map(|at| entry(*at)).collect();
            let next = entries.last().filter(|_| has_more).map(|entry| entry.place);
            Page {
                entries,
                next,
                ..Page::default()
            }
        };
        let merged = |pages: Vec<Page>, limit| -> Vec<(String, i64)> {
            let named = pages.into_iter().zip(["a", "b"]);
            let pages = named.map(|(page, router)| (router.to_owned(), page)).collect();
            let located = merge_pages(pages, limit).into_iter();
            located
                .map(|located| (located.router, located.entry.ended_at))
                .collect()
        };
        let shown = |list: &[(&str, i64)]| -> Vec<(String, i64)> {
            list.iter()
                .map(|(router, at)| ((*router).to_owned(), *at))
                .collect()
        };
        assert_eq!(
            merged(vec![page(&[9, 5, 1], false), page(&[8, 2], false)], 4),
            shown(&[("a", 9), ("b", 8), ("a", 5), ("b", 2)])
        );
        // The second router has more between 8 and 1.
        assert_eq!(
            merged(vec![page(&[9, 5, 1], false), page(&[8], true)], 4),
            shown(&[("a", 9), ("b", 8)])
        );
    }

    #[test]
    fn sums_of_routers_add_up_by_group_and_currency() {
        let sum = |group: &str, currency: &str, count| Sum {
            group: vec![group.to_owned()],
            currency: currency.to_owned(),
            count,
            match_keys: [("email".to_owned(), count)].into(),
            ..Sum::default()
        };
        let merged = merge_sums(vec![
            vec![sum("a", "EUR", 1), sum("b", "", 2)],
            vec![sum("a", "EUR", 3), sum("a", "USD", 4)],
        ]);
        assert_eq!(merged, [sum("a", "EUR", 4), sum("a", "USD", 4), sum("b", "", 2)]);
    }
}
