//! Opt-outs that a vendor would ignore.

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_core::Reason;

use crate::vendor::Refusal;

/// Treatment of an opt-out that the vendor would ignore, since it cannot be expressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OptOutPolicy {
    /// Reject the event: a dead letter says why.
    #[default]
    Reject,
    /// Do not send it, count it.
    Drop,
    /// Send it; the vendor ignores the opt-out.
    Send,
}

impl OptOutPolicy {
    /// Refuses the event, unless it is to be sent.
    ///
    /// # Errors
    /// The refusal, for this reason.
    pub fn settle(self, reason: fn() -> Reason) -> Result<(), Refusal> {
        match self {
            OptOutPolicy::Reject => Err(Refusal::Rejected(reason())),
            OptOutPolicy::Drop => Err(Refusal::Dropped(reason())),
            OptOutPolicy::Send => Ok(()),
        }
    }
}
