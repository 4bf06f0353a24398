//! TikTok's replies. The verdict is the `code` of the body; the HTTP status says little, since TikTok answers 200 for
//! most failures and 401 for throttling.

use std::ops::RangeInclusive;

use serde::Deserialize;

/// The body of every reply.
#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    pub(crate) code: i64,
    #[serde(default)]
    pub(crate) message: Option<String>,
}

impl Answer {
    /// Reads a body; `None` if it is not in TikTok's form.
    pub(crate) fn read(body: &[u8]) -> Option<Answer> {
        serde_json::from_slice(body).ok()
    }

    /// TikTok's own words.
    pub(crate) fn words(&self) -> &str {
        self.message.as_deref().unwrap_or_default()
    }
}

/// The meaning of a code for the events of its request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    Accepted,
    /// A success of parts, elsewhere in this family of APIs. Not documented here.
    Partial,
    Throttled,
    /// Only the operator can end it.
    Operator,
    /// TikTok may have taken the events.
    Unclear,
    /// An event or the request is not valid.
    Refused,
}

/// A meaning, the code of our reason, and its words before TikTok's own.
pub(crate) type Row = (Meaning, &'static str, &'static str);

/// The meanings of ranges of codes, of which the first counts.
#[rustfmt::skip]
const CODES: [(RangeInclusive<i64>, Row); 8] = [
    (0..=0, (Meaning::Accepted, "accepted", "TikTok accepted the events")),
    (20_000..=29_999, (Meaning::Partial, "partly_done", "TikTok calls the request done in part and does not say which")),
    (40_001..=40_001, (Meaning::Operator, "forbidden", "TikTok accepts the token but not for this pixel, app or event set; check the id in the settings")),
    (40_100..=40_100, (Meaning::Throttled, "rate_limited", "TikTok counts too many calls")),
    (40_101..=40_199, (Meaning::Operator, "unauthorized", "TikTok does not accept the token; make a new one in Events Manager and put it into access_token")),
    (40_700..=40_700, (Meaning::Unclear, "server_error", "TikTok is busy or has failed")),
    (40_000..=49_999, (Meaning::Refused, "tiktok_refused", "TikTok refused the request")),
    (50_000..=59_999, (Meaning::Unclear, "server_error", "TikTok is busy or has failed")),
];

const UNKNOWN: Row = (
    Meaning::Unclear,
    "unknown_code",
    "TikTok answered a code that Signalbox does not know",
);

/// Returns the meaning of a code.
pub(crate) fn meaning(code: i64) -> Row {
    let row = CODES.iter().find(|(codes, _)| codes.contains(&code));
    row.map_or(UNKNOWN, |(_, row)| *row)
}

/// Returns the index that a message such as `data[2].event_id: not a valid string`, `data.2` or `index 2` names first.
pub(crate) fn named_index(message: &str) -> Option<usize> {
    const LEADS: [&str; 5] = ["data[", "data.", "index ", "index: ", "index="];
    let message = message.to_ascii_lowercase();
    let places = message.char_indices().map(|(at, _)| at);
    let starts_word = |at: usize| !message[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
    places.filter(|at| starts_word(*at)).find_map(|at| {
        let rest = LEADS.iter().find_map(|lead| message[at..].strip_prefix(lead))?;
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        // `data.2nd` is no index.
        let ends = !rest[digits..].starts_with(|c: char| c.is_alphanumeric() || c == '_');
        rest[..digits].parse().ok().filter(|_| ends)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_meanings() {
        for (code, meaning) in [
            (0, Meaning::Accepted),
            (20_001, Meaning::Partial),
            (40_000, Meaning::Refused),
            (40_001, Meaning::Operator),
            (40_002, Meaning::Refused),
            (40_100, Meaning::Throttled),
            (40_102, Meaning::Operator),
            (40_104, Meaning::Operator),
            (40_105, Meaning::Operator),
            (40_110, Meaning::Operator),
            (40_200, Meaning::Refused),
            (40_700, Meaning::Unclear),
            (50_000, Meaning::Unclear),
            (51_021, Meaning::Unclear),
            (60_000, Meaning::Unclear),
            (1, Meaning::Unclear),
            (-1, Meaning::Unclear),
        ] {
            assert_eq!(super::meaning(code).0, meaning, "{code}");
        }
    }

    #[test]
    fn messages_may_name_an_index() {
        for (message, index) in [
            ("data[2].event_id: not a valid string", Some(2)),
            ("Invalid value for data.2.user", Some(2)),
            ("Error at index 12: event is required", Some(12)),
            ("Event Index: 0 is invalid", Some(0)),
            ("data[3] and data[1] are invalid", Some(3)),
            ("data[]: x, index 4", Some(4)),
            ("Invalid value for event_id: not a valid string.", None),
            ("data.2nd", None),
            ("metadata[2]", None),
            ("reindex 2", None),
            ("data[99999999999999999999999]", None),
            ("é data.7", Some(7)),
            ("", None),
        ] {
            assert_eq!(named_index(message), index, "{message}");
        }
    }

    #[test]
    fn bodies_have_a_code() {
        let read = |body: &str| Answer::read(body.as_bytes()).map(|answer| answer.code);
        assert_eq!(
            read(r#"{"code":0,"message":"OK","request_id":"1","data":{}}"#),
            Some(0)
        );
        assert_eq!(read(r#"{"code":40002}"#), Some(40_002));
        for body in ["", "{}", "<html>", "[]", r#"{"code":"0"}"#, r#"{"code":null}"#] {
            assert_eq!(read(body), None, "{body}");
        }
    }
}
