//! A vendor's destinations at Segment, as the import knows them.

use serde_json::{Map, Value as Json};

use crate::presets::Preset;
use crate::spec::Spec;

/// The destinations of a vendor, and the plugin that takes their place.
#[derive(Debug)]
pub struct Import {
    /// The plugin, `type` of the sinks.
    pub plugin: &'static str,
    /// The destinations at Segment that it replaces.
    pub destinations: &'static [Destination],
}

/// A destination in Segment's catalog, and the sink that takes its place.
#[derive(Debug)]
pub struct Destination {
    /// The name in Segment's catalog.
    pub name: &'static str,
    /// Letters that the destination's slug or name contains and no other destination's does; lower case, without blanks and
    /// punctuation.
    pub known_as: &'static str,
    /// The vendor's fields and presets.
    pub spec: &'static Spec,
    /// The name of the sink that is written.
    pub sink: &'static str,
    /// The actions that are carried over.
    pub actions: &'static [Action],
    /// The settings, in the order in which the sink's table lists them. The first one tells the destination from others.
    pub settings: &'static [Setting],
}

/// An action of a destination.
#[derive(Debug)]
pub struct Action {
    /// Segment's slug, letters and digits only.
    pub slug: &'static str,
    /// The preset that it becomes, for a vendor with an action for each conversion. `None`: the mapping names the conversion.
    pub preset: Option<&'static str>,
}

impl Action {
    /// An action whose mapping names the conversion.
    pub const fn by_event(slug: &'static str) -> Action {
        Action { slug, preset: None }
    }

    /// An action for the conversion of one preset.
    pub const fn of_preset(slug: &'static str, preset: &'static str) -> Action {
        Action {
            slug,
            preset: Some(preset),
        }
    }
}

/// A setting of a destination, or of the sink that takes its place.
#[derive(Debug)]
pub enum Setting {
    /// An id, which is copied if it is well-formed and else left to an environment variable.
    Id {
        /// Segment's key.
        segment: &'static str,
        /// The sink's key.
        key: &'static str,
        /// The environment variable.
        variable: &'static str,
        /// Returns true for a well-formed id.
        is_valid: fn(&str) -> bool,
        /// The form of a well-formed id, such as "1 to 18 digits".
        form: &'static str,
    },
    /// A secret, which always comes from an environment variable.
    Secret {
        /// Segment's key; `None` if Segment keeps no such secret of its users.
        segment: Option<&'static str>,
        /// The sink's key.
        key: &'static str,
        /// The environment variable.
        variable: &'static str,
    },
    /// A setting of the sink alone.
    Own {
        /// The sink's key.
        key: &'static str,
        /// The value.
        value: &'static str,
        /// A sentence for the user; empty if there is nothing to say.
        note: &'static str,
    },
    /// A setting of Segment's that the sink does not take over.
    LeftOut {
        /// Segment's key.
        segment: &'static str,
        /// The reason, and the remedy.
        why: &'static str,
    },
}

impl Setting {
    /// Returns Segment's key, if the setting is one of Segment's.
    pub fn segment(&self) -> Option<&'static str> {
        match self {
            Setting::Id { segment, .. } | Setting::LeftOut { segment, .. } => Some(segment),
            Setting::Secret { segment, .. } => *segment,
            Setting::Own { .. } => None,
        }
    }
}

impl Import {
    /// Returns the names of the destinations.
    pub fn names(&self) -> Vec<&'static str> {
        self.destinations
            .iter()
            .map(|destination| destination.name)
            .collect()
    }
}

impl Destination {
    /// Returns the action that a subscription names.
    pub(super) fn action_of(&self, subscription: &Map<String, Json>) -> Option<&'static Action> {
        ["partnerAction", "actionSlug"].iter().find_map(|key| {
            let slug = letters(subscription.get(*key)?.as_str()?);
            self.actions
                .iter()
                .find(|action| action.slug.eq_ignore_ascii_case(&slug))
        })
    }

    /// Returns the preset of an action that stands for one conversion.
    pub(super) fn preset_of(&self, action: &Action) -> Option<&'static Preset> {
        self.spec.preset(action.preset?)
    }

    /// Returns true if Segment's settings of this destination have the key.
    pub(super) fn knows(&self, key: &str) -> bool {
        self.settings.iter().any(|setting| setting.segment() == Some(key))
    }

    /// Returns true if the settings hold the one that tells the destination from others.
    pub(super) fn is_told_by(&self, settings: &Map<String, Json>) -> bool {
        let first = self.settings.iter().find_map(Setting::segment);
        first.is_some_and(|key| settings.contains_key(key))
    }
}

/// Letters and digits of a slug or name, in lower case.
pub(super) fn letters(text: &str) -> String {
    let letters = text.chars().filter(char::is_ascii_alphanumeric);
    letters.collect::<String>().to_ascii_lowercase()
}
