//! Coerces a payload to a field table: drops empty values and unknown members, converts types and checks limits.

use super::convert::{as_ajv, carefully};
use super::date::is_date_like;
use super::error::{FieldError, FieldErrorKind};
use super::field::Field;
use super::field_path::FieldPath;
use super::rule::{CommonCase, FieldPlan, JsonType, ObjectPlan, ValueRule, drops_as_empty};
use super::words::{characters, either, with_article};
use super::{Coerced, Leniency};
use crate::placeholder::is_blank;
use crate::value::{Value, utf16_len};
use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;

/// A member that Segment keeps in every payload regardless of the schema: it carries Segment's own settings.
const ALWAYS_KEPT: &str = "dynamicAuthSettings";

pub(crate) fn coerce<'a, 't: 'a>(
    members: &ObjectPlan<'t>,
    fields: &'t [Field<'t>],
    payload: Value<'a>,
    arena: &'a Bump,
    leniency: Leniency,
) -> Coerced<'a> {
    let mut walk = Coercion::new(arena, leniency);
    let value = walk.root(members, fields, payload);
    walk.done(value)
}

/// Returns the value of a top-level field: absent if it is empty, wrapped if the field takes a list.
fn top_level<'a>(field: &Field<'_>, value: Value<'a>, arena: &'a Bump, leniency: Leniency) -> Value<'a> {
    // At the top level `""` counts as absent for every type.
    if matches!(value, Value::Str("")) || empty(field, false, &value, leniency) {
        return Value::Undefined;
    }
    if field.multiple && !value.is_array() && !value.is_nullish() {
        return Value::Array(arena.alloc_slice_copy(&[value]));
    }
    value
}

/// Returns true if a value of a field, or one item of it, counts as absent.
pub(crate) fn empty(field: &Field<'_>, item: bool, value: &Value<'_>, leniency: Leniency) -> bool {
    match value {
        Value::Str(text) if leniency == Leniency::PerField => is_blank(text),
        _ => drops_as_empty(field, item, value),
    }
}

pub(crate) struct Coercion<'a> {
    pub(crate) arena: &'a Bump,
    leniency: Leniency,
    pub(crate) errors: Vec<FieldError>,
    pub(crate) dropped: Vec<FieldError>,
    pub(crate) blank: bool,
    pub(crate) passed_over: bool,
}

impl<'a> Coercion<'a> {
    pub(crate) fn new(arena: &'a Bump, leniency: Leniency) -> Self {
        Coercion {
            arena,
            leniency,
            errors: Vec::new(),
            dropped: Vec::new(),
            blank: false,
            passed_over: false,
        }
    }

