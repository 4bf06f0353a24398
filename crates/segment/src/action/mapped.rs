//! Evaluates a mapping and coerces its payload in one walk, which checks and writes each value once.
//!
//! The walk serves [`Leniency::PerField`] and mappings laid out for the fields, the common case in production. Every
//! other combination evaluates first and coerces second; a property test compares both results.

use crate::mapping::RuntimeError;
use crate::mapping::eval::Eval;
use crate::mapping::plan::{ArrayPath, Expr, Object};
use crate::schema::coercion::{Coercion, empty};
use crate::schema::field_path::FieldPath;
use crate::schema::rule::{CommonCase, FieldPlan, FieldSummary, ObjectPlan, PlainType, ValueRule};
use crate::schema::{Coerced, Leniency};
use crate::value::{Type, Value};
use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;

type Result<T> = std::result::Result<T, RuntimeError>;

/// Maps an event to the fields. A field whose directives fail is left out and reported.
pub(super) fn coerce<'a, 't: 'a>(
    members: &ObjectPlan<'t>,
    (eval, object): (Eval<'a>, &'a Object),
    arena: &'a Bump,
    failed: &mut Vec<RuntimeError>,
) -> Result<Coerced<'a>> {
    let mut walk = Coercion::new(arena, Leniency::PerField);
    let built = walk.mapped_members(&FieldPath::ROOT, None, members, object, eval, Some(failed))?;
    walk.passed_over |= eval.has_passed_over();
    Ok(walk.done(Value::Object(built)))
}

/// The object whose fields are being filled: its path and the evaluation of its mapping.
struct Context<'c, 'a> {
    path: &'c FieldPath<'c>,
    eval: Eval<'a>,
}

impl<'a> Coercion<'a> {
    /// Returns the members of an object. With `failed` given, a failure costs only the field it is in.
    fn mapped_members<'t: 'a>(
        &mut self,
        path: &FieldPath<'_>,
        label: Option<&str>,
        members: &ObjectPlan<'t>,
        object: &'a Object,
        eval: Eval<'a>,
        mut failed: Option<&mut Vec<RuntimeError>>,
    ) -> Result<&'a [(&'a str, Value<'a>)]> {
        let context = &Context { path, eval };
        let undefined = |summary: &FieldSummary<'t>| (summary.key, Value::Undefined);
        let built = self
            .arena
            .alloc_slice_fill_iter(members.summaries.iter().map(undefined));
        let mut missing_until = self.errors.len();
        // Indices, since an iterator over four lists at once takes longer to move than to use.
        for (at, (key, value)) in built.iter_mut().enumerate() {
            let (Some(plan), Some(summary)) = (members.plans.get(at), members.summaries.get(at)) else {
                break;
            };
            let Some((_, expr)) = object.members.get(at) else {
                break;
            };
            let (errors, dropped) = (self.errors.len(), self.dropped.len());
            if let Err(error) = self.mapped(context, plan, summary.common, expr, value) {
                let Some(failed) = &mut failed else {
                    return Err(error);
                };
                // The failure replaces the reports about parts of the value.
                self.errors.truncate(errors);
                self.dropped.truncate(dropped);
                failed.push(error.in_field(key));
                *value = Value::Undefined;
            }
            if summary.required && !value.is_defined() {
                self.missing_before(&mut missing_until, path, label, key);
            }
        }
        Ok(built)
    }

    /// Evaluates one field and stores its coerced value.
    fn mapped<'t: 'a>(
        &mut self,
        context: &Context<'_, 'a>,
        plan: &FieldPlan<'t>,
        common: CommonCase,
        expr: &'a Expr,
        value: &mut Value<'a>,
    ) -> Result<()> {
        if common == CommonCase::One(PlainType::Never) && self.structure(context, plan, expr, value)? {
            return Ok(());
        }
        let found = context.eval.eval(expr)?;
        match (common, found) {
            (_, Value::Undefined) => {}
            (CommonCase::Texts, Value::Str(text)) if !may_be_blank(text) => {
                *value = Value::Array(std::slice::from_ref(found));
            }
            (CommonCase::One(PlainType::Text), Value::Str(text)) if !may_be_blank(text) => *value = *found,
            (CommonCase::One(plain), Value::Number(_) | Value::Bool(_)) if plain.has(found) => {
                *value = *found
            }
            _ if empty(plan.field, false, found, Leniency::PerField) => {
                if let Value::Str(text) = found {
                    self.blank |= !text.is_empty();
                    self.passed_over = true;
                }
            }
            _ => {
                *value = *found;
                if !plan.rule.plain.has(value) {
                    self.member(context.path, plan, value, true);
                }
            }
        }
        Ok(())
    }

    /// Fills objects and lists of objects member by member. Returns false if the expression is neither.
    fn structure<'t: 'a>(
        &mut self,
        context: &Context<'_, 'a>,
        plan: &FieldPlan<'t>,
        expr: &'a Expr,
        value: &mut Value<'a>,
    ) -> Result<bool> {
        match expr {
            Expr::If(parts) => {
                let holds = parts.test.holds(*context.eval.eval(&parts.condition)?);
                let chosen = if holds { &parts.then } else { &parts.otherwise };
                self.mapped(context, plan, CommonCase::One(PlainType::Never), chosen, value)?;
                Ok(true)
            }
            Expr::Object(object) => match laid_out_for(plan, &plan.rule, object) {
                Some(members) => {
                    let before = self.errors.len();
                    let path = context.path.key(plan.field.key);
                    let built =
                        self.mapped_members(&path, plan.rule.label, members, object, context.eval, None)?;
                    if plan.field.required || !self.drops(before) {
                        *value = Value::Object(built);
                    }
                    Ok(true)
                }
                None => Ok(false),
            },
            Expr::ArrayPath(parts) if plan.rule.list => self.list(context, plan, parts, value),
            _ => Ok(false),
        }
    }

    /// Fills a list of objects. Returns false if the expression makes no such list.
    fn list<'t: 'a>(
        &mut self,
        context: &Context<'_, 'a>,
        plan: &FieldPlan<'t>,
        parts: &'a ArrayPath,
        value: &mut Value<'a>,
    ) -> Result<bool> {
        let Some(shape) = &parts.shape else {
            return Ok(false);
        };
        let Expr::Object(object) = &shape.expr else {
            return Ok(false);
        };
        let Some(members) = laid_out_for(plan, &plan.item, object) else {
            return Ok(false);
        };
        let root = *context.eval.eval(&parts.root)?;
        let root = match root.type_of() {
            Type::Array => root,
            Type::Object => Value::Array(match root.numbered_items(self.arena) {
                Some(items) => items,
                None => self.arena.alloc_slice_copy(&[root]),
            }),
            _ => return Ok(false),
        };
        let path = context.path.key(plan.field.key);
        let mut built = BumpVec::with_capacity_in(root.array_len(), self.arena);
        for (index, item) in root.items().enumerate() {
            let before = self.errors.len();
            // Paths give a value below zero and false, which here is no product.
            let item = if item.is_falsy() { Value::Undefined } else { item };
            let eval = context.eval.on(shape, item);
            let path = path.index(index);
            let item = self.mapped_members(&path, plan.item.label, members, object, eval, None)?;
            if !self.drops(before) {
                built.push(Value::Object(item));
            }
        }
        *value = Value::Array(built.into_bump_slice());
        Ok(true)
    }
}

