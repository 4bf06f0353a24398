//! Presets: which events become which conversion when nothing is configured.

use crate::field::Default;
use crate::spec::Compat;

/// Events that a preset listens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listens {
    /// A `track` call with exactly this event name; case and blanks count, as at Segment.
    Track(&'static str),
    /// A call of any type with exactly this event name.
    Event(&'static str),
    /// Any `page` call.
    Page,
    /// Any `screen` call.
    Screen,
    /// No event. The preset runs only in a mapping that has a trigger.
    Nothing,
}

/// A preset.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    /// Segment's name for it; also the record's mapping name.
    pub name: &'static str,
    /// Events that the preset listens to.
    pub listens: Listens,
    /// The vendor's name of the conversion; empty if [`fields`](Preset::fields) map it.
    pub event_name: &'static str,
    /// Segment's mappings in place of the field table's, as paths and JSON; `null` is no mapping. A vendor's default of the
    /// field takes precedence over them in the vendor's mode.
    pub fields: &'static [(&'static str, &'static str)],
    /// The vendor's defaults in place of all others.
    pub vendor_fields: &'static [(&'static str, Default)],
    /// Fields that Segment requires in this preset, beside the required ones of the table.
    pub required: &'static [&'static str],
    /// Fields that Segment does not know in this preset: a mapping of one has no effect with Segment's rules.
    pub absent: &'static [&'static str],
    /// The only rules that have this preset; `None` if both have it.
    pub only: Option<Compat>,
}

impl PartialEq for Preset {
    /// Compares the names, which are unique in a vendor.
    fn eq(&self, other: &Preset) -> bool {
        self.name == other.name
    }
}

impl Eq for Preset {}

impl Preset {
    /// Makes a preset for events.
    pub const fn new(name: &'static str, listens: Listens, event_name: &'static str) -> Preset {
        Preset {
            name,
            listens,
            event_name,
            fields: &[],
            vendor_fields: &[],
            required: &[],
            absent: &[],
            only: None,
        }
    }

    /// Makes a preset for `track` calls with this event name.
    pub const fn track(name: &'static str, event: &'static str, event_name: &'static str) -> Preset {
        Preset::new(name, Listens::Track(event), event_name)
    }

    /// Makes a preset for `page` calls.
    pub const fn page(name: &'static str, event_name: &'static str) -> Preset {
        Preset::new(name, Listens::Page, event_name)
    }

    /// Sets Segment's mappings of single fields.
    pub const fn fields(mut self, fields: &'static [(&'static str, &'static str)]) -> Preset {
        self.fields = fields;
        self
    }

    /// Sets the vendor's defaults of single fields.
    pub const fn vendor_fields(mut self, fields: &'static [(&'static str, Default)]) -> Preset {
        self.vendor_fields = fields;
        self
    }

    /// Sets the fields that Segment requires in this preset.
    pub const fn required(mut self, fields: &'static [&'static str]) -> Preset {
        self.required = fields;
        self
    }

    /// Sets the fields that Segment does not know in this preset.
    pub const fn absent(mut self, fields: &'static [&'static str]) -> Preset {
        self.absent = fields;
        self
    }

    /// Ties the preset to one set of rules.
    pub const fn only(mut self, compat: Compat) -> Preset {
        self.only = Some(compat);
        self
    }

    /// Returns true if these rules have the preset.
    pub fn is_in(&self, compat: Compat) -> bool {
        self.only.is_none_or(|only| only == compat)
    }

    /// Returns true if the preset is on when nothing is configured.
    pub fn is_default(&self, compat: Compat) -> bool {
        self.is_in(compat) && self.listens != Listens::Nothing
    }

    /// Returns the trigger as Segment writes it; `None` if the preset listens to nothing.
    pub fn trigger(&self) -> Option<String> {
        match self.listens {
            Listens::Track(event) => Some(format!("type = \"track\" and event = \"{event}\"")),
            Listens::Event(event) => Some(format!("event = \"{event}\"")),
            Listens::Page => Some("type = \"page\"".to_owned()),
            Listens::Screen => Some("type = \"screen\"".to_owned()),
            Listens::Nothing => None,
        }
    }
}
