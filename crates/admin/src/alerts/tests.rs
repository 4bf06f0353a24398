//! Tests of the changes that get a message, and of the way of a message to a webhook.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Value;
use signalbox_config::{AlertSettings, TelemetrySettings};
use signalbox_core::{HumanDuration, Reason, Secret};
use signalbox_history::Loss;
use signalbox_journal::{LetterCounts, MemoryJournal, Usage};
use signalbox_runtime::hold::HoldCause;
use signalbox_runtime::ledger::{Ledger, SinkLedger};
use signalbox_runtime::operate::Stopped;
use signalbox_runtime::telemetry::Telemetry;
use signalbox_testkit::server::nobody;
use signalbox_testkit::{Act, Server};

use super::changes::{Step, Watch};
use super::facts::{SinkFacts, SourceFacts};
use super::*;

const DAY: i64 = 86_400;

fn settings(webhook: &str) -> AlertSettings {
    AlertSettings {
        webhook: Secret::new(webhook),
        token: Some(Secret::new("t0ken-of-the-webhook")),
        name: Some("router-1".to_owned()),
        lag: Some(HumanDuration::from_secs(600)),
        share_rejected: Some(0.1),
        certificate: None,
    }
}

fn sink(sink: SinkFacts) -> Facts {
    Facts {
        sinks: vec![SinkFacts {
            name: "pin".into(),
            ..sink
        }],
        ..Facts::default()
    }
}

fn certificate(left: Option<i64>) -> Facts {
    Facts {
        sources: vec![SourceFacts {
            name: "web".into(),
            certificate: left,
        }],
        ..Facts::default()
    }
}

fn lag(seconds: u64) -> Facts {
    sink(SinkFacts {
        lag: Some(seconds),
        pending: 1,
        ..SinkFacts::default()
    })
}

fn hold(cause: HoldCause, code: &str) -> Facts {
    sink(SinkFacts {
        held: Some((cause, code.to_owned())),
        pending: 12,
        ..SinkFacts::default()
    })
}

fn letters(bytes: u64) -> Facts {
    sink(SinkFacts {
        letters: LetterCounts {
            kept: 3,
            bytes,
            max_bytes: 1_000,
            dropped: 0,
        },
        ..SinkFacts::default()
    })
}

fn counts(journalled: u64, rejected: u64) -> Facts {
    sink(SinkFacts {
        journalled,
        rejected,
        ..SinkFacts::default()
    })
}

fn journal(bytes: u64) -> Facts {
    Facts {
        journal: Usage {
            events: 7,
            bytes,
            max_bytes: 1_000,
        },
        ..Facts::default()
    }
}

