//! Answers that do not depend on the events.

use http::StatusCode;

use crate::api::{Api, Call};
use crate::faults::Kind;
use crate::judge::Refusal;
use crate::reply::Reply;
use crate::state::Shared;

pub(super) fn turned_away(shared: &Shared, api: &dyn Api, call: &Call<'_>) -> Option<Reply> {
    let vendor = api.vendor();
    let mut memory = shared.memory();
    let faults = memory.injector(vendor).faults().clone();
    if memory.strikes(vendor, Kind::Redirect) {
        return faults.redirect.map(|fault| Reply::redirect(&fault.location));
    }
    for (on, name, reply) in [
        (
            faults.not_found,
            "not_found",
            &(|| api.not_found()) as &dyn Fn() -> Reply,
        ),
        (faults.unauthorized, "unauthorized", &|| api.unauthorized(true)),
        (faults.forbidden, "forbidden", &|| api.forbidden()),
    ] {
        if on {
            memory.count(vendor, |counts| counts.fault(name));
            return Some(reply());
        }
    }
    let token = api.token(call).unwrap_or_default();
    let wrong = shared.config.token(vendor).is_some_and(|right| right != token);
    if token.is_empty() || wrong {
        return Some(api.unauthorized(!token.is_empty()));
    }
    if memory.strikes(vendor, Kind::RateLimit) {
        return faults
            .rate_limit
            .map(|fault| api.rate_limited(fault.retry_after_s));
    }
    if memory.strikes(vendor, Kind::Unavailable) {
        return faults
            .unavailable
            .map(|fault| api.unavailable(fault.retry_after_s));
    }
    if memory.strikes(vendor, Kind::Status) {
        return faults.status.map(|fault| {
            let status = StatusCode::from_u16(fault.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            match fault.error_code {
                Some(code) => api.coded(status, code, &fault),
                None => api.other(status, "This answer was asked for."),
            }
        });
    }
    let length = call.body.len() as u64;
    if faults.max_bytes.is_some_and(|most| length > most) {
        memory.count(vendor, |counts| counts.fault("max_bytes"));
        return Some(api.too_large());
    }
    if let Some(reply) = api.turned_away(call, &shared.config) {
        return Some(reply);
    }
    memory
        .strikes(vendor, Kind::BadRequest)
        .then(|| api.refused(&Refusal::without_reason(0), &faults))
}
