//! Fields of the specification, and the treatment of values of the wrong kind.

use signalbox_core::{Document, Kind, NodeId, Scalar};

/// Names of the write key: `writeKey` is documented; `write_key` occurs in the documentation's prose.
pub(super) const KEY_NAMES: [&str; 2] = ["writeKey", "write_key"];

/// The kind of value that a field of the specification holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FieldRule {
    /// An id. A number becomes a string; any other kind is dropped.
    Id,
    /// An object. Any other kind is dropped.
    Object,
    /// Any value; only `null` is dropped.
    Other,
    /// The write key, which destinations do not get: dropped.
    Key,
}

fn field(name: &str) -> Option<FieldRule> {
    Some(match name {
        "anonymousId" | "userId" | "messageId" | "groupId" | "previousId" => FieldRule::Id,
        "context" | "integrations" | "properties" | "traits" => FieldRule::Object,
        "type" | "event" | "name" | "category" | "timestamp" | "originalTimestamp" | "sentAt"
        | "receivedAt" | "channel" | "version" | "_metadata" => FieldRule::Other,
        name if KEY_NAMES.contains(&name) => FieldRule::Key,
        _ => return None,
    })
}

/// Drops or converts top-level values of the wrong kind. Fields outside the specification stay unchanged.
pub(super) fn tidy(document: &mut Document) {
    let root = document.root();
    let parent = root.id();
    // Names do not repeat, so these lists are bounded by the number of known fields.
    let mut drop: Vec<NodeId> = Vec::new();
    let mut numbers: Vec<(NodeId, String)> = Vec::new();
    for (name, node) in root.members() {
        let Some(field) = field(name) else { continue };
        let keep = match (field, node.kind()) {
            (_, Kind::Null) | (FieldRule::Key, _) => false,
            (FieldRule::Id, Kind::Number) => {
                numbers.push((node.id(), node.number_text().unwrap_or_default().to_owned()));
                true
            }
            (FieldRule::Id, kind) => kind == Kind::String,
            (FieldRule::Object, kind) => kind == Kind::Object,
            (FieldRule::Other, _) => true,
        };
        if !keep {
            drop.push(node.id());
        }
    }
    for id in drop {
        document.remove_child(parent, id);
    }
    for (id, text) in numbers {
        document.set_node(id, Scalar::String(&text));
    }
}
