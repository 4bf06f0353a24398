//! Values worked out from the products of an event.

use bumpalo::Bump;
use signalbox_segment::value::{Number, Value};

use crate::encode::{list, whole};

/// Returns the ids of coerced products, as a list.
#[inline]
pub fn ids<'a>(contents: Value<'a>, arena: &'a Bump) -> Value<'a> {
    let ids = list(contents).iter().map(|item| item.get("id"));
    Value::Array(arena.alloc_slice_fill_iter(ids))
}

/// Returns the quantities of all products together; undefined if one of them is unusable.
///
/// In a list of products (`listed`), one without a quantity counts once. An event about a single product says how many or
/// nothing.
#[inline]
pub fn total_quantity<'a>(contents: Value<'a>, listed: bool, arena: &'a Bump) -> Value<'a> {
    let sum = sum(contents, listed);
    let written = sum.map(|sum| bumpalo::format!(in arena, "{}", sum).into_bump_str());
    written.map(|text| Value::Number(Number::Source(text))).into()
}

fn sum(contents: Value<'_>, listed: bool) -> Option<i64> {
    let mut sum: i64 = 0;
    let mut any = false;
    for item in contents.items().filter(|item| item.members().next().is_some()) {
        let quantity = match item.get("quantity") {
            Value::Undefined if listed => 1,
            value => whole(value).filter(|number| *number >= 0)?,
        };
        sum = sum.checked_add(quantity)?;
        any = true;
    }
    any.then_some(sum)
}
