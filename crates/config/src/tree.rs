//! The file as a tree of values with their paths and places.

use std::hash::{DefaultHasher, Hash, Hasher};

use signalbox_core::{BuildError, child_path};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::diagnostic::Finding;

/// Deepest nesting of tables and lists. Deeper input is refused, so that every walk over the tree is bounded.
const DEEPEST: usize = 64;

/// One value. No `Debug`: it may hold secrets.
pub(crate) struct TomlNode {
    /// The full path, as diagnostics print it; empty at the root.
    pub(crate) path: String,
    /// Byte offset of the value; of the header, for a table that has one.
    pub(crate) at: usize,
    /// Byte offset behind the value.
    pub(crate) end: usize,
    pub(crate) value: TomlValue,
}

/// A key with its value.
pub(crate) struct TomlEntry {
    pub(crate) key: String,
    /// Byte offset of the key.
    pub(crate) at: usize,
    pub(crate) node: TomlNode,
}

pub(crate) enum TomlValue {
    Text(TomlText),
    Integer(i128),
    Float(f64),
    Bool(bool),
    /// A date or time as written; plugins read it as a string.
    Date(String),
    List(Vec<TomlNode>),
    /// The entries in the order of the file.
    Table(Vec<TomlEntry>),
}

/// A string and its state of interpolation.
pub(crate) struct TomlText {
    pub(crate) text: String,
    pub(crate) state: TextState,
    /// The files whose contents it includes.
    pub(crate) files: Vec<String>,
}

impl TomlText {
    /// A text without contents of files.
    pub(crate) fn new(text: String, state: TextState) -> TomlText {
        let files = Vec::new();
        TomlText { text, state, files }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum TextState {
    /// Exactly as written: always a string.
    Literal,
    /// With an interpolated value: it may stand for a number or a boolean.
    Interpolated,
    /// Interpolation failed and was reported; this value causes no further finding.
    Failed,
}

impl TomlNode {
    /// Returns the entries of a table; none for other values.
    pub(crate) fn entries(&self) -> &[TomlEntry] {
        match &self.value {
            TomlValue::Table(entries) => entries,
            _ => &[],
        }
    }

    /// Returns a hash of the value with everything in it, without places.
    pub(crate) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash_into(&mut hasher);
        hasher.finish()
    }

    /// Returns a hash of a table with everything in it but one of its keys, without places.
    pub(crate) fn fingerprint_without(&self, key: &str) -> u64 {
        let mut hasher = DefaultHasher::new();
        for entry in self.entries().iter().filter(|entry| entry.key != key) {
            entry.key.hash(&mut hasher);
            entry.node.hash_into(&mut hasher);
        }
        hasher.finish()
    }

    fn hash_into(&self, hasher: &mut DefaultHasher) {
        std::mem::discriminant(&self.value).hash(hasher);
        match &self.value {
            TomlValue::Text(text) => text.text.hash(hasher),
            TomlValue::Integer(value) => value.hash(hasher),
            TomlValue::Float(value) => value.to_bits().hash(hasher),
            TomlValue::Bool(value) => value.hash(hasher),
            TomlValue::Date(text) => text.hash(hasher),
            TomlValue::List(items) => {
                items.len().hash(hasher);
                items.iter().for_each(|item| item.hash_into(hasher));
            }
            TomlValue::Table(entries) => {
                entries.len().hash(hasher);
                for entry in entries {
                    entry.key.hash(hasher);
                    entry.node.hash_into(hasher);
                }
            }
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&TomlEntry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// Returns the value of a table's key, or of a list's place.
    fn child(&self, key: &str) -> Option<&TomlNode> {
        match &self.value {
            TomlValue::List(items) => items.get(key.parse::<usize>().ok()?),
            _ => Some(&self.get(key)?.node),
        }
    }

    /// Places a fault of a table's settings at the key it is about; `None` if the table does not have the key.
    pub(crate) fn finding(&self, fault: BuildError) -> Option<Finding> {
        let mut keys = fault.path.split('.');
        let node = keys.try_fold(self, |node, key| node.child(key))?;
        Some(Finding {
            path: node.path.clone(),
            at: node.at,
            message: fault.message,
            help: fault.help,
        })
    }

    /// Returns the kind of this value, with its article.
    pub(crate) fn kind(&self) -> &'static str {
        match &self.value {
            TomlValue::Text(_) => "a string",
            TomlValue::Integer(_) => "an integer",
            TomlValue::Float(_) => "a float",
            TomlValue::Bool(_) => "a boolean",
            TomlValue::Date(_) => "a date or time",
            TomlValue::List(_) => "a list",
            TomlValue::Table(_) => "a table",
        }
    }
}

/// Builds the tree. Values that do not fit (nested too deeply, an integer beyond 64 bits) are findings.
pub(crate) fn build(root: Spanned<DeTable<'_>>, findings: &mut Vec<Finding>) -> TomlNode {
    let span = root.span();
    let value = TomlValue::Table(table(root.into_inner(), "", 0, findings));
    TomlNode {
        path: String::new(),
        at: span.start,
        end: span.end,
        value,
    }
}

fn table(table: DeTable<'_>, path: &str, depth: usize, findings: &mut Vec<Finding>) -> Vec<TomlEntry> {
    let mut entries = Vec::with_capacity(table.len());
    for (key, value) in table {
        let at = key.span().start;
        let key = key.into_inner().into_owned();
        let path = child_path(path, &key);
        if let Some(node) = node(value, path, depth + 1, findings) {
            entries.push(TomlEntry { key, at, node });
        }
    }
    entries.sort_by_key(|entry| entry.at);
    entries
}

fn node(
    value: Spanned<DeValue<'_>>,
    path: String,
    depth: usize,
    findings: &mut Vec<Finding>,
) -> Option<TomlNode> {
    let span = value.span();
    let refuse = |findings: &mut Vec<Finding>, message: String| {
        findings.push(Finding::new(path.clone(), span.start, message));
        None
    };
    let value = match value.into_inner() {
        DeValue::String(text) => TomlValue::Text(TomlText::new(text.into_owned(), TextState::Literal)),
        // TOML promises 64 bits; a number beyond them is reported here rather than rounded later.
        DeValue::Integer(digits) => match i64::from_str_radix(digits.as_str(), digits.radix()) {
            Ok(number) => TomlValue::Integer(number.into()),
            Err(_) => match u64::from_str_radix(digits.as_str(), digits.radix()) {
                Ok(number) => TomlValue::Integer(number.into()),
                Err(_) => return refuse(findings, "this integer does not fit into 64 bits".to_owned()),
            },
        },
        DeValue::Float(digits) => match digits.as_str().parse::<f64>() {
            Ok(number) => TomlValue::Float(number),
            Err(_) => return refuse(findings, "this number cannot be read".to_owned()),
        },
        DeValue::Boolean(value) => TomlValue::Bool(value),
        DeValue::Datetime(value) => TomlValue::Date(value.to_string()),
        DeValue::Array(_) | DeValue::Table(_) if depth > DEEPEST => {
            return refuse(findings, format!("nested more than {DEEPEST} levels deep"));
        }
        DeValue::Array(items) => {
            let items = items.into_iter().enumerate();
            TomlValue::List(
                items
                    .filter_map(|(i, item)| node(item, format!("{path}[{i}]"), depth + 1, findings))
                    .collect(),
            )
        }
        DeValue::Table(inner) => TomlValue::Table(table(inner, &path, depth, findings)),
    };
    Some(TomlNode {
        path,
        at: span.start,
        end: span.end,
        value,
    })
}
