//! The call of a filter.

use bumpalo::Bump;

use super::super::item::Item;
use crate::mapping::error::RuntimeError;
use crate::value::Value;

/// Evaluates a filter.
pub(in super::super) type Filter = for<'a> fn(Call<'a>) -> Filtered<'a>;

/// The result of a filter.
pub(in super::super) type Filtered<'a> = Result<Item<'a>, RuntimeError>;

/// A filter's input and its arguments.
#[derive(Clone, Copy)]
pub(in super::super) struct Call<'a> {
    pub(in super::super) input: Item<'a>,
    pub(in super::super) arguments: &'a [Item<'a>],
    pub(in super::super) arena: &'a Bump,
}

impl<'a> Call<'a> {
    /// Returns an argument, undefined if it is missing.
    pub(super) fn argument(&self, at: usize) -> Item<'a> {
        self.arguments.get(at).copied().unwrap_or(Item::UNDEFINED)
    }

    /// Returns an argument, or what stands in for a missing one.
    pub(super) fn argument_or(&self, at: usize, default: Value<'a>) -> Item<'a> {
        match self.argument(at) {
            Item::Value(Value::Undefined) => default.into(),
            item => item,
        }
    }

    /// Returns the input as text.
    pub(super) fn text(&self) -> &'a str {
        self.input.text(self.arena)
    }

    /// Returns an argument as text, empty if it is missing.
    pub(super) fn text_of(&self, at: usize) -> &'a str {
        self.argument(at).text(self.arena)
    }

    pub(super) fn made(&self, text: &str) -> Filtered<'a> {
        Ok(Value::Str(self.arena.alloc_str(text)).into())
    }

    pub(super) fn made_list(&self, items: impl IntoIterator<Item = Value<'a>>) -> Filtered<'a> {
        let items = bumpalo::collections::Vec::from_iter_in(items, self.arena);
        Ok(Value::Array(items.into_bump_slice()).into())
    }
}

/// A filter by its name.
pub(super) type Named = (&'static str, Filter);