    pub(crate) fn done(self, value: Value<'a>) -> Coerced<'a> {
        Coerced {
            value,
            errors: self.errors,
            dropped: self.dropped,
            blank: self.blank,
            passed_over: self.passed_over,
        }
    }

    fn careful(&self) -> bool {
        self.leniency == Leniency::PerField
    }

    fn fail(&mut self, path: &FieldPath<'_>, label: Option<&str>, kind: FieldErrorKind, text: &str) {
        let message = format!("{} {text}.", path.subject(label));
        self.errors.push(FieldError {
            path: path.dotted(),
            message,
            kind,
        });
    }

    fn missing(&mut self, path: &FieldPath<'_>, label: Option<&str>, key: &str) {
        self.fail(
            path,
            label,
            FieldErrorKind::Missing,
            &format!("is missing the required field '{key}'"),
        );
    }

    fn root<'t: 'a>(
        &mut self,
        members: &ObjectPlan<'t>,
        fields: &'t [Field<'t>],
        payload: Value<'a>,
    ) -> Value<'a> {
        let path = FieldPath::ROOT;
        if !payload.is_object() {
            self.wrong_type(&path, None, &[JsonType::Object], payload);
            return payload;
        }
        let (arena, leniency) = (self.arena, self.leniency);
        let kept = payload.get(ALWAYS_KEPT);
        let built = self.members(&path, None, members, payload, true, |field, value| {
            *value = top_level(field, *value, arena, leniency);
        });
        if kept.is_defined() && fields.iter().all(|field| field.key != ALWAYS_KEPT) {
            let mut all = BumpVec::from_iter_in(built.iter().copied(), self.arena);
            all.push((ALWAYS_KEPT, kept));
            return Value::Object(all.into_bump_slice());
        }
        Value::Object(built)
    }

    /// Checks and converts one value by a rule, the field's own or that of its items. Reports what does not fit in
    /// `errors`.
    fn value<'t: 'a>(
        &mut self,
        path: &FieldPath<'_>,
        plan: &FieldPlan<'t>,
        rule: &ValueRule<'t>,
        value: Value<'a>,
        prune: bool,
    ) -> Value<'a> {
        let mut value = value;
        let mut late_type_error = false;
        let fits = rule.types.iter().any(|wanted| wanted.accepts(value));
        if !fits && self.careful() {
            let converted = carefully(value, rule.types, self.arena);
            value = converted.value;
            if !converted.fits {
                let read = value.as_str().zip(rule.reads);
                let fits = |read: &Value<'_>| rule.types.iter().any(|wanted| wanted.accepts(*read));
                match read
                    .and_then(|(text, reads)| reads(text, self.arena))
                    .filter(fits)
                {
                    Some(read) => value = read,
                    None => {
                        self.wrong_type(path, rule.label, rule.types, value);
                        return value;
                    }
                }
            }
        } else if !fits {
            // Ajv reports a wrong plain object type after all other errors of the value.
            late_type_error = rule.types == [JsonType::Object] && rule.object;
            let converted = as_ajv(value, rule.types, self.arena);
            value = converted.value;
            if !converted.fits && !late_type_error {
                self.wrong_type(path, rule.label, rule.types, value);
            }
        }
        self.choices(path, rule, value);
        self.limits(path, rule, value);
        if rule.list && value.is_array() {
            value = self.items(path, plan, value, prune);
        }
        if let Some(members) = plan.members.as_ref().filter(|_| rule.object)
            && value.is_object()
        {
            let leniency = self.leniency;
            let prune_members = prune || leniency == Leniency::PerField;
            let built = self.members(path, rule.label, members, value, prune, |field, member| {
                if prune_members && empty(field, false, member, leniency) {
                    *member = Value::Undefined;
                }
            });
            value = Value::Object(built);
        }
        if late_type_error {
            self.wrong_type(path, rule.label, rule.types, value);
        }
        value
    }

    fn items<'t: 'a>(
        &mut self,
        path: &FieldPath<'_>,
        plan: &FieldPlan<'t>,
        list: Value<'a>,
        prune: bool,
    ) -> Value<'a> {
        let mut built = BumpVec::with_capacity_in(list.array_len(), self.arena);
        for (index, item) in list.items().enumerate() {
            if (prune || self.careful()) && empty(plan.field, true, &item, self.leniency) {
                continue;
            }
            if plan.item.plain.has(&item) {
                built.push(item);
                continue;
            }
            let before = self.errors.len();
            // Segment removes empty elements first, so its indices count the remaining ones.
            let index = if self.careful() { index } else { built.len() };
            let item = self.value(&path.index(index), plan, &plan.item, item, false);
            if self.drops(before) {
                continue;
            }
            built.push(item);
        }
        Value::Array(built.into_bump_slice())
    }

    /// Returns the members of an object, one for each field in the table's order; absent ones are undefined.
    fn members<'t: 'a>(
        &mut self,
        path: &FieldPath<'_>,
        label: Option<&str>,
        members: &ObjectPlan<'t>,
        object: Value<'a>,
        prune: bool,
        admit: impl Fn(&'t Field<'t>, &mut Value<'a>),
    ) -> &'a [(&'a str, Value<'a>)] {
        let built = by_field(members, object, self.arena);
        // Missing members are reported before values that do not fit.
        let mut missing_until = self.errors.len();
        for (plan, (_, value)) in members.plans.iter().zip(&mut *built) {
            if value.is_defined() {
                admit(plan.field, value);
            }
            if !value.is_defined() {
                if plan.field.required {
                    self.missing_before(&mut missing_until, path, label, plan.field.key);
                }
            } else if !plan.rule.plain.has(value) {
                self.member(path, plan, value, prune);
            }
        }
        built
    }

    /// Reports a missing member before the errors from index `until` on, and moves the index past it.
    pub(crate) fn missing_before(
        &mut self,
        until: &mut usize,
        path: &FieldPath<'_>,
        label: Option<&str>,
        key: &str,
    ) {
        let others = self.errors.split_off(*until);
        self.missing(path, label, key);
        *until = self.errors.len();
        self.errors.extend(others);
    }

    /// Checks and converts a member that is present and not of the field's plain type.
    pub(crate) fn member<'t: 'a>(
        &mut self,
        path: &FieldPath<'_>,
        plan: &FieldPlan<'t>,
        value: &mut Value<'a>,
        prune: bool,
    ) {
        if let Value::Str(_) = value
            && plan.common() == CommonCase::Texts
        {
            // A single text in place of a list, as most personal fields have it.
            *value = Value::Array(std::slice::from_ref(self.arena.alloc(*value)));
            return;
        }
        let before = self.errors.len();
        let path = path.key(plan.field.key);
        *value = self.value(&path, plan, &plan.rule, *value, prune);
        if !plan.field.required && self.drops(before) {
            *value = Value::Undefined;
        }
    }

    /// Moves the errors from index `before` on to `dropped` if they cost only the value they are about, and returns
    /// true if there were any.
    pub(crate) fn drops(&mut self, before: usize) -> bool {
        let drops = self.careful() && self.errors.len() > before;
        if drops {
            self.dropped.extend(self.errors.drain(before..));
        }
        drops
    }

    fn wrong_type(
        &mut self,
        path: &FieldPath<'_>,
        label: Option<&str>,
        wanted: &[JsonType],
        found: Value<'_>,
    ) {
        let names: Vec<_> = wanted.iter().map(|wanted| wanted.name().to_owned()).collect();
        let found = found.type_of().name();
        let text = format!(
            "must be {} but it was {}",
            with_article(&either(&names)),
            with_article(found)
        );
        self.fail(path, label, FieldErrorKind::Type, &text);
    }

    fn choices(&mut self, path: &FieldPath<'_>, rule: &ValueRule<'_>, value: Value<'a>) {
        let allowed = rule.choices.is_empty()
            || rule.choices.iter().any(|choice| same(choice.value, value))
            || (rule.null_choice && matches!(value, Value::Null));
        if allowed {
            return;
        }
        let mut names: Vec<_> = rule
            .choices
            .iter()
            .map(|choice| choice.value.to_json().to_string())
            .collect();
        if rule.null_choice {
            names.push("null".into());
        }
        self.fail(
            path,
            rule.label,
            FieldErrorKind::Choice,
            &format!("must be one of: {}", either(&names)),
        );
    }

    fn limits(&mut self, path: &FieldPath<'_>, rule: &ValueRule<'_>, value: Value<'a>) {
        if rule.number_limits != (None, None)
            && let Some(number) = value.as_f64()
        {
            let (least, most) = rule.number_limits;
            for (limit, broken, word) in [
                (most, most.is_some_and(|most| number > most), "less"),
                (least, least.is_some_and(|least| number < least), "greater"),
            ] {
                if let Some(limit) = limit.filter(|_| broken) {
                    let text = format!("must be equal to or {word} than {limit}");
                    self.fail(path, rule.label, FieldErrorKind::Limit, &text);
                }
            }
        }
        let Value::Str(text) = value else { return };
        if rule.length_limits != (None, None) {
            let length = text.chars().count() as f64;
            let (least, most) = rule.length_limits;
            for (limit, broken, word) in [
                (most, most.is_some_and(|most| length > most), "fewer"),
                (least, least.is_some_and(|least| length < least), "more"),
            ] {
                if let Some(limit) = limit.filter(|_| broken) {
                    let found = characters(utf16_len(text) as f64);
                    let text = format!("must be {} or {word} but it was {found}", characters(limit));
                    self.fail(path, rule.label, FieldErrorKind::Length, &text);
                }
            }
        }
        if rule.date_like && !is_date_like(text) {
            let text = "must be a valid date-like string but it was not";
            self.fail(path, rule.label, FieldErrorKind::Format, text);
        }
    }
}

