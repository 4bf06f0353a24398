//! `POST /v5/ad_accounts/{ad_account_id}/events`: authentication, faults, recording.

use std::time::Duration;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::reply::{self, Processed};
use super::validate::{self, Refusal, Rules, Verdict};
use crate::faults::{Garbage, Kind};
use crate::reply::Reply;
use crate::state::{Memory, Shared};

/// The greatest number of digits of an ad account id.
const MAX_ID_DIGITS: usize = 18;

/// A call of the endpoint.
pub(crate) struct Call<'a> {
    pub(crate) account: &'a str,
    pub(crate) query: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: Bytes,
}

/// Answers a call, late if the fault `slow` strikes.
pub(crate) async fn answer(shared: &Shared, call: &Call<'_>) -> Reply {
    let slow = {
        let mut memory = shared.memory();
        let struck = strikes(&mut memory, Kind::Slow);
        memory.injector.faults().slow.clone().filter(|_| struck)
    };
    let Some(slow) = slow else {
        return decide(shared, call);
    };
    if slow.after_accept {
        let reply = decide(shared, call);
        // A fault switched off meanwhile is off for these events too: a test that switches it off and then reads the
        // accepted events sees all that it struck.
        let still_on = shared.memory().injector.faults().slow.is_some();
        if still_on {
            wait(shared, slow.delay_ms).await;
        }
        reply
    } else {
        wait(shared, slow.delay_ms).await;
        decide(shared, call)
    }
}

/// Waits, but not beyond the end of the sandbox.
async fn wait(shared: &Shared, delay_ms: u64) {
    let _ = tokio::time::timeout(Duration::from_millis(delay_ms), shared.stop.cancelled()).await;
}

fn decide(shared: &Shared, call: &Call<'_>) -> Reply {
    if let Some(reply) = turned_away(shared, call) {
        return reply;
    }
    let test = match test_mode(call.query) {
        Ok(test) => test,
        Err(reply) => return reply,
    };
    let unexpected_property = shared.memory().injector.faults().unexpected_property.clone();
    let rules = Rules {
        strict_openapi: shared.config.strict_openapi,
        unexpected_property: unexpected_property.as_deref(),
    };
    let judged = validate::body(&call.body, rules);

    let mut memory = shared.memory();
    memory.counts.test_requests += u64::from(test);
    match judged {
        Ok(verdicts) => settle(&mut memory, verdicts, test),
        Err(Refusal { message, events }) => {
            refuse_all(&mut memory.counts, events, test);
            if unexpected_property.is_some_and(|name| message == validate::unexpected(&name)) {
                memory.counts.fault("unexpected_property");
            }
            reply::invalid(&message)
        }
    }
}

/// Returns the answers that do not depend on the events.
fn turned_away(shared: &Shared, call: &Call<'_>) -> Option<Reply> {
    let mut memory = shared.memory();
    let faults = memory.injector.faults().clone();
    if strikes(&mut memory, Kind::Redirect) {
        return faults.redirect.map(|fault| Reply::redirect(&fault.location));
    }
    for (on, name, reply) in [
        (faults.not_found, "not_found", Reply::not_found as fn() -> Reply),
        (faults.unauthorized, "unauthorized", reply::unauthorized),
        (faults.forbidden, "forbidden", reply::forbidden),
    ] {
        if on {
            memory.counts.fault(name);
            return Some(reply());
        }
    }
    if !authenticated(call.headers, shared.config.token.as_deref()) {
        return Some(reply::unauthorized());
    }
    if strikes(&mut memory, Kind::RateLimit) {
        return faults
            .rate_limit
            .map(|fault| reply::rate_limited(fault.retry_after_s));
    }
    if strikes(&mut memory, Kind::Unavailable) {
        return faults
            .unavailable
            .map(|fault| reply::unavailable(fault.retry_after_s));
    }
    if strikes(&mut memory, Kind::Status) {
        let code = faults
            .status
            .and_then(|fault| StatusCode::from_u16(fault.code).ok());
        let status = code.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        return Some(Reply::other(status, "This answer was asked for."));
    }
    let length = call.body.len() as u64;
    if faults.max_bytes.is_some_and(|most| length > most) {
        memory.counts.fault("max_bytes");
        return Some(Reply::too_large());
    }
    let digits = call.account.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || call.account.is_empty() || call.account.len() > MAX_ID_DIGITS {
        return Some(reply::invalid("'ad_account_id' must be 1 to 18 decimal digits"));
    }
    if shared
        .config
        .ad_account_id
        .as_ref()
        .is_some_and(|id| id != call.account)
    {
        return Some(reply::forbidden());
    }
    strikes(&mut memory, Kind::BadRequest).then(|| reply::invalid("The request was refused."))
}

/// Returns true if the call bears the token, or any token if none is configured.
fn authenticated(headers: &HeaderMap, token: Option<&str>) -> bool {
    let value = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some((scheme, given)) = value.and_then(|value| value.split_once(' ')) else {
        return false;
    };
    let given = given.trim();
    scheme.eq_ignore_ascii_case("bearer") && !given.is_empty() && token.is_none_or(|token| token == given)
}

