//! Finds the values of an event that each value of a record comes from, by asking the sink for the record of the event
//! without one of them: a value of the record that changes depends on it. This holds for every sink, since `prepare` is
//! pure, and costs the way of an event nothing.

use std::collections::HashMap;

use signalbox_core::{Event, Prepared, Sink};

use super::leaves::{self, Leaf};
use crate::delivery::guard;

/// Most values of an event that are tried.
const MOST: usize = 400;

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

/// Returns for each value of each record the numbers of the event's leaves that it depends on.
pub(super) fn trace(
    sink: &dyn Sink,
    event: &Event,
    all: &[Leaf],
    records: &[Traced<'_>],
) -> Vec<Vec<Vec<usize>>> {
    let mut found: Vec<Vec<Vec<usize>>> = records
        .iter()
        .map(|record| vec![Vec::new(); record.fields.len()])
        .collect();
    for (number, leaf) in all.iter().enumerate().take(MOST) {
        let Some(others) = prepared(sink, event, &[number]) else {
            continue;
        };
        for (record, found) in records.iter().zip(&mut found) {
            match others.get(record.mapping) {
                Some(values) => note_changed(record, values, number, found),
                // Without the value there is no record: the trigger asks about it, or the mapping requires it.
                None => note_equal(record, leaf, number, found),
            }
        }
    }
    for (record, found) in records.iter().zip(&mut found) {
        for ((field, rule), found) in record.fields.iter().zip(record.rules).zip(found) {
            if found.is_empty() {
                *found = of_rule(sink, event, all, (record.mapping, field), rule);
            } else {
                prefer_copies(field, all, found);
            }
        }
    }
    found
}

/// Returns the records of the event without some leaves, by mapping.
fn prepared(sink: &dyn Sink, event: &Event, numbers: &[usize]) -> Option<HashMap<String, Values>> {
    let event = leaves::without(event, numbers)?;
    let results = match guard("mapping_panicked", || sink.prepare(&event)) {
        Ok(Prepared::Mapped(results)) => results,
        _ => Vec::new(),
    };
    let records = results.into_iter().filter_map(|result| {
        let record = result.ok()?;
        let values = leaves::of_record(&record.bytes)?.into_iter();
        Some((
            record.mapping.to_string(),
            values.map(|leaf| (leaf.path, leaf.text)).collect(),
        ))
    });
    Some(records.collect())
}

fn note_changed(record: &Traced<'_>, values: &Values, number: usize, found: &mut [Vec<usize>]) {
    for (field, found) in record.fields.iter().zip(found) {
        if values.get(&field.path) != Some(&field.text) {
            found.push(number);
        }
    }
}

fn note_equal(record: &Traced<'_>, leaf: &Leaf, number: usize, found: &mut [Vec<usize>]) {
    for ((field, rule), found) in record.fields.iter().zip(record.rules).zip(found) {
        if is_copy(field, leaf) && (rule.is_empty() || reads(rule, leaf)) {
            found.push(number);
        }
    }
}

/// Leaves only the values that were copied, if there are some: others decide whether there is a value at all, such as the id
/// of a product.
fn prefer_copies(field: &Leaf, all: &[Leaf], found: &mut Vec<usize>) {
    let copies = |number: &usize| all.get(*number).is_some_and(|leaf| is_copy(field, leaf));
    if found.iter().any(copies) {
        found.retain(copies);
    }
}

/// Finds the value of a field on which no single value of the event has an influence: several places hold the same value, or
/// the record cannot be made without it.
fn of_rule(
    sink: &dyn Sink,
    event: &Event,
    all: &[Leaf],
    (mapping, field): (&str, &Leaf),
    rule: &[String],
) -> Vec<usize> {
    let in_order = rule.iter().flat_map(|path| {
        let is = move |(_, leaf): &(usize, &Leaf)| generic(&leaf.path) == generic(path);
        all.iter().enumerate().filter(is).map(|(number, _)| number)
    });
    let candidates: Vec<usize> = in_order.take(MOST).collect();
    let same = |without: &[usize]| {
        let others = prepared(sink, event, without)?;
        let values = others.get(mapping)?;
        Some(values.get(&field.path) == Some(&field.text))
    };
    match candidates.as_slice() {
        [] => Vec::new(),
        [only] => match same(&[*only]) {
            // The mapping reads the value, and another default takes its place.
            Some(true) => Vec::new(),
            _ => vec![*only],
        },
        several => {
            if same(several) == Some(true) {
                return Vec::new();
            }
            let alone = several.iter().find(|kept| {
                let others: Vec<usize> = several.iter().copied().filter(|number| number != *kept).collect();
                same(&others) == Some(true)
            });
            alone.map_or_else(|| several.to_vec(), |number| vec![*number])
        }
    }
}

/// Returns true if the record's value is the event's, perhaps spelled in another way.
pub(super) fn is_copy(field: &Leaf, leaf: &Leaf) -> bool {
    let number = |text: &str| text.trim().parse::<f64>().ok();
    field.text == leaf.text.trim()
        || number(&field.text).is_some_and(|value| Some(value) == number(&leaf.text))
}

fn reads(rule: &[String], leaf: &Leaf) -> bool {
    rule.iter().any(|path| generic(path) == generic(&leaf.path))
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
