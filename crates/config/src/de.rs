//! A serde deserializer over the tree that notes the place of a failure.
//!
//! Plugins are built through typetag, which erases the deserializer and turns every error into text, and serde's errors
//! carry no place. So the place is kept beside the error: the innermost value whose reading fails notes its path in a
//! [`Trace`], and the caller uses that note instead of the returned error. typetag does not buffer as long as the tag is
//! the first key, which [`read_tagged`] ensures.

use std::cell::RefCell;

use serde::de::value::StrDeserializer;
use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;
use signalbox_core::child_path;

use super::diagnostic::Finding;
use super::failure::Failure;
use super::tree::{TextState, TomlEntry, TomlNode, TomlText, TomlValue};

/// Reads `entries` of the table `node` as `T`.
///
/// # Errors
/// The finding; `None` when it lies at a failed interpolation, which is reported already.
pub(crate) fn read<'t, T: Deserialize<'t>>(
    node: &'t TomlNode,
    entries: Vec<&'t TomlEntry>,
) -> Result<T, Option<Finding>> {
    let trace = Trace::default();
    let reader = Fields {
        node,
        entries: entries.into_iter(),
        current: None,
        trace: &trace,
    };
    match trace.at(node, T::deserialize(TableReader { fields: reader })) {
        Ok(value) => Ok(value),
        Err(failure) => Err(trace.into_finding(failure, node)),
    }
}

/// Reads a plugin's settings like [`read`], with the entry `type` first, where typetag needs it.
pub(crate) fn read_tagged<'t, T: Deserialize<'t>>(
    node: &'t TomlNode,
    mut entries: Vec<&'t TomlEntry>,
) -> Result<T, Option<Finding>> {
    entries.sort_by_key(|entry| entry.key != "type");
    read(node, entries)
}

/// The failure of a reading and its place; the innermost place wins.
#[derive(Default)]
struct Trace {
    noted: RefCell<Option<Noted>>,
}

struct Noted {
    path: String,
    at: usize,
    failure: Failure,
    interpolation_failed: bool,
}

impl Trace {
    /// Notes a failure at `node` unless one further in is noted already; a success clears the note.
    fn at<T>(&self, node: &TomlNode, result: Result<T, Failure>) -> Result<T, Failure> {
        self.note(&node.path, node.at, Some(node), result)
    }

    fn note<T>(
        &self,
        path: &str,
        at: usize,
        node: Option<&TomlNode>,
        result: Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut noted = self.noted.borrow_mut();
        match result {
            Ok(value) => {
                *noted = None;
                Ok(value)
            }
            Err(failure) => {
                if noted.is_none() {
                    let failed_text = |text: &TomlText| text.state == TextState::Failed;
                    let leaf = node.map(|node| &node.value);
                    *noted = Some(Noted {
                        path: path.to_owned(),
                        at,
                        failure: failure.redacted(node),
                        interpolation_failed: matches!(leaf, Some(TomlValue::Text(text)) if failed_text(text)),
                    });
                }
                Err(failure)
            }
        }
    }

    fn into_finding(self, failure: Failure, node: &TomlNode) -> Option<Finding> {
        let noted = self.noted.into_inner().unwrap_or_else(|| Noted {
            path: node.path.clone(),
            at: node.at,
            failure: failure.redacted(Some(node)),
            interpolation_failed: false,
        });
        if noted.interpolation_failed {
            return None;
        }
        let path = match &noted.failure.field {
            Some(field) => child_path(&noted.path, field),
            None => noted.path,
        };
        Some(Finding {
            path,
            at: noted.at,
            message: noted.failure.message,
            help: None,
        })
    }
}

/// One value of the tree.
#[derive(Clone, Copy)]
struct Reader<'t, 'r> {
    node: &'t TomlNode,
    trace: &'r Trace,
}

