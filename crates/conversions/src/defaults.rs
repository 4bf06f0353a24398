//! Defaults of fields, as the JSON texts that tables hold.

use signalbox_segment::schema::Choice;
use signalbox_segment::value::{Number, Value};

/// Returns the mapping of a path.
#[macro_export]
macro_rules! from_path {
    ($path:expr) => {
        concat!(r#"{"@path":"$."#, $path, r#""}"#)
    };
}

/// Returns the mapping of the first path, or of the second if nothing stands there.
#[macro_export]
macro_rules! either {
    ($first:expr, $second:expr) => {
        concat!(
            r#"{"@if":{"exists":"#,
            $crate::from_path!($first),
            r#","then":"#,
            $crate::from_path!($first),
            r#","else":"#,
            $crate::from_path!($second),
            "}}"
        )
    };
}

/// Returns the mapping of a product's id: the first that is not blank of the members in which shops and tag managers put it.
#[macro_export]
macro_rules! first_id {
    () => {
        concat!(
            r#"{"@if":{"blank":{"@path":"$.product_id"},"then":{"@path":"$.product_id"},"else":"#,
            r#"{"@if":{"blank":{"@path":"$.sku"},"then":{"@path":"$.sku"},"else":"#,
            r#"{"@if":{"blank":{"@path":"$.id"},"then":{"@path":"$.id"},"else":"#,
            r#"{"@if":{"blank":{"@path":"$.item_id"},"then":{"@path":"$.item_id"},"else":"#,
            r#"{"@if":{"blank":{"@path":"$.productId"},"then":{"@path":"$.productId"},"else":{"@path":"$.variant_id"}}}"#,
            "}}}}}}}}"
        )
    };
}

/// Returns the mapping of `properties.products`, or of the one product that the properties describe by an id, each by the
/// mappings of a product's members: the JSON text of an object. `properties.id` is a product's only beside a price.
#[macro_export]
macro_rules! products {
    ($item:expr) => {
        concat!(
            r#"{"@if":{"exists":{"@path":"$.properties.products"},"then":{"@arrayPath":["$.properties.products","#, $item,
            r#"]},"else":{"@if":{"exists":{"@if":{"blank":{"@path":"$.properties.product_id"},"then":{"@path":"$.properties.product_id"},"else":"#,
            r#"{"@if":{"blank":{"@path":"$.properties.sku"},"then":{"@path":"$.properties.sku"},"else":"#,
            r#"{"@if":{"blank":{"@path":"$.properties.item_id"},"then":{"@path":"$.properties.item_id"},"else":"#,
            r#"{"@if":{"blank":{"@path":"$.properties.productId"},"then":{"@path":"$.properties.productId"},"else":"#,
            r#"{"@if":{"blank":{"@path":"$.properties.variant_id"},"then":{"@path":"$.properties.variant_id"},"else":"#,
            r#"{"@if":{"exists":{"@path":"$.properties.price"},"then":{"@path":"$.properties.id"}}}}}}}}}}}}},"then":{"@arrayPath":["$.properties","#,
            $item, r#"]}}}}}"#
        )
    };
}

/// Returns a member of an object of the event, or of the request. Its type follows from its kind.
#[macro_export]
macro_rules! member {
    ($key:literal, $label:literal, $kind:expr $(, $description:literal)?) => {
        $crate::field::Row::member($crate::key!($key), $label, $kind)$(.describe($description))?
    };
}

/// Returns a field that the encoders write by name.
#[macro_export]
macro_rules! own {
    ($key:literal, $label:literal, $type:expr $(, $description:literal)?) => {
        $crate::field::Row::own($crate::key!($key), $label, $type)$(.describe($description))?
    };
}

/// Returns choices whose labels are their values.
pub const fn choices<const N: usize>(values: [&'static str; N]) -> [Choice<'static>; N] {
    let mut choices = [choice(""); N];
    let mut at = 0;
    while at < N {
        choices[at] = choice(values[at]);
        at += 1;
    }
    choices
}

/// Returns choices that are numbers, given as their digits.
pub const fn number_choices<const N: usize>(digits: [&'static str; N]) -> [Choice<'static>; N] {
    let mut choices = choices(digits);
    let mut at = 0;
    while at < N {
        choices[at].value = Value::Number(Number::Source(digits[at]));
        at += 1;
    }
    choices
}

/// Returns a choice whose label is its value.
pub const fn choice(value: &'static str) -> Choice<'static> {
    Choice::text(value, value)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    #[test]
    fn texts_of_mappings_are_json() {
        let parsed = |text: &str| serde_json::from_str::<Json>(text).unwrap();
        let (a, b) = (json!({ "@path": "$.a.b" }), json!({ "@path": "$.c" }));
        assert_eq!(parsed(from_path!("a.b")), a);
        let choice = json!({ "@if": { "exists": a, "then": a, "else": b } });
        assert_eq!(parsed(either!("a.b", "c")), choice);
        let products = parsed(products!(r#"{"id":{"@path":"$.sku"}}"#));
        let item = json!({ "id": { "@path": "$.sku" } });
        assert_eq!(
            products["@if"]["then"]["@arrayPath"],
            json!(["$.properties.products", item])
        );
        let one = &products["@if"]["else"]["@if"]["then"]["@arrayPath"];
        assert_eq!(*one, json!(["$.properties", item]));
    }
}
