//! Meta's replies: bodies in the form of the Graph API, and the headers that tell about usage and versions.

use std::time::Duration;

use serde_json::Value as Json;
use signalbox_core::{Reason, redact};
use signalbox_http::{HeaderMap, MAX_RETRY_AFTER};

/// The body of a 200. It speaks for the whole request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Received {
    pub(crate) events: u64,
    /// Remarks, whose form Meta does not document.
    pub(crate) messages: Vec<String>,
}

impl Received {
    /// Returns `None` if the body does not say how many events were received.
    pub(crate) fn read(body: &[u8]) -> Option<Received> {
        let body: Json = serde_json::from_slice(body).ok()?;
        let messages = body["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
        let text = |message: &Json| {
            let text = message.as_str().or_else(|| message["message"].as_str());
            text.map(str::to_owned)
        };
        Some(Received {
            events: body["events_received"].as_u64()?,
            messages: messages.iter().filter_map(text).collect(),
        })
    }
}

/// The error of a failed request.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct GraphError {
    pub(crate) code: Option<i64>,
    pub(crate) subcode: Option<i64>,
    pub(crate) transient: bool,
    /// Meta's words, in the language of the token's owner.
    pub(crate) words: String,
}

/// The fate of the events of a failed request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// One of them is at fault. The error does not name it, so the runtime looks for it.
    Isolate,
    /// The operator must act.
    Hold,
    /// Too many calls: they wait, for as long as Meta says.
    Wait,
    /// Meta has a fault that will pass.
    Retry,
}

/// The meaning of an error: a fate, the code of a reason and its sentence, with the remedy.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Meaning(pub(crate) Fate, pub(crate) &'static str, pub(crate) &'static str);

#[rustfmt::skip]
mod meanings {
    use super::{Fate::{Hold, Isolate, Retry, Wait}, Meaning};

    pub(super) const TOO_OLD: Meaning = Meaning(Isolate, "too_old", "Meta refuses events older than 7 days, or 62 days in stores");
    pub(super) const NO_IDENTIFIER: Meaning = Meaning(Isolate, "no_identifier", "Meta refuses an event whose user_data identifies nobody");
    pub(super) const INVALID: Meaning = Meaning(Isolate, "invalid_parameter", "Meta refuses the request as not valid");
    pub(super) const TOKEN: Meaning = Meaning(Hold, "unauthorized", "Meta does not accept the token; make a new one in Events Manager \
        (Settings, Conversions API) and put it into access_token");
    pub(super) const RIGHTS: Meaning = Meaning(Hold, "forbidden", "Meta accepts the token but it lacks rights; give its owner the right to \
        manage the dataset");
    pub(super) const DATASET: Meaning = Meaning(Hold, "not_found", "Meta knows no dataset of this id, or the token's owner has no access \
        to it; check pixel_id");
    pub(super) const BLOCKED: Meaning = Meaning(Hold, "blocked", "Meta has blocked the account or app for a breach of its policies; see \
        Business Support Home");
    pub(super) const THROTTLED: Meaning = Meaning(Wait, "rate_limited", "Meta asks for fewer calls");
    pub(super) const TRANSIENT: Meaning = Meaning(Retry, "server_error", "Meta has a fault that will pass");
}
use meanings::*;

impl GraphError {
    /// Returns `None` for a body that is not in the Graph API's form. Each member is read by itself, so one of an unexpected
    /// type costs no other.
    pub(crate) fn read(body: &[u8]) -> Option<GraphError> {
        let body: Json = serde_json::from_slice(body).ok()?;
        let error = body.get("error").filter(|error| error.is_object())?;
        let text = |key: &str| error[key].as_str().filter(|text| !text.trim().is_empty());
        let user = ["error_user_title", "error_user_msg"]
            .into_iter()
            .filter_map(text);
        let words: Vec<&str> = text("message").into_iter().chain(user).collect();
        Some(GraphError {
            code: error["code"].as_i64(),
            subcode: error["error_subcode"].as_i64(),
            transient: error["is_transient"].as_bool() == Some(true),
            words: words.join("; "),
        })
    }

    /// Reads the codes first, then `is_transient`; `None` if the status must tell. The texts are never matched, since they are
    /// translated, and `type` is `OAuthException` for nearly everything.
    pub(crate) fn meaning(&self) -> Option<Meaning> {
        Some(match (self.code, self.subcode) {
            (Some(100), Some(33)) => DATASET,
            (Some(100), Some(2_804_003)) => TOO_OLD,
            (Some(100), Some(2_804_050)) => NO_IDENTIFIER,
            (Some(100), Some(2_804_000..=2_804_099)) => INVALID,
            (Some(100), _) if !self.transient => INVALID,
            (Some(102 | 104 | 190), _) => TOKEN,
            (Some(3 | 10 | 200..=299), _) => RIGHTS,
            (Some(368), _) => BLOCKED,
            (Some(4 | 17 | 32 | 341 | 613 | 80_000..=80_014), _) => THROTTLED,
            (Some(1 | 2 | 5000 | i64::MIN..=-1), _) => TRANSIENT,
            _ if self.transient => TRANSIENT,
            _ => return None,
        })
    }

