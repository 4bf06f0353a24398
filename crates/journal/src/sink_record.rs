//! The record of a sink: in the state, and in the heading of each file of frames.

use serde::{Deserialize, Serialize};

use crate::Progress;
use crate::inputs::Inputs;
use crate::mappings::Mappings;
use crate::panic_guard::{Trouble, newer_with};

/// A sink as it is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SinkRecord {
    pub(crate) progress: Progress,
    pub(crate) last_opened: i64,
    /// An orphan that holds nothing any more.
    pub(crate) released: bool,
    /// The inputs that decide which events the sink is owed; earlier versions did not record them.
    #[serde(default = "Inputs::unknown")]
    pub(crate) inputs: Inputs,
    #[serde(default)]
    pub(crate) mappings: Mappings,
    /// Properties that later versions may give to a record, a bit for each. This version knows none and sets none.
    #[serde(default)]
    pub(crate) flags: u64,
    /// The id of the key by which later versions may encrypt what belongs to the sink; 0 if nothing is encrypted.
    #[serde(default)]
    pub(crate) key: u64,
}

impl SinkRecord {
    /// Fails if the record has a property that this version does not know: it must neither use nor change the record.
    pub(crate) fn check(&self, name: &str) -> Result<(), Trouble> {
        let (flags, key) = (self.flags, self.key);
        if flags == 0 && key == 0 {
            return Ok(());
        }
        Err(newer_with(&format!(
            "the state of the sink '{name}' has flags {flags} and key {key}"
        )))
    }
}