/// Returns the members of an object in the order of the fields. A payload laid out for the fields has that order
/// already.
fn by_field<'a, 't: 'a>(
    members: &ObjectPlan<'t>,
    object: Value<'a>,
    arena: &'a Bump,
) -> &'a mut [(&'a str, Value<'a>)] {
    if let Value::Object(given) = object
        && let Some(given) = given.get(..members.plans.len())
        && members
            .keys
            .iter()
            .zip(given)
            .all(|(field, (key, _))| same_text(field, key))
    {
        return arena.alloc_slice_copy(given);
    }
    let undefined = |plan: &FieldPlan<'t>| (plan.field.key, Value::Undefined);
    let built = arena.alloc_slice_fill_iter(members.plans.iter().map(undefined));
    let mut next = 0;
    let mut put = |key: &str, value: Value<'a>| {
        if let Some(index) = members.index_of(key, next) {
            built[index].1 = value;
            next = index + 1;
        }
    };
    match object {
        Value::Object(given) => given.iter().for_each(|(key, value)| put(key, *value)),
        other => other.members().for_each(|(key, value)| put(key, value)),
    }
    built
}

/// Returns true if two keys are the same text in memory, which is cheaper than comparing them.
fn same_text(a: &str, b: &str) -> bool {
    std::ptr::eq(a.as_ptr(), b.as_ptr()) && a.len() == b.len()
}

/// Returns true for values that are deeply equal: numbers by value, members in any order.
fn same(left: Value<'_>, right: Value<'_>) -> bool {
    match (left, right) {
        (Value::Undefined, Value::Undefined) | (Value::Null, Value::Null) => true,
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::Number(left), Value::Number(right)) => left.to_f64() == right.to_f64(),
        (Value::Str(left), Value::Str(right)) => left == right,
        _ if left.is_array() && right.is_array() => {
            left.array_len() == right.array_len()
                && left
                    .items()
                    .zip(right.items())
                    .all(|(left, right)| same(left, right))
        }
        _ if left.is_object() && right.is_object() => {
            left.members().count() == right.members().count()
                && right.members().all(|(key, right)| same(left.get(key), right))
        }
        _ => false,
    }
}