    /// Returns the reason of a meaning, with the codes and Meta's words.
    pub(crate) fn reason(&self, Meaning(_, code, told): &Meaning) -> Reason {
        let codes = [self.code, self.subcode].into_iter().flatten();
        let codes: Vec<String> = codes.map(|code| code.to_string()).collect();
        Reason::from_vendor(code, &format!("{told} (error {})", codes.join("/")), &self.words)
    }
}

const VERSION_WARNING: &str = "x-ad-api-version-warning";
const BUSINESS_USAGE: &str = "x-business-use-case-usage";
const APP_USAGE: &str = "x-app-usage";

/// Share of the allowed calls, in per cent, from which on the status shows how much is used.
const NOTED_USAGE: u64 = 75;

/// Facts that the headers of replies tell, as the status shows them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// The warning about the API version.
    pub(crate) version: Option<String>,
    /// The largest share of the allowed calls that is used, in per cent, and all shares in words.
    pub(crate) usage: Option<(u64, String)>,
}

impl Told {
    pub(crate) fn read(headers: &HeaderMap) -> Told {
        let version = headers
            .get(VERSION_WARNING)
            .map(|warning| redact(&String::from_utf8_lossy(warning.as_bytes())));
        let business = business_usage(headers);
        let mut used: Vec<(u64, String)> = business
            .iter()
            .filter_map(|usage| Some((share(usage)?, redact(usage["type"].as_str()?))))
            .collect();
        let app = header(headers, APP_USAGE).as_ref().and_then(share);
        used.extend(app.map(|share| (share, "the app's calls".to_owned())));
        let largest = used.iter().map(|(share, _)| *share).max();
        let used: Vec<String> = used
            .iter()
            .map(|(share, kind)| format!("{share} % of {kind}"))
            .collect();
        Told {
            version: version.filter(|warning| !warning.is_empty()),
            usage: largest.map(|largest| (largest, used.join(", "))),
        }
    }

    /// Returns the sentences for the status.
    pub(crate) fn notes(&self) -> Vec<String> {
        let version = self.version.as_ref();
        let version = version.map(|warning| {
            format!("Meta warns of the API version: {warning}; set api_version to a current one")
        });
        let usage = self.usage.as_ref();
        let usage = usage.filter(|(largest, _)| *largest >= NOTED_USAGE);
        let usage = usage.map(|(_, used)| format!("Meta counts as used: {used}"));
        version.into_iter().chain(usage).collect()
    }
}

/// Returns the time until Meta takes calls again, by its own estimate, at most [`MAX_RETRY_AFTER`].
pub(crate) fn regained_after(headers: &HeaderMap) -> Option<Duration> {
    let usage = business_usage(headers);
    let minutes = usage
        .iter()
        .filter_map(|usage| usage["estimated_time_to_regain_access"].as_u64())
        .max()
        .filter(|minutes| *minutes > 0)?;
    Some(Duration::from_secs(minutes.saturating_mul(60)).min(MAX_RETRY_AFTER))
}

/// The usages of all businesses in `{"<id>":[{"type":…,"call_count":…},…]}`.
fn business_usage(headers: &HeaderMap) -> Vec<Json> {
    let businesses = header(headers, BUSINESS_USAGE).unwrap_or_default();
    let lists = businesses
        .as_object()
        .into_iter()
        .flat_map(|lists| lists.values());
    lists.filter_map(Json::as_array).flatten().cloned().collect()
}

fn header(headers: &HeaderMap, name: &str) -> Option<Json> {
    serde_json::from_slice(headers.get(name)?.as_bytes()).ok()
}

