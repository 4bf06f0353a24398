//! The text of a value, as JavaScript writes it.

use super::Value;
use std::fmt::{self, Write};

impl Value<'_> {
    /// Appends the text that a template shows: nothing for null and undefined, lists joined by commas, `[object
    /// Object]` for objects.
    ///
    /// # Errors
    /// Those of `out`; strings have none.
    pub fn write_text<W: Write>(self, out: &mut W) -> fmt::Result {
        match self {
            Value::Undefined | Value::Null => Ok(()),
            Value::Bool(true) => out.write_str("true"),
            Value::Bool(false) => out.write_str("false"),
            Value::Number(number) => number.with_js_text(|text| out.write_str(text)),
            Value::Str(text) => out.write_str(text),
            _ if self.is_array() => {
                for (index, item) in self.items().enumerate() {
                    if index > 0 {
                        out.write_str(",")?;
                    }
                    item.write_text(out)?;
                }
                Ok(())
            }
            _ => out.write_str("[object Object]"),
        }
    }

    /// Evaluates JavaScript's `value == ""` for a value that is neither undefined nor null.
    pub(crate) fn is_loosely_empty(self) -> bool {
        match self {
            Value::Undefined | Value::Null => false,
            Value::Bool(truth) => !truth,
            Value::Number(number) => number.to_f64() == 0.0,
            Value::Str(text) => text.is_empty(),
            _ => self.joins_to_nothing(),
        }
    }

    /// Returns true if an array's joined text is empty, without building the text.
    fn joins_to_nothing(self) -> bool {
        match self {
            Value::Undefined | Value::Null | Value::Str("") => true,
            _ if self.is_array() => match self.array_len() {
                0 => true,
                1 => self.index(0).joins_to_nothing(),
                _ => false,
            },
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nested_lists_join_by_commas() {
        let inner = [Value::Null, Value::Str("x")];
        let outer = [Value::Array(&inner), Value::Bool(true), Value::Object(&[])];
        let mut out = String::new();
        Value::Array(&outer).write_text(&mut out).unwrap();
        assert_eq!(out, ",x,true,[object Object]");
    }
}
