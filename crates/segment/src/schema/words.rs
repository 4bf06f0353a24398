//! Pieces of the sentences that say what does not fit.

/// `1 character`, `7 characters`.
pub(super) fn characters(count: f64) -> String {
    format!("{count} character{}", if count == 1.0 { "" } else { "s" })
}

/// `a string`, `an object`.
pub(super) fn with_article(name: &str) -> String {
    format!(
        "{} {name}",
        if name.starts_with(['a', 'i', 'o']) {
            "an"
        } else {
            "a"
        }
    )
}

/// `a`, `a or b`, `a, b, or c`.
pub(super) fn either(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [only] => only.clone(),
        [first, second] => format!("{first} or {second}"),
        [first @ .., last] => format!("{}, or {last}", first.join(", ")),
    }
}
