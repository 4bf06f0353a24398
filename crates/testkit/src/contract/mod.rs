//! The contracts of plugins: [`source`], [`transform`], and here that of sinks. The test suite holds every registered
//! component to its contract, and fails for one that it does not check.
//!
//! The contract of sinks: a sink reports nothing as delivered that its destination has not confirmed, every
//! record of a batch gets its outcome, and no reason shows a secret or personal data. Its probe fails while the server
//! cannot be reached, breaks off, or answers 401, 500, 502, 503 or 504. A request is exactly as long as its framing says.
//! The form of a destination's replies comes from its [`Promise`]: what accepts, refuses, throttles, or needs an operator.
//!
//! [`check`] holds an HTTP sink to it, [`check_unwritable`] one that writes to something on this machine.

mod case;
mod cases;
mod judge;
mod sample;
pub mod source;
pub mod transform;

use std::sync::Arc;

use signalbox_core::{Event, Sink};

use crate::server::{Act, Server, nobody};
use case::{Case, Wanted};
pub use case::{Promise, RefusesOne, Replies};
use judge::Judge;
pub use sample::{PERSONAL, SECRET, sample};

/// Holds an HTTP sink to the contract. `build` makes the sink for a base URL; all its secrets must contain
/// [`SECRET`]. The event must make at least one record; [`sample`] is a good one.
///
/// # Panics
/// At the first breach, with the sink's name and the case.
pub async fn check(name: &str, build: impl Fn(&str) -> Box<dyn Sink>, event: &Event) {
    check_promise(name, build, event, Promise::default()).await;
}

/// Runs [`check`] for a sink that documents exceptions.
///
/// # Panics
/// As [`check`].
pub async fn check_promise(
    name: &str,
    build: impl Fn(&str) -> Box<dyn Sink>,
    event: &Event,
    promise: Promise,
) {
    let server = Server::start(Act::Silence).await;
    let sink: Arc<dyn Sink> = build(&server.url()).into();
    let judge = Judge::new(name, sink.clone(), event);

    requests_are_as_announced(&judge, &server).await;
    for case in cases::all(&promise) {
        server.act(case.act.clone());
        judge.deliver(&case).await;
    }
    for records in [1, 3] {
        for case in cases::counted(&promise.replies, records) {
            server.act(case.act.clone());
            judge.deliver_some(records, &case).await;
        }
    }
    redirects_are_not_followed(&judge, &server).await;
    silence_is_no_answer(&judge, &server).await;
    probes_tell_the_truth(&judge, &server, &build, &promise.replies).await;

    let unreachable = Judge::new(name, build(&nobody()).into(), event);
    unreachable
        .deliver(&Case::new("connection refused", Act::Silence, Wanted::NotWritten))
        .await;
}

/// Holds a sink that cannot write at the moment to the contract: nothing is delivered, and its probe says so.
///
/// # Panics
/// At the first breach, with the sink's name.
pub async fn check_unwritable(name: &str, sink: Box<dyn Sink>, event: &Event) {
    let judge = Judge::new(name, sink.into(), event);
    judge
        .deliver(&Case::new("unwritable", Act::Silence, Wanted::NotDelivered))
        .await;
    judge.probe("unwritable").await;
}

/// The body is as long as `framing` makes the runtime believe, and one event always makes the same records.
async fn requests_are_as_announced(judge: &Judge, server: &Server) {
    server.act(Act::reply(503, ""));
    let framing = judge.sink.framing();
    let mut spares = Vec::new();
    for count in [1, 3] {
        let batch = judge.batch(count);
        let records = batch.records().to_vec();
        let again = judge.batch(count);
        for (first, second) in records.iter().zip(again.records()) {
            assert_eq!(
                first.bytes, second.bytes,
                "{}: the same event made another record",
                judge.name
            );
        }
        let bytes: usize = records.iter().map(|record| record.bytes.len()).sum();
        let announced = framing.request + bytes + framing.separator * records.len().saturating_sub(1);
        server.forget();
        let _ = judge.sink.deliver(batch).await;
        let seen = server.seen();
        assert_eq!(seen.len(), 1, "{}: one delivery is one request", judge.name);
        let Some(spare) = announced.checked_sub(seen[0].body.len()) else {
            panic!(
                "{}: the body of {count} records is longer than its framing says",
                judge.name
            );
        };
        spares.push(spare);
    }
    // A sink whose requests differ by more than their records announces the longest frame.
    assert_eq!(
        spares[0], spares[1],
        "{}: the framing has another separator",
        judge.name
    );
}

async fn redirects_are_not_followed(judge: &Judge, server: &Server) {
    let elsewhere = Server::start(Act::reply(200, "{}")).await;
    for status in [301, 302, 303, 307, 308] {
        let status_and_head = format!("{status} Elsewhere\r\nLocation: {}/", elsewhere.url());
        server.act(Act::Reply {
            status: status_and_head,
            body: Vec::new(),
        });
        let case = Case::new(format!("redirect {status}"), Act::Silence, Wanted::MaybeWritten);
        judge.deliver(&case).await;
    }
    assert_eq!(elsewhere.connections(), 0, "{}: followed a redirect", judge.name);
}

/// The time for a request is the runtime's, which drops the delivery: the sink must not answer in the server's name.
async fn silence_is_no_answer(judge: &Judge, server: &Server) {
    server.act(Act::Silence);
    server.forget();
    tokio::select! {
        report = judge.sink.deliver(judge.batch(1)) => {
            judge.report(report, 1, &Case::new("silence", Act::Silence, Wanted::MaybeWritten));
        }
        () = server.reached() => {}
    }
}

async fn probes_tell_the_truth(
    judge: &Judge,
    server: &Server,
    build: impl Fn(&str) -> Box<dyn Sink>,
    replies: &Replies,
) {
    let spoken = |status: u16, body: &str| Act::Echo {
        status: format!("{status} Spoken"),
        body: body.to_owned(),
    };
    for status in [401, 500, 502, 503, 504] {
        server.act(spoken(status, cases::SPOKEN[0]));
        judge.probe(&format!("{status} to the probe")).await;
    }
    for (status, body) in replies.unauthorized {
        server.act(spoken(*status, body));
        judge.probe(&format!("{status} with {body} to the probe")).await;
    }
    for (status, body) in replies.probe_passes {
        server.act(spoken(*status, body));
        judge
            .probe_passes(&format!("{status} with {body} to the probe"))
            .await;
    }
    for act in [Act::Reset(Vec::new()), Act::Close(b"HTTP/1.1 200 O".to_vec())] {
        server.act(act);
        judge.probe("a broken reply to the probe").await;
    }
    let unreachable = Judge::of(&judge.name, build(&nobody()).into());
    unreachable.probe("nobody to probe").await;
}

#[cfg(test)]
mod tests;
