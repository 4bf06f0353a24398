//! Options of the sink that several modules read.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_conversions::{Frames, OptOutPolicy, Spec, compat_setting};
use signalbox_http::{HeaderValue, Url};

use crate::fields::{SEGMENT_SPEC, SPEC};
use crate::learnt::Learnt;

/// A sink for Meta, as its settings say.
#[derive(Debug)]
pub struct Meta {
    pub(crate) compat: Compat,
    pub(crate) external_id: ExternalId,
    pub(crate) on_incomplete: OptOutPolicy,
    /// Longest time that an event may lie ahead of its arrival.
    pub(crate) max_future: Duration,
    /// Mapped test codes are sent.
    pub(crate) test_events_count: bool,
    /// The body around events, for each test code in use.
    pub(crate) frames: Frames,
    pub(crate) partner_agent: Option<String>,
    pub(crate) url: Url,
    /// Marked as sensitive.
    pub(crate) authorization: HeaderValue,
    pub(crate) learnt: Learnt,
}

compat_setting! {
    /// Meta's own: wrong data is never sent, an event is not lost for a detail, data that is there is used.
    Meta
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
