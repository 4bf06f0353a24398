//! The first usable source of a field.
//!
//! A mapping takes the first source that is not blank, at no further cost where that one is sound. The functions here run
//! where it is not: blank in another script, a placeholder, of a wrong type, or without a normal form. They try the field's
//! sources in order, and warn of each one that holds something and is passed over.

use std::borrow::Cow;
use std::num::NonZeroU32;
use std::time::Duration;

use signalbox_core::{Node, Reason, Warning};
use signalbox_segment::placeholder::{
    self, Placeholder, hash_of, is_blank, is_value, is_zero_id, placeholder,
};
use signalbox_segment::value::{Number, Value};

use crate::encode::{PersonalField, TextKind, Wire};
use crate::hashed::Origin;
use crate::lookups::Lookups;
use crate::parent::Parent;
use crate::personal::{self, Dropped, Form};
use crate::reasons;
use crate::sources::Sources;
use crate::time::{expires_at, unix_seconds};
use crate::traits::ORDER_ADDRESSES;
use crate::vendor::Resolved;

/// The reason why a value cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unusable {
    /// White space and invisible characters alone, or null, which needs no warning.
    Blank,
    /// A text that stands for a missing value.
    Placeholder,
    /// A value of a type that the field does not take.
    WrongType,
    /// A personal value without a normal form.
    Dropped(Dropped),
    /// A text in another form than the field takes, with that form in words, such as "a public IP address".
    WrongForm(Cow<'static, str>),
    /// A text that is none of the field's choices.
    UnknownChoice,
    /// A hash that transforms made by other rules than the sink's.
    OtherRules,
    /// A hash where the vendor wants the plain value.
    Hashed,
}

impl Unusable {
    /// Returns the stable code of the warning.
    pub fn code(&self) -> &'static str {
        match self {
            Unusable::Blank => "empty",
            Unusable::Placeholder => "junk",
            Unusable::WrongType => "wrong_type",
            Unusable::Dropped(dropped) => dropped.code(),
            Unusable::WrongForm(_) => "wrong_form",
            Unusable::UnknownChoice => "unknown_choice",
            Unusable::OtherRules => "hashed_by_other_rules",
            Unusable::Hashed => "wanted_plain",
        }
    }

    /// Returns the warning about a field, of which the value at this path of the event is passed over.
    pub(crate) fn passed_over(&self, field: &str, path: &str) -> Warning {
        Warning::new(
            self.code(),
            field,
            format!("passed over `{path}`: {}", self.message()),
        )
    }

    /// Returns the reason in words, without the value.
    pub fn message(&self) -> Cow<'static, str> {
        match self {
            Unusable::Blank => "the value is blank".into(),
            Unusable::Placeholder => "the value is a placeholder".into(),
            Unusable::WrongType => "the value is of a wrong type".into(),
            Unusable::Dropped(dropped) => dropped.message().into(),
            Unusable::WrongForm(wanted) => format!("the value is not {wanted}").into(),
            Unusable::UnknownChoice => "the value is none of the field's choices".into(),
            Unusable::OtherRules => "a transform has hashed the value by other rules".into(),
            Unusable::Hashed => "the destination wants plain text, and the value is a hash".into(),
        }
    }
}

/// Returns a text without the blanks around it, if it says something: neither blank nor a placeholder.
///
/// # Errors
/// The reason why it says nothing.
#[inline]
pub fn usable_text(text: &str, kind: TextKind) -> Result<&str, Unusable> {
    let text = placeholder::trim(text);
    match says_something(text, kind) {
        true => Ok(text),
        false if text.is_empty() => Err(Unusable::Blank),
        false => Err(Unusable::Placeholder),
    }
}

/// Returns true for a trimmed text that is neither empty nor a placeholder.
#[inline(always)]
pub(crate) fn says_something(text: &str, kind: TextKind) -> bool {
    text.len() != HEX_LEN && is_value(text) || is_no_placeholder(text, kind)
}

fn is_no_placeholder(text: &str, kind: TextKind) -> bool {
    match (placeholder(text), kind) {
        _ if text.is_empty() => false,
        (Some(Placeholder::Always), _) => false,
        (meaning, TextKind::Id) => meaning.is_none() && !is_zero_id(text) && !is_hash_of_junk(text),
        (meaning, TextKind::ProductId) => meaning.is_none() && !is_hash_of_junk(text),
        (_, TextKind::Free) => true,
    }
}

