//! Requests and replies as people may see them.

use signalbox_core::{Outcome, RequestText, Response, TestReply, Verdict, mask, redact};

use crate::{Reply, Request};

/// Stands for a secret value.
const SECRET: &str = "[secret]";

/// Writes a request without its secrets.
pub(crate) fn shown(request: &Request) -> RequestText {
    let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        let text = match value.is_sensitive() {
            true => SECRET.to_owned(),
            false => mask(&String::from_utf8_lossy(value.as_bytes())).into_owned(),
        };
        (name.to_string(), text)
    };
    RequestText {
        method: request.method.to_string(),
        url: mask(request.url.as_str()).into_owned(),
        headers: request.headers.iter().map(header).collect(),
        body: mask(&String::from_utf8_lossy(&request.body.to_bytes())).into_owned(),
    }
}

/// Writes the reply to a test event.
pub(crate) fn test_reply(reply: &Reply, response: Response, verdict: Verdict) -> TestReply {
    let (accepted, reading) = match verdict {
        Verdict::All(outcome) => read(Some(&outcome)),
        Verdict::Settled(outcomes) => read(outcomes.first()),
        Verdict::Isolate(reason)
        | Verdict::Culprit { reason, .. }
        | Verdict::Hold(reason)
        | Verdict::Reencode(reason) => (false, Some(reason.to_string())),
    };
    TestReply {
        status: response.status,
        request_id: response.request_id.map(Into::into),
        accepted,
        reading,
        body: redact(&String::from_utf8_lossy(&reply.body)),
    }
}

fn read(outcome: Option<&Outcome>) -> (bool, Option<String>) {
    match outcome {
        Some(Outcome::Delivered { warning }) => (true, warning.as_ref().map(ToString::to_string)),
        Some(Outcome::Rejected(reason) | Outcome::Retry { reason, .. }) => (false, Some(reason.to_string())),
        None => (false, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Bytes, HeaderMap, StatusCode, bearer, header, parse_url};
    use signalbox_core::{Reason, Secret};

    #[test]
    fn a_shown_request_holds_no_secret() {
        let token = Secret::new("zq-shown-request-token");
        let mut request = Request::json(
            &parse_url("https://example.com/T0/zq-shown-request-token?a=1").unwrap(),
            (header::AUTHORIZATION, &bearer(&token).unwrap()),
            Bytes::from_static(br#"{"access_token":"zq-shown-request-token","a":1}"#).into(),
        );
        request
            .headers
            .insert("x-plain", "zq-shown-request-token b".parse().unwrap());
        let text = shown(&request);
        assert_eq!(text.url, "https://example.com/T0/[secret]?a=1");
        assert_eq!(text.body, r#"{"access_token":"[secret]","a":1}"#);
        let headers: Vec<_> = text
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        assert_eq!(
            headers,
            [
                "authorization: [secret]",
                "content-type: application/json",
                "x-plain: [secret] b"
            ]
        );
    }

    #[test]
    fn a_reply_tells_its_outcome_without_personal_words() {
        let reply = Reply {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: Bytes::from_static(b"{\"m\":\"no ada@example.com here\"}"),
        };
        let told = |verdict| {
            let response = Response {
                status: 200,
                request_id: Some("r-1".into()),
            };
            test_reply(&reply, response, verdict)
        };
        let accepted = told(Verdict::All(Outcome::delivered()));
        assert_eq!(
            (accepted.status, accepted.accepted, &accepted.reading),
            (200, true, &None)
        );
        assert_eq!(accepted.request_id.as_deref(), Some("r-1"));
        assert!(!accepted.body.contains("ada"), "{}", accepted.body);
        let refused = told(Verdict::Isolate(Reason::new("bad", "no")));
        assert_eq!(
            (refused.accepted, refused.reading.as_deref()),
            (false, Some("no (bad)"))
        );
        assert!(!told(Verdict::Settled(Vec::new())).accepted);
    }
}
