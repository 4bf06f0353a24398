//! The faults that can be switched on, as `PUT /_sandbox/faults` and tests write them.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::json::{Members, Type};

/// The longest `delay_ms` taken: ten minutes.
const MAX_DELAY_MS: u64 = 600_000;

/// The trigger of a fault. Without `percent` and `every_nth` the fault strikes at every chance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Trigger {
    pub(crate) percent: Option<f64>,
    pub(crate) every_nth: Option<u64>,
    pub(crate) times: Option<u64>,
}

/// Declares a fault: the three fields of its trigger, and its other fields with their defaults.
macro_rules! fault {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty = $default:expr,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            /// Strike this share of the time, 0 to 100. Not together with `every_nth`. Default: none.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub percent: Option<f64>,
            /// Strike the n-th, 2n-th, … time, at least 1. Not together with `percent`. Default: none.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub every_nth: Option<u64>,
            /// Most times the fault strikes. Default: no bound.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub times: Option<u64>,
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self { percent: None, every_nth: None, times: None, $($field: $default,)* }
            }
        }

        impl $name {
            /// Returns the fault that strikes at every chance, with its defaults.
            pub fn always() -> Self {
                Self::default()
            }

            /// Returns the fault that strikes at the first `n` chances, with its defaults.
            pub fn times(n: u64) -> Self {
                Self { times: Some(n), ..Self::default() }
            }

            /// Returns the fault that strikes at every `n`-th chance, with its defaults.
            pub fn every_nth(n: u64) -> Self {
                Self { every_nth: Some(n), ..Self::default() }
            }

            pub(crate) fn trigger(&self) -> Trigger {
                Trigger { percent: self.percent, every_nth: self.every_nth, times: self.times }
            }
        }
    };
}

fault! {
    /// The answer comes late.
    Slow {
        /// Delay in milliseconds; at most ten minutes. Default: 1000.
        delay_ms: u64 = 1000,
        /// Record the events before waiting, as a server does whose answer comes after the client gave up.
        /// Default: false, a client that hangs up early leaves nothing recorded.
        after_accept: bool = false,
    }
}

fault! {
    /// 429.
    RateLimit {
        /// The `Retry-After` header, in seconds. Default: no such header.
        retry_after_s: Option<u64> = None,
    }
}

fault! {
    /// 503.
    Unavailable {
        /// The `Retry-After` header, in seconds. Default: no such header.
        retry_after_s: Option<u64> = None,
    }
}

fault! {
    /// Any status, e.g. 500, 408, 425, 202, or 422 without details.
    Status {
        /// The status, 200 to 599. Default: 500.
        code: u16 = 500,
        /// The code in the vendor's error body. Default: at Pinterest the status; Meta and TikTok send a page of HTML.
        error_code: Option<u32> = None,
        /// Meta's subcode beside `error_code`. Default: none.
        error_subcode: Option<u32> = None,
    }
}

fault! {
    /// 302 to another place, which must not be followed.
    Redirect {
        /// The `Location` header. Default: `/v5/elsewhere`.
        location: String = "/v5/elsewhere".to_owned(),
    }
}

fault! {
    /// 400 for the request as a whole, regardless of its content.
    BadRequest {}
}

fault! {
    /// The answer breaks off: its head and half of its body are sent, then the connection ends.
    Reset {
        /// Record the events first, so that a retry sends them a second time. Default: false.
        after_accept: bool = false,
    }
}

fault! {
    /// A single event fails though nothing is wrong with it. Each event is a chance.
    FailEvents {}
}

fault! {
    /// A single event is accepted with a warning though nothing is wrong with it. Each event is a chance.
    WarnEvents {}
}

fault! {
    /// The list of answers lacks the last event, which was recorded all the same.
    ShortBody {}
}

/// The body that [`GarbageBody`] sends in place of JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Garbage {
    /// A page of HTML, as a proxy sends it.
    #[default]
    Html,
    /// The first half of the real body, its length announced as such.
    Truncated,
    /// An empty body.
    Empty,
}

fault! {
    /// The status is right, the events are recorded, the body cannot be read.
    GarbageBody {
        /// The form of the body. Default: `html`.
        form: Garbage = Garbage::Html,
    }
}

