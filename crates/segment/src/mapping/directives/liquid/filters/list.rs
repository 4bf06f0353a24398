//! Filters of lists.

use std::hash::{BuildHasher, Hasher, RandomState};

use super::super::fault::Fault;
use super::super::item::{Item, js_text};
use super::super::operand::keys;
use super::super::scan::Scanner;
use super::super::syntax::Operand;
use super::call::{Call, Filtered, Named};
use super::text::{place, slice_units};
use crate::mapping::error::RuntimeError;
use crate::mapping::limits::bounded;
use crate::value::{Value, js_text_to_number, utf16_len};

pub(super) const FILTERS: &[Named] = &[
    ("first", |call| Ok(of_list(call, 0))),
    ("last", |call| Ok(of_list(call, -1))),
    ("size", |call| {
        let size = match call.input.value() {
            Value::Str(text) => Value::from(utf16_len(text) as f64),
            value if value.is_array() => Value::from(value.array_len() as f64),
            value => value.get("length"),
        };
        Ok(if size.is_falsy() { Value::from(0.0) } else { size }.into())
    }),
    ("join", join),
    ("compact", |call| {
        let list = call.input.list(call.arena).iter();
        call.made_list(list.copied().filter(|item| !item.is_nullish()))
    }),
    ("push", |call| {
        let list = call.input.list(call.arena).iter().copied();
        call.made_list(list.chain([call.argument(0).value()]))
    }),
    ("unshift", |call| {
        let list = call.input.list(call.arena).iter().copied();
        call.made_list([call.argument(0).value()].into_iter().chain(list))
    }),
    ("pop", |call| match call.input.list(call.arena) {
        [kept @ .., _] => call.made_list(kept.iter().copied()),
        [] => call.made_list([]),
    }),
    ("shift", |call| {
        call.made_list(call.input.list(call.arena).iter().skip(1).copied())
    }),
    ("slice", slice),
    ("sum", sum),
    ("where", filter_where),
    ("sample", sample),
];

/// Returns an element of a list or a unit of a text; an empty text for everything else.
fn of_list<'a>(call: Call<'a>, index: i8) -> Item<'a> {
    let units = |text: &'a str| {
        let length = utf16_len(text);
        let at = if index < 0 { length - 1 } else { 0 };
        Value::Str(call.arena.alloc_str(&slice_units(text, at, at + 1)))
    };
    match call.input.value() {
        Value::Str(text) if !text.is_empty() => units(text).into(),
        value if value.is_array() => {
            let at = if index < 0 {
                value.array_len().wrapping_sub(1)
            } else {
                0
            };
            value.index(at).into()
        }
        _ => Value::Str("").into(),
    }
}

fn join(call: Call<'_>) -> Filtered<'_> {
    let separator = match call.argument(0) {
        item if item.value().is_nullish() => " ",
        item => item.text(call.arena),
    };
    let mut joined = String::new();
    for (index, item) in call.input.list(call.arena).iter().enumerate() {
        if index > 0 {
            joined.push_str(separator);
        }
        if !item.is_nullish() {
            joined.push_str(js_text(*item, call.arena));
        }
        bounded(joined.len())?;
    }
    call.made(&joined)
}

fn slice(call: Call<'_>) -> Filtered<'_> {
    let value = call.input.value();
    if value.is_nullish() {
        return call.made_list([]);
    }
    let begin = call.argument(0).number(call.arena);
    let count = call.argument_or(1, Value::from(1.0)).number(call.arena);
    let text = call.text();
    let length = match value.is_array() {
        true => value.array_len(),
        false => utf16_len(text),
    };
    let begin = if begin < 0.0 { begin + length as f64 } else { begin };
    let (from, to) = match begin < 0.0 || count < 0.0 {
        true => (0, 0),
        false => (place(begin), place(begin + count)),
    };
    match value.is_array() {
        true => call.made_list(value.items().take(to).skip(from)),
        false => call.made(&slice_units(text, from, to)),
    }
}

fn sum(call: Call<'_>) -> Filtered<'_> {
    let property = call.argument(0);
    let keys = match property {
        Item::Value(value) if value.is_falsy() => None,
        property => Some(property.text(call.arena)),
    };
    let sum = call.input.list(call.arena).iter().map(|item| {
        let keys = keys.into_iter().flat_map(|keys| keys.split('.'));
        let found = keys.fold(Item::from(*item), |item, key| {
            item.member(Value::Str(key).into(), call.arena).into()
        });
        let number = found.number(call.arena);
        if number.is_nan() { 0.0 } else { number }
    });
    // JavaScript begins at 0, Rust at -0.
    Ok(Value::from(sum.fold(0.0, |sum, number| sum + number)).into())
}

/// Keeps the elements whose member equals the second argument, or, without one, counts as true.
fn filter_where(call: Call<'_>) -> Filtered<'_> {
    let chars: Vec<char> = call.text_of(0).chars().collect();
    let mut scanner = Scanner::new(&chars, 0..chars.len());
    let keys = keys(&mut scanner, true).map_err(|Fault(message)| RuntimeError::new(message))?;
    let expected = call.argument(1);
    let kept = call.input.list(call.arena).iter().filter(|item| {
        let found = keys.iter().fold(Item::from(**item), |item, key| {
            item.member(constant(key, call), call.arena).into()
        });
        let found = if keys.is_empty() { Item::UNDEFINED } else { found };
        match expected {
            Item::Value(Value::Undefined) => found.is_truthy(),
            expected => found.equals(expected),
        }
    });
    call.made_list(kept.copied())
}

/// Returns a key of a path in an argument; one that is a path itself would be looked up in the element, and is nothing.
fn constant<'a>(key: &Operand, call: Call<'a>) -> Item<'a> {
    match key {
        Operand::Text(name) => Value::Str(call.arena.alloc_str(name)).into(),
        Operand::Number(number) => Value::from(*number).into(),
        _ => Item::UNDEFINED,
    }
}

/// Returns one element or unit, or several in a list, by chance.
fn sample(call: Call<'_>) -> Filtered<'_> {
    let value = call.input.value();
    if value.is_nullish() {
        return call.made_list([]);
    }
    let mut items: Vec<Value<'_>> = match value.is_array() {
        true => value.items().collect(),
        false => call
            .text()
            .chars()
            .map(|c| Value::Str(call.arena.alloc_str(c.encode_utf8(&mut [0; 4]))))
            .collect(),
    };
    let chance = RandomState::new();
    for at in (1..items.len()).rev() {
        let mut hasher = chance.build_hasher();
        hasher.write_usize(at);
        items.swap(at, (hasher.finish() % (at as u64 + 1)) as usize);
    }
    let count = call.argument_or(0, Value::from(1.0));
    if count.value().as_f64() == Some(1.0) {
        return Ok(items.first().copied().unwrap_or(Value::Undefined).into());
    }
    let count = match count.value() {
        Value::Str(text) => js_text_to_number(text),
        _ => count.number(call.arena),
    };
    // A negative count leaves out that number of elements at the end.
    let count = match count < 0.0 {
        true => items.len().saturating_sub(place(-count)),
        false => place(count),
    };
    call.made_list(items.into_iter().take(count))
}
