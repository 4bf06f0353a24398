//! Values worked out from the products of an event.

use bumpalo::Bump;
use signalbox_segment::value::{Number, Value};

use crate::encode::{list, whole};

/// Returns the ids of coerced products, as a list.
#[inline]
pub fn ids<'a>(contents: Value<'a>, arena: &'a Bump) -> Value<'a> {
    ids_in(contents, "id", arena)
}

/// Returns the ids of coerced products, which stand in the member `id`, as a list; undefined without products.
#[inline]
pub fn ids_in<'a>(contents: Value<'a>, id: &str, arena: &'a Bump) -> Value<'a> {
    let ids = list(contents).iter().map(|item| item.get(id));
    if ids.len() == 0 {
        return Value::Undefined;
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use signalbox_segment::value::parse_json;

    fn each(json: &str, take: impl Fn(Value<'_>, &Bump) -> Option<f64>) -> Option<f64> {
        let arena = Bump::new();
        take(parse_json(json, &arena).unwrap(), &arena)
    }

    #[test]
    fn quantities_add_up() {
        for (json, listed, single) in [
            (r#"[{"quantity":2},{"quantity":3}]"#, Some(5.0), Some(5.0)),
            (r#"[{"quantity":2},{"id":"a"}]"#, Some(3.0), None),
            (r#"[{"quantity":2},{}]"#, Some(2.0), Some(2.0)),
            (r#"[{"quantity":-1}]"#, None, None),
            (r#"[{"quantity":1.5}]"#, None, None),
            (r#"[{"quantity":9223372036854775807},{"quantity":1}]"#, None, None),
            ("[]", None, None),
        ] {
            let found = |is_list| {
                each(json, |contents, arena| {
                    total_quantity(contents, is_list, arena)
                        .as_number()
                        .map(Number::to_f64)
                })
            };
            assert_eq!((found(true), found(false)), (listed, single), "{json}");
        }
    }
}
