//! Directives that rebuild objects: `@merge`, `@flatten`, `@excludeWhenNull` and `@json`'s text.

use super::error::RuntimeError;
use super::limits::MAX_TEXT;
use crate::value::{Numbers, Value, unique_members, utf16_len, utf16_unit};
use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;
use signalbox_core::json::write_json_string;

type Members<'a> = &'a [(&'a str, Value<'a>)];

/// Copies the members of each element into one object, later ones winning, absent values included. Arrays and text
/// add their indices; other scalars add nothing.
pub(super) fn merge<'a>(elements: &[Value<'a>], arena: &'a Bump) -> Members<'a> {
    let mut merged = BumpVec::new_in(arena);
    for element in elements {
        match element {
            Value::Str(text) => {
                for index in 0..utf16_len(text) {
                    merged.push((
                        key_of(index, arena),
                        utf16_unit(text, index).map(Value::Str).into(),
                    ));
                }
            }
            _ if element.is_array() => {
                merged.extend(
                    element
                        .items()
                        .enumerate()
                        .map(|(index, item)| (key_of(index, arena), item)),
                );
            }
            _ => merged.extend_from_slice(element.ordered_members(arena)),
        }
    }
    unique_members(merged)
}

fn key_of(index: usize, arena: &Bump) -> &str {
    bumpalo::format!(in arena, "{}", index).into_bump_str()
}

/// Joins the keys on the way to each leaf. Containers without leaves vanish; a lone scalar gets the key `""`.
pub(super) fn flatten<'a>(
    value: Value<'a>,
    separator: &str,
    omit_arrays: bool,
    arena: &'a Bump,
) -> Result<Members<'a>, RuntimeError> {
    let mut walk = Flattening {
        separator,
        omit_arrays,
        arena,
        out: BumpVec::new_in(arena),
        key_bytes: 0,
    };
    walk.value("", value)?;
    Ok(unique_members(walk.out))
}

struct Flattening<'s, 'a> {
    separator: &'s str,
    omit_arrays: bool,
    arena: &'a Bump,
    out: BumpVec<'a, (&'a str, Value<'a>)>,
    key_bytes: usize,
}

impl<'a> Flattening<'_, 'a> {
    fn value(&mut self, prefix: &'a str, value: Value<'a>) -> Result<(), RuntimeError> {
        if value.is_array() && !self.omit_arrays {
            for (index, item) in value.items().enumerate() {
                let key = self.join(prefix, key_of(index, self.arena))?;
                self.value(key, item)?;
            }
        } else if value.is_object() {
            for (key, member) in value.ordered_members(self.arena) {
                let key = self.join(prefix, key)?;
                self.value(key, *member)?;
            }
        } else {
            self.out.push((prefix, value));
        }
        Ok(())
    }

    fn join(&mut self, prefix: &'a str, key: &'a str) -> Result<&'a str, RuntimeError> {
        if prefix.is_empty() {
            return Ok(key);
        }
        self.key_bytes += prefix.len() + self.separator.len() + key.len();
        if self.key_bytes > MAX_TEXT {
            return Err(RuntimeError::new(
                "@flatten: the keys of the result are longer than 1 MiB together",
            ));
        }
        Ok(bumpalo::format!(in self.arena, "{}{}{}", prefix, self.separator, key).into_bump_str())
    }
}

/// Null becomes undefined; null members of objects go, through objects but not through arrays.
pub(super) fn exclude_nulls<'a>(value: Value<'a>, arena: &'a Bump) -> Value<'a> {
    match value {
        Value::Null => Value::Undefined,
        _ if value.is_object() => {
            let kept = value
                .all_members()
                .filter(|(_, member)| !matches!(member, Value::Null));
            let kept = kept.map(|(key, member)| (key, exclude_nulls(member, arena)));
            Value::Object(BumpVec::from_iter_in(kept, arena).into_bump_slice())
        }
        _ => value,
    }
}

/// `JSON.stringify`: JavaScript's key order and numbers.
pub(super) fn json_text<'a>(value: Value<'a>, arena: &'a Bump) -> &'a str {
    let mut out = Vec::new();
    write_ordered(value, arena, &mut out);
    // Only whole strings and ASCII were written.
    arena.alloc_str(&String::from_utf8_lossy(&out))
}

fn write_ordered<'a>(value: Value<'a>, arena: &'a Bump, out: &mut Vec<u8>) {
    if value.is_array() {
        out.push(b'[');
        for (index, item) in value.items().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_ordered(item, arena, out);
        }
        out.push(b']');
    } else if value.is_object() {
        out.push(b'{');
        let members = value
            .ordered_members(arena)
            .iter()
            .filter(|(_, member)| member.is_defined());
        for (index, (key, member)) in members.enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write_json_string(key, out);
            out.push(b':');
            write_ordered(*member, arena, out);
        }
        out.push(b'}');
    } else {
        value.write_json(out, Numbers::JavaScript);
    }
}