impl<'t, 'r> Reader<'t, 'r> {
    fn visit<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Failure> {
        let result = match &self.node.value {
            TomlValue::Text(text) if text.state == TextState::Failed => {
                Err(Failure::of("its interpolation failed".to_owned()))
            }
            TomlValue::Text(text) => visitor.visit_borrowed_str(&text.text),
            TomlValue::Date(text) => visitor.visit_borrowed_str(text),
            TomlValue::Integer(number) => visit_integer(*number, visitor),
            TomlValue::Float(number) => visitor.visit_f64(*number),
            TomlValue::Bool(value) => visitor.visit_bool(*value),
            TomlValue::List(items) => {
                let mut items = Items {
                    items: items.iter(),
                    trace: self.trace,
                };
                visitor
                    .visit_seq(&mut items)
                    .and_then(|value| match items.items.len() {
                        0 => Ok(value),
                        more => Err(Failure::of(format!("the list has {more} elements too many"))),
                    })
            }
            TomlValue::Table(entries) => visitor.visit_map(Fields {
                node: self.node,
                entries: entries.iter().collect::<Vec<_>>().into_iter(),
                current: None,
                trace: self.trace,
            }),
        };
        self.trace.at(self.node, result)
    }

    /// Returns the text if interpolation made it: it may stand for a number or a boolean.
    fn interpolated(&self) -> Option<&'t str> {
        match &self.node.value {
            TomlValue::Text(text) if text.state == TextState::Interpolated => Some(text.text.trim()),
            _ => None,
        }
    }

    fn number<V: Visitor<'t>>(self, visitor: V, whole: bool) -> Result<V::Value, Failure> {
        let Some(text) = self.interpolated() else {
            return self.visit(visitor);
        };
        let result = match (text.parse::<i128>(), text.parse::<f64>()) {
            (Ok(number), _) => visit_integer(number, visitor),
            (Err(_), Ok(number)) if !whole => visitor.visit_f64(number),
            _ => Err(de::Error::invalid_value(Unexpected::Str(""), &visitor)),
        };
        self.trace.at(self.node, result)
    }
}

fn visit_integer<'t, V: Visitor<'t>>(number: i128, visitor: V) -> Result<V::Value, Failure> {
    match (i64::try_from(number), u64::try_from(number)) {
        (Ok(number), _) => visitor.visit_i64(number),
        (_, Ok(number)) => visitor.visit_u64(number),
        _ => Err(de::Error::invalid_value(Unexpected::Signed(0), &visitor)),
    }
}

macro_rules! whole {
    ($($method:ident)*) => {
        $(fn $method<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Failure> {
            self.number(visitor, true)
        })*
    };
}

impl<'t> Deserializer<'t> for Reader<'t, '_> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.visit(visitor)
    }

    whole! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
    }

    fn deserialize_f32<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.number(visitor, false)
    }

    fn deserialize_f64<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.number(visitor, false)
    }

    fn deserialize_bool<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Failure> {
        let result = match self.interpolated() {
            Some("true") => visitor.visit_bool(true),
            Some("false") => visitor.visit_bool(false),
            _ => return self.visit(visitor),
        };
        self.trace.at(self.node, result)
    }

    fn deserialize_option<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.trace.at(self.node, visitor.visit_some(self))
    }

    fn deserialize_newtype_struct<V: Visitor<'t>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.trace.at(self.node, visitor.visit_newtype_struct(self))
    }

    fn deserialize_enum<V: Visitor<'t>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        let result = match &self.node.value {
            TomlValue::Text(text) if text.state != TextState::Failed => {
                visitor.visit_enum(StrDeserializer::<Failure>::new(&text.text))
            }
            TomlValue::Text(_) => Err(Failure::of("its interpolation failed".to_owned())),
            TomlValue::Table(entries) => match entries.as_slice() {
                [one] => visitor.visit_enum(Variant {
                    entry: one,
                    trace: self.trace,
                }),
                _ => Err(Failure::of("expected a table with a single key".to_owned())),
            },
            _ => Err(Failure::of(format!(
                "expected a string, found {}",
                self.node.kind()
            ))),
        };
        self.trace.at(self.node, result)
    }

    fn deserialize_ignored_any<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        <V: Visitor<'t>>
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct identifier
    }
}

