//! The gate of the admin address: one check before every path decides who gets an answer.
//!
//! On this machine no token is needed, so what protects the address there from pages in the operator's browser is that
//! they can neither read its answers nor send it more than simple requests. DNS rebinding lifts both: a page of
//! `evil.example`, whose name then leads here, has this address as its own origin. But its requests carry that name as
//! their `Host`, and rebinding needs a name; so names count only if they are listed.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, Method, StatusCode, Version};
use axum::middleware::Next;
use axum::response::Response;
use ipnet::IpNet;
use signalbox_config::{AdminTls, AdminToken};
use signalbox_core::Secret;

use crate::acts::Acts;
use crate::asked::{
    HEADER, is_asked_by_a_person, is_from_other_page, is_from_own_page, is_navigation, is_part_of_a_page,
    wants_payload, wants_plain,
};
use crate::audit::{Audit, recorded};
use crate::caller::{Caller, Callers};
use crate::client::Client;
use crate::headers::protect;
use crate::names::{Names, is_own};
use crate::reply::text;
use crate::sign_in::{SIGN_IN, SIGN_OUT, SignIn, SignInHtml};

/// Paths of the page.
const PAGES: &str = "/ui/";
/// Paths of the page's style sheet and module, which the sign-in needs too.
const ASSETS: &str = "/ui/assets/";

/// The admin address's own names and secrets.
#[derive(Debug, Default)]
pub struct Access {
    /// The operator's bearer token; without any token, other machines cannot reach the address.
    pub token: Option<Secret>,
    /// Further tokens.
    pub tokens: Vec<AdminToken>,
    /// Names by which a client may ask for the address, besides addresses and `localhost`.
    pub hosts: Vec<String>,
    /// The certificate of HTTPS; without it the address speaks HTTP.
    pub tls: Option<AdminTls>,
    /// Proxies whose `X-Forwarded-For`, `X-Forwarded-Proto` and `Forwarded` are believed.
    pub proxies: Vec<IpNet>,
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
    sign_in: SignIn,
    proxies: Vec<IpNet>,
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

/// The part of the address that answers a permitted request.
enum Pass {
    /// A handler, for this caller.
    Caller(Caller),
    /// A handler that asks for no caller.
    Anybody,
    /// The sign-in.
    SignIn,
}

/// The answer to a request that is refused.
enum Refusal {
    Told(StatusCode, &'static str),
    /// The way to the sign-in.
    SignIn,
    /// A page that loads itself again, now with the cookies that browsers withhold from links of other sites.
    Again,
}

const NO_HOST: Refusal = Refusal::Told(StatusCode::BAD_REQUEST, "a request has exactly one Host header");
const FOREIGN_ORIGIN: Refusal = Refusal::Told(
    StatusCode::FORBIDDEN,
    "pages of other origins may not ask the admin address",
);
const FOREIGN_HOST: Refusal = Refusal::Told(
    StatusCode::MISDIRECTED_REQUEST,
    "the admin address does not answer to this name; ask it by its IP address or as localhost, or add the name to \
     `hosts` in [admin]",
);
const NO_TOKEN: Refusal = Refusal::Told(
    StatusCode::UNAUTHORIZED,
    "send the token: Authorization: Bearer …",
);
const NO_PROOF: Refusal = Refusal::Told(
    StatusCode::FORBIDDEN,
    "send the header X-Signalbox: 1 with requests for this path, so that no page in a browser can send them",
);
const PLAIN: Refusal = Refusal::Told(
    StatusCode::FORBIDDEN,
    "these payloads hold personal data in plaintext ([dead_letters] personal_data) and are shown for an \
     operator's token only: set `token` in [admin], restart, and send it",
);

const PLAIN_TAP: Refusal = Refusal::Told(
    StatusCode::FORBIDDEN,
    "events with personal data in plaintext are shown for an operator's token only: set `token` in [admin], restart, and \
     send it",
);

const READS_ONLY: Refusal = Refusal::Told(
    StatusCode::FORBIDDEN,
    "the token of this request has the role \"read\", which changes and sends nothing: send a token with the role \
     \"operator\", which the pipeline file gives in [[admin.tokens]]",
);

impl Guard {
    pub(crate) fn new(
        listen: SocketAddr,
        access: Access,
        acts: Acts,
        audit: Option<Arc<Audit>>,
        html: Option<SignInHtml>,
    ) -> Guard {
        Guard {
            callers: Callers::new(access.token, access.tokens),
            names: Names::new(listen, &access.hosts),
            acts,
            sign_in: SignIn::new(audit.clone(), html),
            audit,
            proxies: access.proxies,
            plain_letters: access.plain_letters,
        }
    }