/// Returns the members of a field, or of its items, if the mapping's object is laid out for them and the rule takes any
/// such object.
fn laid_out_for<'p, 't>(
    plan: &'p FieldPlan<'t>,
    rule: &ValueRule<'t>,
    object: &Object,
) -> Option<&'p ObjectPlan<'t>> {
    let members = plan.members.as_ref()?;
    let just_so = rule.object
        && rule.choices.is_empty()
        && object.laid_out
        && object.members.len() == members.plans.len();
    just_so.then_some(members)
}

/// Returns true unless a text begins with a visible ASCII character; a text that does is never blank.
fn may_be_blank(text: &str) -> bool {
    !text.as_bytes().first().is_some_and(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping::Mapping;
    use crate::schema::{Choice, Field, FieldType, Schema};
    use crate::value::Numbers;
    use proptest::prelude::*;
    use signalbox_core::Document;

    const PERSON: &[Field<'static>] = &[
        Field::new("mail", "Mail", FieldType::String).multiple(),
        Field::new("age", "Age", FieldType::Integer),
        Field::new("sure", "Sure", FieldType::Boolean),
        Field::new("kind", "Kind", FieldType::String)
            .choices(&[Choice::text("a", "a"), Choice::text("b", "b")]),
        Field::new("note", "Note", FieldType::String).nullable(),
    ];
    const FIELDS: &[Field<'static>] = &[
        Field::new("id", "ID", FieldType::String).required(),
        Field::new("at", "At", FieldType::Datetime),
        Field::new("person", "Person", FieldType::Object).properties(PERSON),
        Field::new("items", "Items", FieldType::Object)
            .multiple()
            .properties(&[
                Field::new("sku", "SKU", FieldType::String).required(),
                Field::new("price", "Price", FieldType::Number),
            ]),
        Field::new("tags", "Tags", FieldType::String).multiple(),
        Field::new("free", "Free", FieldType::Object),
    ];

    const PERSONS: [&str; 5] = [
        r#"{"mail":{"@path":"$.a"},"age":{"@path":"$.b"},"sure":{"@path":"$.c"},"kind":{"@path":"$.d"},"note":{"@path":"$.e"}}"#,
        r#"{"mail":{"@path":"$.e"},"kind":{"@if":{"exists":{"@path":"$.a"},"then":{"@path":"$.b"},"else":"a"}}}"#,
        r#"{"mail":{"@path":"$.a"},"age":"x","note":{"@case":{"operator":"no","value":{"@path":"$.b"}}}}"#,
        r#"{"mail":"m","unknown":{"@path":"$.a"}}"#,
        r#"{"@path":"$.e"}"#,
    ];
    const ITEMS: [&str; 5] = [
        r#"{"@arrayPath":["$.e",{"sku":{"@path":"$.a"},"price":{"@path":"$.b"}}]}"#,
        r#"{"@if":{"exists":{"@path":"$.e"},"then":{"@arrayPath":["$.e",{"sku":{"@path":"$.a"},"price":{"@path":"$.b"}}]},"else":{"sku":{"@path":"$.a"}}}}"#,
        r#"{"@arrayPath":["$.e"]}"#,
        r#"{"sku":{"@path":"$.a"},"price":{"@path":"$.c"}}"#,
        r#"{"@arrayPath":["$.e",{"sku":{"@path":"$.a"},"price":{"@case":{"operator":"no","value":{"@path":"$.b"}}}}]}"#,
    ];

    fn value() -> impl Strategy<Value = String> {
        let simple = prop::sample::select(vec![
            "null",
            "true",
            "0",
            "7",
            "1.5",
            "1e400",
            "\"\"",
            "\" \"",
            "\"a\"",
            "\" a\"",
            "\"é\"",
            "\"12\"",
            "[]",
            "{}",
            "[\"a\"]",
            "[null,\"b\",3]",
        ]);
        let object = prop::collection::vec((prop::sample::select(vec!["a", "b", "c"]), simple.clone()), 0..3);
        let object = object.prop_map(|members| {
            let members: Vec<_> = members
                .iter()
                .map(|(key, value)| format!("\"{key}\":{value}"))
                .collect();
            format!("{{{}}}", members.join(","))
        });
        let list =
            prop::collection::vec(object.clone(), 0..3).prop_map(|items| format!("[{}]", items.join(",")));
        prop_oneof![4 => simple.prop_map(str::to_owned), 1 => object, 1 => list]
    }

    proptest! {
        #[test]
        fn one_step_makes_what_two_steps_make(
            values in prop::collection::vec(prop::option::of(value()), 5),
            person in prop::sample::select(PERSONS.to_vec()),
            items in prop::sample::select(ITEMS.to_vec()),
            (id, tags, free) in (prop::sample::select(vec!["a", "b", "e"]), prop::sample::select(vec!["c", "e"]), "[a-e]"),
        ) {
            let members: Vec<_> = ["a", "b", "c", "d", "e"].iter().zip(&values)
                .filter_map(|(key, value)| Some(format!("\"{key}\":{}", value.as_ref()?))).collect();
            let event = Document::parse(&format!("{{{}}}", members.join(","))).unwrap();
            let path = |key: &str| format!("{{\"@path\":\"$.{key}\"}}");
            let mapping = format!(
                r#"{{"id":{},"at":{},"person":{person},"items":{items},"tags":{},"free":{}}}"#,
                path(id), path("b"), path(tags), path(&free),
            );
            let mapping = Mapping::compile(&serde_json::from_str(&mapping).unwrap()).unwrap().arranged_for(FIELDS);
            let schema = Schema::new(FIELDS).unwrap();
            let arena = Bump::new();
            let found = mapping.look(event.root(), &arena).unwrap();
            prop_assert!(mapping.members_for(FIELDS, found, &arena).is_some());
            let text = |coerced: &Coerced<'_>| {
                let mut out = Vec::new();
                coerced.value.write_json(&mut out, Numbers::Source);
                String::from_utf8(out).unwrap()
            };
            let words = |failed: &[RuntimeError]| failed.iter().map(ToString::to_string).collect::<Vec<_>>();

            let (mut failed, mut failed_too) = (Vec::new(), Vec::new());
            let one = schema.coerce_mapped(&mapping, found, &arena, &mut failed).unwrap();
            let payload = mapping.resolve_leniently(event.root(), &arena, &mut failed_too).unwrap();
            let two = schema.coerce(payload, &arena, Leniency::PerField);
            prop_assert_eq!(words(&failed), words(&failed_too));
            prop_assert_eq!(text(&one), text(&two));
            prop_assert_eq!(one.errors, two.errors);
            prop_assert_eq!(one.dropped, two.dropped);
        }
    }
}
