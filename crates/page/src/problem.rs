//! The answer to a request that cannot be carried out.

use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

/// The status, and a sentence that names the fault and the remedy. It never holds a personal value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
}

impl Problem {
    pub(crate) fn bad_request(message: impl Into<String>) -> Problem {
        Problem {
            status: StatusCode::BAD_REQUEST,
            message: message.into(),
        }
    }

    /// The router's own reason why it does not do it now.
    pub(crate) fn conflict(message: impl Into<String>) -> Problem {
        Problem {
            status: StatusCode::CONFLICT,
            message: message.into(),
        }
    }

    pub(crate) fn not_found(message: impl Into<String>) -> Problem {
        Problem {
            status: StatusCode::NOT_FOUND,
            message: message.into(),
        }
    }

    pub(crate) fn no_history() -> Problem {
        Problem::not_found(
            "This router keeps no history, since its journal is in memory. Add the table [history] to its file and restart it.",
        )
    }

    /// A body that cannot be read, such as one that is too large.
    pub(crate) fn unread(rejection: &BytesRejection) -> Problem {
        Problem {
            status: rejection.status(),
            message: format!("The body cannot be read: {}.", rejection.body_text()),
        }
    }

    /// A fault of ours.
    pub(crate) fn fault() -> Problem {
        Problem {
            status: StatusCode::INTERNAL_SERVER_ERROR,
            message: "This went wrong; the router's log has the place.".to_owned(),
        }
    }
}

/// The sentence alone: the page's module shows it above the form, which stays as it is.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.status, self.message).into_response()
    }
}
