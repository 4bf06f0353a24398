//! Sessions of people who signed in with a token.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use ring::rand::{SecureRandom as _, SystemRandom};
use signalbox_core::Sha256Hex;
use tokio::time::Instant;

use crate::caller::Caller;

/// The length of a session.
pub(crate) const LIFE: Duration = Duration::from_secs(12 * 3_600);

/// The most sessions; one more ends the oldest.
const MOST: usize = 1_000;

/// Bytes of a session's id.
const ID_BYTES: usize = 32;

/// The name of the cookie over HTTPS. Browsers accept the prefix only for a secure cookie of this host alone.
const SECURE_NAME: &str = "__Host-signalbox";
/// The name of the cookie without HTTPS, on this machine.
const PLAIN_NAME: &str = "signalbox";

/// The open sessions, in memory: they end with the process. Their ids are kept as hashes.
#[derive(Default)]
pub(crate) struct Sessions(Mutex<HashMap<Sha256Hex, Session>>);

/// Shows no id.
impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Sessions").field(&self.lock().len()).finish()
    }
}

struct Session {
    caller: Caller,
    ends: Instant,
}

impl Sessions {
    /// Opens a session, and returns its random id; `None` if the system gives no random bytes.
    pub(crate) fn open(&self, caller: Caller) -> Option<String> {
        let mut bytes = [0; ID_BYTES];
        SystemRandom::new().fill(&mut bytes).ok()?;
        let id: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let now = Instant::now();
        let mut sessions = self.lock();
        sessions.retain(|_, session| session.ends > now);
        if sessions.len() >= MOST {
            let oldest = sessions.iter().min_by_key(|(_, session)| session.ends);
            if let Some(oldest) = oldest.map(|(id, _)| *id) {
                sessions.remove(&oldest);
            }
        }
        let session = Session {
            caller,
            ends: now + LIFE,
        };
        sessions.insert(Sha256Hex::of(&id), session);
        Some(id)
    }

    /// Returns the caller whose session a request's cookie names.
    pub(crate) fn caller(&self, headers: &HeaderMap, secure: bool) -> Option<Caller> {
        let (sessions, now) = (self.lock(), Instant::now());
        let mut sessions = ids(headers, secure).filter_map(|id| sessions.get(&Sha256Hex::of(id)));
        let session = sessions.find(|session| session.ends > now)?;
        Some(session.caller.clone())
    }

    /// Ends the sessions that a request's cookies name, and returns the caller of one of them.
    pub(crate) fn close(&self, headers: &HeaderMap, secure: bool) -> Option<Caller> {
        let mut sessions = self.lock();
        let ended = ids(headers, secure).filter_map(|id| sessions.remove(&Sha256Hex::of(id)));
        ended.map(|session| session.caller).last()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Sha256Hex, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn name(secure: bool) -> &'static str {
    if secure { SECURE_NAME } else { PLAIN_NAME }
}

/// Lists the ids in the cookies of a request.
fn ids(headers: &HeaderMap, secure: bool) -> impl Iterator<Item = &str> {
    let cookies = headers.get_all(COOKIE).into_iter();
    let pairs = cookies
        .filter_map(|cookies| cookies.to_str().ok())
        .flat_map(|cookies| cookies.split(';'));
    let pairs = pairs.filter_map(|pair| pair.trim().split_once('='));
    pairs
        .filter(move |(found, _)| *found == name(secure))
        .map(|(_, id)| id)
}

/// Writes the cookie of a session; without an id, the one that removes it from the browser.
pub(super) fn cookie(id: Option<&str>, secure: bool) -> Option<HeaderValue> {
    let life = id.map_or(0, |_| LIFE.as_secs());
    let mut cookie = format!(
        "{}={}; Path=/; Max-Age={life}; HttpOnly; SameSite=Strict",
        name(secure),
        id.unwrap_or_default()
    );
    if secure {
        cookie.push_str("; Secure");
    }
    let mut value = HeaderValue::try_from(cookie).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(name: &str) -> Caller {
        Caller {
            name: name.into(),
            role: crate::Role::Read,
        }
    }

    fn headers(cookie: &str) -> HeaderMap {
        [(COOKIE, cookie.parse().unwrap())].into_iter().collect()
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_lasts_half_a_day() {
        let sessions = Sessions::default();
        let id = sessions.open(caller("ada")).unwrap();
        assert_eq!(id.len(), 2 * ID_BYTES);
        assert_ne!(Some(&id), sessions.open(caller("ada")).as_ref());
        let by = |cookie: &str, secure| sessions.caller(&headers(cookie), secure);
        let cookie = format!("a=b; signalbox={id}; c=d");
        assert_eq!(by(&cookie, false), Some(caller("ada")));
        // The cookie of a connection that others can read opens no private one.
        assert_eq!(by(&cookie, true), None);
        assert_eq!(by(&format!("__Host-signalbox={id}"), true), Some(caller("ada")));
        assert_eq!(
            by(&format!("signalbox=wrong; signalbox={id}"), false),
            Some(caller("ada"))
        );
        for wrong in [
            "",
            "signalbox=",
            "signalbox",
            &format!("signalbox={}", Sha256Hex::of(&id).as_str()),
        ] {
            assert_eq!(by(wrong, false), None, "{wrong}");
        }
        assert!(!format!("{sessions:?}").contains(&id));
        tokio::time::advance(LIFE - Duration::from_secs(1)).await;
        assert!(by(&cookie, false).is_some());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(by(&cookie, false), None);
    }

    #[tokio::test(start_paused = true)]
    async fn one_too_many_ends_the_oldest() {
        let sessions = Sessions::default();
        let mut ids = Vec::new();
        for _ in 0..=MOST {
            ids.push(sessions.open(caller("ada")).unwrap());
            tokio::time::advance(Duration::from_millis(1)).await;
        }
        let is_open = |id: &String| {
            sessions
                .caller(&headers(&format!("signalbox={id}")), false)
                .is_some()
        };
        assert_eq!(ids.iter().filter(|id| is_open(id)).count(), MOST);
        assert!(!is_open(&ids[0]));
        let last = headers(&format!("signalbox={}", ids[MOST]));
        assert_eq!(sessions.close(&last, false), Some(caller("ada")));
        assert!(!is_open(&ids[MOST]) && sessions.close(&last, false).is_none());
    }
}
