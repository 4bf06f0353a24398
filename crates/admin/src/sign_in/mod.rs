//! Sign-in: a person's browser gives the token once, and has a session from then on.
//!
//! The cookie holds a random id, never the token, and is `SameSite=Strict`: no page of another site can send it. The router
//! takes tokens and cookies only over connections that hide them from third parties.

mod attempts;
mod sessions;

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use self::attempts::Attempts;
pub(crate) use self::sessions::Sessions;
use self::sessions::cookie;
use crate::audit::{Act, Audit, Deed};
use crate::caller::{Caller, Callers};
use crate::client::{Client, Way};
use crate::query::DecodedQuery;
use crate::reply::text;

/// The path of the form, and of its POST.
pub(crate) const SIGN_IN: &str = "/ui/sign-in";
/// The path that ends a session.
pub(crate) const SIGN_OUT: &str = "/ui/sign-out";
/// The page after a sign-in that asks for no other.
const FIRST: &str = "/ui/overview";

/// The most bytes of the form.
const FORM_BYTES: usize = 16 * 1024;
/// The most characters of the address to go to after the sign-in.
const NEXT_CHARS: usize = 2_000;

/// A page of the sign-in, which the routes of the page write as HTML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignInPage {
    /// The form for the token.
    Form {
        /// Path and query to go to afterwards, for the form's field `next`.
        next: String,
        /// Why the last attempt failed, as a sentence.
        problem: Option<&'static str>,
    },
    /// The connection is one on which others could read the token: why, and what to do, as sentences.
    Refused {
        /// The reason.
        why: &'static str,
        /// The remedy.
        remedy: &'static str,
    },
    /// A page that loads itself again at once. The first request from a link of another site carries no cookie; the second
    /// one comes from this page and does.
    Again,
}

/// Writes a page of the sign-in as a whole HTML document.
pub type SignInHtml = fn(&SignInPage) -> String;

/// Signs people in and out.
#[derive(Debug)]
pub(crate) struct SignIn {
    pub(crate) sessions: Sessions,
    attempts: Attempts,
    audit: Option<Arc<Audit>>,
    html: Option<SignInHtml>,
}

impl SignIn {
    pub(crate) fn new(audit: Option<Arc<Audit>>, html: Option<SignInHtml>) -> SignIn {
        SignIn {
            sessions: Sessions::default(),
            attempts: Attempts::default(),
            audit,
            html,
        }
    }

    /// Answers a request for one of the two paths.
    pub(crate) async fn answer(&self, callers: &Callers, client: Client, request: Request) -> Response {
        let is_out = request.uri().path() == SIGN_OUT;
        match request.method().clone() {
            Method::POST if is_out => {
                let (head, _) = request.into_parts();
                self.sign_out(client, &head.headers).await
            }
            Method::POST => self.sign_in(callers, client, request).await,
            Method::GET | Method::HEAD if !is_out => self.form(callers, client, request.uri()),
            _ => text(
                StatusCode::METHOD_NOT_ALLOWED,
                "sign in with GET and POST, sign out with POST",
            ),
        }
    }

    /// Answers with the way to the form, from which the caller comes back to `from`.
    pub(crate) fn first(from: &Uri) -> Response {
        let next = from.path_and_query().map_or(FIRST, |next| next.as_str());
        let next = if is_own(next) { next } else { FIRST };
        go(&format!(
            "{SIGN_IN}?next={}",
            utf8_percent_encode(next, NON_ALPHANUMERIC)
        ))
    }

    /// Answers with a page that loads itself again.
    pub(crate) fn again(&self) -> Response {
        self.page(StatusCode::OK, &SignInPage::Again)
    }

    fn form(&self, callers: &Callers, client: Client, uri: &Uri) -> Response {
        let query = DecodedQuery::decode(uri.query().unwrap_or_default());
        let next = query.ok().and_then(|mut query| query.0.remove("next"));
        let next = next
            .filter(|next| is_own(next))
            .unwrap_or_else(|| FIRST.to_owned());
        if !callers.need_token() {
            return go(&next);
        }
        match refused(client) {
            Some(refused) => self.page(StatusCode::FORBIDDEN, &refused),
            None => self.page(StatusCode::OK, &SignInPage::Form { next, problem: None }),
        }
    }

