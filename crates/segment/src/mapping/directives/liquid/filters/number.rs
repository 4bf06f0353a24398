//! Filters of numbers. Other values count as 0.

use super::call::{Call, Filtered, Named};
use crate::value::Value;

pub(super) const FILTERS: &[Named] = &[
    ("abs", |call| made(input(call).abs())),
    ("at_least", |call| made(numbers(call).fold(input(call), f64::max))),
    ("at_most", |call| made(numbers(call).fold(input(call), f64::min))),
    ("ceil", |call| made(input(call).ceil())),
    ("floor", |call| made(input(call).floor())),
    ("divided_by", |call| {
        let result = input(call) / first(call);
        let whole = numbers(call).nth(1).is_some_and(|whole| whole != 0.0);
        made(if whole { result.floor() } else { result })
    }),
    ("minus", |call| made(input(call) - first(call))),
    ("plus", |call| made(input(call) + first(call))),
    ("times", |call| made(input(call) * first(call))),
    ("modulo", |call| {
        let by = first(call);
        made(((input(call) % by) + by) % by)
    }),
    ("round", |call| {
        let scale = 10f64.powf(numbers(call).next().unwrap_or(0.0));
        let scaled = (input(call) * scale) * (1.0 + f64::EPSILON);
        made((scaled + 0.5).floor() / scale)
    }),
    ("to_integer", |call| made(call.input.number(call.arena))),
];

fn input(call: Call<'_>) -> f64 {
    or_zero(call.input.number(call.arena))
}

fn numbers(call: Call<'_>) -> impl Iterator<Item = f64> {
    let arguments = call.arguments.iter();
    arguments.map(move |argument| or_zero(argument.number(call.arena)))
}

/// Returns the first argument. Without one there is no result.
fn first(call: Call<'_>) -> f64 {
    numbers(call).next().unwrap_or(f64::NAN)
}

fn or_zero(number: f64) -> f64 {
    if number.is_nan() { 0.0 } else { number }
}

fn made<'a>(number: f64) -> Filtered<'a> {
    Ok(Value::from(number).into())
}
