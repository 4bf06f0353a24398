//! Writes mappings as TOML. A whole serializer would put each field of a directive on its own line.

use serde_json::Value as Json;

use crate::settings::MappingConfig;

/// Appends a mapping of a sink.
pub(super) fn mapping(sink: &str, config: &MappingConfig, out: &mut String) {
    out.push_str(&format!("\n[[sinks.{sink}.mappings]]\n"));
    for (key, value) in [
        ("name", &config.name),
        ("preset", &config.preset),
        ("trigger", &config.trigger),
    ] {
        if let Some(value) = value {
            out.push_str(&format!("{key} = {}\n", text(value)));
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
        write_key(field, out);
        out.push_str(" = ");
        write_value(json, out);
        out.push('\n');
    }
}

/// Returns a TOML string on one line. A dollar sign that the loader would take for a reference is doubled.
pub fn text(text: &str) -> String {
    let mut out = String::new();
    if text.contains("${") || text.contains("$$") {
        write_string(&text.replace('$', "$$"), &mut out);
    } else {
        write_string(text, &mut out);
    }
    out
}

fn write_value(json: &Json, out: &mut String) {
    match json {
        // Replaced before: TOML has none.
        Json::Null => out.push_str("\"\""),
        Json::Bool(truth) => out.push_str(if *truth { "true" } else { "false" }),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => out.push_str(&whole.to_string()),
            (None, Some(double)) => out.push_str(&format!("{double:?}")),
            (None, None) => out.push('0'),
        },
        Json::String(string) => out.push_str(&text(string)),
        Json::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                write_value(item, out);
            }
            out.push(']');
        }
        Json::Object(members) => {
            out.push('{');
            for (index, (key, member)) in members.iter().enumerate() {
                out.push_str(if index > 0 { ", " } else { " " });
                write_key(key, out);
                out.push_str(" = ");
                write_value(member, out);
            }
            out.push_str(if members.is_empty() { "}" } else { " }" });
        }
    }
}

fn write_key(key: &str, out: &mut String) {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !key.is_empty() && key.bytes().all(bare) {
        out.push_str(key);
    } else {
        write_string(key, out);
    }
}

fn write_string(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}
