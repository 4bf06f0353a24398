//! Places in an event that derived values are worked out from. They are looked up together with the paths of the mapping.

use signalbox_segment::mapping::Found;
use signalbox_segment::value::Value;

use crate::encode::is_prefix;
use crate::money;

/// A place in an event.
#[derive(Debug, Clone, Copy)]
pub struct LookupPath {
    /// The path, with dots.
    pub path: &'static str,
    /// The index of the object that holds the place; the place's own if that is the event.
    parent: usize,
}

/// Returns the places of these paths. The compiler refuses a path whose parent is not among them.
pub const fn places<const N: usize>(paths: &[&'static str; N]) -> [LookupPath; N] {
    let mut places = [LookupPath { path: "", parent: 0 }; N];
    let mut at = 0;
    while at < N {
        places[at].path = paths[at];
        at += 1;
    }
    at = 0;
    while at < N {
        places[at].parent = match parent_len(paths[at]) {
            0 => at,
            len => find(&places, paths[at], len),
        };
        at += 1;
    }
    places
}

/// Returns the index of a path, for constants. The compiler refuses a path that is not there.
pub const fn index(places: &[LookupPath], path: &str) -> usize {
    find(places, path, path.len())
}

/// Returns the index of the first `len` bytes of a path.
const fn find(places: &[LookupPath], path: &str, len: usize) -> usize {
    let mut at = 0;
    while !is_prefix(places[at].path, path, len) {
        at += 1;
    }
    at
}

/// Returns the length of the path before the last dot.
const fn parent_len(path: &str) -> usize {
    let mut at = path.len();
    while at > 0 && path.as_bytes()[at - 1] != b'.' {
        at -= 1;
    }
    at.saturating_sub(1)
}

/// An event whose places have been looked up.
#[derive(Debug, Clone, Copy)]
pub struct Lookups<'a> {
    /// `None` where nothing is derived.
    found: Option<Found<'a>>,
    places: &'static [LookupPath],
}

impl<'a> Lookups<'a> {
    /// Takes the places that a mapping has looked up in an event.
    #[inline]
    pub fn new(found: Found<'a>, places: &'static [LookupPath]) -> Lookups<'a> {
        Lookups {
            found: Some(found),
            places,
        }
    }

    /// Takes an event from which nothing is derived.
    pub(crate) fn none() -> Lookups<'a> {
        Lookups {
            found: None,
            places: &[],
        }
    }

    /// Returns the value at a place. Paths give a value below null or zero; here nothing stands there.
    #[inline]
    pub fn at(self, index: usize) -> Value<'a> {
        let (Some(found), Some(place)) = (self.found, self.places.get(index)) else {
            return Value::Undefined;
        };
        let value = found.at(index);
        let there = !value.is_defined() || place.parent == index || found.at(place.parent).is_object();
        if there { value } else { Value::Undefined }
    }

    /// Returns the value at a place of the kit's own ([`money::PLACES`]), which are looked up behind those of the vendor.
    #[inline]
    pub(crate) fn of_kit(self, index: usize) -> Value<'a> {
        let (Some(found), Some(place)) = (self.found, money::PLACES.get(index)) else {
            return Value::Undefined;
        };
        let first = self.places.len();
        let value = found.at(first + index);
        let there =
            !value.is_defined() || place.parent == index || found.at(first + place.parent).is_object();
        if there { value } else { Value::Undefined }
    }

    /// Returns the value at a path that the mapping looked up, by its index among them.
    pub(crate) fn looked_up(self, index: usize) -> Value<'a> {
        self.found.map(|found| found.at(index)).into()
    }

    /// Returns the text at a place, trimmed, unless it is blank.
    #[inline]
    pub fn text(self, index: usize) -> Option<&'a str> {
        let text = self.at(index).as_str().map(str::trim);
        text.filter(|text| !text.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_know_their_parents() {
        const PLACES: [LookupPath; 4] = places(&["context.page.url", "context", "traits", "context.page"]);
        assert_eq!(PLACES.map(|place| place.parent), [3, 1, 2, 1]);
        assert_eq!(index(&PLACES, "context.page"), 3);
    }
}
