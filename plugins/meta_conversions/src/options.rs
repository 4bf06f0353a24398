//! Options of the sink that several modules read.

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_conversions::Frames;
use signalbox_http::{HeaderValue, Url};

/// A sink for Meta, as its settings say.
#[derive(Debug)]
pub struct Meta {
    pub(crate) compat: Compat,
    /// The body around events, for each test code in use.
    pub(crate) frames: Frames,
    pub(crate) url: Url,
    /// Marked as sensitive.
    pub(crate) authorization: HeaderValue,
}

/// The rules that a sink follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Compat {
    /// Meta's own: wrong data is never sent, an event is not lost for a detail, data that is there is used.
    #[default]
    Meta,
    /// Exactly what Segment's destination sends.
    Segment,
}

impl From<Compat> for signalbox_conversions::Compat {
    fn from(compat: Compat) -> Self {
        match compat {
            Compat::Meta => Self::Vendor,
            Compat::Segment => Self::Segment,
        }
    }
}