/// A step and a part of its text.
type Told = (Step, &'static str);

/// Observes the facts at intervals of a minute, and compares the changes.
fn tells(what: &str, steps: Vec<(Facts, &[Told])>) {
    let (mut watch, start) = (Watch::default(), Instant::now());
    for (at, (facts, wanted)) in steps.into_iter().enumerate() {
        let now = start + Duration::from_secs(60) * u32::try_from(at).unwrap();
        let changes = watch.observe(&facts, &settings("http://127.0.0.1/"), now).changes;
        assert_eq!(changes.len(), wanted.len(), "{what}, step {at}: {changes:?}");
        for (change, (step, text)) in changes.iter().zip(wanted) {
            assert_eq!(change.step, *step, "{what}, step {at}");
            assert!(change.text.contains(text), "{what}, step {at}: {}", change.text);
        }
    }
}

#[test]
fn each_change_is_told_once() {
    use HoldCause::{DeadLettersFull, Destination};
    use Step::{Begun, Changed, Ended};
    let fine = || sink(SinkFacts::default());
    tells(
        "a hold",
        vec![
            (fine(), &[]),
            (
                hold(Destination, "unauthorized"),
                &[(
                    Begun,
                    "is on hold (destination: unauthorized) and delivers nothing; 12 events",
                )],
            ),
            (hold(Destination, "unauthorized"), &[]),
            (
                hold(DeadLettersFull, "dead_letters_full"),
                &[(Changed, "(dead_letters_full: dead_letters_full)")],
            ),
            (fine(), &[(Ended, "delivers again")]),
            (fine(), &[]),
        ],
    );
    tells(
        "a lag, which ends at half of the limit",
        vec![
            (lag(600), &[]),
            (lag(660), &[(Begun, "arrived 11 minutes ago; 1 event is pending")]),
            (lag(599), &[]),
            (lag(301), &[]),
            (lag(300), &[(Ended, "no longer lags")]),
            (lag(599), &[]),
        ],
    );
    tells(
        "dead letters, which sway",
        vec![
            (letters(699), &[]),
            (letters(700), &[(Begun, "70 %")]),
            (letters(655), &[]),
            (letters(900), &[(Changed, "90 %")]),
            (letters(899), &[]),
            (letters(849), &[(Changed, "70 %")]),
            (letters(1_200), &[(Changed, "100 %")]),
            (letters(0), &[(Ended, "has room")]),
        ],
    );
    tells(
        "a journal",
        vec![
            (journal(710), &[(Begun, "the journal is 70 % full with 7 events")]),
            (journal(910), &[(Changed, "90 %")]),
            (journal(1_000), &[(Changed, "the journal is full with 7 events")]),
            (journal(10), &[(Ended, "has room again")]),
        ],
    );
    tells(
        "a certificate, unknown for a while",
        vec![
            (certificate(Some(15 * DAY)), &[]),
            (certificate(Some(13 * DAY)), &[(Begun, "expires in 13 days")]),
            (certificate(None), &[]),
            (certificate(Some(13 * DAY)), &[]),
            (certificate(Some(2 * DAY)), &[(Changed, "expires in 2 days")]),
            (certificate(Some(-1)), &[(Changed, "expired")]),
            (certificate(Some(90 * DAY)), &[(Ended, "new certificate")]),
        ],
    );
    let failing = |unwritable, history_failing| Facts {
        unwritable,
        history_failing,
        audit_failing: history_failing,
        ..Facts::default()
    };
    tells(
        "disks",
        vec![
            (
                failing(true, true),
                &[
                    (Begun, "the journal cannot be written"),
                    (Begun, "the history cannot be written"),
                    (Begun, "the audit log cannot be written"),
                ],
            ),
            (
                failing(true, false),
                &[
                    (Ended, "the history can be written again"),
                    (Ended, "the audit log can be written again"),
                ],
            ),
            (
                failing(false, false),
                &[(Ended, "the journal can be written again")],
            ),
        ],
    );
}

#[test]
fn each_lost_file_of_the_history_is_told_once_and_ends_after_a_day() {
    use Step::{Begun, Changed, Ended};
    let loss = |at, sums, told: &str| Loss {
        at,
        sums,
        records: None,
        told: told.to_owned(),
    };
    let lost = |history_lost| Facts {
        history_lost,
        ..Facts::default()
    };
    let first = loss(1, true, "sums.db was deleted");
    tells(
        "lost files",
        vec![
            (
                lost(vec![first.clone()]),
                &[(
                    Begun,
                    "the history lost a file: sums.db was deleted, and reports lack the sums until then; deliveries go on",
                )],
            ),
            (lost(vec![first.clone()]), &[]),
            (
                lost(vec![first, loss(2, false, "rows-2026-11-29.db is damaged")]),
                &[(Changed, "the history lost files: sums.db")],
            ),
            (
                Facts::default(),
                &[(Ended, "the history has lost no file for a day")],
            ),
        ],
    );
}

#[test]
fn a_share_of_rejected_events_is_that_of_15_minutes() {
    use Step::{Begun, Ended};
    let mut steps: Vec<(Facts, &[Told])> = vec![
        // What happened before the first look is not known.
        (counts(1_000, 900), &[]),
        (counts(1_100, 910), &[]),
        (
            counts(1_100, 911),
            &[(Begun, "rejected 11 events within 15 minutes, while 100 came in")],
        ),
    ];
    steps.extend((3..16).map(|_| (counts(1_100, 911), &[] as &[Told])));
    // One of a hundred is left in the window, then none.
    steps.push((counts(1_200, 911), &[(Ended, "rejects few events again")]));
    steps.push((counts(1_200, 911), &[]));
    // Another sink of the same name counts anew.
    steps.push((counts(5, 0), &[]));
    tells("rejected events", steps);
}

#[test]
fn a_sink_that_is_gone_or_disabled_has_not_recovered() {
    for gone in [
        Facts::default(),
        sink(SinkFacts {
            disabled: true,
            ..SinkFacts::default()
        }),
        // The router that drives it now tells about it.
        sink(SinkFacts {
            elsewhere: true,
            lag: Some(1_000_000),
            ..SinkFacts::default()
        }),
    ] {
        let held = || hold(HoldCause::Destination, "unauthorized");
        tells(
            "a hold",
            vec![
                (held(), &[(Step::Begun, "on hold")]),
                (gone, &[]),
                (held(), &[(Step::Begun, "on hold")]),
            ],
        );
    }
}

const QUICK: Pace = Pace {
    every: Duration::from_millis(5),
    first_wait: Duration::from_millis(1),
    most_wait: Duration::from_millis(20),
};

/// A state with one sink, and the sink's ledger.
fn state() -> (AdminState, Arc<SinkLedger>) {
    let sink = Arc::new(SinkLedger::default());
    let mut ledger = Ledger::default();
    ledger.sinks.insert("pin".into(), sink.clone());
    let telemetry = Telemetry::new(&TelemetrySettings::default(), &ledger).unwrap();
    let source = Stopped::new(Arc::new(MemoryJournal::new(1 << 20)), Vec::new());
    let state = AdminState::new(ledger, Arc::new(telemetry), Arc::new(source));
    (state, sink)
}

fn begin(sink: &SinkLedger) {
    let reason = Reason::new("unauthorized", "the token of jane@example.com was refused");
    sink.held.begin(HoldCause::Destination, reason);
}

fn target(server: &Server) -> AlertTarget {
    AlertTarget::new(settings(&format!("{}/hook/s3cret", server.url()))).unwrap()
}

/// Waits for this number of requests and returns their bodies.
async fn bodies(server: &Server, times: usize) -> Vec<Value> {
    let reached = tokio::time::timeout(Duration::from_secs(60), server.reached_times(times));
    reached.await.expect("requests within a minute");
    let seen = server.seen().into_iter();
    seen.map(|seen| serde_json::from_slice(&seen.body).unwrap())
        .collect()
}

#[tokio::test]
async fn a_webhook_gets_one_message_for_each_change() {
    let server = Server::start(Act::reply(200, "ok")).await;
    let (state, sink) = state();
    begin(&sink);
    let _alerts = Alerts::at_pace(state, Some(target(&server)), QUICK);
    let begun = bodies(&server, 1).await.remove(0);
    sink.held.end(HoldCause::Destination);
    let ended = bodies(&server, 2).await.remove(1);
    assert_eq!(
        begun["text"],
        "router-1: the sink pin is on hold (destination: unauthorized) and delivers nothing; 0 events are pending."
    );
    for (key, first, second) in [
        ("router", "router-1", "router-1"),
        ("alert", "held", "held"),
        ("component", "pin", "pin"),
        ("state", "begun", "ended"),
        ("severity", "critical", "ok"),
    ] {
        assert_eq!(
            (&begun[key], &ended[key]),
            (&first.into(), &second.into()),
            "{key}"
        );
    }
    assert_eq!(ended["text"], "router-1: the sink pin delivers again.");
    let seen = server.seen();
    assert!(
        seen[0].head.starts_with("POST /hook/s3cret HTTP/1.1\r\n"),
        "{}",
        seen[0].head
    );
    let head = seen[0].head.to_lowercase();
    assert!(
        head.contains("authorization: bearer t0ken-of-the-webhook\r\n"),
        "{head}"
    );
    assert!(head.contains("content-type: application/json\r\n"), "{head}");
    assert!(!String::from_utf8_lossy(&seen[0].body).contains("jane"));
}

#[tokio::test]
async fn a_message_is_sent_again_until_it_is_taken() {
    let server = Server::start(Act::reply(200, "ok")).await;
    server.first(vec![
        Act::reply(500, ""),
        Act::Close(Vec::new()),
        Act::Reset(b"HTTP/1.1 2".to_vec()),
        Act::Flood(200),
        Act::reply(302, ""),
        Act::reply(404, "no_service"),
    ]);
    let (state, sink) = state();
    begin(&sink);
    let _alerts = Alerts::at_pace(state, Some(target(&server)), QUICK);
    let tries = bodies(&server, 7).await;
    let told = |body: &Value| (body["text"].clone(), body["state"].clone());
    assert!(
        tries.iter().all(|body| told(body) == told(&tries[0])),
        "{tries:?}"
    );
    sink.held.end(HoldCause::Destination);
    let all = bodies(&server, 8).await;
    assert_eq!(
        (&all[6]["state"], &all[7]["state"]),
        (&"begun".into(), &"ended".into())
    );
}

#[tokio::test]
async fn a_reload_takes_effect_at_once() {
    let (state, sink) = state();
    begin(&sink);
    let slow = Pace {
        first_wait: Duration::from_secs(3_600),
        ..QUICK
    };
    let dead = AlertTarget::new(settings(&nobody())).unwrap();
    let alerts = Alerts::at_pace(state, Some(dead), slow);
    let server = Server::start(Act::reply(200, "ok")).await;
    alerts.set(Some(target(&server)));
    assert_eq!(bodies(&server, 1).await[0]["state"], "begun");
}

#[tokio::test]
async fn a_webhook_that_comes_back_gets_the_present_state() {
    let (state, sink) = state();
    begin(&sink);
    let dead = AlertTarget::new(settings(&nobody())).unwrap();
    let alerts = Alerts::at_pace(state.clone(), Some(dead), QUICK);
    let status = async |wanted: &dyn Fn(&AlertStatus) -> bool| {
        let reached = async {
            loop {
                let status = state.status();
                if status.alerts.as_ref().is_some_and(wanted) {
                    return status;
                }
                tokio::time::sleep(QUICK.first_wait).await;
            }
        };
        let reached = tokio::time::timeout(Duration::from_secs(60), reached).await;
        reached.expect("the status within a minute")
    };
    let failing = status(&|alerts| alerts.failing.is_some() && alerts.waiting == 1).await;
    let told = failing.render_human();
    assert!(
        told.contains("does not take messages, and 1 message waits for it: "),
        "{told}"
    );
    assert!(!told.contains("hook/s3cret"), "{told}");
    sink.held.end(HoldCause::Destination);
    sink.held
        .begin(HoldCause::Destination, Reason::new("quota", "later"));
    let server = Server::start(Act::reply(503, "")).await;
    alerts.set(Some(target(&server)));
    let told_anew = || {
        let last = server.seen().pop();
        last.is_some_and(|seen| String::from_utf8_lossy(&seen.body).contains("quota"))
    };
    status(&|alerts| alerts.failing.as_deref() == Some("it answered 503") && told_anew()).await;
    server.act(Act::reply(200, "ok"));
    status(&|alerts| alerts.failing.is_none() && alerts.waiting == 0).await;
    let seen = server.seen();
    let last: Value = serde_json::from_slice(&seen.last().unwrap().body).unwrap();
    assert_eq!(last["state"], "begun", "{last}");
    assert!(
        last["text"].as_str().unwrap().contains("(destination: quota)"),
        "{last}"
    );
    alerts.set(None);
    assert_eq!(state.status().alerts, None);
}

#[tokio::test]
async fn a_stop_does_not_wait_for_a_silent_webhook() {
    let server = Server::start(Act::Silence).await;
    let (state, sink) = state();
    begin(&sink);
    let mut alerts = Alerts::at_pace(state, Some(target(&server)), QUICK);
    bodies(&server, 1).await;
    alerts.stop();
    for task in &mut alerts.tasks {
        assert!(task.await.unwrap_err().is_cancelled());
    }
}

#[test]
fn a_target_that_does_not_fit_is_told_without_its_value() {
    let error = AlertTarget::new(settings("https://hooks.example.com:s3cret/")).unwrap_err();
    assert!(error.starts_with("alerts.webhook: not a URL"), "{error}");
    assert!(!error.contains("s3cret"), "{error}");
}
