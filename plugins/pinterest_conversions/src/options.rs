//! Options of the sink that several modules read.

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_conversions::{Frames, OptOutPolicy, Spec, compat_setting};
use signalbox_http::{HeaderValue, Url};

use crate::score::ScoreAccess;

/// A sink for Pinterest, as its settings say.
#[derive(Debug)]
pub struct Pinterest {
    /// The field table with the advertiser's own names of events.
    pub(crate) spec: &'static Spec,
    pub(crate) compat: Compat,
    pub(crate) partner_name: Option<String>,
    pub(crate) np: Option<String>,
    pub(crate) ldp_hash_case: LdpHashCase,
    pub(crate) on_incomplete: OptOutPolicy,
    pub(crate) on_unknown_property: OnUnknownProperty,
    /// The texts around events, which are the same in all requests.
    pub(crate) frames: Frames,
    pub(crate) url: Url,
    pub(crate) probe_url: Url,
    /// Marked as sensitive.
    pub(crate) authorization: HeaderValue,
    /// Access to Pinterest's own rating of the events; `None` without a token for it.
    pub(crate) scores: Option<ScoreAccess>,
}

compat_setting! {
    /// Pinterest's own: wrong data is never sent, an event is not lost for a detail, data that is there is used.
    Pinterest
}

/// Hashes of state and country that an event under Limited Data Processing carries. Pinterest's pages disagree on the
/// letter case that is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LdpHashCase {
    /// Both hashes, so that one of them is right.
    #[default]
    Both,
    /// The hash of the lower-case codes, which Pinterest's rules for user data ask for.
    Lower,
    /// The hash of the upper-case codes, which Pinterest's page on Limited Data Processing shows.
    Upper,
}

/// Treatment of a request that Pinterest refuses over a property it does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnUnknownProperty {
    /// Leave the property out from then on and send again, if it is an optional one.
    #[default]
    Strip,
    /// Look for the events that carry it and reject them.
    Reject,
}
