//! The choices that settings offer.

use schemars::JsonSchema;
use serde::Deserialize;

/// The treatment of an event whose user opted out and whose state or country is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnUnknownState {
    /// Make the event a dead letter with the reason `ldp_incomplete`.
    #[default]
    Reject,
    /// Filter the event with that reason: counted, not kept.
    Filter,
    /// Send the event without the flag, with a warning: the destination then processes it like any other.
    Send,
    /// Flag the event as one of the first state of `states`, unless its state is known to be another one.
    Flag,
}

/// The values of the former setting `on_incomplete`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnIncomplete {
    /// Make the event a dead letter with the reason `ldp_incomplete`.
    Reject,
    /// Filter the event with that reason; today `filter`.
    Drop,
    /// Send the event without the flag, with a warning.
    Send,
}

impl From<OnIncomplete> for OnUnknownState {
    fn from(former: OnIncomplete) -> OnUnknownState {
        match former {
            OnIncomplete::Reject => OnUnknownState::Reject,
            OnIncomplete::Drop => OnUnknownState::Filter,
            OnIncomplete::Send => OnUnknownState::Send,
        }
    }
}
