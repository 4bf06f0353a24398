//! The caller of a request, as the guard recognises it.

use std::sync::Arc;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
pub use signalbox_config::Role;
use signalbox_config::{AdminToken, LOCAL_NAME, TOKEN_NAME};
use signalbox_core::{Secret, Sha256Hex};

/// The caller of a request. The guard puts it into the extensions of each request that it lets through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Name of the token, or `local` for a caller on this machine where no token is set.
    pub name: Arc<str>,
    /// Rights of the caller.
    pub role: Role,
}

impl Caller {
    /// The caller on this machine, where no token is set.
    pub(crate) fn local() -> Caller {
        Caller {
            name: LOCAL_NAME.into(),
            role: Role::Operator,
        }
    }

    /// Returns true if the caller needed a token, so that a session may be behind the request.
    #[must_use]
    pub fn can_sign_out(&self) -> bool {
        &*self.name != LOCAL_NAME
    }

    /// Returns true if the caller may act.
    #[must_use]
    pub fn may_act(&self) -> bool {
        self.role == Role::Operator
    }
}

/// The callers that have a token, each with the hash of it.
#[derive(Debug)]
pub(crate) struct Callers(Vec<(Sha256Hex, Caller)>);

impl Callers {
    /// Takes `token` of `[admin]` and the list `tokens`.
    pub(crate) fn new(token: Option<Secret>, tokens: Vec<AdminToken>) -> Callers {
        let first = token.map(|token| (token, TOKEN_NAME.into(), Role::Operator));
        let others = tokens
            .into_iter()
            .map(|token| (token.token, token.name.into(), token.role));
        let all = first.into_iter().chain(others);
        Callers(
            all.map(|(token, name, role)| (Sha256Hex::of(token.expose()), Caller { name, role }))
                .collect(),
        )
    }

    /// Returns true if a caller needs a token.
    pub(crate) fn need_token(&self) -> bool {
        !self.0.is_empty()
    }

    /// Returns the caller whose bearer token a request carries.
    pub(crate) fn by_token(&self, headers: &HeaderMap) -> Option<Caller> {
        self.holder_of(bearer(headers)?)
    }

    /// Returns the holder of this token. Compares with all tokens, so that the time does not depend on the one that fits.
    pub(crate) fn holder_of(&self, token: &str) -> Option<Caller> {
        let given = Sha256Hex::of(token);
        let mut found = None;
        for (hash, caller) in &self.0 {
            if same(&given, hash) {
                found = Some(caller);
            }
        }
        found.cloned()
    }
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