/// Returns true for the SHA-256 of a blank or a placeholder.
#[inline]
fn is_hash_of_junk(text: &str) -> bool {
    text.len() == HEX_LEN && hash_of(&text.to_ascii_lowercase()).is_some()
}

/// Number of hexadecimal digits of a SHA-256.
const HEX_LEN: usize = 64;

/// Warns of the values before the first one of each field that the mapping takes: blank texts, `false` and zero.
#[cold]
pub(crate) fn tell_passed_over(
    sources: &Sources,
    event: Node<'_>,
    lookups: Lookups<'_>,
    warnings: &mut Vec<Warning>,
) {
    // A path below a blank text leads to that text, too.
    let is_there = |path: &str| {
        path.split('.')
            .try_fold(event, |node, key| node.get(key))
            .is_some()
    };
    for field in sources.fields().filter(|field| !field.may_be_blank) {
        let several = field.paths().nth(1).is_some();
        for (path, index) in field.paths() {
            let why = match lookups.looked_up(index) {
                value if value.is_nullish() => continue,
                Value::Bool(false) if several => Unusable::WrongType,
                Value::Number(zero) if field.zero_is_nothing && zero.to_f64() == 0.0 => Unusable::Placeholder,
                list if list.array_len() > 0 && list.items().all(is_nothing) => Unusable::Blank,
                value if is_nothing(value) => Unusable::Blank,
                _ => break,
            };
            if is_there(path) {
                warnings.push(why.passed_over(&field.field, path));
            }
        }
    }
}

fn is_nothing(value: Value<'_>) -> bool {
    value.is_nullish() || value.as_str().is_some_and(is_blank)
}

