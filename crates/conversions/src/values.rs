//! Writing values by the form of their field: within the vendor's limits, or left out with a warning.

use std::collections::HashSet;
use std::hash::Hash;

use bumpalo::collections::Vec as BumpVec;
use signalbox_core::Warning;
use signalbox_segment::placeholder;
use signalbox_segment::time::Millis;
use signalbox_segment::value::Value;

use crate::encode::{
    Key, Members, Object, PersonalField, TextKind, Wire, languages, list, push_money, whole,
};
use crate::field::Kind;
use crate::hashed::Origin;
use crate::money;
use crate::parent::Parent;
use crate::personal::{self, Dropped, Form, Hashed};
use crate::reasons;
use crate::time::unix_seconds;
use crate::usable::{says_something, usable_text};
use crate::vendor::{Resolved, Vendor};

impl<'a> Resolved<'a, '_> {
    /// Writes the members of an object of the payload.
    pub fn members<V: Vendor>(
        &mut self,
        vendor: &V,
        out: &mut Object<'_>,
        table: &[Wire],
        object: Value<'a>,
        parent: Parent,
    ) {
        let mut members = Members::of(object);
        for wire in table {
            let value = self.or_derived(vendor, wire, members.take(wire.member), parent);
            self.member(out, wire, value, parent);
        }
    }

    /// Writes products; one without any usable value is left out with a warning.
    pub fn contents<V: Vendor>(
        &mut self,
        vendor: &V,
        out: &mut Object<'_>,
        (key, table): (&'static Key, &[Wire]),
        contents: Value<'a>,
        path: &'static str,
    ) {
        out.array(key, false, |array| {
            for (index, item) in list(contents).iter().enumerate() {
                let parent = Parent::Item(path, index);
                if !array.object(false, |out| self.members(vendor, out, table, *item, parent)) {
                    self.warnings.push(reasons::empty_content(&parent.to_string()));
                }
            }
        });
    }

    /// Writes one value, or leaves it out with a warning if it does not fit the vendor's limits.
    #[inline]
    pub fn member(&mut self, out: &mut Object<'_>, wire: &Wire, value: Value<'a>, parent: Parent) {
        if value.is_defined() {
            self.defined(out, wire, value, parent);
        } else if self.has_lost_values() && matches!(wire.kind, Kind::Text(_)) {
            self.other_text(out, wire, "", parent);
        }
    }

    fn defined(&mut self, out: &mut Object<'_>, wire: &Wire, value: Value<'a>, parent: Parent) {
        let path = || parent.child(wire.member);
        match (wire.kind, value) {
            (Kind::Text(_), Value::Str(text)) => self.text(out, wire, text, parent),
            (Kind::Whole(least, most), _) => {
                match whole(value).filter(|number| (least..=most).contains(number)) {
                    Some(number) => out.integer(wire.key, number),
                    None => self
                        .warnings
                        .push(reasons::out_of_range(self.spec.vendor, &path(), least, most)),
                }
            }
            (Kind::Money, Value::Number(number)) if number.is_finite() => out.with(wire.key, |out| {
                out.byte(b'"');
                push_money(number, out);
                out.byte(b'"');
            }),
            (Kind::Number | Kind::Amount, Value::Number(number)) if number.is_finite() => {
                out.with(wire.key, |out| push_money(number, out));
            }
            (Kind::Money | Kind::Number | Kind::Amount, _) => {
                self.warnings.push(reasons::wrong_form(&path(), "a number"))
            }
            (Kind::Currency, Value::Str(text)) => match money::currency(text) {
                Some(code) => out.text(wire.key, code),
                None => self.warnings.push(reasons::no_currency(&path())),
            },
            (Kind::Texts, _) => self.texts(out, wire.key, value),
            (Kind::Languages(most), _) => self.languages(out, wire.key, value, most, &path),
            (Kind::Time, _) => {
                let seconds = match value {
                    Value::Str(text) => unix_seconds(text).ok(),
                    Value::Number(number) => Millis::from_epoch(number.to_f64()).map(Millis::seconds),
                    _ => None,
                };
                match seconds.filter(|seconds| *seconds >= 0) {
                    Some(seconds) => out.integer(wire.key, seconds),
                    None => self
                        .warnings
                        .push(reasons::wrong_form(&path(), "a time since 1970")),
                }
            }
            // The schema lets no other value through; products and hashes have their own functions.
            _ => {}
        }
    }

    /// Writes a text that says something, within its limit.
    fn text(&mut self, out: &mut Object<'_>, wire: &Wire, text: &'a str, parent: Parent) {
        let text = placeholder::trim(text);
        match says_something(text, wire.text) {
            true => self.within_limit(out, wire, text, parent),
            false => self.other_text(out, wire, text, parent),
        }
    }

    /// Writes the text of the field's first usable source in place of one that says nothing.
    #[cold]
    fn other_text(&mut self, out: &mut Object<'_>, wire: &Wire, text: &'a str, parent: Parent) {
        if let Some(text) = self.text_of_sources(text, wire, parent) {
            self.within_limit(out, wire, text, parent);
        }
    }

    #[inline(always)]
    fn within_limit(&mut self, out: &mut Object<'_>, wire: &Wire, text: &str, parent: Parent) {
        match wire.kind {
            Kind::Text(most) if text.len() > most && text.chars().count() > most => {
                let path = parent.child(wire.member);
                self.warnings
                    .push(reasons::too_long(self.spec.vendor, &path, most));
            }
            _ => out.text(wire.key, text),
        }
    }

    fn texts(&mut self, out: &mut Object<'_>, key: &'static Key, value: Value<'a>) {
        let items = list(value);
        let mut texts = BumpVec::with_capacity_in(items.len(), self.arena);
        texts.extend(
            items
                .iter()
                .filter_map(|item| usable_text(item.as_str()?, TextKind::ProductId).ok()),
        );
        let kept = distinct(&mut texts);
        out.array(key, false, |array| {
            texts[..kept].iter().for_each(|text| array.text(text))
        });
    }

    fn languages(
        &mut self,
        out: &mut Object<'_>,
        key: &'static Key,
        value: Value<'a>,
        most: usize,
        path: &dyn Fn() -> String,
    ) {
        let vendor = self.spec.vendor;
        let warnings = &mut *self.warnings;
        out.array(key, false, |array| {
            let mut codes: Vec<[u8; 2]> = Vec::new();
            for (index, item) in value.items().enumerate() {
                match languages::code(item.as_str().unwrap_or_default()) {
                    Some(code) if codes.contains(&code) => {}
                    Some(_) if codes.len() == most => {
                        let message = format!("cut: {vendor} takes at most {most} languages");
                        warnings.push(Warning::new("out_of_range", path(), message));
                        break;
                    }
                    Some(code) => {
                        array.text(languages::as_str(&code));
                        codes.push(code);
                    }
                    None => warnings.push(reasons::wrong_form(
                        &format!("{}[{index}]", path()),
                        "a language code of two letters",
                    )),
                }
            }
        });
    }

    /// Returns the texts of a list in lower case.
    pub fn lower_case(&self, values: Value<'a>) -> Value<'a> {
        let arena = self.arena;
        let lower = |value: &Value<'a>| match value {
            Value::Str(text) => Value::Str(arena.alloc_str(&text.to_lowercase())),
            other => *other,
        };
        Value::Array(arena.alloc_slice_fill_iter(list(values).iter().map(lower)))
    }

    /// Hashes the values of a personal field into [`hashes`](Resolved::hashes), or the value derived in their place.
    /// `parent` is the object that the field stands in, empty for the event. True if there are any.
    pub fn hash_personal<V: Vendor>(
        &mut self,
        vendor: &V,
        field: &PersonalField,
        values: Value<'a>,
        parent: &str,
    ) -> bool {
        self.hashes.clear();
        let before = self.warnings.len();
        let may_have_more = self.may_have_more(values);
        if let Some(derive) = field.derive
            && values.is_defined()
            && let Some(text) = self.derived(vendor, derive).as_str()
            && self.is_of_order(&path_of(parent, field.member))
        {
            self.hash_derived(field, text, parent);
            if !self.hashes.is_empty() {
                return true;
            }
        }
        // A field of one value has no list around it.
        let values = match &values {
            Value::Array(values) => values,
            Value::Str(_) => std::slice::from_ref(&values),
            _ => &[],
        };
        let several = values.len() > 1;
        for (index, value) in values.iter().enumerate() {
            let text = value.as_str().unwrap_or_default();
            self.hash(field, text, parent, several.then_some(index));
        }
        if self.hashes.is_empty() && may_have_more {
            self.hash_sources(field, &path_of(parent, field.member), before);
        }
        if self.hashes.is_empty()
            && let Some(derive) = field.derive
            && let Some(text) = self.derived(vendor, derive).as_str()
        {
            self.hash_derived(field, text, parent);
        }
        let kept = distinct(self.hashes);
        self.hashes.truncate(kept);
        !self.hashes.is_empty()
    }

    /// Brings a personal value that the vendor wants plain to its normal form, in the field [`text`](field@Resolved::text). `None`, with
    /// a warning unless the value is blank, if it has none. `path` is that of the field.
    pub fn normalise(&mut self, field: personal::Field, value: Value<'a>, path: &str) -> Option<&str> {
        let before = self.warnings.len();
        let normal = self.normal_form(field, value, path)
            || self.may_have_more(value) && self.normalise_sources(field, path, before);
        normal.then_some(&*self.text)
    }

    fn normal_form(&mut self, field: personal::Field, value: Value<'a>, path: &str) -> bool {
        let Some(text) = value.as_str() else { return false };
        match personal::normalise_cached(field, self.spec.rules, text, self.text) {
            Ok(Form::Plain) => return true,
            Ok(Form::Hashed | Form::Given) => self.warnings.push(reasons::wanted_plain(path)),
            Err(Dropped::Empty) => {}
            Err(dropped) => {
                let warning = Warning::new(dropped.code(), path, dropped.message());
                self.warnings.push(warning);
            }
        }
        false
    }

    /// Hashes the one value that a text holds, unless it is blank.
    #[inline]
    fn hash_one(&mut self, field: personal::Field, text: &str) -> Result<(), Dropped> {
        match personal::hash(field, self.spec.rules, text, self.text) {
            Ok(hash) => self.hashes.push(hash),
            Err(Dropped::Empty) => {}
            Err(dropped) => return Err(dropped),
        }
        Ok(())
    }

    /// Hashes the values that a text holds by the sink's rules into [`hashes`](Resolved::hashes). `told` gets what there is to
    /// say of them.
    #[inline]
    pub(crate) fn hash_text(&mut self, field: personal::Field, text: &str, told: &mut dyn FnMut(Dropped)) {
        if self.spec.rules.has_one_hash(field) {
            if let Err(dropped) = self.hash_one(field, text) {
                told(dropped);
            }
            return;
        }
        let place = self.whereabouts();
        let hashes = &mut *self.hashes;
        personal::hash_each(
            field,
            self.spec.rules,
            text,
            &place,
            self.text,
            &mut |result| match result {
                Ok(Hashed { hash, doubt }) => {
                    hashes.push(hash);
                    doubt.into_iter().for_each(&mut *told);
                }
                Err(Dropped::Empty) => {}
                Err(dropped) => told(dropped),
            },
        );
    }

    /// Hashes a derived value, which may be a hash of the pipeline's as well as a mapped one.
    fn hash_derived(&mut self, field: &PersonalField, text: &str, parent: &str) {
        match self
            .made
            .map_or(Origin::Arrived, |made| made.origin(text, Some(field.field)))
        {
            Origin::Arrived => self.hash(field, text, parent, None),
            Origin::Made(own) => self.hashes.extend(own.iter()),
            Origin::Dropped => {}
            Origin::OtherRules { path, rules } => {
                let own = self.spec.rules.name();
                let member = path_of(parent, field.member);
                self.warnings
                    .push(reasons::hashed_by_other_rules(&member, path, rules, own));
            }
        }
    }

    fn hash(&mut self, field: &PersonalField, text: &str, parent: &str, index: Option<usize>) {
        let mut all = Vec::new();
        if !self.spec.rules.has_one_hash(field.field) {
            self.hash_text(field.field, text, &mut |dropped| all.push(dropped));
        } else if let Err(dropped) = self.hash_one(field.field, text) {
            all.push(dropped);
        }
        for dropped in all {
            let path = match index {
                Some(index) => format!("{}[{index}]", path_of(parent, field.member)),
                None => path_of(parent, field.member),
            };
            self.warnings
                .push(Warning::new(dropped.code(), path, dropped.message()));
        }
    }
}

fn path_of(parent: &str, member: &str) -> String {
    match parent {
        "" => member.to_owned(),
        parent => format!("{parent}.{member}"),
    }
}

/// Number of values up to which each is compared with the others; more go through a set.
const FEW: usize = 32;

/// Brings the first of each value to the front, in their order, and returns their number.
fn distinct<T: Copy + Eq + Hash>(values: &mut [T]) -> usize {
    if values.len() < 2 {
        return values.len();
    }
    let mut seen = (values.len() > FEW).then(HashSet::new);
    let mut kept = 0;
    for at in 0..values.len() {
        let value = values[at];
        let new = match &mut seen {
            Some(seen) => seen.insert(value),
            None => !values[..kept].contains(&value),
        };
        if new {
            values[kept] = value;
            kept += 1;
        }
    }
    kept
}
