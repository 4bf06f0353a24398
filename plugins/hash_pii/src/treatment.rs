//! The treatment of one value: hashed, kept or removed.

use signalbox_conversions::personal::{self, Dropped, Field, Form, Hashed, Place, Rules};
use signalbox_core::{Node, Sha256Hex};
use signalbox_segment::value::{Number, is_js_space};

use crate::found::RuleName;
use crate::reasons::Removed;

/// The treatment of one value.
pub(crate) enum Treatment {
    /// Replace the value by this hash; the results hold those of all rules.
    Hash(Sha256Hex),
    /// Replace the value by this hash, which it is already in another spelling.
    Arrived(Sha256Hex),
    /// Keep the value: it is a hash already, in a spelling that the rules keep.
    AsGiven,
    /// Keep the value: it is blank.
    Blank,
    /// Remove the value.
    Removed(Removed),
}

/// A scalar as the text that is hashed: numbers and booleans as JavaScript writes them.
pub(crate) fn with_text<R>(node: Node<'_>, take: impl FnOnce(&str) -> R) -> R {
    if let Some(text) = node.as_str() {
        take(text)
    } else if let Some(number) = node.number_text() {
        Number::Source(number).with_js_text(take)
    } else {
        take(if node.as_bool() == Some(true) {
            "true"
        } else {
            "false"
        })
    }
}

/// Hashes a value by all rules, into `results`. Its own hash is that of the first rules that do not drop it.
pub(crate) fn treatment(
    field: Field,
    all: &[RuleName],
    (text, place): (&str, &dyn Place),
    scratch: &mut String,
    results: &mut Vec<Result<Sha256Hex, Dropped>>,
    doubts: &mut Vec<Dropped>,
) -> Treatment {
    results.clear();
    doubts.clear();
    let mut more = Vec::new();
    for (at, one) in all.iter().enumerate() {
        let mut first = Err(Dropped::Empty);
        let mut take = |result: Result<Hashed, Dropped>| {
            if let Ok(Hashed {
                doubt: Some(doubt), ..
            }) = result
            {
                doubts.push(doubt);
            }
            match (result, first) {
                (Ok(Hashed { hash, .. }), Err(_)) => first = Ok(hash),
                (Ok(Hashed { hash, .. }), Ok(_)) => more.push((at, hash)),
                (Err(why), Err(Dropped::Empty)) => first = Err(why),
                (Err(_), _) => {}
            }
        };
        personal::hash_each(field, one.rules, text, place, scratch, &mut take);
        results.push(first);
    }
    let chosen = results
        .iter()
        .zip(all)
        .find_map(|(result, one)| Some((result.ok()?, one.rules)));
    match chosen {
        Some((hash, rules)) if is_hash(field, rules, text, scratch) => {
            match rules.screened() || !hash.as_str().eq_ignore_ascii_case(text) {
                true => Treatment::Arrived(hash),
                false => Treatment::AsGiven,
            }
        }
        Some((hash, _)) => {
            add_rows(all.len(), &more, results);
            Treatment::Hash(hash)
        }
        None => match results.first() {
            Some(Err(why)) if *why != Dropped::Empty || !text.trim_matches(is_js_space).is_empty() => {
                Treatment::Removed(Removed::Dropped(*why))
            }
            _ => Treatment::Blank,
        },
    }
}

/// Adds a row to the results for each further hash that some rules have of a value; other rules repeat their first.
fn add_rows(sets: usize, more: &[(usize, Sha256Hex)], results: &mut Vec<Result<Sha256Hex, Dropped>>) {
    let of_set = |set: usize| {
        more.iter()
            .filter(move |(at, _)| *at == set)
            .map(|(_, hash)| *hash)
    };
    let longest = (0..sets).map(|set| of_set(set).count()).max().unwrap_or_default();
    for row in 0..longest {
        for set in 0..sets {
            results.push(of_set(set).nth(row).map_or(results[set], Ok));
        }
    }
}

/// Returns true if a value arrived as a hash.
fn is_hash(field: Field, rules: &Rules, text: &str, scratch: &mut String) -> bool {
    text.len() >= 64
        && matches!(
            personal::normalise(field, rules, text, scratch),
            Ok(Form::Hashed | Form::Given)
        )
}
