//! "Did you mean": the known name that a misspelt one is close to.

/// Longest name that is compared, which bounds the work for hostile input.
const LONGEST: usize = 64;

/// Finds the candidate nearest to `given`, at most a third of its length away. Case and the choice of `-` or `_` do not
/// count.
pub fn nearest<'c>(given: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
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

fn plain(name: &str) -> String {
    name.chars()
        .map(|c| if c == '-' { '_' } else { c.to_ascii_lowercase() })
        .collect()
}