/// Everything that is made to go wrong. The default is nothing.
///
/// In JSON every field may be left out. The crate's README says in which order they are asked.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Faults {
    /// Where the dice of `percent` start; the same seed gives the same faults. Default: 0.
    pub seed: u64,
    /// Late answers; combines with every other fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slow: Option<Slow>,
    /// 302.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect: Option<Redirect>,
    /// 404, until switched off.
    pub not_found: bool,
    /// 401, until switched off.
    pub unauthorized: bool,
    /// 403, until switched off.
    pub forbidden: bool,
    /// 429.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// 503.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unavailable: Option<Unavailable>,
    /// Any other status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// 413 for every body of more bytes than this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
    /// 400.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bad_request: Option<BadRequest>,
    /// 400 naming this property as unexpected, wherever in an event it stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unexpected_property: Option<String>,
    /// 400 for every request that holds an event with one of these ids, without a word on which.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub poison_event_ids: Vec<String>,
    /// Single events fail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fail_events: Option<FailEvents>,
    /// Single events are warned about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warn_events: Option<WarnEvents>,
    /// TikTok's refusals do not name the event.
    pub unnamed_events: bool,
    /// 422 with `details` whenever an event failed, not only when all did.
    pub partial_as_422: bool,
    /// Broken-off answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reset: Option<Reset>,
    /// Answers that lack an event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub short_body: Option<ShortBody>,
    /// Unreadable answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub garbage_body: Option<GarbageBody>,
}

/// Declares the kinds of faults that have a trigger, each with its field of [`Faults`].
macro_rules! kinds {
    ($($kind:ident $field:ident,)*) => {
        /// The kinds of faults that have a trigger; the names are those of [`crate::Counts::faults`].
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(crate) enum Kind { $($kind,)* }

        impl Kind {
            pub(crate) const ALL: [Kind; [$(stringify!($kind)),*].len()] = [$(Kind::$kind),*];

            pub(crate) const fn name(self) -> &'static str {
                match self { $(Kind::$kind => stringify!($field),)* }
            }
        }

        impl Faults {
            pub(crate) fn trigger(&self, kind: Kind) -> Option<Trigger> {
                match kind { $(Kind::$kind => self.$field.as_ref().map($kind::trigger),)* }
            }
        }
    };
}

kinds! {
    Slow slow,
    Redirect redirect,
    RateLimit rate_limit,
    Unavailable unavailable,
    Status status,
    BadRequest bad_request,
    Reset reset,
    FailEvents fail_events,
    WarnEvents warn_events,
    ShortBody short_body,
    GarbageBody garbage_body,
}

impl Faults {
    /// Reads faults from JSON.
    ///
    /// # Errors
    /// A text naming the field (`rate_limit.percent: …`) when one is unknown, of the wrong type or out of range.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let Members(fields) =
            serde_json::from_str(text).map_err(|error| format!("not a JSON object: {error}"))?;
        // serde would read an array as the fields of an object in their order.
        let array = fields
            .iter()
            .find(|(name, raw)| name != "poison_event_ids" && Type::of(raw) == Type::Array);
        if let Some((name, _)) = array {
            return Err(format!("{name}: invalid type: array"));
        }
        let faults: Self = serde_json::from_str(text).map_err(|error| named(&fields, &error))?;
        faults.check()?;
        Ok(faults)
    }

    fn check(&self) -> Result<(), String> {
        for kind in Kind::ALL {
            let Some(Trigger {
                percent, every_nth, ..
            }) = self.trigger(kind)
            else {
                continue;
            };
            let name = kind.name();
            if percent.is_some() && every_nth.is_some() {
                return Err(format!("{name}: percent and every_nth cannot both be given"));
            }
            if percent.is_some_and(|percent| !(0.0..=100.0).contains(&percent)) {
                return Err(format!("{name}.percent: must be between 0 and 100"));
            }
            if every_nth == Some(0) {
                return Err(format!("{name}.every_nth: must be at least 1"));
            }
        }
        if self
            .slow
            .as_ref()
            .is_some_and(|slow| slow.delay_ms > MAX_DELAY_MS)
        {
            return Err(format!("slow.delay_ms: must be at most {MAX_DELAY_MS}"));
        }
        if self
            .status
            .as_ref()
            .is_some_and(|status| !(200..600).contains(&status.code))
        {
            return Err("status.code: must be between 200 and 599".to_owned());
        }
        let location = self.redirect.as_ref().map(|redirect| redirect.location.as_str());
        if location.is_some_and(|location| http::HeaderValue::from_str(location).is_err()) {
            return Err("redirect.location: cannot stand in a header".to_owned());
        }
        Ok(())
    }
}

