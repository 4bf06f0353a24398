//! TikTok's replies. The verdict is the `code` of the body; the HTTP status says little, since TikTok answers 200 for
//! most failures and 401 for throttling.

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
    /// 0: accepted.
    Accepted,
    /// 2xxxx, such as 20001: a success of parts, elsewhere in this family of APIs. Not documented here.
    Partial,
    /// 40100: too many calls.
    Throttled,
    /// Other 401xx: the token is empty, wrong, revoked or expired.
    Unauthorized,
    /// 40001: the token may not send to this pixel or set.
    Forbidden,
    /// 40700, 5xxxx: TikTok is busy or has failed.
    Busy,
    /// 40002 and other 4xxxx: an event or the request is not valid.
    Refused,
    /// No code that we know.
    Unknown,
}

impl Meaning {
    pub(crate) fn of(code: i64) -> Meaning {
        match code {
            0 => Meaning::Accepted,
            20_000..=29_999 => Meaning::Partial,
            40_001 => Meaning::Forbidden,
            40_100 => Meaning::Throttled,
            40_101..=40_199 => Meaning::Unauthorized,
            40_700 | 50_000..=59_999 => Meaning::Busy,
            40_000..=49_999 => Meaning::Refused,
            _ => Meaning::Unknown,
        }
    }
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
            (40_001, Meaning::Forbidden),
            (40_002, Meaning::Refused),
            (40_100, Meaning::Throttled),
            (40_102, Meaning::Unauthorized),
            (40_104, Meaning::Unauthorized),
            (40_105, Meaning::Unauthorized),
            (40_110, Meaning::Unauthorized),
            (40_200, Meaning::Refused),
            (40_700, Meaning::Busy),
            (50_000, Meaning::Busy),
            (51_021, Meaning::Busy),
            (60_000, Meaning::Unknown),
            (1, Meaning::Unknown),
            (-1, Meaning::Unknown),
        ] {
            assert_eq!(Meaning::of(code), meaning, "{code}");
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
