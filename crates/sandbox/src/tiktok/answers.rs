//! Answers in TikTok's shape: the verdict is `code`, mostly with the status 200.

use http::StatusCode;
use serde_json::{Value, json};

use super::TikTok;
use crate::api::{Acceptance, Answers};
use crate::faults::{Faults, Status};
use crate::judge::{Refusal, Verdict};
use crate::reply::Reply;

/// The code of a token or event source without permission.
pub(super) const NO_PERMISSION: u32 = 40_001;

const INVALID_PARAMETER: u32 = 40_002;
const THROTTLED: u32 = 40_100;
const TOKEN_EMPTY: u32 = 40_104;
const TOKEN_WRONG: u32 = 40_105;
const INTERNAL: u32 = 50_000;
/// Seen as "done in part" elsewhere in TikTok's API.
const IN_PART: u32 = 20_001;

fn verdict(status: StatusCode, code: u32, message: &str) -> Reply {
    let request_id = format!("20260302{:016}", fastrand::u64(..10_000_000_000_000_000));
    let data = Value::Object(serde_json::Map::new());
    let body = json!({ "code": code, "message": message, "request_id": request_id, "data": data });
    Reply::json(status, &body)
}

impl Answers for TikTok {
    fn unauthorized(&self, given: bool) -> Reply {
        let (code, message) = if given {
            (TOKEN_WRONG, "The access token is incorrect or has been revoked.")
        } else {
            (TOKEN_EMPTY, "The access token is empty.")
        };
        verdict(StatusCode::UNAUTHORIZED, code, message)
    }

    fn forbidden(&self) -> Reply {
        verdict(
            StatusCode::OK,
            NO_PERMISSION,
            "No permission to operate the event source.",
        )
    }

    /// Code 40100 in a 401, which looks like a bad token to a client that reads the status only.
    fn rate_limited(&self, retry_after_s: Option<u64>) -> Reply {
        verdict(
            StatusCode::UNAUTHORIZED,
            THROTTLED,
            "Too many requests. Please retry in some time.",
        )
        .retry_after(retry_after_s)
    }

    fn unavailable(&self, retry_after_s: Option<u64>) -> Reply {
        verdict(StatusCode::OK, INTERNAL, "Internal service error.").retry_after(retry_after_s)
    }

    fn coded(&self, status: StatusCode, code: u32, _: &Status) -> Reply {
        verdict(status, code, "This answer was asked for.")
    }

    fn other(&self, status: StatusCode, message: &str) -> Reply {
        Reply::page(status, message)
    }

    /// Code 40002 in a 200; the message tells the first bad event, unless the fault `unnamed_events` is on.
    fn refused(&self, refusal: &Refusal, faults: &Faults) -> Reply {
        let message = if faults.unnamed_events {
            refusal.without_index()
        } else {
            refusal.with_index()
        };
        verdict(
            StatusCode::OK,
            refusal.code.unwrap_or(INVALID_PARAMETER),
            &message,
        )
    }

    fn accepted(&self, _: &[Verdict<'_>], acceptance: Acceptance) -> Reply {
        if acceptance.short {
            return verdict(StatusCode::OK, IN_PART, "Partially succeeded.");
        }
        verdict(StatusCode::OK, 0, "OK")
    }
}