    /// Decides who answers a request.
    fn check(&self, request: &Request, client: Client) -> Result<Pass, Refusal> {
        let (headers, path) = (request.headers(), request.uri().path());
        let asks = asks(path);
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
        let holder = self.callers.by_token(headers);
        if holder.is_none() && asks != Asks::Probe && !self.names.include_those_of(request) {
            return Err(FOREIGN_HOST);
        }
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        if matches!(path, SIGN_IN | SIGN_OUT) {
            let foreign = !reads && is_from_other_page(request);
            return if foreign {
                Err(FOREIGN_ORIGIN)
            } else {
                Ok(Pass::SignIn)
            };
        }
        if reads && path.starts_with(ASSETS) {
            return Ok(Pass::Anybody);
        }
        let session = self.session(headers, client).filter(|_| holder.is_none());
        if self.callers.need_token() && holder.is_none() && session.is_none() {
            // Liveness probes cannot send a token, and learn nothing.
            return match path {
                "/health" | "/live" if reads => Ok(Pass::Anybody),
                _ => Err(unknown(request)),
            };
        }
        let is_page = reads && path.starts_with(PAGES);
        let shown = is_page && (session.is_some() && !is_from_other_page(request) || is_navigation(request));
        let act = self.acts.act(request.method(), pattern(request));
        let searches = !reads && act.is_none() && is_from_own_page(request);
        let from_here = headers.contains_key(HEADER) || holder.is_some() || is_asked_by_a_person(request);
        if asks == Asks::Much && !from_here && !shown && !searches {
            return Err(NO_PROOF);
        }
        let known = holder.or(session);
        let is_operator = known.as_ref().is_some_and(Caller::may_act);
        if self.plain_letters && !is_operator && wants_payload(request.uri()) {
            return Err(PLAIN);
        }
        if !is_operator && wants_plain(request.uri()) {
            return Err(PLAIN_TAP);
        }
        let caller = known.unwrap_or_else(Caller::local);
        if !caller.may_act() && act.is_some() {
            return Err(READS_ONLY);
        }
        Ok(Pass::Caller(caller))
    }

    /// Returns the caller whose session a request belongs to. A cookie that others could have read on its way counts for nothing.
    fn session(&self, headers: &HeaderMap, client: Client) -> Option<Caller> {
        let session = || self.sign_in.sessions.caller(headers, client.secure);
        client.is_private().then(session).flatten()
    }

    /// Has a permitted request answered; acts of paths that exist are recorded.
    async fn pass(&self, caller: Caller, client: Client, mut request: Request, next: Next) -> Response {
        let act = pattern(&request).and_then(|path| self.acts.act(request.method(), Some(path)));
        let recorded_as = self.audit.clone().zip(act.map(str::to_owned));
        request.extensions_mut().insert(caller.clone());
        match recorded_as {
            Some((audit, action)) => recorded(audit, caller, client.shown(), action, next.run(request)).await,
            None => next.run(request).await,
        }
    }
}

/// Returns the pattern of the path that answers a request.
fn pattern(request: &Request) -> Option<&str> {
    request.extensions().get::<MatchedPath>().map(MatchedPath::as_str)
}

/// Refuses a request without a token or a session. A browser that shows a page is led to the sign-in.
fn unknown(request: &Request) -> Refusal {
    let (method, path) = (request.method(), request.uri().path());
    let wants_page = match path {
        "/" => is_navigation(request),
        _ => path.starts_with(PAGES) && !is_part_of_a_page(request),
    };
    match wants_page && matches!(*method, Method::GET | Method::HEAD) {
        true if is_from_other_page(request) => Refusal::Again,
        true => Refusal::SignIn,
        false => NO_TOKEN,
    }
}

/// Lets permitted requests through with their [`Caller`] as an extension, and protects every answer.
pub(crate) async fn guard(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let client = Client::of(&request, &guard.proxies);
    protect(match guard.check(&request, client) {
        Ok(Pass::Caller(caller)) => guard.pass(caller, client, request, next).await,
        Ok(Pass::Anybody) => next.run(request).await,
        Ok(Pass::SignIn) => guard.sign_in.answer(&guard.callers, client, request).await,
        Err(Refusal::Told(status, told)) => text(status, told),
        Err(Refusal::SignIn) => SignIn::first(request.uri()),
        Err(Refusal::Again) => guard.sign_in.again(),
    })
}
