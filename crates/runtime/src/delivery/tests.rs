//! The driver against a scripted sink, on paused time.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use signalbox_core::limiter::Quota;
use signalbox_core::{
    Batch, Event, Flow, Outcome, Prepared, Reason, Receipt, Record, Rejection, Report, Resend, Sink,
    Transform,
};
use signalbox_journal::{
    DeadLetter, DeadLetterFilter, Letters, Log as _, MemoryJournal, Start, States, Subscription, Tenure,
};
use tokio::time::Instant;

use super::*;
use crate::dead_letters::DeadLetters;
use crate::ledger::SinkLedger;
use crate::rate_group::RateGroup;
use crate::routing::Route;
use crate::telemetry::SinkMeters;
use signalbox_config::PersonalData;

/// The destination's answer to a batch of ids, at a moment since the start.
type Script = dyn Fn(&[String], Duration) -> Act + Send + Sync;

/// When which ids were sent together.
type Log = Vec<(Duration, Vec<String>)>;

enum Act {
    Each(Vec<Outcome>),
    Deliver,
    /// Delivers after other batches that were sent at the same time.
    DeliverLate,
    Isolate,
    Culprit(usize),
    Hold,
    Reencode(&'static str),
    Hang,
    Panic,
}

struct Scripted {
    script: Box<Script>,
    started: Instant,
    log: Arc<Mutex<Log>>,
    probes_fail_until: Duration,
    /// The times of the probes.
    probes: Arc<Mutex<Vec<Duration>>>,
}

#[async_trait]
impl Sink for Scripted {
    fn prepare(&self, event: &Event) -> Prepared {
        let id = event.message_id().to_owned();
        if id == "panic" {
            panic!("as scripted");
        }
        if id.starts_with("filtered") {
            return Prepared::Filtered(Reason::new("no_mapping_matched", ""));
        }
        let record = |mapping: &str| Record {
            resend: if id.starts_with("offline") {
                Resend::MayDuplicate
            } else {
                Resend::Safe
            },
            batch_key: u16::from(id.starts_with("odd")),
            dedup_key: id.starts_with("keyed").then(|| "key".into()),
            ..Record::new(mapping, id.clone())
        };
        if id.starts_with("half") {
            let bad = Rejection {
                mapping: "bad".into(),
                reason: Reason::new("no_identifier", ""),
                warnings: Vec::new(),
            };
            return Prepared::Mapped(vec![Ok(record("good")), Err(bad)]);
        }
        if id.starts_with("keyed pair") {
            return Prepared::Mapped(vec![Ok(record("m")), Ok(record("n"))]);
        }
        Prepared::Mapped(vec![Ok(record("m"))])
    }

    async fn deliver(&self, batch: Batch) -> Report {
        let ids: Vec<String> = batch
            .records()
            .iter()
            .map(|r| String::from_utf8(r.bytes.to_vec()).unwrap())
            .collect();
        let at = self.started.elapsed();
        self.log.lock().unwrap().push((at, ids.clone()));
        tokio::time::sleep(Duration::from_millis(1)).await;
        match (self.script)(&ids, at) {
            Act::Each(outcomes) => batch.settle_each(outcomes),
            Act::Deliver => batch.settle_all(|_| Outcome::delivered()),
            Act::DeliverLate => {
                tokio::time::sleep(Duration::from_secs(1)).await;
                batch.settle_all(|_| Outcome::delivered())
            }
            Act::Isolate => batch.isolate(Reason::new("bad_request", "")),
            Act::Culprit(index) => batch.culprit(index, Reason::new("bad_request", "")),
            Act::Hold => batch.hold(Reason::new("unauthorized", "")),
            Act::Reencode(what) => batch.reencode(Reason::new("unknown_property", what)),
            Act::Hang => std::future::pending().await,
            Act::Panic => panic!("as scripted"),
        }
    }

    async fn probe(&self) -> Result<(), Reason> {
        self.probes.lock().unwrap().push(self.started.elapsed());
        if self.started.elapsed() < self.probes_fail_until {
            return Err(Reason::new("unauthorized", ""));
        }
        Ok(())
    }
}

impl Scripted {
    /// Makes a sink whose destination answers by a script, from now on.
    fn new(script: impl Fn(&[String], Duration) -> Act + Send + Sync + 'static) -> Scripted {
        Scripted {
            script: Box::new(script),
            started: Instant::now(),
            log: Arc::default(),
            probes_fail_until: Duration::ZERO,
            probes: Arc::default(),
        }
    }

    /// Makes the stage of this sink, without transforms.
    fn stage(self, options: &SinkOptions) -> Stage {
        Stage {
            route: options.route.clone(),
            transforms: Vec::new(),
            sink: Arc::new(self),
        }
    }
}

/// Returns a script that answers otherwise until a second, and then delivers.
fn until(second: u64, otherwise: fn() -> Act) -> impl Fn(&[String], Duration) -> Act {
    move |_, at| {
        if at < Duration::from_secs(second) {
            otherwise()
        } else {
            Act::Deliver
        }
    }
}

fn retry() -> Outcome {
    Outcome::Retry {
        reason: Reason::new("unavailable", ""),
        after: None,
        maybe_written: false,
    }
}

fn listening() -> Subscription {
    Subscription::new(["in"], Start::End)
}

/// A pipeline of one scripted sink.
struct Rig {
    options: SinkOptions,
    transforms: Vec<Box<dyn Transform>>,
    probes_fail_until: Duration,
    ids: Vec<String>,
    tenure: Tenure,
}

struct Ended {
    ledger: Arc<SinkLedger>,
    letters: Vec<DeadLetter>,
    log: Log,
    left_in_journal: u64,
    took: Duration,
}

impl Ended {
    /// The reason code of each dead letter by message id.
    fn dead(&self) -> BTreeMap<String, String> {
        self.letters
            .iter()
            .map(|l| (l.message_id.clone(), l.reason.clone()))
            .collect()
    }

