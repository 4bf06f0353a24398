//! Test events: a destination's treatment of them, the request that carries one, and the answer to it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Reason;

/// The destination's treatment of test events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TestMode {
    /// True if a test event needs a code of the destination's test tool, and the settings hold none.
    pub needs_code: bool,
    /// True if the destination counts test events like any other.
    pub counts: bool,
}

/// A request as it would be sent, without secrets.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RequestText {
    /// The method.
    pub method: String,
    /// The target; `[secret]` stands for secrets in it.
    pub url: String,
    /// Names and values of the headers; `[secret]` stands for secret values.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

/// Shows the method and the size: the rest holds payload.
impl std::fmt::Debug for RequestText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RequestText({}, {} bytes)", self.method, self.body.len())
    }
}

/// The answer of a destination to a test event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TestReply {
    /// HTTP status.
    pub status: u16,
    /// The id that the destination gave the request.
    pub request_id: Option<String>,
    /// True if the destination accepted the event.
    pub accepted: bool,
    /// The sink's reading of the answer, if it says more than that the event was accepted.
    pub reading: Option<String>,
    /// The destination's words, shortened; secrets, addresses, long digit runs and hashes are blanked.
    pub body: String,
}

/// The reason why a test event was not sent, or not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TestFailure {
    /// The destination has no test events.
    NoTestMode,
    /// The destination's test tool gives a code that must come along.
    NeedsCode,
    /// No answer came.
    Failed(Reason),
}
