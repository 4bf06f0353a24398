//! The gate of the admin address: one check before every path decides who gets an answer.
//!
//! On this machine no token is needed, so what protects the address there from pages in the operator's browser is that
//! they can neither read its answers nor send it more than simple requests. DNS rebinding lifts both: a page of
//! `evil.example`, whose name then leads here, has this address as its own origin. But its requests carry that name as
//! their `Host`, and rebinding needs a name; so names count only if they are listed.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CACHE_CONTROL, HOST, ORIGIN, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Method, StatusCode, Uri, Version};
use axum::middleware::Next;
use axum::response::Response;
use signalbox_config::AdminToken;
use signalbox_core::Secret;
use signalbox_http::server::Peer;

use crate::acts::Acts;
use crate::audit::{Audit, recorded};
use crate::caller::{Caller, Callers};
use crate::names::{Names, is_own};
use crate::reply::text;

/// Requests that change something must carry this header, with any value. A page in a browser on this machine cannot
/// send it to another origin without asking first, and is never allowed to.
pub(crate) const HEADER: &str = "x-signalbox";

/// The admin address's own names and secrets.
#[derive(Debug, Default)]
pub struct Access {
    /// The operator's bearer token; without any token, other machines cannot reach the address.
    pub token: Option<Secret>,
    /// Further tokens.
    pub tokens: Vec<AdminToken>,
    /// Names by which a client may ask for the address, besides addresses and `localhost`.
    pub hosts: Vec<String>,
    /// True if dead letters may hold personal data in plaintext.
    pub plain_letters: bool,
}

/// [`Access`] in the form that the check needs.
#[derive(Debug)]
pub(crate) struct Guard {
    callers: Callers,
    names: Names,
    acts: Acts,
    audit: Option<Arc<Audit>>,
    plain_letters: bool,
}

/// The kinds of requests, by the information that a path gives away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asks {
    /// Shows only that the process runs, or is ready.
    Probe,
    /// Shows counts.
    Counts,
    /// Shows kept events, costs much, or changes something.
    Much,
}

/// Sorts a path. Only the paths that everybody may ask are listed; all others, later versions' too, count as
/// [`Asks::Much`].
fn asks(path: &str) -> Asks {
    match path {
        "/health" | "/live" | "/ready" => Asks::Probe,
        "/" | "/metrics" | "/status" => Asks::Counts,
        _ => Asks::Much,
    }
}

