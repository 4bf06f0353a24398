//! Answers in Pinterest's shapes.

use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};

use crate::reply::Reply;

/// The body of a 200, and the `details` of a 422.
#[derive(Debug, Serialize)]
pub(super) struct Processed {
    pub(super) num_events_received: usize,
    pub(super) num_events_processed: usize,
    pub(super) events: Vec<Value>,
}

/// Refuses a request that breaks the API description.
pub(super) fn invalid(message: &str) -> Reply {
    Reply::error(StatusCode::BAD_REQUEST, 4196, message)
}

pub(super) fn unauthorized() -> Reply {
    Reply::error(StatusCode::UNAUTHORIZED, 2, "Authentication failed.")
}

pub(super) fn forbidden() -> Reply {
    let message = "You are not permitted to access that resource.";
    Reply::error(StatusCode::FORBIDDEN, 29, message)
}

pub(super) fn rate_limited(retry_after_s: Option<u64>) -> Reply {
    Reply::error(StatusCode::TOO_MANY_REQUESTS, 8, "Too many requests.").retry_after(retry_after_s)
}

pub(super) fn unavailable(retry_after_s: Option<u64>) -> Reply {
    let message = "The service is not available.";
    Reply::error(StatusCode::SERVICE_UNAVAILABLE, 4197, message).retry_after(retry_after_s)
}

/// Answers 200, or 422 as Pinterest does when events failed.
pub(super) fn processed(processed: &Processed, unprocessable: bool) -> Reply {
    if !unprocessable {
        return Reply::json(StatusCode::OK, processed);
    }
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    let message = "Not all events were successfully processed.";
    let body = json!({ "code": status.as_u16(), "message": message, "details": processed });
    Reply::json(status, &body)
}
