//! Write keys: what users write about them, and what that means for a request.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::HeaderMap;
use http::header::ORIGIN;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use signalbox_core::limiter::{DebtBucket, Per, Quota};
use signalbox_core::{BuildError, BuildErrors, Event, Secret};

use crate::origins::Origins;

/// One entry of `write_keys`: the key alone, or a table about it.
#[derive(Debug, Clone)]
pub struct WriteKey(pub WriteKeySettings);

/// The settings of one write key.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteKeySettings {
    /// The write key itself. Required.
    pub key: Secret,

    /// A name for messages, since the key is never shown. Default: its place in the list.
    #[serde(default)]
    pub name: Option<String>,

    /// The only sinks its events go to, by their names in the pipeline file; each must have this source in its
    /// `inputs`. Default: every sink that listens to this source.
    #[serde(default)]
    pub sinks: Option<Vec<String>>,

    /// The quota of its events; a request over it is answered 429. Default: no limit.
    #[serde(default)]
    pub rate_limit: Option<KeyRateLimit>,

    /// The web pages that may use it, as origins: `https://shop.example`, or `https://*.shop.example` for all
    /// subdomains. Requests without an `Origin` header (servers, apps) are not concerned: this keeps strangers'
    /// pages out, not strangers. Default: every page.
    #[serde(default)]
    pub allowed_origins: Option<Vec<String>>,
}

/// A quota of events.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyRateLimit {
    /// Events accepted in any second, minute or hour (see `per`). At least 1. Required.
    #[schemars(range(min = 1))]
    pub limit: u32,
    /// Window over which `limit` is counted. Required.
    pub per: Per,
    /// Events of `limit` that may come at once, from 1 to `limit`. A request with more events than are left is accepted
    /// once, and the next one when time has paid for all of it. Default: a tenth of `limit`, rounded up.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub burst: Option<u32>,
}

impl<'de> Deserialize<'de> for WriteKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<WriteKey, D::Error> {
        struct KeyVisitor;
        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = WriteKey;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a write key, or a table with `key`")
            }
            fn visit_str<E: Error>(self, key: &str) -> Result<WriteKey, E> {
                Ok(WriteKey::plain(key))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<WriteKey, A::Error> {
                WriteKeySettings::deserialize(MapAccessDeserializer::new(map)).map(WriteKey)
            }
        }
        deserializer.deserialize_any(KeyVisitor)
    }
}

impl JsonSchema for WriteKey {
    fn schema_name() -> Cow<'static, str> {
        "WriteKey".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = generator.subschema_for::<WriteKeySettings>();
        json_schema!({ "anyOf": [{ "type": "string" }, table] })
    }
}

impl WriteKey {
    /// A key with nothing set for it.
    pub fn plain(key: impl Into<String>) -> WriteKey {
        WriteKey(WriteKeySettings {
            key: Secret::new(key),
            name: None,
            sinks: None,
            rate_limit: None,
            allowed_origins: None,
        })
    }

    fn prepare(&self, place: usize, errors: &mut BuildErrors) -> Key {
        let at = |field: &str| format!("write_keys.{place}.{field}");
        let settings = &self.0;
        if settings.sinks.as_ref().is_some_and(Vec::is_empty) {
            errors.push(
                BuildError::new(at("sinks"), "no sink, so its events would go nowhere")
                    .help("name a sink, or leave `sinks` out for all of them"),
            );
        }
        let origins = settings.allowed_origins.as_ref().map(|origins| {
            Origins::parse(origins).unwrap_or_else(|wrong| {
                errors.extend(wrong.into_iter().map(|i| {
                    BuildError::new(at(&format!("allowed_origins.{i}")), "not an origin of a web page")
                        .help("write it like \"https://shop.example\" or \"https://*.shop.example\"")
                }));
                Origins::default()
            })
        });
        let quota = settings.rate_limit.and_then(|limit| {
            Quota::new(limit.limit, limit.per.window(), limit.burst)
                .map_err(|error| {
                    let path = at(&format!("rate_limit.{}", error.setting()));
                    errors.push(BuildError::new(path, error.to_string()));
                })
                .ok()
        });
        Key {
            name: settings
                .name
                .clone()
                .unwrap_or_else(|| format!("write_keys.{place}")),
            sinks: settings.sinks.clone(),
            origins,
            quota: quota.map(|quota| (quota, Mutex::default())),
        }
    }
}

/// A write key, with its settings compiled.
pub(crate) struct Key {
    /// For messages; never the key.
    pub(crate) name: String,
    /// The only sinks for its events.
    sinks: Option<Vec<String>>,
    origins: Option<Origins>,
    quota: Option<(Quota, Mutex<DebtBucket>)>,
}

impl Key {
    /// True if the page that sent a request may use the key. Requests from elsewhere may always.
    pub(crate) fn allows(&self, headers: &HeaderMap) -> bool {
        match (&self.origins, headers.get(ORIGIN)) {
            (Some(origins), Some(origin)) => origins.contain(origin.as_bytes()),
            _ => true,
        }
    }

