//! Finds the values of an event that each value of a record comes from, by asking the sink for the record of the event
//! without one of them, or with another one in its place: a value of the record that changes depends on it. This holds for
//! every sink, since `prepare` is pure, and costs the way of an event nothing.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use signalbox_core::{Event, Prepared, Sink};

use super::leaves::{self, Leaf};
use crate::delivery::guard;

/// Most values of an event that are tried, and the time for them: deliveries need the processor too.
const MOST: (usize, Duration) = (400, Duration::from_millis(1_500));

/// The values of one record by their paths.
type Values = HashMap<String, String>;

/// A record whose values are looked up.
pub(super) struct Traced<'a> {
    /// The mapping that made it.
    pub(super) mapping: &'a str,
    /// Its values.
    pub(super) fields: &'a [Leaf],
    /// For each value the paths that the mapping's rule reads, the first choice first.
    pub(super) rules: &'a [Vec<String>],
}

/// Returns for each value of each record the numbers of the event's leaves that it depends on, and the number of leaves for
/// which there was no time.
pub(super) fn trace(
    sink: &dyn Sink,
    event: &Event,
    all: &[Leaf],
    records: &[Traced<'_>],
) -> (Vec<Vec<Vec<usize>>>, usize) {
    let nothing = |record: &Traced<'_>| vec![Vec::new(); record.fields.len()];
    let mut found: Vec<Vec<Vec<usize>>> = records.iter().map(nothing).collect();
    let mut needed: Vec<Vec<usize>> = vec![Vec::new(); records.len()];
    let (most, time) = MOST;
    let (begun, mut tried) = (Instant::now(), 0);
    for number in 0..all.len().min(most) {
        if begun.elapsed() > time {
            break;
        }
        tried += 1;
        // Removed alone, a value may give way to an equal one elsewhere; altered alone, it may no longer be usable.
        let changed = [leaves::without(event, number), leaves::altered(event, number)];
        let made: Vec<_> = changed
            .iter()
            .flatten()
            .map(|event| prepared(sink, event))
            .collect();
        for ((record, found), needed) in records.iter().zip(&mut found).zip(&mut needed) {
            let others: Vec<&Values> = made.iter().filter_map(|made| made.get(record.mapping)).collect();
            if others.is_empty() {
                needed.push(number);
            }
            for (field, found) in record.fields.iter().zip(found) {
                let differs = |values: &&Values| values.get(&field.path) != Some(&field.text);
                if others.iter().any(differs) {
                    found.push(number);
                }
            }
        }
    }
    for ((record, found), needed) in records.iter().zip(&mut found).zip(&needed) {
        for ((field, rule), found) in record.fields.iter().zip(record.rules).zip(found) {
            if found.is_empty() {
                *found = of_needed(field, rule, all, needed);
            } else {
                prefer_copies(field, all, found);
            }
        }
    }
    (found, all.len() - tried)
}

/// Returns the records of an event by mapping.
fn prepared(sink: &dyn Sink, event: &Event) -> HashMap<String, Values> {
    let results = match guard("mapping_panicked", || sink.prepare(event)) {
        Ok(Prepared::Mapped(results)) => results,
        _ => Vec::new(),
    };
    let records = results.into_iter().filter_map(|result| {
        let record = result.ok()?;
        let values = leaves::of_record(&record.bytes)?.into_iter();
        let values = values.map(|leaf| (leaf.path, leaf.text)).collect();
        Some((record.mapping.to_string(), values))
    });
    records.collect()
}

/// Leaves only the values that were copied, if there are some: others decide whether there is a value at all, such as the id
/// of a product.
fn prefer_copies(field: &Leaf, all: &[Leaf], found: &mut Vec<usize>) {
    let copies = |number: &usize| all.get(*number).is_some_and(|leaf| is_copy(field, leaf));
    if found.iter().any(copies) {
        found.retain(copies);
    }
}

/// Finds the source of a field among the values without which there is no record, such as the name that the trigger asks
/// about: by the field's rule, or as its copy where no rule is known.
fn of_needed(field: &Leaf, rule: &[String], all: &[Leaf], needed: &[usize]) -> Vec<usize> {
    let is_source = |number: &&usize| {
        all.get(**number).is_some_and(|leaf| match rule {
            [] => is_copy(field, leaf),
            paths => paths.iter().any(|path| generic(path) == generic(&leaf.path)),
        })
    };
    needed.iter().filter(is_source).copied().collect()
}

/// Returns true if the record's value is the event's, perhaps spelled in another way.
pub(super) fn is_copy(field: &Leaf, leaf: &Leaf) -> bool {
    let number = |text: &str| text.trim().parse::<f64>().ok();
    field.text == leaf.text.trim()
        || number(&field.text).is_some_and(|value| Some(value) == number(&leaf.text))
}

/// Returns a path with `[]` in the place of the indices.
pub(super) fn generic(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let mut is_index = false;
    for c in path.chars() {
        is_index = is_index && c.is_ascii_digit();
        if !is_index {
            out.push(c);
        }
        is_index = is_index || c == '[';
    }
    out
}