/// A selection of a table's entries, as a table.
struct TableReader<'t, 'r> {
    fields: Fields<'t, 'r>,
}

impl<'t> Deserializer<'t> for TableReader<'t, '_> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'t>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_map(self.fields)
    }

    forward_to_deserialize_any! {
        <V: Visitor<'t>>
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

struct Fields<'t, 'r> {
    node: &'t TomlNode,
    entries: std::vec::IntoIter<&'t TomlEntry>,
    current: Option<&'t TomlEntry>,
    trace: &'r Trace,
}

impl<'t> de::MapAccess<'t> for Fields<'t, '_> {
    type Error = Failure;

    fn next_key_seed<K: DeserializeSeed<'t>>(&mut self, seed: K) -> Result<Option<K::Value>, Failure> {
        let Some(entry) = self.entries.next() else {
            return Ok(None);
        };
        self.current = Some(entry);
        let key = seed.deserialize(StrDeserializer::new(&entry.key));
        self.trace.note(&entry.node.path, entry.at, None, key).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'t>>(&mut self, seed: V) -> Result<V::Value, Failure> {
        match self.current.take() {
            Some(entry) => {
                let reader = Reader {
                    node: &entry.node,
                    trace: self.trace,
                };
                self.trace.at(&entry.node, seed.deserialize(reader))
            }
            None => self.trace.at(
                self.node,
                Err(Failure::of("a value was asked for before its key".to_owned())),
            ),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.entries.len())
    }
}

struct Items<'t, 'r> {
    items: std::slice::Iter<'t, TomlNode>,
    trace: &'r Trace,
}

impl<'t> de::SeqAccess<'t> for &mut Items<'t, '_> {
    type Error = Failure;

    fn next_element_seed<T: DeserializeSeed<'t>>(&mut self, seed: T) -> Result<Option<T::Value>, Failure> {
        let Some(node) = self.items.next() else {
            return Ok(None);
        };
        let item = seed.deserialize(Reader {
            node,
            trace: self.trace,
        });
        self.trace.at(node, item).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

/// `{ variant = … }`
struct Variant<'t, 'r> {
    entry: &'t TomlEntry,
    trace: &'r Trace,
}

impl<'t, 'r> de::EnumAccess<'t> for Variant<'t, 'r> {
    type Error = Failure;
    type Variant = Reader<'t, 'r>;

    fn variant_seed<V: DeserializeSeed<'t>>(self, seed: V) -> Result<(V::Value, Self::Variant), Failure> {
        let entry = self.entry;
        let variant = seed.deserialize(StrDeserializer::new(&entry.key));
        let variant = self.trace.note(&entry.node.path, entry.at, None, variant)?;
        Ok((
            variant,
            Reader {
                node: &entry.node,
                trace: self.trace,
            },
        ))
    }
}

impl<'t> de::VariantAccess<'t> for Reader<'t, '_> {
    type Error = Failure;

    fn unit_variant(self) -> Result<(), Failure> {
        self.trace.at(
            self.node,
            Err(Failure::of(
                "this variant takes no value; write its name alone".to_owned(),
            )),
        )
    }

    fn newtype_variant_seed<T: DeserializeSeed<'t>>(self, seed: T) -> Result<T::Value, Failure> {
        self.trace.at(self.node, seed.deserialize(self))
    }

    fn tuple_variant<V: Visitor<'t>>(self, _: usize, visitor: V) -> Result<V::Value, Failure> {
        self.visit(visitor)
    }

    fn struct_variant<V: Visitor<'t>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        self.visit(visitor)
    }
}
