//! The keys of a plugin's settings, from its schema.

use serde_json::Value;

use super::data::Key;

/// Lists the keys of a schema, in its order.
pub(super) fn keys(schema: &Value) -> Vec<Key> {
    let required: Vec<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let settings = schema["properties"].as_object().into_iter().flatten();
    let key = |(name, setting): (&String, &Value)| Key {
        key: name.clone(),
        required: required.contains(&name.as_str()),
        default: setting
            .get("default")
            .filter(|default| !default.is_null())
            .map(ToString::to_string),
        about: setting["description"].as_str().unwrap_or_default().to_owned(),
    };
    settings.map(key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn keys_tell_their_need_and_meaning() {
        let schema = json!({
            "required": ["a"],
            "properties": { "a": { "description": "The account." }, "b": { "default": true }, "c": { "default": null } },
        });
        let found = keys(&schema);
        let needs: Vec<String> = found.iter().map(Key::need).collect();
        assert_eq!(needs, ["required", "default true", "optional"]);
        assert_eq!(found[0].about, "The account.");
        assert_eq!(keys(&json!(true)), []);
    }
}
