//! Pinterest's event quality score: `GET …/conversion_eqs` (OpenAPI 5.23.0, "Get event quality score").

use std::collections::BTreeMap;

use serde::Deserialize;
use signalbox_core::{ParameterScore, Reason, Score, redact};
use signalbox_http::{Body, HeaderMap, HeaderValue, Method, Reply, Request, StatusTable, Url, header};

use crate::api::words;

/// The time that Pinterest looks back on, `1d` or `14d`.
const LOOKBACK: &str = "14d";
/// Most scores, names of events and issues that are kept; Pinterest sends fewer.
const MOST: usize = 50;

/// The address and the token of event quality scores.
#[derive(Debug)]
pub(crate) struct ScoreAccess {
    pub(crate) url: Url,
    /// Marked as sensitive.
    pub(crate) authorization: HeaderValue,
}

impl ScoreAccess {
    /// Makes the access of an ad account's scores.
    pub(crate) fn new(mut url: Url, authorization: HeaderValue) -> ScoreAccess {
        url.set_query(Some(&format!("lookback_period={LOOKBACK}")));
        ScoreAccess { url, authorization }
    }

    pub(crate) fn request(&self) -> Request {
        let mut headers = HeaderMap::with_capacity(1);
        headers.insert(header::AUTHORIZATION, self.authorization.clone());
        Request {
            method: Method::GET,
            url: self.url.clone(),
            headers,
            body: Body::default(),
        }
    }
}

/// A score of a platform and an ingestion source.
#[derive(Deserialize)]
struct EventQualityScore {
    overall_status: String,
    #[serde(default)]
    quality_components: BTreeMap<String, BTreeMap<String, ComponentDetails>>,
    ingestion_source: String,
    source_platform: String,
    lookback_period: String,
}

#[derive(Deserialize)]
struct ComponentDetails {
    coverage: f64,
    #[serde(default)]
    overlap: Option<f64>,
    #[serde(default)]
    issues: Option<Vec<Issue>>,
}

#[derive(Deserialize)]
struct Issue {
    name: String,
    reason: String,
}

/// Reads a reply.
pub(crate) fn interpret(reply: &Reply) -> Result<Vec<Score>, Reason> {
    match reply.status.as_u16() {
        200 => {
            let scores: Vec<EventQualityScore> = serde_json::from_slice(&reply.body).map_err(|_| {
                let message = "Pinterest answered with something else than event quality scores";
                Reason::new("unreadable_reply", message)
            })?;
            Ok(scores.into_iter().take(MOST).map(score).collect())
        }
        401 | 403 => Err(Reason::from_vendor(
            "unauthorized",
            "Pinterest does not give event quality scores for this token; eqs_token must be an OAuth access token with the \
             scope ads:read of a user who may see the ad account",
            &words(reply),
        )),
        404 => Err(Reason::from_vendor(
            "not_found",
            "Pinterest knows no event quality scores of this ad account; check base_url and ad_account_id",
            &words(reply),
        )),
        _ => Err(StatusTable::new().reason(reply, &words(reply))),
    }
}

fn score(from: EventQualityScore) -> Score {
    let mut events: BTreeMap<String, BTreeMap<String, ParameterScore>> = BTreeMap::new();
    for (component, by_event) in from.quality_components {
        for (event, details) in by_event {
            if events.len() >= MOST && !events.contains_key(&event) {
                continue;
            }
            let issues = details.issues.into_iter().flatten().take(MOST);
            let words = |issue: Issue| redact(&format!("{}: {}", issue.name, issue.reason));
            let details = ParameterScore {
                coverage: details.coverage.clamp(0.0, 100.0),
                overlap: details.overlap.map(|overlap| overlap.clamp(0.0, 100.0)),
                issues: issues.map(words).collect(),
            };
            events
                .entry(redact(&event))
                .or_default()
                .insert(our_name(&component).to_owned(), details);
        }
    }
    Score {
        status: redact(&from.overall_status),
        platform: redact(&from.source_platform),
        source: redact(&from.ingestion_source),
        period: redact(&from.lookback_period),
        events,
    }
}

/// Returns the name of a component in mappings and sums.
fn our_name(component: &str) -> &str {
    match component {
        "advertiser_external_id" => "external_id",
        "click_id_epik" => "click_id",
        "external_event_id" => "event_id",
        "hashed_email" => "email",
        "hashed_maid" => "hashed_maids",
        "ip_address" => "client_ip_address",
        "order_value" => "value",
        "product_id" => "contents",
        "user_agent" => "client_user_agent",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use signalbox_http::{Bytes, StatusCode};

    use super::*;

    fn reply(status: u16, body: &str) -> Reply {
        Reply {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: Bytes::copy_from_slice(body.as_bytes()),
        }
    }

    #[test]
    fn scores_are_read_with_our_names() {
        let body = r#"[{"overall_status":"FAIR","source_platform":"WEB","ingestion_source":"CONVERSIONS_API",
            "lookback_period":"14d","quality_components":{
              "hashed_email":{"checkout":{"coverage":61.5,"issues":[{"id":"1","name":"Low coverage","reason":"few ivy@example.com"}]}},
              "external_event_id":{"checkout":{"coverage":100,"overlap":42}},
              "order_value":{"checkout":{"coverage":140}},"new_component":{"lead":{"coverage":1,"issues":null}}}}]"#;
        let scores = interpret(&reply(200, body)).unwrap();
        let [score] = &*scores else { panic!("{scores:?}") };
        assert_eq!(
            (&*score.status, &*score.platform, &*score.period),
            ("FAIR", "WEB", "14d")
        );
        let checkout = &score.events["checkout"];
        assert_eq!(checkout["email"].coverage, 61.5);
        assert_eq!(checkout["email"].issues, ["Low coverage: few …"]);
        assert_eq!(
            (checkout["event_id"].overlap, checkout["value"].coverage),
            (Some(42.0), 100.0)
        );
        assert_eq!(score.events["lead"]["new_component"].coverage, 1.0);
    }

    #[test]
    fn other_replies_give_a_reason() {
        for (status, body, code) in [
            (200, "<html>", "unreadable_reply"),
            (200, r#"{"code":1}"#, "unreadable_reply"),
            (200, r#"[{"overall_status":"GOOD"}]"#, "unreadable_reply"),
            (
                401,
                r#"{"code":2,"message":"Authentication failed."}"#,
                "unauthorized",
            ),
            (
                403,
                r#"{"code":29,"message":"You are not permitted."}"#,
                "unauthorized",
            ),
            (404, "", "not_found"),
            (
                429,
                r#"{"code":8,"message":"Too many requests."}"#,
                "rate_limited",
            ),
            (503, "", "server_error"),
        ] {
            let reason = interpret(&reply(status, body)).unwrap_err();
            assert_eq!(reason.code(), code, "{status} {body}");
        }
    }
}
