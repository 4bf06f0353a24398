//! A cache of values worked out of texts, for the fields with few values.
//!
//! Most forms offer two genders, and a shop sells to some dozens of states and few countries. Working out one of these values
//! takes at least five times as long as a lookup here. The fields identify no person. A cache takes a few kilobytes, and each
//! thread has its own.

use signalbox_core::json::KeyMark;

use super::field::{Dropped, Field};
use super::step::Rules;

/// Number of entries, an even one. A value replaces another if both of its places are taken.
const PLACES: usize = 128;
/// Length in bytes of the longest text that is looked up; "United States of America" fits.
pub(super) const LONGEST: usize = 24;

/// Values by field, rules and text.
pub(super) struct Cache<T>(Vec<Option<Entry<T>>>);

struct Entry<T> {
    rules: &'static Rules,
    field: Field,
    text: Short,
    value: T,
}

/// A short text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Short {
    len: usize,
    bytes: [u8; LONGEST],
}

impl Short {
    /// Takes a text; `None` if it is longer than [`LONGEST`].
    pub(super) fn of(text: &str) -> Option<Short> {
        let mut bytes = [0; LONGEST];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(Short {
            len: text.len(),
            bytes,
        })
    }

    /// Returns the text.
    pub(super) fn as_str(&self) -> &str {
        let text = self.bytes.get(..self.len).unwrap_or_default();
        str::from_utf8(text).unwrap_or_default()
    }
}

/// Returns true for a text of a field with few values, which a cache takes.
#[inline]
pub(super) fn has_few(field: Field, text: &str) -> bool {
    matches!(field, Field::Gender | Field::State | Field::Country) && text.len() <= LONGEST
}

impl<T: Copy> Cache<T> {
    /// An empty cache.
    pub(super) const EMPTY: Cache<T> = Cache(Vec::new());

    /// Returns the cached value of a text, or works it out and caches it. What `make` refuses, or does not want to be cached
    /// (`None`), is not.
    pub(super) fn get(
        &mut self,
        (field, rules): (Field, &'static Rules),
        text: &str,
        make: impl FnOnce() -> Result<Option<T>, Dropped>,
    ) -> Result<Option<T>, Dropped> {
        if self.0.is_empty() {
            self.0.resize_with(PLACES, || None);
        }
        // A value has two places, so that two values with one index do not drive each other out.
        let first = KeyMark::of(text).spread() as usize >> (u32::BITS - PLACES.ilog2()) as usize;
        let is = |entry: &Entry<T>| {
            entry.field == field
                && std::ptr::eq(entry.rules, rules)
                && entry.text.bytes.get(..entry.text.len) == Some(text.as_bytes())
        };
        for index in [first, first ^ 1] {
            if let Some(Some(entry)) = self.0.get(index)
                && is(entry)
            {
                return Ok(Some(entry.value));
            }
        }
        let made = make()?;
        let free = [first, first ^ 1]
            .into_iter()
            .find(|at| matches!(self.0.get(*at), Some(None)));
        if let (Some(value), Some(text)) = (made, Short::of(text))
            && let Some(place) = self.0.get_mut(free.unwrap_or(first))
        {
            *place = Some(Entry {
                rules,
                field,
                text,
                value,
            });
        }
        Ok(made)
    }
}