    fn batches(&self) -> Vec<Vec<&str>> {
        self.log
            .iter()
            .map(|(_, ids)| ids.iter().map(String::as_str).collect())
            .collect()
    }

    fn assert_closed(&self, events: usize) {
        assert_eq!(self.ledger.journalled.get(), events as u64);
        assert_eq!(self.ledger.pending(), 0, "{:?}", self.ledger);
        assert_eq!(self.left_in_journal, 0);
    }
}

fn rig(ids: impl IntoIterator<Item = impl ToString>) -> Rig {
    Rig {
        options: SinkOptions {
            name: "sink".into(),
            inputs: vec!["in".into()],
            through: Vec::new(),
            filter_removed: false,
            mappings: BTreeMap::new(),
            orphan: false,
            route: Route {
                sink: "sink".into(),
                integration: "Sink".into(),
                ..Route::default()
            },
            batch: BatchLimits {
                max_events: 10,
                max_bytes: 10_000,
                max_wait: Duration::from_secs(1),
            },
            requests: RequestLimits {
                concurrency: 1,
                timeout: Duration::from_secs(30),
                calls: None,
                rate_group: "sinks.sink".into(),
            },
            retry: RetryPolicy {
                window: Duration::from_secs(600),
                initial: Duration::from_secs(1),
                max: Duration::from_secs(60),
                maybe_duplicates: true,
            },
            late_after: Some(Duration::from_secs(3600)),
            unattributed_after: None,
            duplicate_window: Some(Duration::from_secs(24 * 3600)),
            durable: false,
            hold: false,
            shed_when_full: false,
            window: WindowLimits {
                events: 1_000,
                bytes: usize::MAX,
            },
        },
        transforms: Vec::new(),
        probes_fail_until: Duration::ZERO,
        tenure: Tenure::endless(),
        ids: ids.into_iter().map(|id| id.to_string()).collect(),
    }
}

impl Rig {
    async fn run(self, script: impl Fn(&[String], Duration) -> Act + Send + Sync + 'static) -> Ended {
        self.run_until(script, Stop::default()).await
    }

