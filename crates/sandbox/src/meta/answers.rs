//! Answers in the shapes of Meta's Graph API.

use http::{HeaderName, StatusCode};
use serde_json::{Map, Value, json};

use super::Meta;
use crate::api::{Acceptance, Answers};
use crate::faults::{Faults, Status};
use crate::judge::{Refusal, Verdict};
use crate::reply::Reply;

const BUSINESS_USAGE: HeaderName = HeaderName::from_static("x-business-use-case-usage");
const APP_USAGE: HeaderName = HeaderName::from_static("x-app-usage");
const VERSION_WARNING: HeaderName = HeaderName::from_static("x-ad-api-version-warning");

/// An error of the Graph API, by which a client decides: `code`, then `subcode`, then `transient`.
struct GraphError<'a> {
    code: u32,
    subcode: Option<u32>,
    transient: bool,
    message: &'a str,
    /// Title and text for people.
    user: Option<(&'a str, &'a str)>,
}

impl<'a> GraphError<'a> {
    fn new(code: u32, message: &'a str) -> Self {
        Self {
            code,
            subcode: None,
            transient: false,
            message,
            user: None,
        }
    }

    fn reply(self, status: StatusCode) -> Reply {
        let mut error = Map::new();
        error.insert("message".to_owned(), self.message.into());
        // Meta gives ordinary bad parameters this type, too.
        error.insert("type".to_owned(), "OAuthException".into());
        error.insert("code".to_owned(), self.code.into());
        if let Some(subcode) = self.subcode {
            error.insert("error_subcode".to_owned(), subcode.into());
        }
        error.insert("is_transient".to_owned(), self.transient.into());
        if let Some((title, text)) = self.user {
            error.insert("error_user_title".to_owned(), title.into());
            error.insert("error_user_msg".to_owned(), text.into());
        }
        error.insert("fbtrace_id".to_owned(), trace().into());
        Reply::json(status, &json!({ "error": Value::Object(error) }))
    }
}

/// Returns an id as Meta puts into every answer.
fn trace() -> String {
    format!("A{:016x}sandbox", fastrand::u64(..))
}

/// Answers a dataset that does not exist or that the token may not see; Meta does not tell the two apart.
pub(super) fn unknown_dataset(id: &str) -> Reply {
    // Ids are digits; anything else stays out of the message.
    let digits = id.bytes().all(|byte| byte.is_ascii_digit());
    let shown = if digits { id } else { "of this path" };
    let message = format!(
        "Unsupported post request. Object with ID {shown} does not exist, cannot be loaded due to missing \
         permissions, or does not support this operation"
    );
    let error = GraphError {
        subcode: Some(33),
        ..GraphError::new(100, &message)
    };
    error.reply(StatusCode::BAD_REQUEST)
}

/// Adds the header by which Meta tells that a version has ended.
pub(super) fn version_warning(reply: Reply, version: u32) -> Reply {
    let text = format!("The call has been auto-upgraded, since v{version}.0 has ended");
    reply.header(VERSION_WARNING, &text)
}

impl Answers for Meta {
    fn unauthorized(&self, given: bool) -> Reply {
        let error = if given {
            GraphError::new(190, "Invalid OAuth access token.")
        } else {
            GraphError::new(104, "An access token is required to request this resource.")
        };
        error.reply(StatusCode::UNAUTHORIZED)
    }

    fn forbidden(&self) -> Reply {
        GraphError::new(200, "Permissions error").reply(StatusCode::FORBIDDEN)
    }

    /// Code 80004 in a 400, since Meta has no separate status for throttling.
    fn rate_limited(&self, retry_after_s: Option<u64>) -> Reply {
        let message = "There have been too many calls to this dataset. Wait a bit and try again.";
        let minutes = retry_after_s.unwrap_or_default() / 60;
        let usage = json!({ "call_count": 100, "total_cputime": 25, "total_time": 25 });
        let business = json!({ "sandbox": [{
            "type": "ads_management",
            "call_count": 100,
            "total_cputime": 25,
            "total_time": 25,
            "estimated_time_to_regain_access": minutes,
        }] });
        let error = GraphError {
            transient: true,
            ..GraphError::new(80_004, message)
        };
        error
            .reply(StatusCode::BAD_REQUEST)
            .header(BUSINESS_USAGE, &business.to_string())
            .header(APP_USAGE, &usage.to_string())
            .retry_after(retry_after_s)
    }

    fn unavailable(&self, retry_after_s: Option<u64>) -> Reply {
        let error = GraphError {
            transient: true,
            ..GraphError::new(2, "Service temporarily unavailable")
        };
        error
            .reply(StatusCode::SERVICE_UNAVAILABLE)
            .retry_after(retry_after_s)
    }

    fn coded(&self, status: StatusCode, code: u32, fault: &Status) -> Reply {
        let error = GraphError {
            subcode: fault.error_subcode,
            ..GraphError::new(code, "This answer was asked for.")
        };
        error.reply(status)
    }

    fn other(&self, status: StatusCode, message: &str) -> Reply {
        Reply::page(status, message)
    }

    /// Code 100; the text for people tells the rule, and nothing tells which event broke it.
    fn refused(&self, refusal: &Refusal, _: &Faults) -> Reply {
        let text = refusal.without_index();
        let error = GraphError {
            subcode: refusal.code,
            user: Some(("Invalid parameter", &text)),
            ..GraphError::new(100, "Invalid parameter")
        };
        error.reply(StatusCode::BAD_REQUEST)
    }

    fn accepted(&self, verdicts: &[Verdict<'_>], acceptance: Acceptance) -> Reply {
        let received = verdicts.len() - usize::from(acceptance.short);
        let body = json!({ "events_received": received, "messages": [], "fbtrace_id": trace() });
        let usage = json!({ "call_count": 1, "total_cputime": 1, "total_time": 1 });
        Reply::json(StatusCode::OK, &body).header(APP_USAGE, &usage.to_string())
    }
}
