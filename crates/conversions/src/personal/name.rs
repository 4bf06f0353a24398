//! Splitting a person's full name.

use signalbox_segment::placeholder::{Placeholder, placeholder};
use signalbox_segment::value::{is_js_space, js_trim};

/// Words before a name that are not part of it.
const TITLES: [&str; 10] = [
    "mr", "mrs", "ms", "miss", "mx", "dr", "prof", "sir", "madam", "rev",
];
/// Words behind a name that are not part of it.
const SUFFIXES: [&str; 9] = ["jr", "sr", "ii", "iii", "iv", "phd", "md", "esq", "dds"];

/// Splits a full name into a given and a family name, each a part of the text given.
///
/// - `Ivy Marsh`, `Ivy Jane Marsh`: the first word and the last word; middle names go.
/// - `Marsh, Ivy Jane`: before the comma the family name, all of it; the first word behind it the given name.
/// - `Dr. Ivy Marsh Jr.`, `Ivy Marsh, PhD`: titles and suffixes are passed over.
/// - `Ivy`: one word is a given name; `Dr. Marsh`: behind a title it is a family name.
/// - A name that is hashed already (64 hexadecimal digits) cannot be split: nothing.
/// - `Guest User`, `null null` and other placeholders are nobody's name: nothing.
///
/// Simple on purpose: names that need more (two family names, family name first without a comma) come out as their
/// first and last words. Senders that know the parts should send them apart.
pub fn split_name(full: &str) -> (Option<&str>, Option<&str>) {
    let full = js_trim(full);
    if full.len() == 64 && full.bytes().all(|b| b.is_ascii_hexdigit()) {
        return (None, None);
    }
    // People are called Nan.
    if let Some(Placeholder::Always | Placeholder::Identity) = placeholder(full) {
        return (None, None);
    }
    let Some((before, behind)) = full.split_once(',') else {
        return by_words(full);
    };
    let given = words(behind).find(|word| !is_one_of(word, &TITLES));
    match given {
        // "Ivy Marsh, PhD": the comma was not between the two names.
        None => by_words(before),
        Some(word) if is_one_of(word, &SUFFIXES) => by_words(before),
        Some(word) => (
            Some(word.trim_end_matches(',')),
            Some(js_trim(before)).filter(|last| !last.is_empty()),
        ),
    }
}

fn by_words(name: &str) -> (Option<&str>, Option<&str>) {
    let mut all = words(name).peekable();
    let titled = all.next_if(|word| is_one_of(word, &TITLES)).is_some();
    while all.next_if(|word| is_one_of(word, &TITLES)).is_some() {}
    let Some(first) = all.next() else {
        return (None, None);
    };
    match all.filter(|word| !is_one_of(word, &SUFFIXES)).last() {
        Some(last) => (Some(first), Some(last)),
        None if titled => (None, Some(first)),
        None => (Some(first), None),
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_js_space)
        .filter(|word| !word.is_empty() && *word != ",")
}

/// Compares without letter case and dots: `Ph.D.` is `phd`.
fn is_one_of(word: &str, list: &[&str]) -> bool {
    let letters = || {
        word.bytes()
            .filter(|b| *b != b'.' && *b != b',')
            .map(|b| b.to_ascii_lowercase())
    };
    list.iter().any(|entry| letters().eq(entry.bytes()))
}