    async fn run_until(
        self,
        script: impl Fn(&[String], Duration) -> Act + Send + Sync + 'static,
        stop: Stop,
    ) -> Ended {
        let journal = MemoryJournal::new(1 << 30);
        let ledger = Arc::new(SinkLedger::default());
        let started = Instant::now();
        let log = Arc::new(Mutex::new(Vec::new()));
        let sink = Scripted {
            log: log.clone(),
            probes_fail_until: self.probes_fail_until,
            ..Scripted::new(script)
        };
        let stage = Stage {
            transforms: self.transforms,
            ..sink.stage(&self.options)
        };
        let inputs = self.options.inputs.iter().map(|input| &**input);
        let listening = Subscription::new(inputs, Start::End);
        let opened = journal.reader("sink", &listening).await.unwrap();
        let rate_group = Arc::new(RateGroup::full(self.options.requests.calls));
        let parts = Parts::new(self.options, stage, rate_group);
        let dead_letters = Arc::new(DeadLetters::new(PersonalData::None));
        let signals = (stop, Arc::default(), Arc::default());
        let driver = Driver::new(
            parts,
            opened,
            ledger.clone(),
            dead_letters,
            SinkMeters::none(),
            signals,
        )
        .under(self.tenure);
        let running = tokio::spawn(driver.run());
        for id in self.ids {
            journal.append(vec![event(&id)]).await.unwrap();
        }
        journal.close();
        running.await.unwrap();
        let letters = journal
            .dead_letters(&DeadLetterFilter::default(), usize::MAX)
            .await
            .unwrap();
        Ended {
            ledger,
            letters: letters.into_iter().map(|(_, letter)| letter).collect(),
            log: log.lock().unwrap().clone(),
            left_in_journal: journal.usage().events,
            took: started.elapsed(),
        }
    }
}

fn event(id: &str) -> Event {
    let receipt = Receipt {
        source: "in".into(),
        received_at: 1,
    };
    Event::parse(&format!(r#"{{"messageId":"{id}"}}"#), receipt).unwrap()
}

#[tokio::test(start_paused = true)]
async fn batches_by_count_and_flushes_at_the_end() {
    let ended = rig(0..25).run(|_, _| Act::Deliver).await;
    ended.assert_closed(25);
    assert_eq!(
        ended.batches().iter().map(Vec::len).collect::<Vec<_>>(),
        [10, 10, 5]
    );
    assert_eq!(ended.ledger.delivered.get(), 25);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_once_another_router_may_drive_the_sink() {
    let (_renew, ended) = tokio::sync::watch::channel(std::time::Instant::now());
    let mut rig = rig(0..25);
    rig.tenure = Tenure::renewed(ended, false);
    let ended = rig.run(|_, _| Act::Deliver).await;
    assert_eq!((ended.log.len(), ended.ledger.pending()), (0, 25));
    assert_eq!(ended.left_in_journal, 25);
}

#[tokio::test]
async fn attempts_under_way_are_dropped_when_the_right_ends() {
    let ends = std::time::Instant::now() + Duration::from_millis(50);
    let (_renew, ended) = tokio::sync::watch::channel(ends);
    let mut rig = rig(0..25);
    rig.tenure = Tenure::renewed(ended, false);
    let ended = rig.run(|_, _| Act::Hang).await;
    assert_eq!((ended.log.len(), ended.ledger.pending()), (1, 25));
    assert_eq!(ended.ledger.in_flight.get(), 0);
    assert!(ended.took >= Duration::from_millis(40) && ended.took < Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_another_router_should_drive_finishes_what_is_under_way() {
    let hour = std::time::Instant::now() + Duration::from_secs(3600);
    let (_renew, until) = tokio::sync::watch::channel(hour);
    let (want, wanted) = tokio::sync::watch::channel(false);
    let mut rig = rig(0..25);
    rig.tenure = Tenure::renewed(until, false).wanted_elsewhere(wanted);
    let stop = Stop::default();
    let ended = rig
        .run_until(
            move |_, _| {
                want.send_replace(true);
                Act::DeliverLate
            },
            stop.clone(),
        )
        .await;
    assert_eq!((ended.log.len(), ended.ledger.delivered.get()), (1, 10));
    assert_eq!(ended.left_in_journal, 15);
    assert!(stop.leave.is_cancelled() && !stop.abort.is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn no_probe_goes_out_once_the_right_has_ended() {
    let (renew, until) = tokio::sync::watch::channel(std::time::Instant::now() + Duration::from_secs(3600));
    let mut rig = rig(0..5);
    rig.tenure = Tenure::renewed(until, false);
    let ended = rig
        .run(move |_, _| {
            // The journal takes the right back while the sink goes on hold.
            renew.send_replace(std::time::Instant::now());
            Act::Hold
        })
        .await;
    assert_eq!((ended.log.len(), ended.ledger.pending()), (1, 5));
}

#[tokio::test(start_paused = true)]
async fn old_events_count_as_late_and_as_unattributed() {
    let century = Duration::from_secs(100 * 365 * 24 * 3600);
    let day = Duration::from_secs(24 * 3600);
    for (unattributed_after, unattributed) in [(None, 0), (Some(day), 3), (Some(century), 0)] {
        let mut rig = rig(0..3);
        rig.options.unattributed_after = unattributed_after;
        let records = &rig.run(|_, _| Act::Deliver).await.ledger.records;
        assert_eq!(
            (records.late.get(), records.unattributed.get()),
            (3, unattributed)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn batches_by_exact_bytes() {
    let mut rig = rig(["aaaa", "bbbb", "cccc", "dd", "this one is larger than a request"]);
    rig.options.batch.max_bytes = 10;
    let ended = rig.run(|_, _| Act::Deliver).await;
    ended.assert_closed(5);
    assert_eq!(ended.batches(), [vec!["aaaa", "bbbb"], vec!["cccc", "dd"]]);
    assert_eq!(ended.dead().values().collect::<Vec<_>>(), ["record_too_large"]);
}

#[tokio::test(start_paused = true)]
async fn records_of_different_keys_share_no_request() {
    let ended = rig(["a", "b", "odd1", "odd2", "c"])
        .run(|_, _| Act::Deliver)
        .await;
    ended.assert_closed(5);
    assert_eq!(ended.batches(), [vec!["a", "b"], vec!["odd1", "odd2"], vec!["c"]]);
}

#[tokio::test(start_paused = true)]
async fn retries_only_the_failing_subset() {
    let ended = rig(0..10)
        .run(|ids, at| {
            Act::Each(
                ids.iter()
                    .map(|id| {
                        if id == "3" && at < Duration::from_secs(9) {
                            retry()
                        } else {
                            Outcome::delivered()
                        }
                    })
                    .collect(),
            )
        })
        .await;
    ended.assert_closed(10);
    assert_eq!(ended.log[0].1.len(), 10);
    assert!(
        ended.log.len() > 3 && ended.log[1..].iter().all(|(_, ids)| *ids == ["3"]),
        "{:?}",
        ended.log
    );
    assert_eq!(ended.ledger.records.delivered.get(), 10);
}

#[tokio::test(start_paused = true)]
async fn waits_as_long_as_the_destination_says() {
    let ended = rig(0..30)
        .run(|ids, at| {
            if at >= Duration::from_secs(40) {
                return Act::Deliver;
            }
            let after = Some(Duration::from_secs(40));
            let reason = Reason::new("rate_limited", "");
            Act::Each(vec![
                Outcome::Retry {
                    reason,
                    after,
                    maybe_written: false
                };
                ids.len()
            ])
        })
        .await;
    ended.assert_closed(30);
    assert_eq!(ended.log[1].0.as_secs(), 40, "nothing is sent in between");
    assert_eq!(ended.log.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn expires_what_never_gets_through() {
    let ended = rig(["a"]).run(|ids, _| Act::Each(vec![retry(); ids.len()])).await;
    ended.assert_closed(1);
    assert_eq!(ended.dead()["a"], "expired");
    assert_eq!(ended.ledger.expired.snapshot()["unavailable"], 1);
    assert!(
        ended.took >= Duration::from_secs(600) && ended.took < Duration::from_secs(720),
        "{:?}",
        ended.took
    );
    let letter = &ended.letters[0];
    assert_eq!(letter.attempts as u64, ended.ledger.attempts.get());
}

#[tokio::test(start_paused = true)]
async fn holds_for_the_operator_and_goes_on_by_itself() {
    let mut rig = rig(0..25);
    // Longer than a record may be retried: time on hold does not count.
    rig.probes_fail_until = Duration::from_secs(3_000);
    let ended = rig.run(until(3_000, || Act::Hold)).await;
    ended.assert_closed(25);
    assert_eq!(ended.ledger.delivered.get(), 25);
    assert_eq!(ended.ledger.held.total(), 1);
    assert_eq!(
        ended.log.iter().filter(|(at, _)| at.as_secs() < 3_000).count(),
        1,
        "only probes while held"
    );
    assert!(ended.ledger.held.first().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_stop_while_held_leaves_everything() {
    let mut rig = rig(0..25);
    rig.probes_fail_until = Duration::MAX;
    let stop = Stop::default();
    let drain = stop.drain.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(100)).await;
        drain.cancel();
    });
    let ended = rig.run_until(|_, _| Act::Hold, stop).await;
    assert_eq!(ended.ledger.pending(), 25);
    assert_eq!(ended.left_in_journal, 25);
    assert!(ended.took < Duration::from_secs(101));
}

#[tokio::test(start_paused = true)]
async fn bisects_until_the_culprits_are_alone() {
    let mut rig = rig(0..100);
    rig.options.batch.max_events = 100;
    let ended = rig
        .run(|ids, _| {
            if ids.iter().any(|id| id == "13" || id == "77") {
                Act::Isolate
            } else {
                Act::Deliver
            }
        })
        .await;
    ended.assert_closed(100);
    assert_eq!(ended.ledger.delivered.get(), 98);
    assert_eq!(
        ended.dead(),
        BTreeMap::from([("13", "bad_request"), ("77", "bad_request")].map(|(a, b)| (a.into(), b.into())))
    );
    assert!(ended.log.len() < 40, "{} attempts", ended.log.len());
}

#[tokio::test(start_paused = true)]
async fn a_few_bad_records_without_good_ones_are_rejected() {
    let ended = rig(0..7).run(|_, _| Act::Isolate).await;
    ended.assert_closed(7);
    assert_eq!(ended.ledger.rejected.snapshot()["bad_request"], 7);
    assert_eq!(ended.ledger.held.total(), 0);
}

#[tokio::test(start_paused = true)]
async fn when_everything_is_refused_it_holds_and_loses_nothing() {
    let mut rig = rig(0..1_000);
    rig.options.batch.max_events = 500;
    rig.options.requests.concurrency = 3;
    rig.probes_fail_until = Duration::from_secs(1_000);
    let ended = rig.run(until(1_000, || Act::Isolate)).await;
    ended.assert_closed(1_000);
    assert_eq!(ended.ledger.delivered.get(), 1_000, "{:?}", ended.ledger.rejected);
    assert_eq!(ended.ledger.held.total(), 1);
}

#[tokio::test(start_paused = true)]
async fn encodes_again_once_for_each_lesson() {
    let count = Mutex::new(0);
    let ended = rig(0..3)
        .run(move |_, _| {
            let mut count = count.lock().unwrap();
            *count += 1;
            match *count {
                1 => Act::Reencode("color"),
                2 => Act::Reencode("size"),
                // The same again: it did not help, so it is isolated.
                3 => Act::Reencode("color"),
                _ => Act::Deliver,
            }
        })
        .await;
    ended.assert_closed(3);
    assert_eq!(ended.ledger.delivered.get(), 3);
    assert_eq!(
        ended.batches().iter().map(Vec::len).collect::<Vec<_>>(),
        [3, 3, 3, 1, 2]
    );
}

#[tokio::test(start_paused = true)]
async fn a_panic_costs_only_the_record_that_panics_alone() {
    let ended = rig(["a", "b", "bomb", "c", "panic"])
        .run(|ids, _| {
            if ids.iter().any(|id| id == "bomb") {
                Act::Panic
            } else {
                Act::Deliver
            }
        })
        .await;
    ended.assert_closed(5);
    assert_eq!(ended.ledger.delivered.get(), 3);
    assert_eq!(ended.dead()["bomb"], "delivery_panicked");
    assert_eq!(ended.dead()["panic"], "mapping_panicked");
}

#[tokio::test(start_paused = true)]
async fn a_timeout_is_no_success_and_may_have_been_written() {
    for (retry_maybe_duplicates, offline_delivered) in [(true, 1), (false, 0)] {
        let mut rig = rig(["web", "offline"]);
        rig.options.retry.maybe_duplicates = retry_maybe_duplicates;
        let ended = rig.run(until(20, || Act::Hang)).await;
        ended.assert_closed(2);
        assert_eq!(ended.ledger.delivered.get(), 1 + offline_delivered);
        assert_eq!(
            ended.dead().get("offline").map(String::as_str),
            (!retry_maybe_duplicates).then_some("maybe_written")
        );
        assert!(ended.took >= Duration::from_secs(30));
    }
}

#[tokio::test(start_paused = true)]
async fn one_spoiling_record_does_not_block_the_others() {
    let mut rig = rig(0..200);
    rig.options.requests.concurrency = 2;
    rig.options.window.events = 40;
    let ended = rig
        .run(|ids, _| {
            if ids.iter().any(|id| id == "5") {
                Act::Each(vec![retry(); ids.len()])
            } else {
                Act::Deliver
            }
        })
        .await;
    ended.assert_closed(200);
    assert_eq!(ended.ledger.delivered.get(), 199);
    assert_eq!(ended.dead()["5"], "expired");
    let others = ended
        .log
        .iter()
        .filter(|(_, ids)| ids.iter().any(|id| id != "5"))
        .map(|(at, _)| *at)
        .max();
    assert!(others.unwrap() < Duration::from_secs(60), "{others:?}");
}

#[tokio::test(start_paused = true)]
async fn an_event_of_two_mappings_ends_by_its_worst_record() {
    let ended = rig(["half", "filtered", "whole"]).run(|_, _| Act::Deliver).await;
    ended.assert_closed(3);
    assert_eq!(ended.ledger.delivered.get(), 1);
    assert_eq!(ended.ledger.rejected.snapshot()["no_identifier"], 1);
    assert_eq!(ended.ledger.filtered.snapshot()["no_mapping_matched"], 1);
    assert_eq!(ended.ledger.records.delivered.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn every_attempt_passes_the_rate_gate() {
    let mut rig = rig(0..20);
    rig.options.batch.max_events = 1;
    rig.options.requests.concurrency = 8;
    rig.options.requests.calls = Some(Quota::new(4, Duration::from_secs(60), Some(1)).unwrap());
    let ended = rig.run(|_, _| Act::Deliver).await;
    ended.assert_closed(20);
    let at: Vec<u64> = ended.log.iter().map(|(at, _)| at.as_secs()).collect();
    assert_eq!(at, (0..20).map(|nth| nth * 15).collect::<Vec<_>>());
}

/// Tells the event `slow` to wait, once.
struct Pace(Mutex<bool>);

impl Transform for Pace {
    fn apply(&self, event: &mut Event) -> Flow {
        let mut told = self.0.lock().unwrap();
        if event.message_id() == "slow" && !*told {
            *told = true;
            return Flow::NotBefore(std::time::Instant::now() + Duration::from_millis(30));
        }
        if event.message_id() == "bad" {
            Flow::Rejected(Reason::new("ldp_incomplete", ""))
        } else {
            Flow::Pass
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_told_to_wait_holds_up_nobody() {
    let mut rig = rig(["slow", "a", "bad", "b"]);
    rig.transforms = vec![Box::new(Pace(Mutex::new(false)))];
    let ended = rig.run(|_, _| Act::Deliver).await;
    ended.assert_closed(4);
    assert_eq!(ended.batches(), [vec!["a", "b"], vec!["slow"]]);
    assert_eq!(ended.dead()["bad"], "ldp_incomplete");
}

#[tokio::test(start_paused = true)]
async fn events_of_sources_that_never_were_inputs_are_not_sent() {
    let mut rig = rig(["a"]);
    rig.options.inputs = vec!["other".into()];
    let ended = rig.run(|_, _| Act::Deliver).await;
    assert!(ended.log.is_empty());
    assert_eq!(ended.left_in_journal, 0);
}

mod again;
mod culprits;
mod fill;
mod gates;
mod holds;
mod letters;
mod revoked;
mod unwritten;

mod chaos {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

        /// Checks that every event ends and the sums close under all answers of a destination.
        #[test]
        fn sums_close(faults in prop::collection::vec(0u8..11, 1..60), concurrency in 1usize..5, batch in 1usize..40) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build()?;
            let ended = runtime.block_on(async move {
                let mut rig = rig(0..150);
                rig.options.requests.concurrency = concurrency;
                rig.options.batch.max_events = batch;
                let next = Mutex::new(faults.into_iter());
                rig.run(move |ids, _| match next.lock().unwrap().next() {
                    Some(0) => Act::Isolate,
                    Some(1) => Act::Hold,
                    Some(2) => Act::Reencode("x"),
                    Some(3) => Act::Hang,
                    Some(4) => Act::Panic,
                    Some(5) => Act::Each(vec![retry(); ids.len()]),
                    Some(6) => Act::Each(Vec::new()),
                    Some(7) => Act::Each(ids.iter().enumerate().map(|(i, _)| match i % 3 {
                        0 => retry(),
                        1 => Outcome::delivered(),
                        _ => Outcome::Rejected(Reason::new("failed", "")),
                    }).collect()),
                    Some(8) => Act::Culprit(3),
                    _ => Act::Deliver,
                }).await
            });
            ended.assert_closed(150);
            let dead = ended.dead().len() as u64;
            prop_assert_eq!(ended.ledger.delivered.get() + dead, 150);
            prop_assert!(ended.ledger.held.first().is_none());
        }
    }
}

/// Restarts of a sink: another driver goes on where one left off.
mod restart {
    use signalbox_journal::{DeadLetterId, DeadLetterQuota, Reader, Resumed};

    use super::*;

    pub(super) struct Bench {
        pub(super) journal: MemoryJournal,
        pub(super) ledger: Arc<SinkLedger>,
        started: Instant,
        log: Arc<Mutex<Log>>,
    }

    impl Bench {
        pub(super) fn new() -> Bench {
            Bench::with_quota(MemoryJournal::DEAD_LETTERS)
        }

        pub(super) fn with_quota(quota: DeadLetterQuota) -> Bench {
            Bench {
                journal: MemoryJournal::with_quota(1 << 30, quota),
                ledger: Arc::new(SinkLedger::default()),
                started: Instant::now(),
                log: Arc::default(),
            }
        }

        /// A sink whose log and clock are those of the bench.
        pub(super) fn sink(
            &self,
            script: impl Fn(&[String], Duration) -> Act + Send + Sync + 'static,
        ) -> Scripted {
            Scripted {
                started: self.started,
                log: self.log.clone(),
                ..Scripted::new(script)
            }
        }

        pub(super) async fn open(&self) -> (Box<dyn Reader>, Resumed) {
            self.journal.reader("sink", &listening()).await.unwrap()
        }

        pub(super) async fn append(&self, ids: impl IntoIterator<Item = impl ToString>) {
            for id in ids {
                self.journal
                    .append(vec![super::event(&id.to_string())])
                    .await
                    .unwrap();
            }
        }

        /// Drives until the stop, and logs the records that it sends.
        pub(super) async fn drive(
            &self,
            stop: Stop,
            script: impl Fn(&[String], Duration) -> Act + Send + Sync + 'static,
        ) -> Parts {
            self.drive_with(stop, Arc::default(), script).await
        }

        /// Works like [`Bench::drive`], with news of returned events.
        pub(super) async fn drive_with(
            &self,
            stop: Stop,
            news: Arc<tokio::sync::Notify>,
            script: impl Fn(&[String], Duration) -> Act + Send + Sync + 'static,
        ) -> Parts {
            let options = rig([""; 0]).options;
            let stage = self.sink(script).stage(&options);
            let parts = Parts::new(options, stage, Arc::default());
            self.go_with(parts, stop, news).await
        }

        /// Continues with what another driver left.
        pub(super) async fn go(&self, parts: Parts, stop: Stop) -> Parts {
            self.go_with(parts, stop, Arc::default()).await
        }

        async fn go_with(&self, parts: Parts, stop: Stop, news: Arc<tokio::sync::Notify>) -> Parts {
            let dead_letters = Arc::new(DeadLetters::new(PersonalData::Plain));
            let signals = (stop, Arc::default(), news);
            let ledger = self.ledger.clone();
            let driver = Driver::new(
                parts,
                self.open().await,
                ledger,
                dead_letters,
                SinkMeters::none(),
                signals,
            );
            driver.run().await
        }

        pub(super) async fn dead(&self) -> Vec<(DeadLetterId, DeadLetter)> {
            self.journal
                .dead_letters(&DeadLetterFilter::default(), usize::MAX)
                .await
                .unwrap()
        }

        /// Number of times each id was sent.
        pub(super) fn sent(&self) -> BTreeMap<String, usize> {
            let mut sent = BTreeMap::new();
            for id in self.log.lock().unwrap().iter().flat_map(|(_, ids)| ids) {
                *sent.entry(id.clone()).or_default() += 1;
            }
            sent
        }
    }

    pub(super) fn leave_after(secs: u64) -> Stop {
        let stop = Stop::default();
        let leave = stop.leave.clone();
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(secs)).await;
            leave.cancel();
        });
        stop
    }

    #[tokio::test(start_paused = true)]
    async fn goes_on_exactly_at_the_records_that_are_not_settled() {
        let bench = Bench::new();
        drop(bench.open().await);
        bench.append(0..30).await;
        // Every third is put off, the others are delivered; then the driver leaves.
        let put_off = |ids: &[String]| {
            let each = |id: &String| match id.parse::<u32>().unwrap() % 3 {
                0 => retry(),
                _ => Outcome::delivered(),
            };
            Act::Each(ids.iter().map(each).collect())
        };
        bench.drive(leave_after(5), move |ids, _| put_off(ids)).await;
        assert_eq!(bench.ledger.pending(), 10);
        let (attempts, first) = {
            let (_, resumed) = bench.open().await;
            assert_eq!(resumed.unread, [("in".to_owned(), 10)]);
            (
                resumed.progress.open[0].attempts,
                resumed.progress.open[0].first_attempt,
            )
        };
        assert!(attempts >= 2 && first > 0);
        bench.journal.close();
        let before = bench.sent();
        bench.drive(Stop::default(), |_, _| Act::Deliver).await;
        assert_eq!(bench.ledger.pending(), 0);
        assert_eq!(bench.ledger.delivered.get(), 30);
        for (id, times) in bench.sent() {
            let again = times - before[&id];
            assert_eq!(again, usize::from(id.parse::<u32>().unwrap() % 3 == 0), "{id}");
        }
        assert_eq!(bench.journal.usage().events, 0);
    }

    /// Checks that an acknowledged event stays owed to the sink when the pipeline file changes.
    #[tokio::test(start_paused = true)]
    async fn events_of_a_source_that_is_no_longer_an_input_are_delivered_or_filtered_and_counted() {
        for filter_removed in [false, true] {
            let bench = Bench::new();
            drop(bench.open().await);
            bench.append(0..10).await;
            let listening = Subscription::new(["another"], Start::End);
            let opened = bench.journal.reader("sink", &listening).await.unwrap();
            bench.journal.close();
            let options = SinkOptions {
                inputs: vec!["another".into()],
                filter_removed,
                ..rig([""; 0]).options
            };
            let stage = bench.sink(|_, _| Act::Deliver).stage(&options);
            let dead_letters = Arc::new(DeadLetters::new(PersonalData::None));
            let ledger = bench.ledger.clone();
            let signals = (Stop::default(), Arc::default(), Arc::default());
            let parts = Parts::new(options, stage, Arc::new(RateGroup::full(None)));
            let driver = Driver::new(parts, opened, ledger, dead_letters, SinkMeters::none(), signals);
            assert_eq!(bench.ledger.debts(), BTreeMap::from([("in".to_owned(), 10)]));
            assert_eq!(bench.ledger.pending(), 10);
            driver.run().await;
            assert!(bench.ledger.debts().is_empty() && bench.ledger.pending() == 0);
            let filtered = bench.ledger.filtered.snapshot().get("input_removed").copied();
            let expected = if filter_removed { (0, Some(10)) } else { (10, None) };
            assert_eq!((bench.sent().len(), filtered), expected);
            assert_eq!(bench.ledger.delivered.get() as usize, expected.0);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_mapping_that_ended_is_not_sent_again() {
        let bench = Bench::new();
        drop(bench.open().await);
        // Makes one record and one rejection.
        bench.append(["half"]).await;
        bench
            .drive(leave_after(5), |ids, _| Act::Each(vec![retry(); ids.len()]))
            .await;
        assert_eq!((bench.ledger.pending(), bench.dead().await.len()), (1, 1));
        bench.journal.close();
        bench.drive(Stop::default(), |_, _| Act::Deliver).await;
        assert_eq!(bench.dead().await.len(), 1, "the rejection is not repeated");
        assert_eq!(bench.ledger.rejected.snapshot()["no_identifier"], 1);
        assert_eq!(bench.ledger.pending(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn retried_dead_letters_are_delivered_once_more_and_only_they() {
        let bench = Bench::new();
        drop(bench.open().await);
        bench.append(["a", "b", "c"]).await;
        let reject = |ids: &[String]| {
            let each = |id: &String| match id.as_str() {
                "b" => Outcome::Rejected(Reason::new("bad_field", "")),
                _ => Outcome::delivered(),
            };
            Act::Each(ids.iter().map(each).collect())
        };
        bench.drive(leave_after(5), move |ids, _| reject(ids)).await;
        let ids: Vec<_> = bench.dead().await.iter().map(|(id, _)| *id).collect();
        assert_eq!(ids.len(), 1);
        let taken = bench.journal.take_dead_letters(&ids, true).await.unwrap();
        assert_eq!((taken.removed, taken.without_payload), (1, 0));
        bench.journal.close();
        bench.drive(Stop::default(), |_, _| Act::Deliver).await;
        assert_eq!(
            bench.sent(),
            BTreeMap::from([("a", 1), ("b", 2), ("c", 1)].map(|(id, n)| (id.into(), n)))
        );
        assert!(bench.dead().await.is_empty());
        assert_eq!(bench.ledger.pending(), 0);
    }

    /// Retries a letter whose mapping the sink no longer has: other mappings match, but the operator did not ask for
    /// them.
    #[tokio::test(start_paused = true)]
    async fn a_retry_for_a_mapping_that_is_gone_is_a_dead_letter_again() {
        let bench = Bench::new();
        let (mut reader, _) = bench.open().await;
        bench.append(["a"]).await;
        let letter = DeadLetter {
            component: "sink".into(),
            message_id: "a".into(),
            source: "in".into(),
            mapping: "old name".into(),
            position: Some(0),
            payload: Some(r#"{"messageId":"a"}"#.into()),
            ..DeadLetter::default()
        };
        let progress = signalbox_journal::Progress {
            cursor: 1,
            ..Default::default()
        };
        reader.commit(signalbox_journal::Commit {
            progress: Some(progress),
            dead_letters: vec![letter],
            ..Default::default()
        });
        drop(reader);
        let taken = bench.journal.take_dead_letters(&[1], true).await.unwrap();
        assert_eq!(taken.removed, 1);
        bench.journal.close();
        bench.drive(Stop::default(), |_, _| Act::Deliver).await;
        let dead = bench.dead().await;
        assert_eq!((dead.len(), bench.sent().len()), (1, 0));
        let letter = &dead[0].1;
        assert_eq!(
            (letter.mapping.as_str(), letter.reason.as_str()),
            ("old name", "mapping_gone")
        );
        assert_eq!(bench.ledger.rejected.snapshot()["mapping_gone"], 1);
        assert_eq!((bench.ledger.pending(), bench.ledger.delivered.get()), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_mapping_that_was_renamed_sends_nothing_twice_and_gets_its_retries() {
        let bench = Bench::new();
        let under = |name: &str| Subscription {
            mappings: BTreeMap::from([(name.to_owned(), "what it is".to_owned())]),
            ..listening()
        };
        let (mut reader, _) = bench.journal.reader("sink", &under("old name")).await.unwrap();
        bench.append(["sent", "retried"]).await;
        let history = signalbox_journal::Open {
            position: 0,
            ended: vec![("old name".into(), signalbox_journal::RecordEnd::Delivered)],
            attempts: 1,
            ..Default::default()
        };
        let progress = signalbox_journal::Progress {
            settled: vec![(1, 2)],
            open: vec![history],
            ..Default::default()
        };
        let letter = DeadLetter {
            component: "sink".into(),
            message_id: "retried".into(),
            source: "in".into(),
            mapping: "old name".into(),
            position: Some(1),
            ..DeadLetter::default()
        };
        reader.commit(signalbox_journal::Commit {
            progress: Some(progress),
            dead_letters: vec![letter],
            ..Default::default()
        });
        drop(reader);
        bench.journal.take_dead_letters(&[1], true).await.unwrap();
        // The mapping that the scripted sink has.
        drop(bench.journal.reader("sink", &under("m")).await.unwrap());
        bench.journal.close();
        bench.drive(Stop::default(), |_, _| Act::Deliver).await;
        assert_eq!(bench.sent(), BTreeMap::from([("retried".to_owned(), 1)]));
        assert!(bench.dead().await.is_empty());
        assert_eq!((bench.ledger.pending(), bench.ledger.delivered.get()), (0, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_replay_delivers_a_range_again() {
        let bench = Bench::new();
        // Another sink keeps the events in the journal.
        let _other = bench.journal.reader("other", &listening()).await.unwrap();
        drop(bench.open().await);
        bench.append(0..20).await;
        bench.drive(leave_after(5), |_, _| Act::Deliver).await;
        let range = crate::operate::ReplayRange {
            again: false,
            from: crate::operate::Where::Position(5),
            to: Some(crate::operate::Where::Position(8)),
        };
        let (plan, progress) = crate::operate::plan_replay(&bench.journal, "sink", range)
            .await
            .unwrap();
        assert_eq!((plan.from, plan.to, plan.events), (5, 8, 3));
        bench.journal.set_progress("sink", progress).await.unwrap();
        bench.journal.close();
        bench.drive(Stop::default(), |_, _| Act::Deliver).await;
        let twice: Vec<_> = bench
            .sent()
            .into_iter()
            .filter(|(_, n)| *n == 2)
            .map(|(id, _)| id)
            .collect();
        assert_eq!(twice, ["5", "6", "7"]);
        assert_eq!((bench.ledger.pending(), bench.ledger.delivered.get()), (0, 23));
    }

    // On a paused clock a driver that wakes again and again would never let the time pass at which the attempt ends.
    #[tokio::test(start_paused = true)]
    async fn a_driver_that_leaves_sleeps_until_its_attempts_end() {
        let bench = Bench::new();
        let mut options = rig([""; 0]).options;
        options.requests.concurrency = 2;
        options.batch.max_events = 2;
        options.batch.max_wait = Duration::from_millis(100);
        let stage = bench.sink(|_, _| Act::DeliverLate).stage(&options);
        let stop = Stop::default();
        let driver = Driver::new(
            Parts::new(options, stage, Arc::default()),
            bench.open().await,
            bench.ledger.clone(),
            Arc::new(DeadLetters::new(PersonalData::None)),
            SinkMeters::none(),
            (stop.clone(), Arc::default(), Arc::default()),
        );
        let running = tokio::spawn(driver.run());
        bench.append(0..2).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        bench.append(2..3).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        stop.leave.cancel();
        running.await.unwrap();
        assert_eq!(bench.sent().into_keys().collect::<Vec<_>>(), ["0", "1"]);
        assert_eq!((bench.ledger.pending(), bench.ledger.delivered.get()), (1, 2));
    }

    /// Has the first event wait for a minute.
    #[derive(Default)]
    struct Late(Mutex<bool>);

    impl Transform for Late {
        fn apply(&self, _: &mut Event) -> Flow {
            if std::mem::replace(&mut *self.0.lock().unwrap(), true) {
                return Flow::Pass;
            }
            Flow::NotBefore(std::time::Instant::now() + Duration::from_secs(60))
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_event_given_up_while_it_waits_leaves_its_key_to_others() {
        let bench = Bench::new();
        let shed = Arc::new(LoadShed::default());
        let mut options = rig([""; 0]).options;
        options.shed_when_full = true;
        let stage = Stage {
            transforms: vec![Box::new(Late::default())],
            ..bench.sink(|_, _| Act::Deliver).stage(&options)
        };
        let driver = Driver::new(
            Parts::new(options, stage, Arc::default()),
            bench.open().await,
            bench.ledger.clone(),
            Arc::new(DeadLetters::new(PersonalData::None)),
            SinkMeters::none(),
            (Stop::default(), shed.clone(), Arc::default()),
        );
        let running = tokio::spawn(driver.run());
        bench.journal.append(vec![event("keyed 1")]).await.unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
        shed.ask();
        tokio::time::sleep(Duration::from_secs(120)).await;
        bench.journal.append(vec![event("keyed 2")]).await.unwrap();
        bench.journal.close();
        running.await.unwrap();
        assert_eq!(bench.sent().into_keys().collect::<Vec<_>>(), ["keyed 2"]);
        assert_eq!(bench.ledger.rejected.snapshot()["journal_full"], 1);
        assert_eq!((bench.ledger.pending(), bench.ledger.delivered.get()), (0, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn gives_up_the_oldest_when_asked_for_room() {
        let bench = Bench::new();
        drop(bench.open().await);
        bench.append(0..50).await;
        bench.journal.close();
        let shed = Arc::new(LoadShed::default());
        shed.ask();
        let mut options = rig([""; 0]).options;
        options.shed_when_full = true;
        let sink = Scripted {
            probes_fail_until: Duration::from_secs(5),
            ..bench.sink(until(5, || Act::Hold))
        };
        let stage = sink.stage(&options);
        let parts = Parts::new(options, stage, Arc::default());
        let dead_letters = Arc::new(DeadLetters::new(PersonalData::None));
        let signals = (Stop::default(), shed.clone(), Arc::default());
        let asker = tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            shed.ask();
        });
        let ledger = bench.ledger.clone();
        Driver::new(
            parts,
            bench.open().await,
            ledger,
            dead_letters,
            SinkMeters::none(),
            signals,
        )
        .run()
        .await;
        asker.await.unwrap();
        let given_up = bench.ledger.rejected.snapshot()["journal_full"];
        assert!(given_up >= 40, "{given_up}");
        assert_eq!(bench.ledger.delivered.get() + given_up, 50);
        assert_eq!(bench.dead().await.len() as u64, given_up);
        assert_eq!(bench.ledger.pending(), 0);
    }
}
