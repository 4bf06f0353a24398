//! The gate of the admin address: one check before every path decides who gets an answer.
//!
//! On this machine no token is needed, so what protects the address there from pages in the operator's browser is that
//! they can neither read its answers nor send it more than simple requests. DNS rebinding lifts both: a page of
//! `evil.example`, whose name then leads here, has this address as its own origin. But its requests carry that name as
//! their `Host`, and rebinding needs a name; so names count only if they are listed.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CACHE_CONTROL, HOST, ORIGIN, WWW_AUTHENTICATE};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, Version};
use axum::middleware::Next;
use axum::response::Response;
use signalbox_core::{Secret, Sha256Hex};

use crate::reply::text;

/// Requests that change something must carry this header, with any value. A page in a browser on this machine cannot
/// send it to another origin without asking first, and is never allowed to.
pub(crate) const HEADER: &str = "x-signalbox";

/// The admin address's own names and secrets.
#[derive(Debug, Default)]
pub struct Access {
    /// The bearer token; without one, other machines cannot reach the address.
    pub token: Option<Secret>,
    /// Names by which a client may ask for the address, besides addresses and `localhost`.
    pub hosts: Vec<String>,
    /// True if dead letters may hold personal data in plaintext.
    pub plain_letters: bool,
}

/// [`Access`] in the form that the check needs.
#[derive(Debug)]
pub(crate) struct Guard {
    token: Option<Sha256Hex>,
    listen: String,
    hosts: Vec<String>,
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
    "these payloads hold personal data in plaintext ([dead_letters] personal_data) and are shown for the operator's \
     token only: set `token` in [admin], restart, and send it",
);

const PLAIN_TAP: No = (
    StatusCode::FORBIDDEN,
    "events with personal data in plaintext are shown for the operator's token only: set `token` in [admin], restart, and \
     send it",
);

impl Guard {
    pub(crate) fn new(listen: SocketAddr, access: Access) -> Guard {
        Guard {
            token: access.token.map(|token| Sha256Hex::of(token.expose())),
            listen: listen.to_string(),
            hosts: access.hosts.iter().map(|host| plain_name(host)).collect(),
            plain_letters: access.plain_letters,
        }
    }

    fn check(&self, request: &Request) -> Result<(), No> {
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
        let token_is_right = self
            .token
            .as_ref()
            .is_some_and(|token| bearer(headers).is_some_and(|given| same(&Sha256Hex::of(given), token)));
        if !token_is_right && asks != Asks::Probe && !names(request).all(|name| self.answers_to(name)) {
            return Err(FOREIGN_HOST);
        }
        // Liveness probes cannot send a token, and learn nothing.
        let alive = matches!(request.uri().path(), "/health" | "/live");
        if self.token.is_some() && !token_is_right && !alive {
            return Err(NO_TOKEN);
        }
        let from_here = headers.contains_key(HEADER) || token_is_right || is_asked_by_a_person(request);
        if asks == Asks::Much && !from_here {
            return Err(NO_PROOF);
        }
        if self.plain_letters && !token_is_right && wants_payload(request.uri()) {
            return Err(PLAIN);
        }
        if !token_is_right && wants_plain(request.uri()) {
            return Err(PLAIN_TAP);
        }
        Ok(())
    }

    /// True if `authority` is an IP address or one of this address's names.
    fn answers_to(&self, authority: &str) -> bool {
        if authority == self.listen {
            return true;
        }
        let Some((host, _)) = host_and_port(authority) else {
            return false;
        };
        let address = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(&host);
        address.parse::<IpAddr>().is_ok() || host == "localhost" || self.hosts.contains(&host)
    }
}

