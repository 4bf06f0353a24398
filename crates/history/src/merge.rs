//! One answer from those of several routers: each router keeps the history of its deliveries.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::entry::Entry;
use crate::page::Page;
use crate::place::{After, Place};
use crate::report::Sum;

/// The page of one router.
pub(crate) struct Part {
    pub(crate) router: Arc<str>,
    pub(crate) page: Page,
}

/// Merges pages of several routers, the newest record first, and keeps at most `limit` of them. Each router's records stay in
/// their order. A router whose page has fewer than `limit` records must have no more.
pub(crate) fn merge_pages(parts: Vec<Part>, after: Option<&After>, limit: usize) -> Page {
    let mut merged = Page::default();
    let mut more = false;
    let mut queues: Vec<(Arc<str>, VecDeque<Entry>, Option<Place>)> = Vec::new();
    for Part { router, page } in parts {
        more |= page.next.is_some();
        merged.unread.extend(page.unread);
        let last = after.and_then(|after| after.of(Some(&router)));
        queues.push((router, page.entries.into(), last));
    }
    while merged.entries.len() < limit {
        let with = queues.iter_mut().filter(|(_, entries, _)| !entries.is_empty());
        let newest = with.max_by_key(|(_, entries, _)| entries.front().map(|entry| entry.ended_at));
        let Some((router, entries, last)) = newest else {
            break;
        };
        let Some(mut entry) = entries.pop_front() else {
            break;
        };
        entry.place.router = Some(router.clone());
        *last = Some(entry.place.clone());
        merged.entries.push(entry);
    }
    more |= queues.iter().any(|(_, entries, _)| !entries.is_empty());
    let places: Vec<Place> = queues.into_iter().filter_map(|(_, _, last)| last).collect();
    merged.next = (more && !places.is_empty()).then_some(After(places));
    merged
}

/// Adds sums of several routers up, group by group.
pub(crate) fn merge_sums(answers: Vec<Vec<Sum>>) -> Vec<Sum> {
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

    /// Reads the page of a router with these records after a place.
    fn page(router: &str, ends: &[i64], after: Option<&After>, limit: usize) -> Part {
        let after = after.and_then(|after| after.of(Some(router)));
        let rest = ends
            .iter()
            .filter(|at| after.as_ref().is_none_or(|after| **at < after.row));
        let rest: Vec<Entry> = rest.map(|at| entry(*at)).collect();
        let entries: Vec<Entry> = rest.iter().take(limit).cloned().collect();
        let next = (rest.len() > limit).then(|| {
            After(
                entries
                    .last()
                    .map(|entry| entry.place.clone())
                    .into_iter()
                    .collect(),
            )
        });
        Part {
            router: router.into(),
            page: Page {
                entries,
                next,
                ..Page::default()
            },
        }
    }

    #[test]
    fn pages_of_routers_are_one_list_without_gaps_and_copies() {
        let (a, b): (&[i64], &[i64]) = (&[12, 9, 5, 3, 2, 1], &[11, 10, 8, 3]);
        for limit in 1..12 {
            let (mut seen, mut after) = (Vec::new(), None);
            loop {
                let parts = vec![
                    page("a", a, after.as_ref(), limit),
                    page("b", b, after.as_ref(), limit),
                    page("c", &[], None, limit),
                ];
                let merged = merge_pages(parts, after.as_ref(), limit);
                assert!(merged.entries.len() <= limit);
                for entry in merged.entries {
                    seen.push((entry.ended_at, entry.place.router().map(ToOwned::to_owned)));
                }
                after = merged.next;
                if after.is_none() {
                    break;
                }
            }
            let ends: Vec<i64> = seen.iter().map(|(at, _)| *at).collect();
            assert_eq!(ends, [12, 11, 10, 9, 8, 5, 3, 3, 2, 1], "limit {limit}");
            seen.dedup();
            assert_eq!(seen.len(), a.len() + b.len());
        }
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
