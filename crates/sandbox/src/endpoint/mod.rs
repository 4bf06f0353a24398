//! A vendor's endpoint: authentication, faults, judging, recording; the same steps for every vendor.

mod settle;
mod turned_away;

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{Method, StatusCode, request};

use self::settle::settle;
use crate::api::{self, Api, Call, Circumstances};
use crate::faults::Kind;
use crate::judge;
use crate::judge::facts::Facts;
use crate::reply::Reply;
use crate::state::Shared;

/// Answers a request to one of the vendor's paths. `body` is `None` if it was too long or broke off.
pub(crate) async fn answer(
    shared: &Shared,
    api: &dyn Api,
    head: &request::Parts,
    body: Option<Bytes>,
) -> Reply {
    if let Some(id) = api.scored(head.uri.path()) {
        return scores(shared, api, head, id);
    }
    let Some(id) = api.endpoint(head.uri.path()) else {
        return api.not_found();
    };
    if head.method != Method::POST {
        return api.other(StatusCode::METHOD_NOT_ALLOWED, "This method is not allowed here.");
    }
    let Some(body) = body else {
        return api.too_large();
    };
    let call = Call {
        id,
        query: head.uri.query().unwrap_or_default(),
        headers: &head.headers,
        body,
    };
    let reply = in_its_time(shared, api, &call).await;
    api.marked(head.uri.path(), reply)
}

/// Most events that scores are computed from, the newest ones.
const SCORED: usize = 10_000;

/// Answers a call for scores, which faults turn away like one that brings events.
fn scores(shared: &Shared, api: &dyn Api, head: &request::Parts, id: &str) -> Reply {
    if head.method != Method::GET {
        return api.other(StatusCode::METHOD_NOT_ALLOWED, "This method is not allowed here.");
    }
    let call = Call {
        id,
        query: head.uri.query().unwrap_or_default(),
        headers: &head.headers,
        body: Bytes::new(),
    };
    if let Some(reply) = turned_away::turned_away(shared, api, &call) {
        return reply;
    }
    let vendor = api.vendor();
    let events = shared.memory().events.newest(SCORED, |(of, _)| *of == vendor);
    let events: Vec<String> = events.into_iter().map(|(_, event)| event).collect();
    api.scores(call.query, &events, unix_seconds(SystemTime::now()))
}

/// Answers a call, late if the fault `slow` strikes.
async fn in_its_time(shared: &Shared, api: &dyn Api, call: &Call<'_>) -> Reply {
    let vendor = api.vendor();
    let slow = {
        let mut memory = shared.memory();
        let struck = memory.strikes(vendor, Kind::Slow);
        memory.injector(vendor).faults().slow.clone().filter(|_| struck)
    };
    let Some(slow) = slow else {
        return decide(shared, api, call);
    };
    if slow.after_accept {
        let reply = decide(shared, api, call);
        // A fault switched off meanwhile is off for these events too: a test that switches it off and then reads the
        // accepted events sees all that it struck.
        let still_on = shared.memory().injector(vendor).faults().slow.is_some();
        if still_on {
            wait(shared, slow.delay_ms).await;
        }
        reply
    } else {
        wait(shared, slow.delay_ms).await;
        decide(shared, api, call)
    }
}

/// Waits, but not beyond the end of the sandbox.
async fn wait(shared: &Shared, delay_ms: u64) {
    let _ = tokio::time::timeout(Duration::from_millis(delay_ms), shared.stop.cancelled()).await;
}

fn decide(shared: &Shared, api: &dyn Api, call: &Call<'_>) -> Reply {
    if let Some(reply) = turned_away::turned_away(shared, api, call) {
        return reply;
    }
    let vendor = api.vendor();
    let unexpected_property = shared
        .memory()
        .injector(vendor)
        .faults()
        .unexpected_property
        .clone();
    let around = Circumstances {
        config: &shared.config,
        id: call.id,
        now: unix_seconds(SystemTime::now()),
    };
    let content = api.content(call);
    let mut request = Facts::default();
    let judged = api::judge(
        api,
        &around,
        unexpected_property.as_deref(),
        &content,
        &mut request,
    );
    let test = api.is_test(call, &request);

    let mut memory = shared.memory();
    memory.count(vendor, |counts| counts.test_requests += u64::from(test));
    match judged {
        Ok(verdicts) => settle(&mut memory, api, verdicts, test),
        Err(refusal) => {
            if unexpected_property.is_some_and(|name| refusal.message == judge::unexpected(&name)) {
                memory.count(vendor, |counts| counts.fault("unexpected_property"));
            }
            settle::refuse(&mut memory, api, &refusal, test)
        }
    }
}

/// Returns whole seconds since 1970, 0 for a clock before it.
fn unix_seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
