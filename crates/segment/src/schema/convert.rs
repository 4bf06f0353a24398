//! Converts one value to another type: as Ajv does it for Segment, or carefully.

use super::rule::JsonType;
use crate::value::{Number, Value, js_text_to_number};
use bumpalo::Bump;
use signalbox_core::Answer;

/// The outcome of a conversion: the value, and a flag for a wanted type.
pub(super) struct Converted<'a> {
    pub(super) value: Value<'a>,
    pub(super) fits: bool,
}

/// Converts a value that has none of the wanted types, as Ajv's `coerceTypes: "array"` does.
///
/// A list of one is replaced by its element. That settles it only if exactly one type is wanted (Ajv asks for both of
/// two types at once); otherwise the element is converted further.
pub(super) fn as_ajv<'a>(value: Value<'a>, wanted: &[JsonType], arena: &'a Bump) -> Converted<'a> {
    if wanted == [JsonType::Object] {
        return Converted { value, fits: false };
    }
    let mut value = value;
    if value.array_len() == 1 {
        value = value.index(0);
        if let [single] = wanted
            && single.accepts(value)
        {
            return Converted { value, fits: true };
        }
    }
    first_of(value, wanted, arena, ajv_step)
}

type Step = for<'a> fn(Value<'a>, JsonType, &'a Bump) -> Option<Value<'a>>;

/// Converts to the first wanted type to which a step can convert; keeps a value without any.
fn first_of<'a>(value: Value<'a>, wanted: &[JsonType], arena: &'a Bump, step: Step) -> Converted<'a> {
    let converted = wanted.iter().find_map(|target| step(value, *target, arena));
    Converted {
        value: converted.unwrap_or(value),
        fits: converted.is_some(),
    }
}

fn ajv_step<'a>(value: Value<'a>, target: JsonType, arena: &'a Bump) -> Option<Value<'a>> {
    match (target, value) {
        (JsonType::String, Value::Number(_) | Value::Bool(_)) => Some(text_of(value, arena)),
        (JsonType::String, Value::Null) => Some(Value::Str("")),
        (JsonType::Number | JsonType::Integer, Value::Bool(truth)) => {
            Some(Value::from(f64::from(u8::from(truth))))
        }
        (JsonType::Number | JsonType::Integer, Value::Null) => Some(Value::from(0.0)),
        (JsonType::Number, Value::Str(text)) => javascript_number(text).map(Value::from),
        (JsonType::Integer, Value::Str(text)) => {
            // Segment takes a remainder by 1; that of infinity is NaN, which counts as whole.
            javascript_number(text)
                .filter(|number| number.is_infinite() || number.fract() == 0.0)
                .map(Value::from)
        }
        (JsonType::Boolean, _) => match value {
            Value::Str("false") | Value::Null => Some(Value::Bool(false)),
            Value::Str("true") => Some(Value::Bool(true)),
            Value::Number(number) if number.to_f64() == 0.0 => Some(Value::Bool(false)),
            Value::Number(number) if number.to_f64() == 1.0 => Some(Value::Bool(true)),
            _ => None,
        },
        (JsonType::Null, Value::Str("") | Value::Bool(false)) => Some(Value::Null),
        (JsonType::Null, Value::Number(number)) if number.to_f64() == 0.0 => Some(Value::Null),
        (JsonType::Array, Value::Null | Value::Bool(_) | Value::Number(_) | Value::Str(_)) => {
            Some(Value::Array(arena.alloc_slice_copy(&[value])))
        }
        _ => None,
    }
}

fn javascript_number(text: &str) -> Option<f64> {
    Some(js_text_to_number(text)).filter(|number| !text.is_empty() && !number.is_nan())
}

fn text_of<'a>(value: Value<'a>, arena: &'a Bump) -> Value<'a> {
    match value {
        Value::Bool(true) => Value::Str("true"),
        Value::Bool(false) => Value::Str("false"),
        Value::Number(number) => Value::Str(number.with_js_text(|text| &*arena.alloc_str(text))),
        other => other,
    }
}

