//! The oracle over several routers. Under kills of any process, every acknowledged event reaches each destination or is a
//! dead letter, every second copy has a cause, no minute holds more calls than the limit, and the counts of all routers
//! add up.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::{Duration, Instant};

use serde_json::Value;
use signalbox_admin::Status;
use signalbox_sandbox::{FailEvents, Faults, RateLimit, Reset, Vendor};

use crate::clients::{Book, Clients, Sending};
use crate::events::{PERSONAL, is_order, number};
use crate::killer::{Act, Failure, Killer, Target};
use crate::kinds::{KINDS, Kind};
use crate::rates::{CALLS_PER_MINUTE, rate};
use crate::relay::Call;
use crate::rig::{Options, Rig};
use crate::router::Router;
use crate::support::files::files_below;
use crate::support::pipeline::settings;
use crate::support::process::Process;
use crate::tally::Tally;
use crate::{long, setting};

/// Events in a call. With the clients' rate, more wait for each sink than the limit allows.
const BATCH: usize = 10;
/// Time for which the destinations keep one kind of fault.
const PHASE: Duration = Duration::from_secs(5);

/// A call and the router that made it.
pub(crate) struct Sent {
    router: usize,
    pub(crate) call: Call,
}

fn sink(kind: &Kind) -> String {
    let base = match kind.vendor {
        Vendor::Pinterest => "${DESTINATION}/v5",
        Vendor::Meta | Vendor::TikTok => "${DESTINATION}",
    };
    format!(
        r#"
[sinks.{0}]
inputs = ["shop"]
rate_group = "{0}"
calls_per_minute = {CALLS_PER_MINUTE}
batch = {{ max_events = {BATCH}, max_wait = "10ms" }}
timeout = "2s"
retry = {{ initial_backoff = "50ms", max_backoff = "500ms" }}
{1}
"#,
        kind.sink(),
        settings(kind.vendor, base)
    )
}

