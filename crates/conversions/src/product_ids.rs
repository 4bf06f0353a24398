//! Ids of products. Shops and tag managers write them into six members; the first usable one counts.

use bumpalo::Bump;
use signalbox_core::{Event, Warning};
use signalbox_segment::placeholder;
use signalbox_segment::schema::Field;
use signalbox_segment::value::Value;

use crate::encode::{TextKind, list};
use crate::field::{Kind, Row};
use crate::sources::Sources;
use crate::spec::Spec;
use crate::usable::{Unusable, says_something, usable_text};

/// The members of a product that may hold its id, the likeliest first. [`first_id!`](crate::first_id) maps the same.
const KEYS: [&str; 6] = ["product_id", "sku", "id", "item_id", "productId", "variant_id"];

/// The place of a list of products in the payload.
#[derive(Debug)]
pub(crate) struct Products {
    /// The path, for warnings and to look up the sources.
    path: String,
    field: usize,
    /// The member of an object field that holds the list.
    member: Option<usize>,
    /// The member of a product that holds its id, and its name.
    id: usize,
    key: &'static str,
}

impl Products {
    /// Finds the lists of products in a table.
    pub(crate) fn of(spec: &Spec) -> Vec<Products> {
        let find = |fields: &[Field<'_>], key: &str| fields.iter().position(|field| field.key == key);
        let of_row = |(path, row): (String, &'static Row)| {
            let id = row
                .members
                .iter()
                .position(|member| matches!(member.field.key, "id" | "content_id"));
            let (parent, member) = path.split_once('.').unwrap_or((&path, ""));
            let field = find(spec.fields, parent)?;
            let member = match member {
                "" => None,
                member => Some(find(spec.fields.get(field)?.properties?, member)?),
            };
            let (id, key) = id.map(|id| (id, row.members[id].field.key))?;
            Some(Products {
                path,
                field,
                member,
                id,
                key,
            })
        };
        let lists = spec.all_rows().filter(|(_, row)| row.kind == Kind::Contents);
        lists.filter_map(of_row).collect()
    }

    /// Replaces the ids that cannot be used by the first usable one of the same product, with a warning for each one that is
    /// passed over.
    #[inline]
    pub(crate) fn mend<'a>(
        &self,
        payload: Value<'a>,
        (event, sources): (&'a Event, &Sources),
        arena: &'a Bump,
        warnings: &mut Vec<Warning>,
    ) -> Value<'a> {
        let list = list(self.list(payload));
        if list.iter().all(|item| self.is_sound(*item)) {
            return payload;
        }
        let raw = sources
            .has_products(&self.path)
            .then(|| RawProducts::of(event, arena));
        let mend = |(index, item): (usize, &Value<'a>)| match self.is_sound(*item) {
            true => *item,
            false => self.mended(*item, raw.map(|raw| raw.at(index)), index, arena, warnings),
        };
        let list = Value::Array(arena.alloc_slice_fill_iter(list.iter().enumerate().map(mend)));
        with(payload, self.field, arena, |parent| match self.member {
            None => list,
            Some(member) => with(parent, member, arena, |_| list),
        })
    }

    fn list<'a>(&self, payload: Value<'a>) -> Value<'a> {
        let member = |object: Value<'a>, at: usize| match object {
            Value::Object(members) => members.get(at).map(|(_, value)| *value).into(),
            _ => Value::Undefined,
        };
        let field = member(payload, self.field);
        self.member.map_or(field, |at| member(field, at))
    }

    #[inline]
    fn is_sound(&self, item: Value<'_>) -> bool {
        let Value::Object(members) = item else { return true };
        match members.get(self.id) {
            Some((_, Value::Str(id))) => says_something(placeholder::trim(id), TextKind::ProductId),
            Some((_, Value::Undefined)) => false,
            _ => true,
        }
    }

    #[cold]
    fn mended<'a>(
        &self,
        item: Value<'a>,
        raw: Option<Value<'a>>,
        index: usize,
        arena: &'a Bump,
        warnings: &mut Vec<Warning>,
    ) -> Value<'a> {
        let path = || format!("{}[{index}].{}", self.path, self.key);
        let Some(raw) = raw else {
            let mut id = Value::Undefined;
            with(item, self.id, arena, |given| {
                id = given;
                given
            });
            if id.is_defined() {
                let message = format!("left out: {}", Unusable::Placeholder.message());
                warnings.push(Warning::new(Unusable::Placeholder.code(), path(), message));
            }
            return with(item, self.id, arena, |_| Value::Undefined);
        };
        let mut found = Value::Undefined;
        for key in KEYS {
            let why = match raw.get(key) {
                Value::Undefined | Value::Null => continue,
                Value::Number(number) => {
                    found = Value::Str(match number.source() {
                        Some(digits) => digits,
                        None => number.with_js_text(|text| &*arena.alloc_str(text)),
                    });
                    break;
                }
                Value::Str(text) => match usable_text(text, TextKind::ProductId) {
                    Ok(id) => {
                        found = Value::Str(id);
                        break;
                    }
                    Err(why) => why,
                },
                _ => Unusable::WrongType,
            };
            if why != Unusable::Blank {
                let message = format!("passed over `{key}`: {}", why.message());
                warnings.push(Warning::new(why.code(), path(), message));
            }
        }
        with(item, self.id, arena, |_| found)
    }
}

/// The products as the event has them.
#[derive(Clone, Copy)]
struct RawProducts<'a> {
    properties: Value<'a>,
    products: Value<'a>,
}

impl<'a> RawProducts<'a> {
    fn of(event: &'a Event, arena: &'a Bump) -> RawProducts<'a> {
        let properties = Value::from(event.root()).get("properties");
        let products = properties.get("products");
        let numbered = products.numbered_items(arena);
        let products = numbered.map_or(products, Value::Array);
        RawProducts { properties, products }
    }

    fn at(self, index: usize) -> Value<'a> {
        match self.products {
            Value::Undefined | Value::Null => self.properties,
            products if products.is_array() => products.index(index),
            product => product,
        }
    }
}

/// Returns an object with one member changed.
fn with<'a>(
    object: Value<'a>,
    at: usize,
    arena: &'a Bump,
    change: impl FnOnce(Value<'a>) -> Value<'a>,
) -> Value<'a> {
    let Value::Object(members) = object else {
        return object;
    };
    let members = arena.alloc_slice_copy(members);
    if let Some((_, value)) = members.get_mut(at) {
        *value = change(*value);
    }
    Value::Object(members)
}
