//! The same work done the usual way: text to `serde_json::Value`, a mapping of Segment's directives interpreted into
//! another `Value`, that written as text. It is the yardstick of the other figures, so it is written as usual code,
//! without care for speed but without blunders: no avoidable clone, normalising and hashing by the
//! same functions. [`agrees`] holds that it makes the same records.

use serde_json::{Map, Value, json};
use signalbox_conversions::personal::{self, Field, rules::PINTEREST};
use signalbox_conversions::time::unix_seconds;
use signalbox_core::Sha256Hex;

/// The mapping of the preset `Checkout`, in Segment's language, equal to the sink's own table.
pub(crate) const CHECKOUT: &str = include_str!("checkout.json");

const HASHED: [(&str, &str, Field); 12] = [
    ("email", "em", Field::Email),
    ("phone", "ph", Field::Phone),
    ("gender", "ge", Field::Gender),
    ("date_of_birth", "db", Field::DateOfBirth),
    ("last_name", "ln", Field::LastName),
    ("first_name", "fn", Field::FirstName),
    ("city", "ct", Field::City),
    ("state", "st", Field::State),
    ("zip", "zp", Field::Zip),
    ("country", "country", Field::Country),
    ("external_id", "external_id", Field::ExternalId),
    ("hashed_maids", "hashed_maids", Field::MobileAdId),
];

/// The mapping, read.
pub(crate) fn mapping() -> Value {
    serde_json::from_str(CHECKOUT).unwrap_or_else(|error| panic!("{error}"))
}

/// Makes a record of an event's text.
pub(crate) fn record(mapping: &Value, text: &str) -> Vec<u8> {
    let event: Value = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}"));
    assert!(event["type"] == "track" && event["event"] == "Order Completed");
    let mapped = evaluate(mapping, &event).unwrap_or_default();
    let record = convert(mapped, &event);
    serde_json::to_vec(&record).unwrap_or_default()
}

/// Panics unless the record equals the sink's, in any order of members.
pub(crate) fn agrees(mapping: &Value, text: &str, record_of_the_sink: &[u8]) {
    let read = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap_or_default();
    assert_eq!(read(&record(mapping, text)), read(record_of_the_sink), "{text}");
}

fn find<'e>(event: &'e Value, path: &str) -> Option<&'e Value> {
    path.trim_start_matches("$.")
        .split('.')
        .try_fold(event, |value, key| value.get(key))
}

fn evaluate(mapping: &Value, event: &Value) -> Option<Value> {
    let Value::Object(object) = mapping else {
        return Some(mapping.clone());
    };
    match object
        .iter()
        .next()
        .map(|(name, argument)| (name.as_str(), argument))
    {
        Some(("@path", path)) => find(event, path.as_str()?).cloned(),
        Some(("@template", template)) => {
            let path = template.as_str()?.trim_start_matches("{{").trim_end_matches("}}");
            Some(Value::String(find(event, path).map(text).unwrap_or_default()))
        }
        Some(("@if", parts)) => {
            let (test, blank_counts) = match parts.get("exists") {
                Some(test) => (test, true),
                None => (parts.get("blank")?, false),
            };
            let holds = match evaluate(test, event) {
                None | Some(Value::Null) => false,
                Some(Value::String(text)) => blank_counts || !text.is_empty(),
                Some(_) => true,
            };
            evaluate(parts.get(if holds { "then" } else { "else" })?, event)
        }
        Some(("@arrayPath", parts)) => {
            let items = match find(event, parts.get(0)?.as_str()?)? {
                Value::Array(items) => items.as_slice(),
                one => std::slice::from_ref(one),
            };
            Some(
                items
                    .iter()
                    .filter_map(|item| evaluate(parts.get(1)?, item))
                    .collect(),
            )
        }
        _ => {
            let members = object
                .iter()
                .filter_map(|(key, value)| Some((key.clone(), evaluate(value, event)?)));
            Some(Value::Object(members.collect()))
        }
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64() {
            Some(double) if double.fract() == 0.0 => format!("{}", double as i64),
            _ => number.to_string(),
        },
        other => other.to_string(),
    }
}

