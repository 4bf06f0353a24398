//! Judging events in tests.

use serde_json::Value;

use crate::api::{self, Api, Circumstances};
use crate::judge::facts::Facts;
use crate::judge::{Refusal, Verdict};
use crate::meta::Meta;
use crate::options::SandboxConfig;
use crate::pinterest::Pinterest;
use crate::tiktok::TikTok;

pub(crate) const HASH: &str = "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9";
/// The time of the sandbox, in Unix seconds.
pub(crate) const NOW: i64 = 1_772_442_122;
/// The destination's id in the path.
pub(crate) const ID: &str = "549755885175";

/// Judges a request's body.
pub(crate) fn judged<'a>(
    api: &dyn Api,
    config: &SandboxConfig,
    unexpected_property: Option<&str>,
    bytes: &'a [u8],
) -> Result<Vec<Verdict<'a>>, Refusal> {
    let around = Circumstances {
        config,
        id: ID,
        now: NOW,
    };
    api::judge(api, &around, unexpected_property, bytes, &mut Facts::default())
}

/// Judges a request's body, and returns the first error or warning in one line: an empty text if there is none, a
/// warning as `warned: …`, the code of an error before its text.
pub(crate) fn told(api: &dyn Api, config: &SandboxConfig, body: &Value) -> String {
    let coded = |code: Option<u32>, text: &str| match code {
        Some(code) => format!("{code} {text}"),
        None => text.to_owned(),
    };
    match judged(api, config, None, body.to_string().as_bytes()) {
        Err(refusal) => coded(refusal.code, &refusal.without_index()),
        Ok(verdicts) => {
            let mut told = verdicts.into_iter().filter_map(|verdict| {
                let error = verdict.error.map(|text| coded(verdict.code, &text));
                error.or(verdict.warning.map(|text| format!("warned: {text}")))
            });
            told.next().unwrap_or_default()
        }
    }
}

/// Lays a patch over a value: objects are merged, null removes, anything else replaces (RFC 7396).
pub(crate) fn patched(value: &Value, patch: &Value) -> Value {
    let Some(members) = patch.as_object() else {
        return patch.clone();
    };
    let mut whole = value.as_object().cloned().unwrap_or_default();
    for (name, change) in members {
        if change.is_null() {
            whole.shift_remove(name);
        } else {
            let changed = patched(whole.get(name).unwrap_or(&Value::Null), change);
            whole.insert(name.clone(), changed);
        }
    }
    Value::Object(whole)
}

proptest::proptest! {
    #[test]
    fn no_body_makes_a_vendor_panic_or_repeats_its_values(text in "[a-z]{12,20}", bytes: Vec<u8>) {
        let value = Value::from(text.as_str());
        let list = Value::from(vec![value.clone()]);
        for api in [&Pinterest as &dyn Api, &Meta, &TikTok] {
            let config = SandboxConfig::default();
            let _ = judged(api, &config, None, &bytes);
            let (body, event) = api.tables();
            for (field, odd) in event.iter().zip([&value, &list].into_iter().cycle()) {
                let event = serde_json::json!({ field.name: odd });
                let request = serde_json::json!({ "event_source": "web", "event_source_id": "1", "data": [event] });
                let said = told(api, &config, &request);
                proptest::prop_assert!(!said.is_empty() && !said.contains(&text), "{said}");
            }
            for field in body {
                let said = told(api, &config, &serde_json::json!({ field.name: list }));
                proptest::prop_assert!(!said.is_empty() && !said.contains(&text), "{said}");
            }
        }
    }
}
