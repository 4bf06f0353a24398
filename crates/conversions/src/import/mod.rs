//! Destinations of Segment's as tables of the pipeline file.
//!
//! A table holds the differences from the defaults: fields that have the defaults of their preset are left to it, and
//! `compat = "segment"` keeps the requests as they were. Subscriptions that could never have sent anything (with a trigger
//! or mapping that Segment refuses, too) are left out and noted.

mod options;
mod read;
mod sort;
mod subscription;
mod toml;

use serde_json::{Map, Value as Json};
use signalbox_core::{ImportError, Imported, Imports};

use crate::presets::Preset;
use crate::spec::Compat;
pub use options::{Action, Destination, Import, Setting};
use read::Found;
use subscription::Carried;

impl Import {
    /// Turns the vendor's destinations in a JSON text into tables of sinks.
    ///
    /// Taken are: Segment's Public API's answers about destinations and about their subscriptions (all at once, too, in one
    /// text or behind each other), and the forms of the open-source destinations (`presets`; `subscriptions` beside or in
    /// `settings`). A subscription that stands outside of a destination belongs to the one whose id it names, or, where a
    /// destination has no id, to the last one before it that has its action. What stands there twice, by its id, counts once.
    ///
    /// # Errors
    /// The text is not JSON, is an error of Segment's API, or holds nothing at all or none of the vendor's destinations.
    pub fn run(&self, json: &str) -> Result<Imports, ImportError> {
        let document = read::Document::read(json)?;
        let missing = document.missing();
        let (mine, others) = self.sort(document);
        if mine.is_empty() {
            return Err(ImportError::OtherDestination);
        }
        let mut names: Vec<String> = Vec::new();
        let mut sinks = Vec::new();
        for (destination, found) in mine {
            let same = |name: &&String| {
                name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_') == destination.sink
            };
            let name = match names.iter().filter(same).count() {
                0 => destination.sink.to_owned(),
                before => format!("{}_{}", destination.sink, before + 1),
            };
            sinks.push(destination.table(self.plugin, &name, found));
            names.push(name);
        }
        Ok(Imports {
            sinks,
            others,
            missing,
        })
    }
}

impl Destination {
    fn table(&self, plugin: &str, sink: &str, found: Found) -> Imported {
        let mut notes = found.notes;
        let mut text = format!("[sinks.{sink}]\ntype = \"{plugin}\"\n");
        text.push_str("inputs = [\"segment\"] # the name of your source\n");
        if found.off {
            text.push_str("enabled = false\n");
        }
        notes.push("inputs: put the name of your source there".to_owned());
        for setting in self.settings {
            setting.write(&found.settings, &mut text, &mut notes);
        }
        for key in found.settings.keys().filter(|key| !self.knows(key)) {
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
        self.write_mappings(sink, &carried, &mut text);
        Imported {
            sink: sink.to_owned(),
            toml: text,
            notes,
        }
    }

    /// Presets as they are go by their names; but a preset that any mapping begins from must be a mapping each time, since
    /// a mapping stands in its preset's place.
    fn write_mappings(&self, sink: &str, carried: &[Carried], text: &mut String) {
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
            toml::mapping(sink, &one.config, text);
        }
    }
}

impl Setting {
    /// Appends the setting's line, and a note on anything that is left to the user.
    fn write(&self, settings: &Map<String, Json>, text: &mut String, notes: &mut Vec<String>) {
        match *self {
            Setting::Id {
                segment,
                key,
                variable,
                is_valid,
                form,
            } => {
                let id = match settings.get(segment) {
                    Some(Json::String(text)) => text.trim().to_owned(),
                    Some(Json::Number(number)) => number.to_string(),
                    _ => String::new(),
                };
                if is_valid(&id) {
                    text.push_str(&format!("{key} = {}\n", toml::text(&id)));
                } else {
                    text.push_str(&format!("{key} = \"${{{variable}}}\"\n"));
                    notes.push(format!(
                        "{key}: not there, or not {form}; put it into the environment variable {variable}"
                    ));
                }
            }
            Setting::Secret {
                segment,
                key,
                variable,
            } => {
                text.push_str(&format!("{key} = \"${{{variable}}}\"\n"));
                let why = if segment.is_some() {
                    "never copied"
                } else {
                    "Segment's settings hold none, since it sends with a token of its own"
                };
                notes.push(format!(
                    "{key}: {why}; put the token into the environment variable {variable}"
                ));
            }
            Setting::Own { key, value, note } => {
                text.push_str(&format!("{key} = {}\n", toml::text(value)));
                if !note.is_empty() {
                    notes.push(format!("{key}: {note}"));
                }
            }
            Setting::LeftOut { segment, why } => {
                let blank = |value: &Json| {
                    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
                };
                if settings.get(segment).is_some_and(|value| !blank(value)) {
                    notes.push(format!("settings.{segment}: not carried over; {why}"));
                }
            }
        }
    }
}
