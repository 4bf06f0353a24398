//! A vendor, as the import knows it.

use serde_json::{Map, Value as Json};

use crate::spec::Spec;

/// A vendor's destination at Segment, and the sink that takes its place.
#[derive(Debug)]
pub struct Import {
    /// The vendor.
    pub spec: &'static Spec,
    /// The plugin, `type` of the sink.
    pub plugin: &'static str,
    /// The name of the sink that is written, which the destination's own name holds as well.
    pub sink: &'static str,
    /// Segment's name of the vendor's action.
    pub action: &'static str,
    /// The destination's settings that [`Import::settings`] reads. The first one is not found elsewhere.
    pub known: &'static [&'static str],
    /// Writes the sink's settings, and notes the steps that are left to the user.
    pub settings: fn(&Map<String, Json>, &mut Vec<String>) -> String,
}

impl Import {
    /// Returns true if a subscription names the vendor's action.
    pub(super) fn is_action_of(&self, subscription: &Map<String, Json>) -> bool {
        ["partnerAction", "actionSlug"].iter().any(|key| {
            let name = subscription.get(*key).and_then(Json::as_str).unwrap_or_default();
            let letters = name.chars().filter(char::is_ascii_alphanumeric);
            letters.collect::<String>().eq_ignore_ascii_case(self.action)
        })
    }
}