/// Converts without inventing anything: only a decimal text becomes a number, a boolean and null never do, and a number
/// that becomes text keeps every digit.
pub(super) fn carefully<'a>(value: Value<'a>, wanted: &[JsonType], arena: &'a Bump) -> Converted<'a> {
    let mut value = value;
    if value.array_len() == 1 && !wanted.contains(&JsonType::Array) {
        value = value.index(0);
    }
    if wanted.iter().any(|target| target.accepts(value)) {
        return Converted { value, fits: true };
    }
    first_of(value, wanted, arena, careful_step)
}

fn careful_step<'a>(value: Value<'a>, target: JsonType, arena: &'a Bump) -> Option<Value<'a>> {
    match (target, value) {
        (JsonType::String, Value::Number(Number::Source(text)))
            if text.bytes().all(|b| b.is_ascii_digit()) =>
        {
            Some(Value::Str(text))
        }
        (JsonType::String, Value::Number(_) | Value::Bool(_)) => Some(text_of(value, arena)),
        (JsonType::Number, Value::Str(text)) => decimal(text),
        (JsonType::Integer, Value::Str(text)) => {
            decimal(text).filter(|number| JsonType::Integer.accepts(*number))
        }
        (JsonType::Boolean, Value::Str(text)) => Answer::of_text(text).as_bool().map(Value::Bool),
        (JsonType::Boolean, Value::Number(_)) => ajv_step(value, target, arena),
        (JsonType::Array, _) if value.is_defined() => Some(Value::Array(arena.alloc_slice_copy(&[value]))),
        _ => None,
    }
}

/// Reads a finite decimal number, and keeps its spelling if that is JSON.
fn decimal(text: &str) -> Option<Value<'_>> {
    let text = text.trim();
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let leading_zero = unsigned.len() > 1 && unsigned.starts_with('0') && !unsigned.starts_with("0.");
    if !unsigned.is_empty() && unsigned.bytes().all(|b| b.is_ascii_digit()) && !leading_zero {
        return Some(Value::Number(Number::Source(text)));
    }
    let number = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    let number =
        (number && !text.contains(['x', 'X', 'o', 'O', 'b', 'B'])).then(|| js_text_to_number(text))?;
    number.is_finite().then(|| Value::from(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn careful(value: Value<'_>, wanted: &'static [JsonType]) -> Option<String> {
        let arena = Bump::new();
        let converted = carefully(value, wanted, &arena);
        converted.fits.then(|| {
            let mut out = Vec::new();
            converted
                .value
                .write_json(&mut out, crate::value::Numbers::Source);
            String::from_utf8(out).unwrap()
        })
    }

    #[test]
    fn careful_numbers_are_decimal() {
        let number: &[JsonType] = &[JsonType::Number];
        assert_eq!(careful(Value::Str(" 12.50 "), number).as_deref(), Some("12.5"));
        assert_eq!(
            careful(Value::Str("12345678901234567890"), number).as_deref(),
            Some("12345678901234567890")
        );
        assert_eq!(careful(Value::Str("007"), number).as_deref(), Some("7"));
        for text in ["", " ", "0x1F", "Infinity", "12px", "NaN", "1e999"] {
            assert_eq!(careful(Value::Str(text), number), None, "{text}");
        }
        assert_eq!(careful(Value::Bool(true), number), None);
        assert_eq!(careful(Value::Null, number), None);
    }

    #[test]
    fn careful_booleans_are_answers() {
        for (text, flag) in [
            ("TRUE", Some("true")),
            (" denied ", Some("false")),
            ("maybe", None),
            ("2", None),
        ] {
            assert_eq!(
                careful(Value::Str(text), &[JsonType::Boolean]).as_deref(),
                flag,
                "{text}"
            );
        }
    }

    #[test]
    fn careful_text_keeps_long_ids() {
        let id = Value::Number(Number::Source("12345678901234567890"));
        assert_eq!(
            careful(id, &[JsonType::String]).as_deref(),
            Some("\"12345678901234567890\"")
        );
        let one = [Value::Str("a")];
        assert_eq!(
            careful(Value::Array(&one), &[JsonType::String, JsonType::Null]).as_deref(),
            Some("\"a\"")
        );
    }
}
