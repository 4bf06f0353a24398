//! 'Did you mean': only when it is close enough to help.

/// Names longer than this are not compared, so that hostile input costs nothing.
const LONGEST: usize = 64;

/// The candidate nearest to `given`, when it is within a third of its length (spelling of case, `-` and `_` aside).
pub(crate) fn nearest<'c>(given: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    if given.len() > LONGEST {
        return None;
    }
    let plain = plain(given);
    let limit = (plain.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .filter(|candidate| candidate.len() <= LONGEST)
        .map(|candidate| (strsim::osa_distance(&plain, &self::plain(candidate)), candidate))
        .filter(|(distance, candidate)| *distance <= limit && *distance < candidate.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// ` (did you mean 'x'?)`, or nothing.
pub(crate) fn hint<'c>(given: &str, candidates: impl IntoIterator<Item = &'c str>) -> String {
    nearest(given, candidates).map_or_else(String::new, |name| format!(" (did you mean '{name}'?)"))
}

/// `, expected one of a, b, c`, `, expected 'a'`, or that nothing is expected.
pub(crate) fn expected<'c>(names: impl IntoIterator<Item = &'c str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    match names.as_slice() {
        [] => ", none is expected here".to_owned(),
        [one] => format!(", expected '{one}'"),
        many => format!(", expected one of {}", many.join(", ")),
    }
}

fn plain(name: &str) -> String {
    name.chars()
        .map(|c| if c == '-' { '_' } else { c.to_ascii_lowercase() })
        .collect()
}
