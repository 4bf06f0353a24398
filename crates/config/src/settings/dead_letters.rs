//! `[dead_letters]`

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_core::{BuildError, HumanDuration, Size};

use super::Table;

/// The part of undeliverable events that is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeadLetterSettings {
    /// Form of personal data in dead letters: `"hashed"` (by all rules of `hash_pii`), `"none"` (no payload is kept), or
    /// `"plain"`, which needs `key` in `[journal]` unless the journal is in memory. Default: `"hashed"`.
    #[serde(default)]
    pub personal_data: PersonalData,
    /// Most bytes of dead letters that are kept of each sink. Default: `"1GB"`; memory: `"64MB"`.
    pub max_bytes: Option<Size>,
    /// Fate of a sink whose dead letters are full: `"hold_sink"` (it is held and loses nothing until some were retried or
    /// discarded, or `max_bytes` was raised; other sinks go on) or `"drop_oldest"` (its oldest are dropped and counted).
    /// Default: `"hold_sink"`; `"drop_oldest"` if `max_bytes` is set, with a warning.
    pub on_full: Option<OnFull>,
    /// Most bytes of dead letters that are kept of each source; beyond, its oldest are dropped and counted, since anyone
    /// may send it junk. Default: `"256MB"`; memory: `"16MB"`.
    pub source_max_bytes: Option<Size>,
    /// Age above which dead letters are dropped and counted, such as `"90d"`, counted from their end. Default: no limit.
    pub max_age: Option<HumanDuration>,
}

impl DeadLetterSettings {
    /// The chosen fate of a sink whose dead letters are full, or its default.
    #[must_use]
    pub fn on_full(&self) -> OnFull {
        // A file from before there was a choice sets `max_bytes` alone.
        let default = match self.max_bytes {
            Some(_) => OnFull::DropOldest,
            None => OnFull::HoldSink,
        };
        self.on_full.unwrap_or(default)
    }
}

impl Table for DeadLetterSettings {
    const NAME: &'static str = "dead_letters";

    fn doubts(&self) -> Vec<BuildError> {
        if self.max_bytes.is_none() || self.on_full.is_some() {
            return Vec::new();
        }
        let message = "without 'on_full' the oldest dead letters of a sink are dropped beyond it";
        vec![BuildError::new("max_bytes", message).help(
            "set on_full = \"hold_sink\" to lose none (the default without 'max_bytes'), or on_full = \"drop_oldest\" if \
             that is meant",
        )]
    }
}

/// The fate of a sink whose dead letters are full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnFull {
    /// The sink is held; nothing is lost.
    HoldSink,
    /// The oldest dead letters are dropped, and counted.
    DropOldest,
}

/// The form of personal data in dead letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PersonalData {
    /// Hashed as `hash_pii` would.
    #[default]
    Hashed,
    /// No payload at all.
    None,
    /// Unchanged.
    Plain,
}
