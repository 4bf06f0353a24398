//! A vendor's API as the sandbox plays it.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};

use crate::faults::{Faults, Status};
use crate::judge::facts::{Facts, Findings};
use crate::judge::schema::Shape;
use crate::judge::{self, Refusal, Remarks, Rules, Strictness, Verdict};
use crate::options::SandboxConfig;
use crate::reply::Reply;
use crate::vendor::Vendor;

/// A call of a vendor's endpoint.
pub(crate) struct Call<'a> {
    /// The destination's id in the path; empty where the vendor has it in the body.
    pub(crate) id: &'a str,
    pub(crate) query: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: Bytes,
}

/// The circumstances in which events are judged.
pub(crate) struct Circumstances<'a> {
    pub(crate) config: &'a SandboxConfig,
    /// The destination's id in the path.
    pub(crate) id: &'a str,
    /// The time in Unix seconds.
    pub(crate) now: i64,
}

/// The answer to accepted events, as the faults change it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Acceptance {
    /// Leave the last event out of the answer: the fault `short_body`.
    pub(crate) short: bool,
    /// Answer 422 as soon as one event failed: the fault `partial_as_422`.
    pub(crate) partial_as_422: bool,
}

/// The rules of one vendor: its endpoint, and its properties.
pub(crate) trait Api: Answers {
    fn vendor(&self) -> Vendor;

    /// True if one bad event refuses its request.
    fn all_or_nothing(&self) -> bool;

    /// Returns the destination's id if the path is the endpoint; an empty one where the id stands in the body.
    fn endpoint<'a>(&self, path: &'a str) -> Option<&'a str>;

    /// Returns the destination's id if the path is that of scores, with which the vendor rates events. Default: it has none.
    fn scored<'a>(&self, _path: &'a str) -> Option<&'a str> {
        None
    }

    /// Answers a call for scores. `events` are the newest accepted ones, `now` is the time in Unix seconds.
    fn scores(&self, _query: &str, _events: &[String], _now: i64) -> Reply {
        self.not_found()
    }

    /// Returns the token that the call bears.
    fn token(&self, call: &Call<'_>) -> Option<String>;

    /// Returns the answer to a call for a destination that does not exist, or whose query is wrong.
    fn turned_away(&self, call: &Call<'_>, config: &SandboxConfig) -> Option<Reply>;

    /// Returns the JSON of the call. Default: its body.
    fn content<'a>(&self, call: &'a Call<'_>) -> Cow<'a, [u8]> {
        Cow::Borrowed(&call.body)
    }

    /// Returns the tables of the body beside `data`, and of an event.
    fn tables(&self) -> (&'static Shape, &'static Shape);

    /// True if properties that no table lists are taken.
    fn open(&self, config: &SandboxConfig) -> bool;

    /// True if the call is a test, whose events are judged but not taken.
    fn is_test(&self, call: &Call<'_>, request: &Facts) -> bool;

    /// Judges the request as a whole. Default: nothing to add.
    fn whole_request(&self, _: &Circumstances<'_>, _: &Facts) -> Result<(), Refusal> {
        Ok(())
    }

    /// Adds the headers that the vendor sends for calls of this path. Default: none.
    fn marked(&self, _path: &str, reply: Reply) -> Reply {
        reply
    }

    /// Judges an event as a whole, by the facts of the request and its own.
    fn whole_event(
        &self,
        around: &Circumstances<'_>,
        request: &Facts,
        event: &Facts,
        found: &mut Findings,
    ) -> Remarks;
}

/// Answers in a vendor's shapes.
pub(crate) trait Answers: Send + Sync {
    /// Answers a token that is wrong, or missing if none was given.
    fn unauthorized(&self, given: bool) -> Reply;

    fn forbidden(&self) -> Reply;

    fn rate_limited(&self, retry_after_s: Option<u64>) -> Reply;

    fn unavailable(&self, retry_after_s: Option<u64>) -> Reply;

    /// Answers with the vendor's own code, as the fault `status` asks for it.
    fn coded(&self, status: StatusCode, code: u32, fault: &Status) -> Reply;

    /// Answers a status for which the vendor's body is not known.
    fn other(&self, status: StatusCode, message: &str) -> Reply;

    fn not_found(&self) -> Reply {
        self.other(StatusCode::NOT_FOUND, "There is nothing at this path.")
    }

    fn too_large(&self) -> Reply {
        self.other(StatusCode::PAYLOAD_TOO_LARGE, "The request is too large.")
    }

    fn refused(&self, refusal: &Refusal, faults: &Faults) -> Reply;

    fn accepted(&self, verdicts: &[Verdict<'_>], acceptance: Acceptance) -> Reply;
}

/// Judges a request's body by the vendor's rules, and notes in `request` what stands beside its events.
pub(crate) fn judge<'a>(
    api: &dyn Api,
    around: &Circumstances<'_>,
    unexpected_property: Option<&str>,
    content: &'a [u8],
    request: &mut Facts,
) -> Result<Vec<Verdict<'a>>, Refusal> {
    let (body, event) = api.tables();
    let rules = Rules {
        body,
        event,
        strictness: Strictness {
            open: api.open(around.config),
            published_only: around.config.strict_openapi,
            event_names: &around.config.custom_events,
            unexpected_property,
        },
        whole_request: &|request| api.whole_request(around, request),
        whole_event: &|request, event, found| api.whole_event(around, request, event, found),
    };
    judge::body(content, &rules, request)
}

/// Returns the token of a header `Authorization: Bearer`.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim().to_owned())
}
