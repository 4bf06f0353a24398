//! Paths in keys and labels: bounded in number, without personal data.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// Most pairs of code and path that one sink shows; later ones are shown as `other`.
const MOST: usize = 200;
/// The longest path shown, in bytes.
const LONGEST: usize = 120;
/// The label of paths that are not shown.
const OTHER: &str = "other";

/// Returns the key under which a ledger counts a warning: code and path, joined by a space. Array indices are removed from
/// the path, so that a cart of a hundred products makes one key and not a hundred; a path that may contain a client's text
/// becomes `other`. Applied to the parts of such a key, it changes nothing.
pub fn warning_key(code: &str, path: &str) -> String {
    let path = without_indices(path);
    let path = if presentable(&path) { &path } else { OTHER };
    if path.is_empty() {
        code.to_owned()
    } else {
        format!("{code} {path}")
    }
}

/// The warnings that one sink shows as series, in the order of their appearance: a series never turns into `other` later.
#[derive(Debug, Default)]
pub(super) struct Paths(Mutex<BTreeSet<String>>);

impl Paths {
    /// Returns the labels, code and path, for a key of the ledger.
    pub(super) fn labels(&self, key: &str) -> (String, String) {
        let (code, path) = key.split_once(' ').unwrap_or((key, ""));
        let key = warning_key(code, path);
        let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !shown.contains(&key) {
            if shown.len() >= MOST {
                return (code.to_owned(), OTHER.to_owned());
            }
            shown.insert(key.clone());
        }
        let path = key.get(code.len() + 1..).unwrap_or("");
        (code.to_owned(), path.to_owned())
    }
}

/// Returns true if a path looks like the path of a field. Any other path may contain a key that a client chose (an e-mail
/// address as a property name) and is not shown.
fn presentable(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '$' | '[' | ']');
    path.len() <= LONGEST && path.chars().all(plain) && path.bytes().filter(u8::is_ascii_digit).count() < 7
}

/// Writes `contents[12].price` and `contents.12.price` as `contents[].price`.
fn without_indices(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for (i, step) in path.split('.').enumerate() {
        if i > 0 && !step.is_empty() && step.bytes().all(|b| b.is_ascii_digit()) {
            out.push_str("[]");
            continue;
        }
        if i > 0 {
            out.push('.');
        }
        let mut rest = step;
        while let Some((before, after)) = rest.split_once('[') {
            let digits = after.bytes().take_while(u8::is_ascii_digit).count();
            out.push_str(before);
            out.push('[');
            rest = after.get(digits..).unwrap_or("");
        }
        out.push_str(rest);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indices_vanish() {
        for (path, key) in [
            (
                "custom_data.contents[12].item_price",
                "code custom_data.contents[].item_price",
            ),
            ("a[0][17]", "code a[][]"),
            ("properties.products.3.price", "code properties.products[].price"),
            ("a[x].b", "code a[x].b"),
            ("a[", "code a["),
            ("", "code"),
        ] {
            assert_eq!(warning_key("code", path), key);
            let again = key.split_once(' ').map_or("", |(_, path)| path);
            assert_eq!(warning_key("code", again), key);
        }
    }

    #[test]
    fn what_a_client_chose_is_not_shown() {
        let long = "a".repeat(LONGEST + 1);
        for path in [
            "properties.ada@example.com",
            "properties.Ada Lovelace",
            "traits.t447946012345",
            &long,
        ] {
            assert_eq!(warning_key("code", path), "code other");
        }
    }

    #[test]
    fn the_number_is_bounded_and_the_first_stay() {
        let paths = Paths::default();
        let labels = |path: &str| ("code".to_owned(), path.to_owned());
        for i in 0..MOST {
            assert_eq!(paths.labels(&format!("code a.f{i}")), labels(&format!("a.f{i}")));
        }
        assert_eq!(paths.labels("code a.one_more"), labels("other"));
        assert_eq!(paths.labels("code a.f0"), labels("a.f0"));
        assert_eq!(Paths::default().labels("code"), labels(""));
    }
}
