//! The way of a request to its answer.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use http::header::{ORIGIN, USER_AGENT};
use http::{StatusCode, request};
use signalbox_conversions::client::is_public;
use signalbox_core::{Event, Outlet, Reason, Refused, RefusedCause, RejectedInput, Vitals};
use signalbox_http::server::{Peer, forwarding_header, is_trusted, sender_ip};
use signalbox_segment::ingest::{Endpoint, MAX_BATCH_BYTES, Origin, Reception, decode, split, too_large};
use signalbox_segment::time::Millis;

use crate::admission::Admission;
use crate::auth::header_key;
use crate::body::{self, Unread};
use crate::keys::Key;
use crate::options::UnknownKey;
use crate::peer::client_ip;
use crate::reply;
use crate::sdk_settings::Protocol;
use crate::settings::Settings;
use crate::visitor::Visitor;
use crate::wrong_keys::WrongKeys;

/// State that all requests share.
#[derive(Debug)]
pub(crate) struct Ingest {
    pub(crate) source: Arc<str>,
    pub(crate) outlet: Outlet,
    pub(crate) settings: Settings,
    pub(crate) admission: Admission,
    pub(crate) wrong_keys: WrongKeys,
    pub(crate) vitals: Arc<Vitals>,
    /// True once log and status name a proxy that is not trusted.
    pub(crate) proxy_told: AtomicBool,
}

/// A request's events, valid ones apart from rejected ones.
#[derive(Debug, Default)]
struct Taken {
    events: Vec<Event>,
    rejected: Vec<RejectedInput>,
}

/// The reason why no event of a request is accepted, and their number.
pub(crate) enum NotTaken {
    /// The request cannot be read as events; their number is unknown, so it counts as one.
    Unusable(Reason),
    /// The key is not listed; the time to wait is set if its address has sent too many such keys.
    UnknownKey(usize, Option<Duration>),
    /// The key is not for pages of this origin.
    Origin(usize),
    /// The key is over its limit.
    RateLimited(usize, Refused, Reason),
}

impl From<Reason> for NotTaken {
    fn from(reason: Reason) -> Self {
        NotTaken::Unusable(reason)
    }
}

impl Ingest {
    /// Answers a request with one event or a batch.
    pub(crate) async fn post(&self, endpoint: Endpoint, origin: Origin, request: Request) -> Response {
        let (head, body) = request.into_parts();
        let body = match body::read(&head, body, endpoint.max_bytes(), self.settings.read_timeout).await {
            Ok(body) => body,
            Err(Unread::Refused(reason)) => return self.refuse(reason.into()),
            Err(Unread::Slow) => {
                let reason = Reason::new("body_too_slow", "the body did not come in time");
                self.outlet.refuse(1, reason);
                return reply::hang_up();
            }
        };
        let _admitted = self.admission.admit(&head.headers, &body).await;
        let taken = match self.take(endpoint, origin, &head, body) {
            Ok(taken) => taken,
            Err(not_taken) => return self.refuse(not_taken),
        };
        // An invalid event alone, or a batch of nothing but oversized ones, is worth an error: it makes the
        // SDK tell its user. In any other batch the neighbours count.
        if taken.events.is_empty()
            && let Some(first) = taken.rejected.first()
        {
            let answer = match endpoint {
                Endpoint::Single(_) => reply::bad_request(&first.reason),
                Endpoint::Batch if taken.rejected.iter().all(is_too_large) => {
                    reply::bad_request(&too_large())
                }
                Endpoint::Batch => reply::success(),
            };
            return match self.outlet.reject(taken.rejected).await {
                Ok(()) => answer,
                Err(refused) => reply::refused(&refused),
            };
        }
        self.hand_over(taken).await
    }

    /// Forwards events, and answers only once they are stored.
    async fn hand_over(&self, taken: Taken) -> Response {
        if taken.events.is_empty() {
            return reply::success();
        }
        match self.outlet.send(taken.events).await {
            // If the dead letters cannot be kept, the client sends all of it again; the events that are stored by now
            // are known by their ids then. The other way round, each refusal for want of room would leave the letters
            // twice.
            Ok(_) => match self.outlet.reject(taken.rejected).await {
                Ok(()) => reply::success(),
                Err(refused) => reply::refused(&refused),
            },
            Err(refused) => {
                // The client sends all of it again, the unusable ones too; they are counted then.
                if !taken.rejected.is_empty() {
                    let reason = Reason::new(refused.cause.code(), "its request was refused");
                    self.outlet.refuse(taken.rejected.len() as u64, reason);
                }
                reply::refused(&refused)
            }
        }
    }

    /// Counts a request without accepted events, and answers it.
    pub(crate) fn refuse(&self, not_taken: NotTaken) -> Response {
        let (events, reason, answer) = match not_taken {
            NotTaken::Unusable(reason) => {
                let answer = reply::bad_request(&reason);
                (1, reason, answer)
            }
            NotTaken::UnknownKey(events, wait) => {
                let reason = Reason::new("invalid_write_key", "An invalid write key was provided");
                let answer = match (self.settings.unknown_key, wait) {
                    // Without `WWW-Authenticate`: browsers would ask the user for a password.
                    (UnknownKey::Reject, None) => reply::error(StatusCode::UNAUTHORIZED, &reason),
                    (UnknownKey::Reject, Some(wait)) => reply::too_many_wrong_keys(wait),
                    (UnknownKey::Drop, _) => reply::success(),
                };
                (events, reason, answer)
            }
            NotTaken::Origin(events) => {
                let reason = foreign_origin();
                let answer = reply::forbidden(&reason);
                (events, reason, answer)
            }
            NotTaken::RateLimited(events, refused, reason) => (events, reason, reply::refused(&refused)),
        };
        self.outlet.refuse(events as u64, reason);
        answer
    }

