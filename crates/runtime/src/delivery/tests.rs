//! The driver against a scripted sink, on paused time.

mod again;
mod batches;
mod bench;
mod changed_file;
mod chaos;
mod culprits;
mod fill;
mod gates;
mod history;
mod holds;
mod letters;
mod refused;
mod restart;
mod retries;
mod revoked;
mod room;
mod tenures;
mod unwritten;

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
        let bytes = match id.as_str() {
            // Each time it is made, it tells how often the destination was asked.
            "learns" => format!("learns{}", "!".repeat(self.log.lock().unwrap().len())),
            _ => id.clone(),
        };
        let record = |mapping: &str| Record {
            resend: if id.starts_with("offline") {
                Resend::MayDuplicate
            } else {
                Resend::Safe
            },
            batch_key: u16::from(id.starts_with("odd")),
            dedup_key: id.starts_with("keyed").then(|| "key".into()),
            ..Record::new(mapping, bytes.clone())
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
