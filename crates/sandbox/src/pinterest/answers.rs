//! Answers in Pinterest's shapes.

use http::StatusCode;
use serde_json::{Value, json};

use super::Pinterest;
use crate::api::{Acceptance, Answers};
use crate::faults::{Faults, Status};
use crate::judge::{Refusal, Verdict};
use crate::reply::Reply;

/// Refuses a request that breaks the API description.
pub(super) fn invalid(message: &str) -> Reply {
    Reply::error(StatusCode::BAD_REQUEST, 4196, message)
}

impl Answers for Pinterest {
    fn unauthorized(&self, _: bool) -> Reply {
        Reply::error(StatusCode::UNAUTHORIZED, 2, "Authentication failed.")
    }

    fn forbidden(&self) -> Reply {
        let message = "You are not permitted to access that resource.";
        Reply::error(StatusCode::FORBIDDEN, 29, message)
    }

    fn rate_limited(&self, retry_after_s: Option<u64>) -> Reply {
        Reply::error(StatusCode::TOO_MANY_REQUESTS, 8, "Too many requests.").retry_after(retry_after_s)
    }

    fn unavailable(&self, retry_after_s: Option<u64>) -> Reply {
        let message = "The service is not available.";
        Reply::error(StatusCode::SERVICE_UNAVAILABLE, 4197, message).retry_after(retry_after_s)
    }

    fn coded(&self, status: StatusCode, code: u32, _: &Status) -> Reply {
        Reply::error(status, code, "This answer was asked for.")
    }

    fn other(&self, status: StatusCode, message: &str) -> Reply {
        Reply::other(status, message)
    }

    fn refused(&self, refusal: &Refusal, _: &Faults) -> Reply {
        invalid(&refusal.message)
    }

    /// Answers 200, or 422 as Pinterest does when no event passed.
    fn accepted(&self, verdicts: &[Verdict<'_>], acceptance: Acceptance) -> Reply {
        let processed = verdicts.iter().filter(|verdict| verdict.error.is_none()).count();
        let mut events: Vec<Value> = verdicts.iter().map(outcome).collect();
        if acceptance.short {
            events.pop();
        }
        let details = json!({
            "num_events_received": verdicts.len(),
            "num_events_processed": processed,
            "events": events,
        });
        let failed = processed < verdicts.len();
        if !failed || processed > 0 && !acceptance.partial_as_422 {
            return Reply::json(StatusCode::OK, &details);
        }
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        let message = "Not all events were successfully processed.";
        let body = json!({ "code": status.as_u16(), "message": message, "details": details });
        Reply::json(status, &body)
    }
}

fn outcome(verdict: &Verdict<'_>) -> Value {
    json!({
        "status": if verdict.error.is_some() { "failed" } else { "processed" },
        "error_message": verdict.error,
        "warning_message": verdict.warning,
    })
}
