//! The fields of a record, with personal values as hashes.

use signalbox_core::json::Content;
use signalbox_core::privacy::{holder, looks_personal, meaning_at};
use signalbox_core::{Document, Node, Sha256Hex};
use signalbox_history::{Checksum, IdHash, IdKeys};

use super::model::Field;

/// Most fields of a record that are shown.
const MOST: usize = 300;
/// Most characters of a value that are shown.
const LONGEST: usize = 200;

/// Keys whose values belong to a person or a device anywhere, in lower case and without separators.
const PERSONAL: &[&str] = &[
    "userid",
    "anonymousid",
    "externalid",
    "deviceid",
    "advertisingid",
    "ip",
    "ipaddress",
    "useragent",
    "traits",
];

/// Lists the fields of an encoded record; none if it is no JSON.
pub(super) fn fields(bytes: &[u8], keys: &IdKeys) -> Vec<Field> {
    let mut fields = Vec::new();
    let text = std::str::from_utf8(bytes).ok();
    if let Some(document) = text.and_then(|text| Document::parse(text).ok()) {
        let place = Place {
            path: String::new(),
            personal: false,
        };
        add(document.root(), &place, keys, &mut fields);
    }
    fields
}

/// Returns true for a key whose value tells of a person or of a device, in any vendor's spelling.
pub(crate) fn is_personal(key: &str) -> bool {
    let bare: String = key.chars().filter(char::is_ascii_alphanumeric).collect();
    PERSONAL.contains(&bare.to_ascii_lowercase().as_str()) || holder(key).is_some()
}

/// The place of a value.
struct Place {
    path: String,
    /// True inside of an object that holds a person's data.
    personal: bool,
}

impl Place {
    fn member(&self, key: &str) -> Place {
        let name = if looks_personal(key) { "…" } else { key };
        let path = match self.path.as_str() {
            "" => name.to_owned(),
            path => format!("{path}.{name}"),
        };
        let named = is_personal(key) || meaning_at(&path).is_some();
        Place {
            personal: self.personal || named,
            path,
        }
    }

    fn item(&self, index: usize) -> Place {
        Place {
            path: format!("{}[{index}]", self.path),
            personal: self.personal,
        }
    }
}

fn add(node: Node<'_>, place: &Place, keys: &IdKeys, fields: &mut Vec<Field>) {
    if fields.len() >= MOST {
        return;
    }
    let (text, is_text) = match node.content() {
        Content::Object if !node.is_empty() => {
            for (key, value) in node.members() {
                add(value, &place.member(key), keys, fields);
            }
            return;
        }
        Content::Array if !node.is_empty() => {
            for (index, value) in node.items().enumerate() {
                add(value, &place.item(index), keys, fields);
            }
            return;
        }
        Content::Object => ("{}", false),
        Content::Array => ("[]", false),
        Content::Null => ("null", false),
        Content::Bool(value) => (if value { "true" } else { "false" }, false),
        Content::Number(text) => (text, true),
        Content::String(text) => (text, true),
    };
    let is_hash = Sha256Hex::from_prehashed(text).is_some();
    let personal = is_text && (place.personal || is_hash || looks_personal(text));
    let value = match (personal, is_hash) {
        (true, false) => IdHash(keys.digest(Checksum::of(text.as_bytes()))).shown(),
        _ => text.chars().take(LONGEST).collect(),
    };
    fields.push(Field {
        path: place.path.clone(),
        value,
        personal,
    });
}

#[cfg(test)]
mod tests {
    use signalbox_core::JournalKey;

    use super::*;

    #[test]
    fn personal_values_of_any_vendor_are_shown_as_hashes() {
        let keys = IdKeys::derive([&JournalKey::new([1; 32])]).unwrap();
        let sha = Sha256Hex::of("ivy@example.com");
        let sha = sha.as_str();
        let record = format!(
            r#"{{"event_name":"checkout","event_id":"e-7","user_data":{{"em":["{sha}"],"client_ip_address":"198.51.100.7",
            "zp":10115,"opt_out":false}},"custom_data":{{"value":"72.05","num_items":2,"note":"mail ivy@example.com",
            "contents":[]}},"user":{{"ttp":"ttp-1"}},"context":{{"ip":"198.51.100.8","userAgent":"Ivy 1"}},
            "userId":"u-77","traits":{{"plan":"gold"}},"first_name":"Ivy","ivy@example.com":1}}"#
        );
        let fields = fields(record.as_bytes(), &keys);
        let told = serde_json::to_string(&fields).unwrap();
        for hidden in ["198.51", "10115", "ivy@", "ttp-1", "Ivy", "u-77", "gold"] {
            assert!(!told.contains(hidden), "{hidden}: {told}");
        }
        let of = |path: &str| {
            let field = fields.iter().find(|field| field.path == path);
            field.unwrap_or_else(|| panic!("{path}: {told}"))
        };
        for (path, value) in [
            ("event_name", "checkout"),
            ("event_id", "e-7"),
            ("custom_data.value", "72.05"),
            ("custom_data.num_items", "2"),
            ("custom_data.contents", "[]"),
            ("user_data.opt_out", "false"),
        ] {
            assert_eq!(
                (of(path).value.as_str(), of(path).personal),
                (value, false),
                "{path}"
            );
        }
        assert_eq!(
            (
                of("user_data.em[0]").value.as_str(),
                of("user_data.em[0]").personal
            ),
            (sha, true)
        );
        for path in [
            "user_data.zp",
            "context.ip",
            "userId",
            "first_name",
            "custom_data.note",
        ] {
            assert!(of(path).personal && of(path).value.starts_with("id:"), "{path}");
        }
        assert_eq!(super::fields(b"no json", &keys), []);
    }
}
