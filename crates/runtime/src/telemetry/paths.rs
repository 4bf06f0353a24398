//! Paths as labels: few enough, and nothing personal in them.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// How many different pairs of code and path one sink may show; those that come later are shown as `other`.
const MOST: usize = 200;
/// The longest path shown, in bytes.
const LONGEST: usize = 120;
/// The label of paths that are not shown.
const OTHER: &str = "other";

/// The paths that one sink shows. First come, first shown: a series never turns into `other` later.
#[derive(Debug, Default)]
pub(super) struct Paths(Mutex<BTreeSet<(String, String)>>);

impl Paths {
    /// The label for a path of a warning.
    pub(super) fn label(&self, code: &str, path: &str) -> String {
        let pair = (code.to_owned(), without_indices(path));
        let mut shown = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if shown.contains(&pair) {
            return pair.1;
        }
        if shown.len() == MOST || !presentable(&pair.1) {
            return OTHER.to_owned();
        }
        shown.insert(pair.clone());
        pair.1
    }
}

/// A path could contain a key that a client chose (an e-mail address as a property name): only what looks like the
/// path of a field is shown.
fn presentable(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '$' | '[' | ']');
    path.len() <= LONGEST && path.chars().all(plain) && path.bytes().filter(u8::is_ascii_digit).count() < 7
}

/// `contents[12].price` and `contents.12.price` as `contents[].price`.
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
        for (path, label) in [
            (
                "custom_data.contents[12].item_price",
                "custom_data.contents[].item_price",
            ),
            ("a[0][17]", "a[][]"),
            ("properties.products.3.price", "properties.products[].price"),
            ("a[x].b", "a[x].b"),
            ("a[", "a["),
            ("", ""),
        ] {
            assert_eq!(Paths::default().label("code", path), label);
        }
    }

    #[test]
    fn what_a_client_chose_is_not_shown() {
        for path in [
            "properties.ada@example.com",
            "properties.Ada Lovelace",
            "traits.t447946012345",
            &"a".repeat(121),
        ] {
            assert_eq!(Paths::default().label("code", path), "other");
        }
    }

    #[test]
    fn the_number_is_bounded_and_the_first_stay() {
        let paths = Paths::default();
        for i in 0..MOST {
            assert_eq!(paths.label("code", &format!("a.f{i}")), format!("a.f{i}"));
        }
        assert_eq!(paths.label("code", "a.one_more"), "other");
        assert_eq!(paths.label("code", "a.f0"), "a.f0");
    }
}
