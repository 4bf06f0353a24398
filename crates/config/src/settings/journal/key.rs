//! `key` of `[journal]`

use std::fmt;

use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Deserializer, de};
use signalbox_core::{BuildError, JournalKey, Secret};

/// Returns a fault for each text that is no key.
pub(super) fn faults(keys: &[Secret]) -> Vec<BuildError> {
    let each = keys.iter().enumerate().filter_map(|(n, key)| {
        let fault = JournalKey::parse(key.expose()).err()?;
        let place = match keys.len() {
            1 => String::new(),
            _ => format!("key {} of the list ", n + 1),
        };
        let help = "'signalbox keygen --out FILE' makes a key; name its file: key = \"${file:FILE}\"";
        Some(BuildError::new("key", format!("{place}{fault}")).help(help))
    });
    each.collect()
}

/// Reads a key, or a list of keys.
pub(super) fn keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Secret>, D::Error> {
    struct Keys;
    impl<'de> de::Visitor<'de> for Keys {
        type Value = Vec<Secret>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a key, or a list of keys")
        }
        fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<Secret>, E> {
            Ok(vec![Secret::new(text)])
        }
        fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Vec<Secret>, A::Error> {
            let mut keys = Vec::new();
            while let Some(key) = list.next_element()? {
                keys.push(key);
            }
            Ok(keys)
        }
    }
    deserializer.deserialize_any(Keys)
}

pub(super) fn schema(_: &mut SchemaGenerator) -> Schema {
    let key = serde_json::json!({ "type": "string", "writeOnly": true });
    json_schema!({ "anyOf": [key, { "type": "array", "items": key }] })
}
