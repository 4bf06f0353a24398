//! Paths into an event, split once when a mapping or trigger is compiled.

use super::{Value, array_index};

/// A path split into keys. Three constructors split it, since Segment's languages differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValuePath {
    keys: Box<[PathKey]>,
}

/// A key, and the array index that it looks like.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PathKey {
    key: Box<str>,
    index: Option<u32>,
}

impl ValuePath {
    /// Splits a path of `@path` and `@arrayPath`: deletes the first `$.` anywhere, then splits as a template does.
    pub fn of_directive(path: &str) -> ValuePath {
        match path.split_once("$.") {
            Some((before, after)) => ValuePath::of_template(&format!("{before}{after}")),
            None => ValuePath::of_template(path),
        }
    }

    /// Splits a path inside `{{…}}`.
    ///
    /// Splits at `.`, at `[` before a quote or digit, and at a run of `]` after one, and deletes quotes. There is no
    /// escape, so a key with a dot or a quote cannot be reached.
    pub fn of_template(path: &str) -> ValuePath {
        let opens = |next: Option<char>| next.is_some_and(|c| matches!(c, '"' | '\'' | '0'..='9'));
        let mut pieces = vec![String::new()];
        let mut before = None;
        let mut in_closing_run = false;
        let mut chars = path.chars().peekable();
        while let Some(c) = chars.next() {
            in_closing_run = c == ']' && (in_closing_run || opens(before));
            if c == '.' || in_closing_run || (c == '[' && opens(chars.peek().copied())) {
                pieces.push(String::new());
            } else if let Some(piece) = pieces.last_mut() {
                piece.push(c);
            }
            before = Some(c);
        }
        ValuePath::new(
            pieces
                .iter()
                .filter(|piece| !piece.is_empty())
                .map(|piece| piece.replace(['\'', '"'], "")),
        )
    }

    /// Splits a field path of a trigger below its root, at every `.`, `[` and `]`.
    pub fn of_trigger(path: &str) -> ValuePath {
        ValuePath::new(
            path.split(['.', '[', ']'])
                .filter(|piece| !piece.is_empty())
                .map(str::to_owned),
        )
    }

    /// Creates a path of exactly these keys, which may contain dots.
    pub fn new(keys: impl IntoIterator<Item = String>) -> ValuePath {
        let keys = keys.into_iter().map(|key| PathKey {
            index: array_index(&key),
            key: key.into_boxed_str(),
        });
        ValuePath { keys: keys.collect() }
    }

    /// Returns the keys in order; none for the whole payload.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.keys.iter().map(|key| &*key.key)
    }

    /// Follows the path. **A falsy value on the way is the result**: a child of `null`, `0` or `""` is that value
    /// itself. Arrays and strings have indices and `length`, counted in UTF-16 units; nothing else is inherited.
    pub fn resolve<'a>(&self, payload: Value<'a>) -> Value<'a> {
        let mut value = payload;
        for key in &self.keys {
            if value.is_falsy() {
                return value;
            }
            value = key.of(value);
        }
        value
    }
}

impl PathKey {
    fn of<'a>(&self, value: Value<'a>) -> Value<'a> {
        match value {
            Value::Str(text) => self.of_text(text),
            _ if value.is_object() => value.get(&self.key),
            _ if value.is_array() => match self.index {
                Some(index) => value.index(index as usize),
                None if &*self.key == "length" => Value::from(value.array_len() as f64),
                None => Value::Undefined,
            },
            _ => Value::Undefined,
        }
    }

    fn of_text<'a>(&self, text: &'a str) -> Value<'a> {
        match self.index {
            Some(index) => utf16_unit(text, index as usize).map(Value::Str).into(),
            None if &*self.key == "length" => Value::from(super::utf16_len(text) as f64),
            None => Value::Undefined,
        }
    }
}

/// Returns one UTF-16 unit as text. Half of a surrogate pair becomes U+FFFD, since UTF-8 has no lone halves.
pub(crate) fn utf16_unit(text: &str, index: usize) -> Option<&str> {
    let mut unit = 0;
    for (start, c) in text.char_indices() {
        let width = c.len_utf16();
        if index < unit + width {
            return Some(if width == 1 {
                &text[start..start + c.len_utf8()]
            } else {
                "\u{fffd}"
            });
        }
        unit += width;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(path: &str) -> Vec<String> {
        ValuePath::of_directive(path).keys().map(str::to_owned).collect()
    }

    #[test]
    fn paths_split_as_segment_splits_them() {
        assert_eq!(keys("$.a[0].b"), ["a", "0", "b"]);
        assert_eq!(keys("a[0]b"), ["a", "0", "b"]);
        assert_eq!(keys("a[0.b"), ["a", "0", "b"]);
        assert_eq!(keys("a['x y']"), ["a", "x y"]);
        assert_eq!(keys("a['x.y']"), ["a", "x", "y"]);
        assert_eq!(keys("a[bar]"), ["a[bar]"]);
        assert_eq!(keys("a[ 0 ]"), ["a[ 0 ]"]);
        assert_eq!(keys("a0]]b"), ["a0", "b"]);
        assert_eq!(keys("..a..b."), ["a", "b"]);
        assert_eq!(keys("$."), [""; 0]);
        assert_eq!(keys("$"), ["$"]);
        assert_eq!(keys("b$.a"), ["ba"]);
        assert_eq!(keys("$.$.a"), ["$", "a"]);
    }

    #[test]
    fn falsy_parents_answer_for_their_children() {
        let object = Value::Object(&[("a", Value::Str("")), ("b", Value::Null)]);
        assert!(matches!(
            ValuePath::of_directive("$.a.x").resolve(object),
            Value::Str("")
        ));
        assert!(matches!(
            ValuePath::of_directive("$.b.x.y").resolve(object),
            Value::Null
        ));
        assert!(matches!(
            ValuePath::of_directive("$.c.x").resolve(object),
            Value::Undefined
        ));
    }

    #[test]
    fn text_answers_indices_and_length() {
        let text = Value::Str("a😀b");
        assert_eq!(
            ValuePath::of_directive("length").resolve(text).as_f64(),
            Some(4.0)
        );
        assert_eq!(ValuePath::of_directive("[3]").resolve(text).as_str(), Some("b"));
        assert_eq!(
            ValuePath::of_directive("1").resolve(text).as_str(),
            Some("\u{fffd}")
        );
        assert!(matches!(
            ValuePath::of_directive("4").resolve(text),
            Value::Undefined
        ));
    }
}