/// The faults of a phase.
fn faults(phase: u64) -> Faults {
    let mut faults = Faults::default();
    match phase % 7 {
        0 => faults.rate_limit = Some(RateLimit::every_nth(4)),
        1 => faults.status = Some(signalbox_sandbox::Status::every_nth(3)),
        2 => {
            faults.reset = Some(Reset {
                after_accept: true,
                ..Reset::every_nth(4)
            });
        }
        3 => faults.fail_events = Some(FailEvents::every_nth(50)),
        4 => faults.unauthorized = true,
        5 => faults.reset = Some(Reset::every_nth(4)),
        _ => {}
    }
    faults
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_whatever_is_killed() {
    let time = Duration::from_secs(setting("CLUSTER_SECS", 60));
    let seed = setting("CLUSTER_SEED", 1);
    let pause = setting("CLUSTER_PAUSE_MS", 1_000)..setting("CLUSTER_PAUSE_MS", 1_000) * 5 / 2;
    let takeover = Duration::from_secs(setting("CLUSTER_TAKEOVER", 10));
    let sinks = KINDS.iter().map(sink).collect();
    let options = Options {
        routers: 5,
        takeover,
        sinks,
        ..Options::default()
    };
    let Some(mut rig) = Rig::start(options).await else {
        return;
    };
    let clients = Clients::start(Sending {
        to: rig.listen()[..3].to_vec(),
        per_second: 120,
        batch: 5,
        to_all: true,
    });
    let began = Instant::now();
    let mut killer = Killer::new(seed, pause, long());
    let mut phase = None;
    while began.elapsed() < time {
        let now = began.elapsed().as_secs() / PHASE.as_secs();
        if phase != Some(now) {
            phase = Some(now);
            rig.sandbox.set_faults(faults(now));
        }
        killer.tick(&mut rig);
        if long() {
            // All servers may be away while a router starts.
            rig.routers.iter_mut().for_each(Router::revive);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let ended = Instant::now();
    rig.sandbox.set_faults(Faults::default());
    killer.end(&mut rig);
    rig.routers.iter_mut().for_each(Router::revive);
    rig.running().await;
    let book = clients.stop().await;
    let drained = Instant::now();
    let all = rig.settled(180).await;
    let dead = dead_letters(&rig).await;
    println!(
        "{}\n{}\nsettled {:.1?} after the last event",
        book.told(),
        killer.told(),
        drained.elapsed()
    );
    let calls = calls(&rig);
    for kind in &KINDS {
        println!(
            "{}",
            check(kind, &rig, &book, &all[0], &dead, &calls, &killer.failures)
        );
        println!("{}", rate(kind, &calls, began..ended));
    }
    for router in &mut rig.routers {
        router.stop().await;
    }
    no_plaintext(&rig);
}

/// All calls, in the order of their time.
fn calls(rig: &Rig) -> Vec<Sent> {
    let routers = rig.routers.iter().enumerate();
    let calls = routers.flat_map(|(router, at)| {
        at.relay
            .calls()
            .into_iter()
            .map(move |call| Sent { router, call })
    });
    let mut calls: Vec<Sent> = calls.collect();
    calls.sort_by_key(|sent| sent.call.at);
    calls
}

async fn dead_letters(rig: &Rig) -> Vec<Value> {
    let arguments = ["deadletters", "list", "--json", "--limit", "10000000"];
    let exit = Process::spawn(&mut rig.routers[0].command(&arguments))
        .exit()
        .await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    exit.lines()
}

/// Asserts that no file of the servers holds a personal value.
fn no_plaintext(rig: &Rig) {
    let mut read = 0;
    for file in (0..rig.servers.len()).flat_map(|at| files_below(&rig.servers.store(at))) {
        // The servers run, and replace files meanwhile.
        let Ok(text) = std::fs::read(&file) else { continue };
        let text = text.to_ascii_lowercase();
        read += text.len();
        for value in PERSONAL {
            let found = memchr::memmem::find(&text, value.as_bytes());
            assert!(found.is_none(), "{value} in {}", file.display());
        }
    }
    assert!(read > 1_000_000, "the events are not where they were looked for");
}

/// Compares the events of a destination with the acknowledged ones; returns the figures.
fn check(
    kind: &Kind,
    rig: &Rig,
    book: &Book,
    status: &Status,
    dead: &[Value],
    calls: &[Sent],
    failures: &[Failure],
) -> String {
    let name = kind.sink();
    let mut tally = kind.tally(&rig.capture());
    tally.catch_up();
    let dead: BTreeSet<u64> = dead
        .iter()
        .filter(|letter| letter["sink"] == name)
        .map(|letter| number(letter["message_id"].as_str().unwrap()))
        .collect();
    let lost: Vec<u64> = book
        .acknowledged
        .iter()
        .copied()
        .filter(|number| is_order(*number) && !tally.has(*number) && !dead.contains(number))
        .collect();
    assert!(lost.is_empty(), "{name}: acknowledged and nowhere: {lost:?}");
    assert!(
        tally
            .numbers()
            .all(|number| number < book.sent() && is_order(number)),
        "{name}"
    );

    let sink = &status.sinks[name];
    let sum = |codes: &BTreeMap<String, u64>| codes.values().sum::<u64>();
    let ends = sum(&sink.filtered) + sum(&sink.rejected) + sum(&sink.expired);
    assert_eq!(sink.journalled, sink.delivered + ends, "{name}: {sink:#?}");
    assert_eq!(sum(&sink.rejected), dead.len() as u64, "{name}: {sink:#?}");
    for code in ["journal_unreadable", "journal_file_missing"] {
        assert!(!sink.rejected.contains_key(code), "{name}: {sink:#?}");
    }
    // Each event that is there is called delivered, and the other way about.
    let there = tally.numbers().filter(|number| !dead.contains(number)).count() as u64;
    assert_eq!(sink.delivered, there, "{name}: {sink:#?}");
    let copies = explain(kind, &tally, calls, failures);
    format!(
        "{name}: {there} there, dead letters {}, filtered {:?}; {copies}",
        dead.len(),
        sink.filtered
    )
}

/// Finds the cause of each second copy; tells how many there are of each.
fn explain(kind: &Kind, tally: &Tally, calls: &[Sent], failures: &[Failure]) -> String {
    let mut sendings = BTreeMap::<u64, Vec<&Sent>>::new();
    for sent in calls
        .iter()
        .filter(|sent| vendor(&sent.call) == Some(kind.vendor))
    {
        for number in &sent.call.events {
            sendings.entry(*number).or_default().push(sent);
        }
    }
    let (mut all, mut unanswered, mut killed, mut handed_over) = (0, 0, 0, 0);
    let mut repeated = BTreeMap::<u64, usize>::new();
    for (number, ..) in tally.copies() {
        *repeated.entry(number).or_default() += 1;
    }
    for (number, copies) in repeated {
        all += copies;
        let mut causes = 0;
        for two in sendings[&number].windows(2) {
            let (first, second) = (two[0], two[1]);
            let between = first.call.at..second.call.at;
            let cause = if first.call.status.is_none() {
                &mut unanswered
            } else if failed(first.router, failures, &between) {
                &mut killed
            } else if first.router != second.router {
                &mut handed_over
            } else {
                continue;
            };
            *cause += 1;
            causes += 1;
        }
        assert!(
            copies <= causes,
            "{}: {copies} copies of {number} and {causes} causes: {:?}",
            kind.sink(),
            sendings[&number]
                .iter()
                .map(|sent| (sent.router, &sent.call))
                .collect::<Vec<_>>()
        );
    }
    let share = all as f64 * 100.0 / tally.distinct().max(1) as f64;
    format!(
        "{all} second copies ({share:.2} %), of events sent again without an answer {unanswered}, after a kill or pause of \
         the router {killed}, by the next owner of a router that lives {handed_over}"
    )
}

/// True if the router was killed between two calls, or stood still in part of that time.
fn failed(router: usize, failures: &[Failure], between: &Range<Instant>) -> bool {
    let failures = failures
        .iter()
        .filter(|failure| failure.target == Target::Router(router));
    let mut hit = failures.map(|failure| match failure.act {
        Act::Kill => between.contains(&failure.at),
        Act::Pause => failure.at < between.end && failure.until > between.start,
    });
    hit.any(|hit| hit)
}

pub(crate) fn vendor(call: &Call) -> Option<Vendor> {
    let target = call.target.as_str();
    if target.starts_with("/v5/") {
        Some(Vendor::Pinterest)
    } else if target.starts_with("/open_api/") {
        Some(Vendor::TikTok)
    } else {
        target.starts_with('/').then_some(Vendor::Meta)
    }
}