/// Returns true for a query with `test=true`.
fn test_mode(query: &str) -> Result<bool, Reply> {
    let value = query.split('&').find_map(|pair| pair.strip_prefix("test="));
    match value {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(_) => Err(reply::invalid("'test' is not of type boolean")),
    }
}

/// Decides each event's fate, records the good ones and forms the answer.
fn settle(memory: &mut Memory, mut verdicts: Vec<Verdict<'_>>, test: bool) -> Reply {
    let faults = memory.injector.faults().clone();
    let poison = |verdict: &Verdict<'_>| faults.poison_event_ids.contains(&verdict.event_id);
    if !faults.poison_event_ids.is_empty() && verdicts.iter().any(poison) {
        memory.counts.fault("poison_event_ids");
        refuse_all(&mut memory.counts, verdicts.len(), test);
        return reply::invalid("The request was refused.");
    }
    for verdict in &mut verdicts {
        if strikes(memory, Kind::FailEvents) && verdict.error.is_none() {
            verdict.error = Some("This failure was asked for.".to_owned());
        }
        if strikes(memory, Kind::WarnEvents) && verdict.warning.is_none() {
            verdict.warning = Some("This warning was asked for.".to_owned());
        }
    }
    let reset = strikes(memory, Kind::Reset);
    let lost = reset && !faults.reset.is_some_and(|reset| reset.after_accept);
    if record(memory, &verdicts, test, lost).is_err() {
        return Reply::other(
            StatusCode::INTERNAL_SERVER_ERROR,
            "The capture file could not be written.",
        );
    }

    let mut processed = processed(verdicts);
    let failed = processed.events.len() - processed.num_events_processed;
    let unprocessable = failed > 0 && (faults.partial_as_422 || processed.num_events_processed == 0);
    if strikes(memory, Kind::ShortBody) {
        processed.events.pop();
    }
    let mut reply = reply::processed(&processed, unprocessable);
    if strikes(memory, Kind::GarbageBody) {
        reply = match faults.garbage_body.map(|fault| fault.form).unwrap_or_default() {
            Garbage::Html => Reply::text(reply.status, "text/html", "<html><body>It works!</body></html>"),
            Garbage::Truncated => {
                let half = reply.body.len() / 2;
                reply.body.truncate(half);
                reply
            }
            Garbage::Empty => Reply::text(reply.status, "application/json", ""),
        };
    }
    reply.cut = reset;
    reply
}

/// Counts all events and keeps the good ones.
fn record(memory: &mut Memory, verdicts: &[Verdict<'_>], test: bool, lost: bool) -> std::io::Result<()> {
    let total = verdicts.len() as u64;
    let counts = &mut memory.counts;
    counts.received += total;
    if test {
        counts.test_events += total;
        return Ok(());
    }
    let good: Vec<&Verdict<'_>> = verdicts
        .iter()
        .filter(|verdict| verdict.error.is_none())
        .collect();
    counts.failed += total - good.len() as u64;
    if lost {
        counts.unrecorded += good.len() as u64;
        return Ok(());
    }
    if let Some(capture) = &mut memory.capture
        && let Err(error) = capture.write(good.iter().map(|verdict| verdict.raw))
    {
        tracing::error!(%error, events = good.len(), "the capture file could not be written");
        counts.unrecorded += good.len() as u64;
        return Err(error);
    }
    for verdict in good {
        counts.accepted += 1;
        counts.warned += u64::from(verdict.warning.is_some());
        match verdict.ldp {
            Some(true) => counts.ldp_complete += 1,
            Some(false) => counts.ldp_incomplete += 1,
            None => {}
        }
        let known = verdict
            .dedup_key
            .as_ref()
            .is_some_and(|pair| memory.pairs.seen_before(pair));
        counts.duplicates += u64::from(known);
        memory.events.push(verdict.raw.len(), verdict.raw.to_owned());
    }
    Ok(())
}

fn refuse_all(counts: &mut crate::Counts, events: usize, test: bool) {
    counts.received += events as u64;
    if test {
        counts.test_events += events as u64;
    } else {
        counts.refused += events as u64;
    }
}

fn processed(verdicts: Vec<Verdict<'_>>) -> Processed {
    let failed = verdicts.iter().filter(|verdict| verdict.error.is_some()).count();
    let events: Vec<Value> = verdicts
        .into_iter()
        .map(|verdict| {
            json!({
                "status": if verdict.error.is_some() { "failed" } else { "processed" },
                "error_message": verdict.error,
                "warning_message": verdict.warning,
            })
        })
        .collect();
    Processed {
        num_events_received: events.len(),
        num_events_processed: events.len() - failed,
        events,
    }
}

/// Returns true if the fault strikes now, and counts it.
fn strikes(memory: &mut Memory, kind: Kind) -> bool {
    let strikes = memory.injector.strikes(kind);
    if strikes {
        memory.counts.fault(kind.name());
    }
    strikes
}
