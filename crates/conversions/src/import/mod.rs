//! A destination of Segment's as a table of the pipeline file.
//!
//! The table holds the differences from the defaults: fields that have the defaults of their preset are left to it, and
//! `compat = "segment"` keeps the requests as they were. Subscriptions that could never have sent anything (with a trigger
//! or mapping that Segment refuses, too) are left out and noted.

mod options;
mod read;
mod subscription;
mod toml;

use signalbox_core::{ImportError, Imported};

use crate::presets::Preset;
use crate::spec::Compat;
pub use options::Import;
use read::Found;
use subscription::Carried;
pub use toml::text as toml_text;

impl Import {
    /// Turns a destination's JSON into a table of sinks.
    ///
    /// Taken are: Segment's Public API's answers about a destination and about its subscriptions (both at once, too, in one
    /// text or behind each other), and the forms of the open-source destinations (`presets`; `subscriptions` beside or in
    /// `settings`).
    ///
    /// # Errors
    /// The text is not JSON, is about another destination, or about several.
    pub fn run(&self, json: &str) -> Result<Imported, ImportError> {
        let found = Found::read(self, json)?;
        let mut notes = found.notes;
        let mut text = format!("[sinks.{}]\ntype = \"{}\"\n", self.sink, self.plugin);
        text.push_str("inputs = [\"segment\"] # the name of your source\n");
        notes.push("inputs: put the name of your source there".to_owned());
        text.push_str(&(self.settings)(&found.settings, &mut notes));
        let beside = ["subscription", "subscriptions"];
        let unknown = |key: &&String| !self.known.contains(&key.as_str()) && !beside.contains(&key.as_str());
        for key in found.settings.keys().filter(unknown) {
            notes.push(format!("settings.{key}: not known here, left out"));
        }
        let mut names = Vec::new();
        let carried: Vec<Carried> = found
            .subscriptions
            .iter()
            .enumerate()
            .filter_map(|(index, subscription)| {
                subscription::carry(self, subscription, index, &mut names, &mut notes)
            })
            .collect();
        self.write_mappings(&carried, &mut text);
        Ok(Imported { toml: text, notes })
    }

    /// Presets as they are go by their names; but a preset that any mapping begins from must be a mapping each time, since
    /// a mapping stands in its preset's place.
    fn write_mappings(&self, carried: &[Carried], text: &mut String) {
        let of = |preset: &Preset| carried.iter().filter(|one| one.preset == Some(preset)).count();
        let plain = |one: &&Carried| one.is_as_preset() && one.preset.is_some_and(|preset| of(preset) == 1);
        let names: Vec<&str> = carried
            .iter()
            .filter(plain)
            .filter_map(|one| one.preset)
            .map(|preset| preset.name)
            .collect();
        let all = self.spec.presets.iter();
        let all = all.filter(|preset| preset.is_default(Compat::Segment));
        if names.len() == all.count() {
            text.push_str("presets = \"all\"\n");
        } else if names.is_empty() {
            text.push_str("presets = \"none\"\n");
        } else {
            let names: Vec<String> = names.into_iter().map(toml::text).collect();
            text.push_str(&format!("presets = [{}]\n", names.join(", ")));
        }
        for one in carried.iter().filter(|one| !plain(one)) {
            toml::mapping(self.sink, &one.config, text);
        }
    }
}
