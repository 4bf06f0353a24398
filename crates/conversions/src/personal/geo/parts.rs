//! Names beside codes, as in `New York (NY)`, `NY - New York`, `Texas, US` or `United States (US)`.

/// The meaning of a part of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// This code.
    Code(&'static str),
    /// Something that fits any code, such as the country of a state.
    Neutral,
    /// Something else.
    Unknown,
}

/// Returns the code that all parts of a cleaned text agree on; `None` if a part is unknown or they differ.
pub(super) fn agreed(cleaned: &str, read: impl Fn(&str) -> Part) -> Option<&'static str> {
    const SEPARATORS: [char; 9] = ['(', ')', '[', ']', ',', ';', '/', '|', ':'];
    const DASHES: [char; 5] = ['-', '\u{2010}', '\u{2013}', '\u{2014}', '_'];
    let is_separator = |c: char| SEPARATORS.contains(&c);
    // Names have dashes, too, so they separate only where nothing else does.
    let with_dashes = |c: char| is_separator(c) || DASHES.contains(&c);
    one_code(cleaned.split(is_separator), &read).or_else(|| one_code(cleaned.split(with_dashes), &read))
}

fn one_code<'t>(parts: impl Iterator<Item = &'t str>, read: impl Fn(&str) -> Part) -> Option<&'static str> {
    const MOST: usize = 4;
    let (mut code, mut count) = (None, 0);
    for part in parts.filter(|part| !part.is_empty()) {
        count += 1;
        match read(part) {
            Part::Code(found) if code.is_none_or(|code| code == found) => code = Some(found),
            Part::Neutral => {}
            _ => return None,
        }
        if count > MOST {
            return None;
        }
    }
    // A single part was looked at as a whole.
    code.filter(|_| count > 1)
}