/// Finds the field an error is about by reading each alone, since serde_json does not say.
fn named(fields: &[(String, &RawValue)], error: &serde_json::Error) -> String {
    for (name, raw) in fields {
        let Some(message) = alone(&[name], raw) else {
            continue;
        };
        if let Ok(Members(inner)) = serde_json::from_str(raw.get()) {
            let found = inner
                .iter()
                .find_map(|(inner, raw)| Some((inner, alone(&[name, inner], raw)?)));
            if let Some((inner, message)) = found {
                return format!("{name}.{inner}: {message}");
            }
        }
        return format!("{name}: {message}");
    }
    without_place(error)
}

/// The error of faults that consist of the one value at this path.
fn alone(path: &[&String], raw: &RawValue) -> Option<String> {
    let value: Value = serde_json::from_str(raw.get()).ok()?;
    let nested = path
        .iter()
        .rev()
        .fold(value, |value, name| serde_json::json!({ name.as_str(): value }));
    serde_json::from_value::<Faults>(nested)
        .err()
        .map(|error| without_place(&error))
}

fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_readme_shows_and_writes_it_back() {
        let text = r#"{"seed":7,"slow":{"percent":10.0,"delay_ms":50,"after_accept":false},"not_found":false,"unauthorized":true,"forbidden":false,"rate_limit":{"every_nth":5,"retry_after_s":1},"poison_event_ids":["a"],"unnamed_events":false,"partial_as_422":false,"garbage_body":{"times":2,"form":"truncated"}}"#;
        let faults = Faults::from_json(text).unwrap();
        assert_eq!(
            faults.rate_limit,
            Some(RateLimit {
                retry_after_s: Some(1),
                ..RateLimit::every_nth(5)
            })
        );
        assert_eq!(serde_json::to_string(&faults).unwrap(), text);
        assert_eq!(Faults::from_json("{}").unwrap(), Faults::default());
    }

    #[test]
    fn every_error_names_its_field() {
        for (text, start) in [
            (r#"{"rate_limits":{}}"#, "rate_limits: unknown field"),
            (r#"{"unauthorized":1}"#, "unauthorized: invalid type"),
            (
                r#"{"slow":{},"rate_limit":{"percent":"20"}}"#,
                "rate_limit.percent: invalid type",
            ),
            (r#"{"reset":{"after":true}}"#, "reset.after: unknown field"),
            (r#"{"reset":true}"#, "reset: invalid type"),
            (
                r#"{"garbage_body":{"form":"xml"}}"#,
                "garbage_body.form: unknown variant",
            ),
            (r#"{"rate_limit":{"percent":101}}"#, "rate_limit.percent: must be"),
            (r#"{"rate_limit":{"percent":-1}}"#, "rate_limit.percent: must be"),
            (
                r#"{"unavailable":{"every_nth":0}}"#,
                "unavailable.every_nth: must be",
            ),
            (
                r#"{"unavailable":{"every_nth":2,"percent":1}}"#,
                "unavailable: percent and every_nth",
            ),
            (r#"{"slow":{"delay_ms":600001}}"#, "slow.delay_ms: must be"),
            (r#"{"status":{"code":99}}"#, "status.code: must be"),
            (r#"{"redirect":{"location":"a\nb"}}"#, "redirect.location: cannot"),
            (r#"{"seed":1,"seed":2}"#, "duplicate field `seed`"),
            (r#"{"reset":[null,null,1]}"#, "reset: invalid type: array"),
            ("[]", "not a JSON object"),
            ("{", "not a JSON object"),
        ] {
            let message = Faults::from_json(text).unwrap_err();
            assert!(message.starts_with(start), "{text}: {message}");
        }
    }
}