/// The largest of the shares in per cent that a usage has.
fn share(usage: &Json) -> Option<u64> {
    ["call_count", "total_cputime", "total_time"]
        .into_iter()
        .filter_map(|key| usage[key].as_f64())
        .map(|share| share.max(0.0).round() as u64)
        .max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_tell_before_flags_and_texts() {
        let error = |code: i64, subcode: Option<i64>, transient| GraphError {
            code: Some(code),
            subcode,
            transient,
            words: "Invalid parameter".to_owned(),
        };
        for (code, subcode, transient, meaning) in [
            (100, Some(2_804_003), false, Some(TOO_OLD)),
            (100, Some(2_804_003), true, Some(TOO_OLD)),
            (100, Some(2_804_050), false, Some(NO_IDENTIFIER)),
            (100, Some(2_804_019), false, Some(INVALID)),
            (100, Some(33), false, Some(DATASET)),
            (100, Some(33), true, Some(DATASET)),
            (100, Some(1), false, Some(INVALID)),
            (100, None, false, Some(INVALID)),
            (100, None, true, Some(TRANSIENT)),
            (190, Some(463), false, Some(TOKEN)),
            (190, None, true, Some(TOKEN)),
            (102, None, false, Some(TOKEN)),
            (104, None, false, Some(TOKEN)),
            (3, None, false, Some(RIGHTS)),
            (10, None, false, Some(RIGHTS)),
            (200, None, false, Some(RIGHTS)),
            (294, None, false, Some(RIGHTS)),
            (299, None, false, Some(RIGHTS)),
            (300, None, false, None),
            (368, None, false, Some(BLOCKED)),
            (4, None, false, Some(THROTTLED)),
            (17, Some(2_446_079), false, Some(THROTTLED)),
            (32, None, true, Some(THROTTLED)),
            (341, None, false, Some(THROTTLED)),
            (613, None, false, Some(THROTTLED)),
            (80_000, None, false, Some(THROTTLED)),
            (80_014, None, false, Some(THROTTLED)),
            (80_015, None, false, None),
            (1, None, false, Some(TRANSIENT)),
            (2, None, false, Some(TRANSIENT)),
            (5000, None, false, Some(TRANSIENT)),
            (-3, None, false, Some(TRANSIENT)),
            (0, None, false, None),
            (7, None, true, Some(TRANSIENT)),
        ] {
            let error = error(code, subcode, transient);
            assert_eq!(error.meaning(), meaning, "{error:?}");
        }
        assert_eq!(GraphError::default().meaning(), None);
    }

    #[test]
    fn errors_are_read_member_by_member() {
        let body = r#"{"error":{"message":"Invalid parameter","type":"OAuthException","code":100,"error_subcode":2804003,
            "is_transient":"no","error_data":"{}","error_user_title":"Zu alt","error_user_msg":"Das Ereignis ist zu alt.",
            "fbtrace_id":7}}"#;
        let error = GraphError::read(body.as_bytes()).unwrap();
        assert_eq!(error.meaning(), Some(TOO_OLD));
        assert_eq!(error.words, "Invalid parameter; Zu alt; Das Ereignis ist zu alt.");
        for body in ["", "{}", "[]", r#"{"error":"no"}"#, "<html>", r#"{"error":null}"#] {
            assert_eq!(GraphError::read(body.as_bytes()), None, "{body}");
        }
    }

    #[test]
    fn a_reply_says_how_many_events_it_is_about() {
        let read = |body: &str| Received::read(body.as_bytes());
        let body = r#"{"events_received":2,"messages":["slow",{"message":"old"},7],"fbtrace_id":"A"}"#;
        let received = read(body).unwrap();
        assert_eq!(
            (received.events, received.messages.join(" ")),
            (2, "slow old".to_owned())
        );
        assert_eq!(read(r#"{"events_received":0}"#).unwrap().events, 0);
        for body in [
            "",
            "{}",
            r#"{"events_received":"2"}"#,
            r#"{"events_received":-1}"#,
            "[]",
        ] {
            assert_eq!(read(body), None, "{body}");
        }
    }

    #[test]
    fn headers_tell_usage_and_versions() {
        let mut headers = HeaderMap::new();
        assert_eq!(
            (Told::read(&headers).notes(), regained_after(&headers)),
            (Vec::new(), None)
        );
        let usage = r#"{"1203948576120394":[{"type":"ads_management","call_count":95,"total_time":20,
            "estimated_time_to_regain_access":7},{"type":"pages","call_count":1}]}"#;
        headers.insert(BUSINESS_USAGE, usage.replace('\n', "").parse().unwrap());
        headers.insert(
            APP_USAGE,
            r#"{"call_count":28,"total_cputime":30.4}"#.parse().unwrap(),
        );
        headers.insert(
            VERSION_WARNING,
            "v21.0 has ended, ask ada@example.com".parse().unwrap(),
        );
        assert_eq!(
            Told::read(&headers).notes(),
            [
                "Meta warns of the API version: v21.0 has ended, ask …; set api_version to a current one",
                "Meta counts as used: 95 % of ads_management, 1 % of pages, 30 % of the app's calls",
            ]
        );
        headers.remove(BUSINESS_USAGE);
        assert_eq!(Told::read(&headers).notes().len(), 1, "30 % is nothing to tell");
        headers.insert(BUSINESS_USAGE, usage.replace('\n', "").parse().unwrap());
        assert_eq!(regained_after(&headers), Some(Duration::from_secs(420)));
        headers.insert(
            BUSINESS_USAGE,
            r#"{"1":[{"estimated_time_to_regain_access":9000}]}"#.parse().unwrap(),
        );
        assert_eq!(regained_after(&headers), Some(MAX_RETRY_AFTER));
        headers.insert(BUSINESS_USAGE, "nothing".parse().unwrap());
        assert_eq!(regained_after(&headers), None);
    }
}