fn convert(mut mapped: Value, event: &Value) -> Value {
    let mut record = Map::new();
    let device = find(event, "context.device.type").and_then(Value::as_str);
    let (source, family) = match device {
        Some("ios") => (json!("app_ios"), json!("ios")),
        Some("android") => (json!("app_android"), json!("android")),
        _ => (mapped["action_source"].take(), Value::Null),
    };
    record.insert("event_name".into(), mapped["event_name"].take());
    record.insert("action_source".into(), source);
    let time = unix_seconds(mapped["event_time"].as_str().unwrap_or_default());
    record.insert("event_time".into(), time.map_or(Value::Null, Value::from));
    record.insert("event_id".into(), mapped["event_id"].take());
    record.insert("event_source_url".into(), mapped["event_source_url"].take());
    if let Some(enabled) = mapped["advertiser_tracking_enabled"].as_bool() {
        record.insert("opt_out".into(), json!(!enabled));
        record.insert("advertiser_tracking_enabled".into(), json!(enabled));
    }
    record.insert("user_data".into(), user_data(mapped["user_data"].take(), event));
    record.insert(
        "custom_data".into(),
        custom_data(mapped["custom_data_2"].take(), mapped["contents"].take(), event),
    );
    record.insert("app_info".into(), mapped["app_info"].take());
    let mut device = mapped["device_info"].take();
    if !family.is_null() {
        device["os_family"] = family;
    }
    record.insert("device_info".into(), device);
    record.insert("wifi".into(), mapped["wifi"].take());
    Value::Object(record)
}

fn user_data(mut mapped: Value, event: &Value) -> Value {
    let mut members = Map::new();
    for (from, to, field) in HASHED {
        let mut scratch = String::new();
        if let Some(value) = mapped.get(from).map(text)
            && let Ok(hash) = personal::hash(field, &PINTEREST, &value, &mut scratch)
        {
            let mut hashes = vec![hash.to_string()];
            // Names of two words are hashed with the space, too.
            if from.ends_with("_name") && value.trim().contains(' ') {
                hashes.push(Sha256Hex::of(&value.trim().to_lowercase()).to_string());
            }
            members.insert(to.to_owned(), json!(hashes));
        }
    }
    for plain in ["client_ip_address", "client_user_agent"] {
        members.insert(plain.to_owned(), mapped[plain].take());
    }
    let query = find(event, "context.page.url")
        .and_then(Value::as_str)
        .and_then(|url| url.split_once('?'));
    let click = query.and_then(|(_, query)| query.split('&').find_map(|pair| pair.strip_prefix("epik=")));
    if let Some(click) = click {
        members.insert("click_id".to_owned(), json!(click));
    }
    Value::Object(members)
}

/// The worth of an order that has no value of its own: its total less tax and shipping.
fn worth(event: &Value) -> Option<Value> {
    let amount = |path: &str| find(event, path).and_then(Value::as_f64);
    let costs = amount("properties.tax").unwrap_or(0.0) + amount("properties.shipping").unwrap_or(0.0);
    let cents = (amount("properties.total")? - costs) * 100.0;
    let has = |path: &&str| find(event, path).is_some();
    let given = ["properties.value", "properties.revenue"].iter().any(has);
    (!given && cents >= 0.0).then(|| json!(cents.round() / 100.0))
}

fn custom_data(mut mapped: Value, mut contents: Value, event: &Value) -> Value {
    let mut quantity = 0;
    let mut ids = Vec::new();
    for item in contents.as_array_mut().into_iter().flatten() {
        item["item_price"] = Value::String(text(&item["item_price"]));
        quantity += item["quantity"].as_i64().unwrap_or(1);
        let id = item["id"].clone();
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    let value = worth(event).unwrap_or_else(|| mapped["value"].take());
    mapped["value"] = Value::String(text(&value));
    mapped["content_ids"] = Value::Array(ids);
    mapped["num_items"] = json!(quantity);
    mapped["contents"] = contents;
    mapped
}