/// Lets permitted requests through, and marks every answer as not for caches.
pub(crate) async fn guard(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let mut response = match guard.check(&request) {
        Ok(()) => next.run(request).await,
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

/// Lists every name that a request gives its host.
fn names(request: &Request) -> impl Iterator<Item = &str> {
    let of_target = request.uri().authority().map(Authority::as_str);
    // A header that is not text cannot be one of our names.
    let of_header = request
        .headers()
        .get(HOST)
        .map(|host| host.to_str().unwrap_or(""));
    of_target.into_iter().chain(of_header)
}

/// True if an origin is the address that the request itself goes to.
fn is_own(origin: &HeaderValue, request: &Request) -> bool {
    let Some(origin) = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok()) else {
        return false;
    };
    let usual = match origin.scheme_str() {
        Some("http") => 80,
        Some("https") => 443,
        _ => return false,
    };
    let place = |authority: &str| {
        let (host, port) = host_and_port(authority)?;
        Some((host, port.unwrap_or(usual)))
    };
    let Some(origin) = origin.authority().and_then(|origin| place(origin.as_str())) else {
        return false;
    };
    let mut names = names(request).peekable();
    names.peek().is_some() && names.all(|name| place(name).as_ref() == Some(&origin))
}

/// Splits `host` or `host:port`; `None` if anything else is in it. [`Authority`] alone accepts a user's name before the
/// host, and letters between the bracket of an address and its port.
fn host_and_port(authority: &str) -> Option<(String, Option<u16>)> {
    let parsed = authority.parse::<Authority>().ok()?;
    let port = match authority.strip_prefix(parsed.host())? {
        "" => None,
        rest => Some(rest.strip_prefix(':')?.parse().ok()?),
    };
    Some((plain_name(parsed.host()), port))
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

/// Normalises a host name for comparison: lower case, without a trailing dot.
fn plain_name(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Compares hashes in constant time, so that no client can measure the length or a common prefix of the token.
fn same(a: &Sha256Hex, b: &Sha256Hex) -> bool {
    let differences = a
        .as_str()
        .bytes()
        .zip(b.as_str().bytes())
        .fold(0, |sum, (a, b)| sum | (a ^ b));
    std::hint::black_box(differences) == 0
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn guard() -> Guard {
        let hosts = vec!["Ops.Example.".to_owned()];
        Guard::new(
            "127.0.0.1:9464".parse().unwrap(),
            Access {
                hosts,
                ..Access::default()
            },
        )
    }

    #[test]
    fn addresses_and_listed_names_are_answered_to() {
        for name in [
            "127.0.0.1:9464",
            "10.1.2.3",
            "[::1]:9464",
            "[2001:db8::1]",
            "LocalHost:1",
            "localhost.",
            "ops.example:443",
        ] {
            assert!(guard().answers_to(name), "{name}");
        }
        for name in [
            "evil.example:9464",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "evil.example#127.0.0.1",
            "ops.example.evil.example",
            "2130706433",
            "127.1",
            "[::1].evil.example",
            "[::1].evil.example:9464",
            "[::1]evil.example",
            "evil@127.0.0.1",
            "evil.example:27465@127.0.0.1",
            "localhost@evil.example",
            "127.0.0.1:",
            "127.0.0.1:x",
            "",
            "a b",
        ] {
            assert!(!guard().answers_to(name), "{name}");
        }
    }

    #[test]
    fn only_the_own_origin_is_no_foreign_one() {
        let is_own = |origin: &'static str, host: &str| {
            let request = Request::get("/status")
                .header(HOST, host)
                .body(Body::empty())
                .unwrap();
            is_own(&HeaderValue::from_static(origin), &request)
        };
        assert!(is_own("http://127.0.0.1:9464", "127.0.0.1:9464"));
        assert!(is_own("https://ops.example", "OPS.example"));
        assert!(is_own("http://localhost:80", "localhost"));
        for origin in [
            "null",
            "",
            "http://127.0.0.1:9465",
            "http://localhost:9464",
            "http://evil.example",
            "http://evil@127.0.0.1:9464",
            "http://[::1].evil.example",
            "file://127.0.0.1:9464",
        ] {
            assert!(!is_own(origin, "127.0.0.1:9464"), "{origin}");
        }
    }

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
