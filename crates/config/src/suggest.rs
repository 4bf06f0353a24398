//! Suggestions in messages: the nearest known name, and the names that are expected.

use signalbox_core::nearest;

/// Returns ` (did you mean 'x'?)`, or nothing if no candidate is near.
pub(crate) fn hint<'c>(given: &str, candidates: impl IntoIterator<Item = &'c str>) -> String {
    nearest(given, candidates).map_or_else(String::new, |name| format!(" (did you mean '{name}'?)"))
}

/// Returns `, expected one of a, b, c`, `, expected 'a'`, or that nothing is expected.
pub(crate) fn expected<'c>(names: impl IntoIterator<Item = &'c str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    match names.as_slice() {
        [] => ", none is expected here".to_owned(),
        [one] => format!(", expected '{one}'"),
        many => format!(", expected one of {}", many.join(", ")),
    }
}