    async fn sign_in(&self, callers: &Callers, client: Client, request: Request) -> Response {
        if !callers.need_token() {
            return go(FIRST);
        }
        // Before the body is read: it holds the token.
        if let Some(refused) = refused(client) {
            return self.page(StatusCode::FORBIDDEN, &refused);
        }
        let (head, body) = request.into_parts();
        let body = to_bytes(body, FORM_BYTES).await.ok();
        let form = body.as_deref().and_then(|body| std::str::from_utf8(body).ok());
        let form = form.and_then(|form| DecodedQuery::decode(form).ok());
        let Some(mut form) = form else {
            let told = "the body must be a form with the field token";
            return text(StatusCode::BAD_REQUEST, told);
        };
        let next = form.0.remove("next").filter(|next| is_own(next));
        let next = next.unwrap_or_else(|| FIRST.to_owned());
        let again = |status, problem| {
            let next = next.clone();
            let problem = Some(problem);
            self.page(status, &SignInPage::Form { next, problem })
        };
        if !self.attempts.may_try(client.address) {
            let problem = "Too many wrong tokens came from your address. Wait a few seconds, then try again.";
            return again(StatusCode::TOO_MANY_REQUESTS, problem);
        }
        let token = form.0.remove("token").unwrap_or_default();
        let Some(caller) = callers.holder_of(token.trim()) else {
            tracing::warn!("a sign-in at the admin address failed: the token is wrong");
            if let Some(left_out) = self.attempts.wrong(client.address) {
                let deed = match left_out {
                    0 => Deed::default(),
                    _ => Deed::default().count("left_out", left_out),
                };
                self.record(None, client, "sign_in", deed, StatusCode::UNAUTHORIZED)
                    .await;
            }
            return again(
                StatusCode::UNAUTHORIZED,
                "This token is not known here. See that all of it was copied.",
            );
        };
        // A browser has one session.
        self.sessions.close(&head.headers, client.secure);
        let Some(id) = self.sessions.open(caller.clone()) else {
            return text(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the system gives no random bytes; try again",
            );
        };
        tracing::info!(caller = &*caller.name, "signed in at the admin address");
        self.record(
            Some(caller),
            client,
            "sign_in",
            Deed::default(),
            StatusCode::SEE_OTHER,
        )
        .await;
        with_cookie(go(&next), Some(&id), client.secure)
    }

    async fn sign_out(&self, client: Client, headers: &HeaderMap) -> Response {
        if let Some(caller) = self.sessions.close(headers, client.secure) {
            self.record(
                Some(caller),
                client,
                "sign_out",
                Deed::default(),
                StatusCode::SEE_OTHER,
            )
            .await;
        }
        with_cookie(go(SIGN_IN), None, client.secure)
    }

    async fn record(
        &self,
        caller: Option<Caller>,
        client: Client,
        action: &'static str,
        deed: Deed,
        status: StatusCode,
    ) {
        let Some(audit) = self.audit.clone() else { return };
        let record = move || {
            audit.record(Act {
                caller: caller.as_ref(),
                from: client.shown(),
                action,
                deed,
                status: status.as_u16(),
                waits: false,
            });
        };
        // The line waits for the disk like others; the audit log itself says if it cannot be written.
        let _ = tokio::task::spawn_blocking(record).await;
    }

    fn page(&self, status: StatusCode, page: &SignInPage) -> Response {
        match self.html {
            Some(html) => (status, axum::response::Html(html(page))).into_response(),
            None => text(
                status,
                "there is no page at this address; send the token: Authorization: Bearer …",
            ),
        }
    }
}

/// Returns the page for a connection on which others could read a token.
fn refused(client: Client) -> Option<SignInPage> {
    if client.is_private() {
        return None;
    }
    let (why, remedy) = match client.way {
        Way::TrustedProxy => (
            "Your browser reached the proxy before this router without HTTPS, so others on the way could read your token.",
            "Open the address with https://. If you did, have the proxy send the header X-Forwarded-Proto: https with requests that \
             came to it by HTTPS.",
        ),
        Way::UnknownProxy => (
            "A proxy passed your request on, and this router does not know that it may trust the proxy.",
            "Have the operator list the proxy's address in trusted_proxies of [admin], see that the proxy sends X-Forwarded-Proto, \
             and restart the router.",
        ),
        Way::Local | Way::Network => (
            "Your browser reached this router without HTTPS, so others on the way could read your token.",
            "Have the operator set tls in [admin], or put a proxy with HTTPS before the router and list it in trusted_proxies of \
             [admin]. On the machine of the router itself, http://localhost works.",
        ),
    };
    Some(SignInPage::Refused { why, remedy })
}

/// True for a path of the page or its data, which cannot lead to another host.
fn is_own(next: &str) -> bool {
    let fits = next.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    fits && next.len() <= NEXT_CHARS && (next.starts_with("/ui/") || next.starts_with("/api/"))
}

fn go(to: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let to = HeaderValue::try_from(to).unwrap_or(HeaderValue::from_static(FIRST));
    response.headers_mut().insert(LOCATION, to);
    response
}

fn with_cookie(mut response: Response, id: Option<&str>, secure: bool) -> Response {
    if let Some(cookie) = cookie(id, secure) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_in_leads_to_own_pages_only() {
        for own in [
            "/ui/overview",
            "/ui/events?sink=a%26b&order_id=1",
            "/api/status",
            "/ui/../ui/x",
        ] {
            assert!(is_own(own), "{own}");
        }
        for foreign in [
            "",
            "/",
            "//evil.example/ui/",
            "/\\evil.example",
            "/ui/\\evil",
            "https://evil.example/ui/",
            "javascript:alert(1)",
            "ui/overview",
            "/ui/a b",
            "/ui/\r\nset-cookie: a=b",
            "/metrics",
            &format!("/ui/{}", "x".repeat(2_000)),
        ] {
            assert!(!is_own(foreign), "{foreign}");
        }
    }
}
