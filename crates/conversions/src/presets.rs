//! Presets: which events become which conversion when nothing is configured.

/// Events that a preset listens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listens {
    /// A `track` call with exactly this event name; case and blanks count, as at Segment.
    Track(&'static str),
    /// Any `page` call.
    Page,
}

/// A preset.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    /// Segment's name for it; also the record's mapping name.
    pub name: &'static str,
    /// Events that the preset listens to.
    pub listens: Listens,
    /// The vendor's name of the conversion.
    pub event_name: &'static str,
}

impl Preset {
    /// Makes a preset for `track` calls with this event name.
    pub const fn track(name: &'static str, event: &'static str, event_name: &'static str) -> Preset {
        Preset {
            name,
            listens: Listens::Track(event),
            event_name,
        }
    }

    /// Makes a preset for `page` calls.
    pub const fn page(name: &'static str, event_name: &'static str) -> Preset {
        Preset {
            name,
            listens: Listens::Page,
            event_name,
        }
    }

    /// Returns the trigger as Segment writes it.
    pub fn trigger(&self) -> String {
        match self.listens {
            Listens::Track(event) => format!("type = \"track\" and event = \"{event}\""),
            Listens::Page => "type = \"page\"".to_owned(),
        }
    }
}
