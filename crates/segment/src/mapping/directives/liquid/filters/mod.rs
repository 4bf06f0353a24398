//! Liquid's filters, by name.

mod date;
mod encoding;
mod html;
mod json;
mod list;
mod number;
mod strftime;
mod text;
mod url;

use bumpalo::Bump;

use super::item::Item;
use crate::mapping::error::RuntimeError;
use crate::value::Value;

/// Evaluates a filter.
pub(super) type Filter = for<'a> fn(Call<'a>) -> Filtered<'a>;

/// The result of a filter.
pub(super) type Filtered<'a> = Result<Item<'a>, RuntimeError>;

/// A filter's input and its arguments.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) input: Item<'a>,
    pub(super) arguments: &'a [Item<'a>],
    pub(super) arena: &'a Bump,
}

impl<'a> Call<'a> {
    /// Returns an argument, undefined if it is missing.
    fn argument(&self, at: usize) -> Item<'a> {
        self.arguments.get(at).copied().unwrap_or(Item::UNDEFINED)
    }

    /// Returns an argument, or what stands in for a missing one.
    fn argument_or(&self, at: usize, default: Value<'a>) -> Item<'a> {
        match self.argument(at) {
            Item::Value(Value::Undefined) => default.into(),
            item => item,
        }
    }

    /// Returns the input as text.
    fn text(&self) -> &'a str {
        self.input.text(self.arena)
    }

    /// Returns an argument as text, empty if it is missing.
    fn text_of(&self, at: usize) -> &'a str {
        self.argument(at).text(self.arena)
    }

    fn made(&self, text: &str) -> Filtered<'a> {
        Ok(Value::Str(self.arena.alloc_str(text)).into())
    }

    fn made_list(&self, items: impl IntoIterator<Item = Value<'a>>) -> Filtered<'a> {
        let items = bumpalo::collections::Vec::from_iter_in(items, self.arena);
        Ok(Value::Array(items.into_bump_slice()).into())
    }
}

/// Returns the filter of a name, if Liquid has it.
pub(super) fn named(name: &str) -> Option<Filter> {
    let groups = [
        text::FILTERS,
        list::FILTERS,
        number::FILTERS,
        html::FILTERS,
        url::FILTERS,
        encoding::FILTERS,
        json::FILTERS,
        date::FILTERS,
        DISABLED,
    ];
    let mut filters = groups.iter().copied().flatten();
    filters
        .find(|(known, _)| *known == name)
        .map(|(_, filter)| *filter)
}

type Named = (&'static str, Filter);

/// Refuses filters that Segment disables.
macro_rules! disabled {
    ($($name:literal)*) => {
        &[$(($name, |_| Err(RuntimeError::new(concat!("filter \"", $name, "\" is disabled"))))),*]
    };
}

const DISABLED: &[Named] = disabled!(
    "array_to_sentence_string" "concat" "find" "find_exp" "find_index" "find_index_exp" "group_by" "group_by_exp"
    "has" "has_exp" "map" "newline_to_br" "reject" "reject_exp" "reverse" "sort" "sort_natural" "uniq" "where_exp"
    "type"
);