    fn take(
        &self,
        endpoint: Endpoint,
        origin: Origin,
        head: &request::Parts,
        body: Bytes,
    ) -> Result<Taken, NotTaken> {
        let body = body::inflate(&head.headers, body, endpoint.max_bytes())?;
        let text = decode(&body)?;
        let envelope = split(text, endpoint)?;
        // The header's key counts if there is one, else the body's.
        let own = header_key(&head.headers)
            .map(Into::into)
            .or_else(|| envelope.write_key());
        let key = self.admit(own.as_deref(), head, envelope.len())?;
        let origin = if head.headers.contains_key(ORIGIN) {
            Origin::Device
        } else {
            origin
        };
        let mut taken = Taken::default();
        let visitor = self.visitor(head);
        for result in envelope.events(&self.reception(head, origin)) {
            match result {
                Ok(mut event) => {
                    visitor.complete(&mut event);
                    taken.events.push(key.mark(event));
                }
                Err(rejected) => taken.rejected.push(rejected),
            }
        }
        Ok(taken)
    }

    /// Returns the key if it may send this number of events, from this page, now.
    pub(crate) fn admit(
        &self,
        key: Option<&str>,
        head: &request::Parts,
        events: usize,
    ) -> Result<&Key, NotTaken> {
        let known = key.and_then(|key| self.settings.keys.find(key));
        let key = known.ok_or_else(|| NotTaken::UnknownKey(events, self.count_wrong_key(head)))?;
        if !key.allows(&head.headers) {
            return Err(NotTaken::Origin(events));
        }
        key.take(events).map_err(|retry_after| {
            let refused = Refused {
                cause: RefusedCause::RateLimited,
                retry_after,
            };
            let message = format!("the write key '{}' is over its rate limit", key.name);
            let reason = Reason::new(refused.cause.code(), message);
            NotTaken::RateLimited(events, refused, reason)
        })?;
        Ok(key)
    }

    /// Counts a wrong key for the address it comes from; returns the time that this address must wait if it sends too
    /// many.
    pub(crate) fn count_wrong_key(&self, head: &request::Parts) -> Option<Duration> {
        let peer = head.extensions.get::<Peer>()?;
        self.wrong_keys
            .count(sender_ip(peer.address, &head.headers, &self.settings.proxies))
    }

    /// The circumstances that all events of a request share.
    pub(crate) fn reception<'h>(&self, head: &'h request::Parts, origin: Origin) -> Reception<'h> {
        let peer = head.extensions.get::<Peer>();
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Reception {
            source: self.source.clone(),
            received: Millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)),
            origin,
            ip: peer.map(|peer| client_ip(peer.address, &head.headers, &self.settings.proxies)),
            user_agent: head.headers.get(USER_AGENT).and_then(|value| value.to_str().ok()),
            live: true,
        }
    }

    /// Reads the visitor of a request from its head. Logs once that a proxy should be trusted.
    pub(crate) fn visitor<'h>(&self, head: &'h request::Parts) -> Visitor<'h> {
        let peer = head.extensions.get::<Peer>();
        let peer = peer.map(|peer| peer.address.ip().to_canonical());
        let trusted = peer.is_some_and(|peer| is_trusted(peer, &self.settings.proxies));
        if let Some(peer) = peer.filter(|peer| !trusted && !is_public(*peer))
            && !self.proxy_told.load(Relaxed)
            && let Some(header) = forwarding_header(&head.headers)
            && !self.proxy_told.swap(true, Relaxed)
        {
            let told = format!(
                "requests come through a proxy that is not trusted ({header} from {peer}), so its address counts as that of \
                 every visitor; set `trusted_proxies = [\"{peer}\"]` on this source, or the network of your proxies"
            );
            tracing::warn!(source = &*self.source, "{told}");
            self.vitals.note("proxy", told);
        }
        Visitor::of(&head.headers, trusted, &self.settings)
    }

    /// The protocol by which SDKs should reach this source.
    pub(crate) fn protocol(&self, request: &Request) -> Protocol {
        if let Some(set) = self.settings.public_protocol {
            return set;
        }
        let Some(peer) = request.extensions().get::<Peer>() else {
            return Protocol::Https;
        };
        let forwarded = request.headers().get("x-forwarded-proto");
        let by_proxy = forwarded.is_some_and(|protocol| protocol == "https")
            && is_trusted(peer.address.ip().to_canonical(), &self.settings.proxies);
        if self.settings.public_host.is_some() || peer.secure || by_proxy {
            Protocol::Https
        } else {
            Protocol::Http
        }
    }

    /// Reads and discards a body, so that the connection stays usable.
    pub(crate) async fn forget(&self, request: Request) -> Response {
        let (head, body) = request.into_parts();
        match body::read(&head, body, MAX_BATCH_BYTES, self.settings.read_timeout).await {
            Ok(_) => reply::success(),
            Err(Unread::Refused(reason)) => reply::bad_request(&reason),
            Err(Unread::Slow) => reply::hang_up(),
        }
    }
}

fn is_too_large(rejected: &RejectedInput) -> bool {
    rejected.reason.code() == "event_too_large"
}

/// The reason for a page that may not use its key.
pub(crate) fn foreign_origin() -> Reason {
    Reason::new(
        "origin_not_allowed",
        "This write key is not for pages of this origin",
    )
}
