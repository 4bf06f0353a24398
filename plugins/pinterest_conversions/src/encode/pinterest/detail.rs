//! Single members: within Pinterest's limits, or left out with a warning.

use signalbox_conversions::encode::{languages, push_money};
use signalbox_conversions::time::unix_seconds;
use signalbox_core::Warning;
use signalbox_segment::time::Millis;
use signalbox_segment::value::Value;

use super::builder::RecordBuilder;
use crate::derive;
use signalbox_conversions::encode::Wire;
use signalbox_conversions::encode::{Key, Object};
use signalbox_conversions::encode::{Members, whole};
use signalbox_conversions::field::Kind;
use signalbox_conversions::reasons;

/// The most languages that Pinterest takes.
const MAX_LANGUAGES: usize = 100;

impl<'a> RecordBuilder<'a, '_> {
    /// Writes the members of an object of the payload, or without a parent the flat fields of the legacy format, which
    /// stand among others.
    pub(super) fn details(
        &mut self,
        out: &mut Object<'_>,
        parent: &'static str,
        object: Value<'a>,
        table: &[Wire],
    ) {
        let mut members = Members::of(object);
        for wire in table {
            let value = if parent.is_empty() {
                self.payload.get(wire.key.name())
            } else {
                members.take(wire.key.name())
            };
            match (wire.derive, value) {
                (Some(derive), Value::Undefined) => {
                    if self.derives.has(derive)
                        && let Some(family) = derive::os_name(self.lookups).and_then(derive::os_family)
                    {
                        out.text(wire.key, family);
                    }
                }
                (_, value) => self.detail(out, wire, value, parent),
            }
        }
    }

    /// Writes one value, or leaves it out with a warning if it does not fit Pinterest's limits.
    pub(super) fn detail(
        &mut self,
        out: &mut Object<'_>,
        wire: &Wire,
        value: Value<'a>,
        parent: impl ParentPath,
    ) {
        if !value.is_defined() {
            return;
        }
        let path = || parent.child(wire.key.name());
        match (wire.kind, value) {
            (Kind::Text(most), Value::Str(text)) => {
                if text.len() > most && text.chars().count() > most {
                    self.warnings.push(reasons::too_long("Pinterest", &path(), most));
                } else {
                    out.text(wire.key, text);
                }
            }
            (Kind::Whole(least, most), _) => self.whole(out, wire.key, value, (least, most), &path),
            (Kind::Money, Value::Number(number)) if number.is_finite() => out.with(wire.key, |out| {
                out.byte(b'"');
                push_money(number, out);
                out.byte(b'"');
            }),
            (Kind::Money, _) => self.warnings.push(reasons::wrong_form(&path(), "a number")),
            (Kind::Currency, Value::Str(text)) => {
                let text = text.trim();
                if text.len() == 3 && text.bytes().all(|b| b.is_ascii_alphabetic()) {
                    self.text.clear();
                    self.text.push_str(text);
                    self.text.make_ascii_uppercase();
                    out.text(wire.key, self.text);
                } else {
                    self.warnings
                        .push(reasons::wrong_form(&path(), "an ISO 4217 code of three letters"));
                }
            }
            (Kind::Languages, _) => self.languages(out, wire.key, value, &path),
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
            // The schema has made texts of texts, lists of lists; those have functions of their own.
            _ => {}
        }
    }

    fn whole(
        &mut self,
        out: &mut Object<'_>,
        key: &'static Key,
        value: Value<'a>,
        (least, most): (i64, i64),
        path: &dyn Fn() -> String,
    ) {
        match whole(value).filter(|number| (least..=most).contains(number)) {
            Some(number) => out.integer(key, number),
            None => self
                .warnings
                .push(reasons::out_of_range("Pinterest", &path(), least, most)),
        }
    }

    fn languages(
        &mut self,
        out: &mut Object<'_>,
        key: &'static Key,
        value: Value<'a>,
        path: &dyn Fn() -> String,
    ) {
        let warnings = &mut *self.warnings;
        out.array(key, false, |array| {
            let mut codes: Vec<[u8; 2]> = Vec::new();
            for (index, item) in value.items().enumerate() {
                match languages::code(item.as_str().unwrap_or_default()) {
                    Some(code) if codes.contains(&code) => {}
                    Some(_) if codes.len() == MAX_LANGUAGES => {
                        warnings.push(Warning::new(
                            "out_of_range",
                            path(),
                            format!("cut: Pinterest takes at most {MAX_LANGUAGES} languages"),
                        ));
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
}

/// Where a member stands, written out only for a warning.
pub(super) trait ParentPath: Copy {
    fn child(self, key: &str) -> String;
}

impl ParentPath for &str {
    fn child(self, key: &str) -> String {
        if self.is_empty() {
            key.to_owned()
        } else {
            format!("{self}.{key}")
        }
    }
}

#[derive(Clone, Copy)]
pub(super) struct ItemPath {
    pub(super) prefix: &'static str,
    pub(super) index: usize,
}

impl std::fmt::Display for ItemPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}[{}]", self.prefix, self.index)
    }
}

impl ParentPath for ItemPath {
    fn child(self, key: &str) -> String {
        format!("{self}.{key}")
    }
}
