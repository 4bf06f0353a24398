//! The record of a sink: in the state, and in the heading of each file of frames.

use serde::{Deserialize, Serialize};

use crate::Progress;
use crate::inputs::Inputs;
use crate::mappings::Mappings;

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
}
