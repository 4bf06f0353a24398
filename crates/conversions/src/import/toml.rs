//! Writes mappings as TOML. A whole serializer would put each field of a directive on its own line.

use serde_json::Value as Json;
use signalbox_core::escape::plain_json;

use crate::settings::MappingConfig;

/// Appends a mapping of a sink.
pub(super) fn mapping(sink: &str, config: &MappingConfig, out: &mut String) {
    out.push_str(&format!("\n[[sinks.{sink}.mappings]]\n"));
    for (name, given) in [
        ("name", &config.name),
        ("preset", &config.preset),
        ("trigger", &config.trigger),
    ] {
        if let Some(given) = given {
            out.push_str(&format!("{name} = {}\n", text(given)));
        }
    }
    if !config.enabled {
        out.push_str("enabled = false\n");
    }
    if !config.unset.is_empty() {
        let unset: Vec<String> = config.unset.iter().map(|field| text(field)).collect();
        out.push_str(&format!("unset = [{}]\n", unset.join(", ")));
    }
    if !config.fields.is_empty() {
        out.push_str(&format!("[sinks.{sink}.mappings.fields]\n"));
    }
    for (field, json) in &config.fields {
        out.push_str(&format!("{} = {}\n", key(field), value(json)));
    }
}

/// Returns a TOML string on one line. A dollar sign that the loader would take for a reference is doubled.
pub(super) fn text(text: &str) -> String {
    if text.contains("${") || text.contains("$$") {
        quoted(&text.replace('$', "$$"))
    } else {
        quoted(text)
    }
}

fn value(json: &Json) -> String {
    match json {
        // Replaced before: TOML has none.
        Json::Null => "\"\"".to_owned(),
        Json::Bool(truth) => truth.to_string(),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole.to_string(),
            (None, Some(double)) => format!("{double:?}"),
            (None, None) => "0".to_owned(),
        },
        Json::String(string) => text(string),
        Json::Array(items) => format!("[{}]", items.iter().map(value).collect::<Vec<_>>().join(", ")),
        Json::Object(members) if members.is_empty() => "{}".to_owned(),
        Json::Object(members) => {
            let members = members
                .iter()
                .map(|(name, json)| format!("{} = {}", key(name), value(json)));
            format!("{{ {} }}", members.collect::<Vec<_>>().join(", "))
        }
    }
}

fn key(key: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !key.is_empty() && key.bytes().all(bare) {
        key.to_owned()
    } else {
        quoted(key)
    }
}

/// Quotes a string. TOML takes the escapes of JSON, and wants one more for U+007F; a terminal would execute the characters
/// behind it.
fn quoted(text: &str) -> String {
    plain_json(&Json::from(text).to_string()).into_owned()
}