impl<'a> Resolved<'a, '_> {
    /// Returns the values at the sources of a field, in order, each with its path in the event; absent values are undefined. A
    /// field that the user has mapped has none. `field` is the field's path, such as `user_data.email`.
    pub fn sources(&self, field: &str) -> impl Iterator<Item = (&'static str, Value<'a>)> + use<'a> {
        let (lookups, sources) = (self.lookups, self.sources);
        let paths = sources.of_field(field);
        paths.map(move |(path, index)| (path, lookups.looked_up(index)))
    }

    /// Returns true if a field that keeps its default has a usable value in an order's addresses only. The name in the traits
    /// comes before those, as it is that of the person who orders.
    #[cold]
    pub(crate) fn is_of_order(&self, field: &str) -> bool {
        let is_own = |path: &str| !ORDER_ADDRESSES.iter().any(|address| path.starts_with(address));
        let says = |value: Value<'_>| {
            let text = value.as_str();
            text.is_some_and(|text| usable_text(text, TextKind::Free).is_ok())
        };
        let mut sources = self.sources(field).peekable();
        sources.peek().is_some() && sources.all(|(path, value)| !(is_own(path) && says(value)))
    }

    /// Returns true if a field may have a source that the mapping passed over: its value cannot be used, or the schema
    /// dropped something.
    #[inline]
    pub fn may_have_more(&self, value: Value<'_>) -> bool {
        value.is_defined() || self.has_lost_values()
    }

    /// Returns true if the schema left out values that the mapping gave: of another type, or blank.
    #[inline]
    pub(crate) fn has_lost_values(&self) -> bool {
        self.blank || !self.dropped.is_empty()
    }

    /// Takes the first source of a field that `take` can use, and warns of each one that holds something and is passed over.
    pub fn first_usable<T>(
        &mut self,
        field: &str,
        mut take: impl FnMut(&mut Self, Value<'a>) -> Result<T, Unusable>,
    ) -> Option<T> {
        self.forget_dropped(field);
        for (path, value) in self.sources(field) {
            if value.is_nullish() {
                continue;
            }
            match take(self, value) {
                Ok(taken) => return Some(taken),
                // Told when the sink exchanged the hashes of transforms for its own.
                Err(why @ (Unusable::OtherRules | Unusable::Hashed)) if self.has_warned(&why, field) => {}
                Err(why) => {
                    let warning = why.passed_over(field, path);
                    // `tell_passed_over` has warned of blank values.
                    if !self.warnings.contains(&warning) {
                        self.warnings.push(warning);
                    }
                }
            }
        }
        None
    }

    /// Returns the text of a field, trimmed, if it says something and passes the test; else that of the field's first source
    /// that does. A text that cannot be used is left out with a warning that it is not `wanted`.
    pub fn valid(
        &mut self,
        text: Option<&'a str>,
        test: fn(&str) -> bool,
        (field, wanted): (&str, &'static str),
    ) -> Option<&'a str> {
        let check = |text: &'a str| match usable_text(text, TextKind::Id) {
            Ok(text) if test(text) => Ok(text),
            Ok(_) => Err(Unusable::WrongForm(wanted.into())),
            Err(why) => Err(why),
        };
        // Most values.
        if let Some(text) = text.map(placeholder::trim)
            && says_something(text, TextKind::Id)
            && test(text)
        {
            return Some(text);
        }
        let why = match text.map(check) {
            Some(Ok(text)) => return Some(text),
            None if !self.has_lost_values() => return None,
            None => None,
            Some(Err(why)) => Some(why),
        };
        if self.sources(field).next().is_some() {
            let text = self.first_usable(field, |resolved, value| check(resolved.text_of(value)?));
            return self.scrubbed(field, text?);
        }
        match why {
            None | Some(Unusable::Blank) => {}
            Some(Unusable::WrongForm(wanted)) => self.warnings.push(reasons::wrong_form(field, &wanted)),
            Some(why) => self.left_out(field, &why),
        }
        None
    }

    /// Returns a member whose text says nothing from the field's first source that does.
    #[cold]
    pub(crate) fn text_of_sources(&mut self, text: &str, wire: &Wire, parent: Parent) -> Option<&'a str> {
        let field = &parent.child(wire.member);
        if self.sources(field).next().is_some() {
            let choices = self.spec.row(field).map_or(&[][..], |row| row.field.choices);
            let text = self.first_usable(field, |resolved, value| {
                let text = usable_text(resolved.text_of(value)?, wire.text)?;
                // The schema, which holds to the choices, has not seen the sources behind the first.
                let is_chosen = |choice: &&str| choice.eq_ignore_ascii_case(text);
                let mut texts = choices.iter().filter_map(|choice| choice.value.as_str());
                match texts.find(is_chosen) {
                    Some(choice) => Ok(choice),
                    None if choices.is_empty() => Ok(text),
                    None => Err(Unusable::UnknownChoice),
                }
            });
            return self.scrubbed(field, text?);
        }
        if !text.is_empty() {
            self.left_out(field, &Unusable::Placeholder);
        }
        None
    }

    /// Returns what stays of a source's text without personal data and secrets; the value of the payload has lost them before.
    fn scrubbed(&mut self, field: &str, text: &'a str) -> Option<&'a str> {
        self.scrubbing.text(field, text, self.arena, self.warnings)
    }

    /// Hashes the first source of a personal field that has a usable value. The warnings from index `before` on are about the
    /// source that the mapping took, which is tried again.
    #[cold]
    pub(crate) fn hash_sources(&mut self, field: &PersonalField, path: &str, before: usize) {
        if self.sources(path).next().is_none() {
            return;
        }
        self.warnings.truncate(before);
        self.first_usable(path, |resolved, value| resolved.hash_source(field, value, path));
    }

    /// Reads the time of the event as Unix seconds, and warns if it lies further ahead of the event's arrival than clocks
    /// differ. The arrival stands for now, so that the same event always makes the same record.
    ///
    /// # Errors
    /// `missing_field`, `unreadable_time`, or `in_the_future` for a time that lies further ahead than `most`.
    pub fn event_time(&mut self, text: &str, field: &str, most: Duration) -> Result<i64, Reason> {
        /// Seconds by which clocks differ.
        const SKEW: u64 = 300;
        let time = unix_seconds(text).map_err(|error| reasons::bad_time(field, error))?;
        let ahead = u64::try_from(time.saturating_sub(self.arrival())).unwrap_or(0);
        if ahead > SKEW {
            let message = "more than five minutes ahead of the event's arrival";
            self.warnings
                .push(Warning::new("ahead_of_arrival", field, message));
        }
        if ahead > most.as_secs() {
            return Err(reasons::in_the_future(field, most));
        }
        Ok(time)
    }

    /// Returns when an event of this time (Unix seconds) is too old for the vendor, which takes it for `lifetime`.
    ///
    /// # Errors
    /// `too_old` of the vendor, if the event was so at its arrival. Its age counts again when it is sent.
    pub fn expires_at(
        &self,
        time: i64,
        lifetime: Duration,
        too_old: fn() -> Reason,
    ) -> Result<Option<NonZeroU32>, Reason> {
        if time.saturating_add_unsigned(lifetime.as_secs()) <= self.arrival() {
            return Err(too_old());
        }
        Ok(expires_at(time, lifetime))
    }

    /// Returns the time of the event's arrival, Unix seconds.
    fn arrival(&self) -> i64 {
        self.event.receipt().received_at.div_euclid(1000)
    }

    /// Hashes the values of one source, a text, a number or a list of them.
    fn hash_source(&mut self, field: &PersonalField, value: Value<'a>, path: &str) -> Result<(), Unusable> {
        let mut why = Unusable::Blank;
        self.each_text(value, &mut |resolved, text| {
            let text = match text {
                Some(text) => text,
                None => {
                    why = Unusable::WrongType;
                    return;
                }
            };
            let made = resolved.made;
            match made.map_or(Origin::Arrived, |made| made.origin(text, Some(field.field))) {
                Origin::Made(own) => resolved.hashes.extend(own.iter()),
                Origin::Dropped => {}
                Origin::OtherRules { .. } => why = Unusable::OtherRules,
                Origin::Arrived => {
                    resolved.hash_text(field.field, text, &mut |dropped| why = Unusable::Dropped(dropped))
                }
            }
        });
        if self.hashes.is_empty() {
            return Err(why);
        }
        if let Unusable::Dropped(told) = why {
            let warning = Warning::new(told.code(), path, told.message());
            self.warnings.push(warning);
        }
        Ok(())
    }

    /// Brings the first source of a plain personal field that has a normal form to it, in [`text`](Resolved::text).
    #[cold]
    pub(crate) fn normalise_sources(&mut self, field: personal::Field, path: &str, before: usize) -> bool {
        if self.sources(path).next().is_none() {
            return false;
        }
        self.warnings.truncate(before);
        let normal = |resolved: &mut Self, value| {
            let text = resolved.text_of(value)?;
            let made = resolved.made;
            if !matches!(
                made.map_or(Origin::Arrived, |made| made.origin(text, None)),
                Origin::Arrived
            ) {
                return Err(Unusable::Hashed);
            }
            match personal::normalise(field, resolved.spec.rules, text, resolved.text) {
                Ok(Form::Plain) => Ok(()),
                Ok(Form::Hashed | Form::Given) => Err(Unusable::Hashed),
                Err(Dropped::Empty) => Err(Unusable::Blank),
                Err(dropped) => Err(Unusable::Dropped(dropped)),
            }
        };
        self.first_usable(path, normal).is_some()
    }

    /// Returns the text of a value, a number's digits included.
    fn text_of(&self, value: Value<'a>) -> Result<&'a str, Unusable> {
        match value {
            Value::Undefined | Value::Null => Err(Unusable::Blank),
            Value::Str(text) => Ok(text),
            Value::Number(number) => Ok(self.number_text(number)),
            list if list.array_len() == 1 && !list.index(0).is_array() => self.text_of(list.index(0)),
            _ => Err(Unusable::WrongType),
        }
    }

    fn number_text(&self, number: Number<'a>) -> &'a str {
        match number.source() {
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits,
            _ => number.with_js_text(|text| &*self.arena.alloc_str(text)),
        }
    }

    /// Calls a function with each text of a value or list, a number's digits included; with `None` for a value of another type.
    fn each_text(&mut self, value: Value<'a>, take: &mut dyn FnMut(&mut Self, Option<&'a str>)) {
        match value {
            Value::Undefined | Value::Null => {}
            Value::Str(text) => take(self, Some(text)),
            Value::Number(number) => {
                let text = self.number_text(number);
                take(self, Some(text));
            }
            list if list.is_array() => {
                for item in list.items() {
                    // A list in a list is no value.
                    match item {
                        item if item.is_array() => take(self, None),
                        item => self.each_text(item, take),
                    }
                }
            }
            _ => take(self, None),
        }
    }

    fn has_warned(&self, why: &Unusable, field: &str) -> bool {
        let mut warnings = self.warnings.iter();
        warnings.any(|warning| warning.path == field && warning.code == why.code())
    }

    fn left_out(&mut self, field: &str, why: &Unusable) {
        let message = format!("left out: {}", why.message());
        self.warnings.push(Warning::new(why.code(), field, message));
    }

    /// Removes the schema's warnings about a field whose sources are tried one by one.
    fn forget_dropped(&mut self, field: &str) {
        let is_about = |path: &str| {
            let rest = path.strip_prefix(field);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
        };
        let mut at = self.dropped.start;
        while at < self.dropped.end {
            if self
                .warnings
                .get(at)
                .is_some_and(|warning| is_about(&warning.path))
            {
                self.warnings.remove(at);
                self.dropped.end -= 1;
            } else {
                at += 1;
            }
        }
    }
}
