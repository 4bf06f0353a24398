//! Options of the sink that several modules read.

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_conversions::{Frames, OptOutPolicy, Spec};
use signalbox_http::{HeaderValue, Url};

use crate::fields::{SEGMENT_SPEC, SPEC};
use crate::learnt::Learnt;

/// A sink for Meta, as its settings say.
#[derive(Debug)]
pub struct Meta {
    pub(crate) compat: Compat,
    pub(crate) external_id: ExternalId,
    pub(crate) on_incomplete: OptOutPolicy,
    /// Seconds that an event's time may be ahead of its arrival.
    pub(crate) max_future: i64,
    /// Mapped test codes are sent.
    pub(crate) test_events_count: bool,
    /// The body around events, for each test code in use.
    pub(crate) frames: Frames,
    /// Empty for none.
    pub(crate) partner_agent: String,
    pub(crate) url: Url,
    /// Marked as sensitive.
    pub(crate) authorization: HeaderValue,
    pub(crate) learnt: Learnt,
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

impl Compat {
    /// Returns Meta's conversions as data, with the fields of these rules.
    pub(crate) fn spec(self) -> &'static Spec {
        match self {
            Compat::Meta => &SPEC,
            Compat::Segment => &SEGMENT_SPEC,
        }
    }
}

impl From<Compat> for signalbox_conversions::Compat {
    fn from(compat: Compat) -> Self {
        match compat {
            Compat::Meta => Self::Vendor,
            Compat::Segment => Self::Segment,
        }
    }
}

/// The form of `external_id`, which must be the one that the pixel sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
pub enum ExternalId {
    /// The hash of the id as it is, without blanks around it.
    #[default]
    #[serde(rename = "sha256")]
    Sha256,
    /// The hash of the id in lower case.
    #[serde(rename = "sha256-lower")]
    Sha256Lower,
    /// The id itself.
    #[serde(rename = "plain")]
    Plain,
}
