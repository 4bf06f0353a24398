//! Patterns that stand for many functions, by their mangled names.
//!
//! <https://doc.rust-lang.org/rustc/symbol-mangling/v0.html>

use std::collections::{BTreeMap, BTreeSet};

/// A line of the order is worth as many bytes of functions that are placed in vain.
const LINE: u64 = 1_000;
/// Parts that a pattern has at least before its `*`.
const FEWEST: usize = 4;

/// Returns patterns for the functions for which `is_used` is true, in their order. Functions come with their bytes.
pub(crate) fn patterns(functions: &[(&str, u64)], is_used: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let mut tree = Tree::default();
    for (symbol, bytes) in functions {
        tree.add(&parts(symbol), *bytes, is_used(symbol));
    }
    let unused: Vec<(&str, u64)> = functions
        .iter()
        .filter(|(symbol, _)| !is_used(symbol))
        .copied()
        .collect();
    let mut chosen = BTreeSet::new();
    tree.choose("", 0, &unused, &mut chosen);
    chosen
}

/// Names by their parts.
#[derive(Default)]
struct Tree {
    below: BTreeMap<String, Tree>,
    bytes: u64,
    used: u64,
}

impl Tree {
    fn add(&mut self, parts: &[String], bytes: u64, is_used: bool) {
        self.bytes += bytes;
        self.used += if is_used { bytes.max(1) } else { 0 };
        if let Some((first, rest)) = parts.split_first() {
            let below = self.below.entry(first.clone()).or_default();
            below.add(rest, bytes, is_used);
        }
    }

    /// Adds patterns for the used functions of this tree, whose names begin with `start`. Returns what they cost: lines,
    /// and bytes placed in vain.
    fn choose(
        &self,
        start: &str,
        depth: usize,
        unused: &[(&str, u64)],
        chosen: &mut BTreeSet<String>,
    ) -> u64 {
        if self.used == 0 {
            return 0;
        }
        let pattern = format!("{start}*");
        // Other names may match, too, since a `*` within stands for more than the part that it replaces.
        let as_one = || {
            let in_vain = unused.iter().filter(|(symbol, _)| matches(&pattern, symbol));
            LINE + in_vain.map(|(_, bytes)| bytes).sum::<u64>()
        };
        if self.below.keys().all(String::is_empty) {
            let cost = as_one();
            chosen.insert(pattern);
            return cost;
        }
        let mut each = BTreeSet::new();
        let below = self.below.iter();
        let cost: u64 = below
            .map(|(part, tree)| tree.choose(&format!("{start}{part}"), depth + 1, unused, &mut each))
            .sum();
        let at_least = LINE + self.bytes.saturating_sub(self.used);
        if depth >= FEWEST && at_least <= cost {
            let as_one = as_one();
            if as_one <= cost {
                chosen.insert(pattern);
                return as_one;
            }
        }
        chosen.append(&mut each);
        cost
    }
}

/// Returns true if a text matches a pattern, in which each `*` stands for any text, and the last byte is one.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let rest = text.strip_prefix(first);
    let last = parts.try_fold(rest, |rest, part| {
        let rest = rest?;
        let at = memchr::memmem::find(rest.as_bytes(), part.as_bytes())?;
        Some(Some(&rest[at + part.len()..]))
    });
    last.flatten().is_some()
}

/// Splits a mangled name into its parts. Parts that change when a crate is built anew become `*`: the hashes of crates (`Cs…_`), the
/// numbers of impls and closures (`s…_`), and references to earlier parts (`B…_`), which count the bytes before them. The name of a
/// generic function ends with the crate that instantiated it. It is left out, since another crate may do so the next time.
fn parts(symbol: &str) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = symbol.split('.').next().unwrap_or_default();
    if !rest.starts_with("_R") {
        // The names of ring's functions hold its version.
        return match rest.split_once("__") {
            Some((version, name)) if version.starts_with("ring_core_") => {
                vec!["ring_core_*__".to_owned(), name.to_owned()]
            }
            _ => vec![rest.to_owned()],
        };
    }
    while let Some(first) = rest.chars().next() {
        let (part, length) = match first {
            'C' if rest.starts_with("Cs") => ("Cs*_".to_owned(), number(rest, 16)),
            'B' | 's' => (format!("{first}*_"), number(rest, 5)),
            // Lifetimes, and the lengths of arrays.
            'L' | 'G' | 'j' => (String::new(), number(rest, 9)),
            // A constant with its type, or a function type with its ABI.
            'K' if !rest.starts_with("KC") && !rest.starts_with("KB") => (String::new(), number(rest, 20)),
            '1'..='9' => (String::new(), identifier(rest)),
            _ => (String::new(), None),
        };
        let (part, length) = match length {
            Some(length) if part.is_empty() => (rest[..length].to_owned(), length),
            Some(length) => (part, length),
            None => (first.to_string(), first.len_utf8()),
        };
        parts.push(part);
        rest = rest.get(length..).unwrap_or_default();
    }
    let is_name = |part: &String| part.starts_with(|c: char| c.is_ascii_digit());
    let instantiating = match &parts[..] {
        [.., hash, name] if hash == "Cs*_" && is_name(name) => 2,
        [.., earlier] if earlier == "B*_" => 1,
        _ => 0,
    };
    parts.truncate(parts.len() - instantiating);
    // Ends the name, since another one may go on.
    parts.push(String::new());
    parts
}

/// Returns the length up to an underscore, if less than `most` letters and digits, and nothing else, stand before it.
fn number(text: &str, most: usize) -> Option<usize> {
    let at = text.find('_').filter(|at| *at < most)?;
    let is_number = text[..at].bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_number.then_some(at + 1)
}

/// Returns the length of an identifier with the number of bytes before it.
fn identifier(text: &str) -> Option<usize> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let bytes: usize = text[..digits].parse().ok()?;
    let separator = usize::from(text[digits..].starts_with('_'));
    Some((digits + separator + bytes).min(text.len()))
}
