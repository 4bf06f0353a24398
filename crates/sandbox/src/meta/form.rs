//! Requests in the form of a query: `data=[…]&access_token=…`.

use http::header::CONTENT_TYPE;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use crate::api::Call;

/// Returns the pairs of the body if it is a form.
pub(super) fn members(call: &Call<'_>) -> Option<Vec<(String, String)>> {
    let kind = call.headers.get(CONTENT_TYPE)?.to_str().ok()?;
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return None;
    }
    let body = std::str::from_utf8(&call.body).ok()?;
    // curl announces a form for any body.
    (!body.trim_start().starts_with('{')).then(|| pairs(body))
}

/// Returns the pairs of a query or form, decoded.
pub(super) fn pairs(text: &str) -> Vec<(String, String)> {
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}

/// Returns the first value of this name.
pub(super) fn find(pairs: &[(String, String)], name: &str) -> Option<String> {
    let found = pairs.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value.clone())
}

/// Returns the JSON body that says the same as the form.
pub(super) fn json(members: &[(String, String)]) -> String {
    let beside_token = members.iter().filter(|(name, _)| name != "access_token");
    let members: Vec<String> = beside_token
        .map(|(name, value)| {
            // `data` is JSON itself; Serde writes everything else as a string.
            let value = if name == "data" {
                value.clone()
            } else {
                Value::from(value.as_str()).to_string()
            };
            format!("{}:{value}", Value::from(name.as_str()))
        })
        .collect();
    format!("{{{}}}", members.join(","))
}

fn decoded(text: &str) -> String {
    let spaced = text.replace('+', " ");
    percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
}