type No = (StatusCode, &'static str);

const NO_HOST: No = (StatusCode::BAD_REQUEST, "a request has exactly one Host header");
const FOREIGN_ORIGIN: No = (
    StatusCode::FORBIDDEN,
    "pages of other origins may not ask the admin address",
);
const FOREIGN_HOST: No = (
    StatusCode::MISDIRECTED_REQUEST,
    "the admin address does not answer to this name; ask it by its IP address or as localhost, or add the name to \
     `hosts` in [admin]",
);
const NO_TOKEN: No = (
    StatusCode::UNAUTHORIZED,
    "send the token: Authorization: Bearer …",
);
const NO_PROOF: No = (
    StatusCode::FORBIDDEN,
    "send the header X-Signalbox: 1 with requests for this path, so that no page in a browser can send them",
);
const PLAIN: No = (
    StatusCode::FORBIDDEN,
    "these payloads hold personal data in plaintext ([dead_letters] personal_data) and are shown for an \
     operator's token only: set `token` in [admin], restart, and send it",
);

const PLAIN_TAP: No = (
    StatusCode::FORBIDDEN,
    "events with personal data in plaintext are shown for an operator's token only: set `token` in [admin], restart, and \
     send it",
);

const READS_ONLY: No = (
    StatusCode::FORBIDDEN,
    "the token of this request has the role \"read\", which changes and sends nothing: send a token with the role \
     \"operator\", which the pipeline file gives in [[admin.tokens]]",
);

impl Guard {
    pub(crate) fn new(listen: SocketAddr, access: Access, acts: Acts, audit: Option<Arc<Audit>>) -> Guard {
        Guard {
            callers: Callers::new(access.token, access.tokens),
            names: Names::new(listen, &access.hosts),
            acts,
            audit,
            plain_letters: access.plain_letters,
        }
    }

    /// Returns the caller, if the request may pass.
    fn check(&self, request: &Request) -> Result<Caller, No> {
        let headers = request.headers();
        let asks = asks(request.uri().path());
        let named = headers.get_all(HOST).iter().count();
        if named > 1 || named == 0 && request.version() == Version::HTTP_11 {
            return Err(NO_HOST);
        }
        if headers
            .get_all(ORIGIN)
            .iter()
            .any(|origin| !is_own(origin, request))
        {
            return Err(FOREIGN_ORIGIN);
        }
        let known = self.callers.by_token(headers);
        if known.is_none() && asks != Asks::Probe && !self.names.include_those_of(request) {
            return Err(FOREIGN_HOST);
        }
        // Liveness probes cannot send a token, and learn nothing.
        let alive = matches!(request.uri().path(), "/health" | "/live");
        if self.callers.need_token() && known.is_none() && !alive {
            return Err(NO_TOKEN);
        }
        let from_here = headers.contains_key(HEADER) || known.is_some() || is_asked_by_a_person(request);
        if asks == Asks::Much && !from_here {
            return Err(NO_PROOF);
        }
        let is_operator = known.as_ref().is_some_and(Caller::may_act);
        if self.plain_letters && !is_operator && wants_payload(request.uri()) {
            return Err(PLAIN);
        }
        if !is_operator && wants_plain(request.uri()) {
            return Err(PLAIN_TAP);
        }
        let caller = known.unwrap_or_else(Caller::local);
        if !caller.may_act() && self.acts.act(request.method(), pattern(request)).is_some() {
            return Err(READS_ONLY);
        }
        Ok(caller)
    }

    /// Has a permitted request answered; acts of paths that exist are recorded.
    async fn pass(&self, caller: Caller, mut request: Request, next: Next) -> Response {
        let act = pattern(&request).and_then(|path| self.acts.act(request.method(), Some(path)));
        let recorded_as = self.audit.clone().zip(act.map(str::to_owned));
        let from = sender(&request);
        request.extensions_mut().insert(caller.clone());
        match recorded_as {
            Some((audit, action)) => recorded(audit, caller, from, action, next.run(request)).await,
            None => next.run(request).await,
        }
    }
}

/// Returns the pattern of the path that answers a request.
fn pattern(request: &Request) -> Option<&str> {
    request.extensions().get::<MatchedPath>().map(MatchedPath::as_str)
}

/// Returns the address that a request came from.
fn sender(request: &Request) -> String {
    let peer = request.extensions().get::<Peer>();
    peer.map_or_else(String::new, |peer| peer.address.ip().to_canonical().to_string())
}

/// Lets permitted requests through with their [`Caller`] as an extension, and marks every answer as not for caches.
pub(crate) async fn guard(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let mut response = match guard.check(&request) {
        Ok(caller) => guard.pass(caller, request, next).await,
        Err((status, told)) => text(status, told),
    };
    let unauthorized = response.status() == StatusCode::UNAUTHORIZED;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if unauthorized {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    response
}

/// True if the browser says that a page of this address, or its user's typing, caused the request.
fn is_asked_by_a_person(request: &Request) -> bool {
    let site = request
        .headers()
        .get("sec-fetch-site")
        .and_then(|site| site.to_str().ok());
    request.method() == Method::GET && matches!(site, Some("same-origin" | "none"))
}

/// True if the query asks for the kept parts of events, in any spelling.
fn wants_payload(uri: &Uri) -> bool {
    asks_for(uri, "payload")
}

/// True if the query asks for live events with their personal data, in any spelling.
pub(crate) fn wants_plain(uri: &Uri) -> bool {
    asks_for(uri, "plain")
}

/// True if the query sets a flag, in any spelling.
fn asks_for(uri: &Uri, flag: &str) -> bool {
    let decoded = |text| percent_encoding::percent_decode_str(text).decode_utf8_lossy();
    uri.query().is_some_and(|query| {
        query.split('&').any(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            decoded(key) == flag && !matches!(&*decoded(value), "" | "0")
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_are_recognised_in_every_spelling() {
        let wants = |query: &str| wants_payload(&format!("/dead_letters?{query}").parse().unwrap());
        for query in ["payload=1", "limit=1&payload=%31", "payload=0&pay%6Coad=1"] {
            assert!(wants(query), "{query}");
        }
        assert!(!wants("payload=0&limit=1"));
        assert!(wants_plain(&"/tap?pl%61in=1".parse().unwrap()));
    }
}
