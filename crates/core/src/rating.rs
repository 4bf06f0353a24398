//! Ratings of events by destinations: the facts that they look at, and the scores that they give.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::{Parameters, Reason};

/// A kind of match key, by which destinations recognise the person of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Identifier {
    /// An e-mail address.
    Email,
    /// A phone number.
    Phone,
    /// The advertiser's own id of the user.
    ExternalId,
    /// An advertising id of the device.
    MobileAdId,
    /// The id that the destination puts on clicks of its ads.
    ClickId,
    /// The id that the destination's tag puts on a browser.
    BrowserId,
    /// The address of the device.
    IpAddress,
    /// The user agent of browser or app.
    UserAgent,
    /// A name, a date of birth, a gender, or a part of a postal address.
    Detail,
}

/// The facts by which a destination rates the events of one name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rated {
    /// The match keys that it takes.
    pub match_keys: Vec<RatedKey>,
    /// The parameters that an event of this name should carry.
    pub expected: Parameters,
}

/// A match key that a destination takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RatedKey {
    /// The name in mappings.
    pub name: &'static str,
    /// The kind.
    pub kind: Identifier,
    /// Names in [`Summary::match_keys`](crate::Summary::match_keys) under which records carry it, if these are others: a device
    /// has one advertising id, which has a name by its system. A record carries at most one of them.
    pub sent_as: &'static [&'static str],
}

/// The destination's own rating of events that it got, for one platform and one way of sending.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct Score {
    /// The rating in the destination's word.
    pub status: String,
    /// Where the events happened, in the destination's word: `WEB`.
    pub platform: String,
    /// The way on which the events came, in the destination's word: `CONVERSIONS_API`.
    pub source: String,
    /// The time that it looks back on, in the destination's word: `14d`.
    pub period: String,
    /// Shares by event name, then by match key or parameter, with the names that Signalbox has for them.
    pub events: BTreeMap<String, BTreeMap<String, ParameterScore>>,
}

/// The destination's view of one match key or parameter of one event name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub struct ParameterScore {
    /// Share of the events that carried it, in percent.
    pub coverage: f64,
    /// Share of the events whose id the tag on the page sent too, in percent. Only of event ids.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlap: Option<f64>,
    /// Troubles in the destination's words, redacted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub issues: Vec<String>,
}

/// The answer to the question how a destination rates the events that it got.
#[derive(Debug, Clone)]
pub enum Scoring {
    /// The destination cannot be asked.
    None,
    /// A setting for the question is missing: the sentence names the setting and the gain.
    NotSetUp(&'static str),
    /// The destination answered, or failed to.
    Asked(Result<Vec<Score>, NoScore>),
}

/// The reason why a destination gave no scores.
#[derive(Debug, Clone)]
pub struct NoScore {
    /// The reason.
    pub reason: Reason,
    /// The time after which it may be asked again, if the destination named one.
    pub retry_after: Option<Duration>,
}