    /// Marks an event with the sinks that it may go to.
    pub(crate) fn mark(&self, mut event: Event) -> Event {
        if let Some(sinks) = &self.sinks {
            event.facts_mut().sinks = Some(sinks.clone());
        }
        event
    }

    /// Takes a request with this many events out of its quota: all of it while anything is left.
    ///
    /// # Errors
    /// The time to wait.
    pub(crate) fn take(&self, events: usize) -> Result<(), Duration> {
        let Some((quota, bucket)) = &self.quota else {
            return Ok(());
        };
        let (mut bucket, now) = (
            bucket.lock().unwrap_or_else(PoisonError::into_inner),
            Instant::now(),
        );
        match bucket.wait(quota, now) {
            Some(wait) if events > 0 => Err(wait),
            _ => {
                bucket.take(u32::try_from(events).unwrap_or(u32::MAX), quota, now);
                Ok(())
            }
        }
    }
}

/// The keys that may send.
pub(crate) struct WriteKeys(HashMap<Box<str>, Key>);

/// Shows how many.
impl fmt::Debug for WriteKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WriteKeys({})", self.0.len())
    }
}

impl WriteKeys {
    /// Checks the entries; what does not fit is added to `errors`.
    pub(crate) fn prepare(keys: &[WriteKey], errors: &mut BuildErrors) -> WriteKeys {
        if keys.is_empty() {
            errors.push(
                BuildError::new("write_keys", "no write key, so no event could ever come in")
                    .help("list at least one key, the one your SDKs are set up with"),
            );
        }
        let mut known = HashMap::new();
        for (place, key) in keys.iter().enumerate() {
            let text = key.0.key.expose();
            if text.trim().is_empty() {
                errors.push(BuildError::new(
                    format!("write_keys.{place}"),
                    "an empty write key",
                ));
            }
            let prepared = key.prepare(place, errors);
            if known.insert(Box::from(text), prepared).is_some() {
                errors.push(BuildError::new(
                    format!("write_keys.{place}"),
                    "this key is in the list twice",
                ));
            }
        }
        WriteKeys(known)
    }

    pub(crate) fn find(&self, key: &str) -> Option<&Key> {
        self.0.get(key)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn prepare(keys: serde_json::Value) -> (WriteKeys, Vec<String>) {
        let keys: Vec<WriteKey> = serde_json::from_value(keys).unwrap();
        let mut errors = Vec::new();
        let keys = WriteKeys::prepare(&keys, &mut errors);
        (keys, errors.into_iter().map(|error| error.path).collect())
    }

    #[test]
    fn keys_are_texts_or_tables() {
        let (keys, errors) = prepare(json!(["a", {"key": "b", "name": "shop", "sinks": ["archive"]}]));
        assert!(errors.is_empty(), "{errors:?}");
        assert_eq!(keys.find("a").unwrap().name, "write_keys.0");
        let shop = keys.find("b").unwrap();
        assert_eq!(
            (shop.name.as_str(), shop.sinks.as_ref().unwrap().len()),
            ("shop", 1)
        );
        assert!(keys.find("c").is_none());
        assert!(!format!("{keys:?}").contains('a'.to_string().repeat(2).as_str()));
        for wrong in [json!([1]), json!([{}]), json!([{"key": "a", "sink": []}])] {
            assert!(serde_json::from_value::<Vec<WriteKey>>(wrong).is_err());
        }
    }

    #[test]
    fn every_mistake_is_told_with_its_place() {
        let (_, errors) = prepare(json!([
            {"key": " "},
            {"key": "a", "sinks": [], "allowed_origins": ["https://ok.example", "shop"]},
            {"key": "a", "rate_limit": {"limit": 5, "per": "second", "burst": 6}},
            {"key": "c", "rate_limit": {"limit": 0, "per": "hour"}},
        ]));
        assert_eq!(
            errors,
            [
                "write_keys.0",
                "write_keys.1.sinks",
                "write_keys.1.allowed_origins.1",
                "write_keys.2.rate_limit.burst",
                "write_keys.2",
                "write_keys.3.rate_limit.limit",
            ]
        );
    }

    #[test]
    fn a_request_over_the_quota_is_taken_once_and_paid_off_in_full() {
        let (keys, _) =
            prepare(json!([{"key": "a", "rate_limit": {"limit": 10, "per": "hour", "burst": 10}}]));
        let key = keys.find("a").unwrap();
        assert_eq!(key.take(0), Ok(()));
        assert_eq!(key.take(3), Ok(()));
        assert_eq!(key.take(2_500), Ok(()), "something is left");
        let wait = key.take(1).unwrap_err();
        // One cell comes back every hour; 2,493 too many were taken, and one more is needed.
        assert_eq!(wait.as_secs().div_ceil(3600), 2_494);
        assert_eq!(key.take(0), Ok(()));
    }
}
