//! The oracle of the whole project: under kills, refusals, full disks and reloads, every event
//! that was acknowledged reaches its destinations, is counted as filtered, or is a dead letter; nothing is corrupt,
//! every second copy has a cause, and the sums close. Three vendors have different faults at the same time.
//!
//! Short as part of the tests. Long:
//! `CONSERVATION_EVENTS=200000 CONSERVATION_KILLS=20 cargo test -p signalbox --test it conservation -- --nocapture`;
//! `CONSERVATION_SEED` gives another order of things.

mod damage;
mod destinations;
mod events;
mod generator;
mod kinds;
mod rig;
mod schedule;
mod tally;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::Value;
use signalbox_admin::Status;

use crate::support::process::run;
use destinations::Destination;
use events::is_order;
use generator::Generator;
use rig::Rig;
use schedule::Act;

pub(super) fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost() {
    let events = setting("CONSERVATION_EVENTS", 6_000);
    let kills = setting("CONSERVATION_KILLS", 4);
    let seed = setting("CONSERVATION_SEED", 1);
    let began = Instant::now();

    let phases = schedule::phases(events, kills, seed);
    let mut rig = Rig::new().await;
    let generator = Generator::start(&rig.world.listen, events, seed);
    for phase in &phases {
        rig.phase(phase, &generator).await;
    }
    generator.allow(events);
    rig.act(Act::Reload).await;
    generator.finished().await;
    let live = rig.settled().await;
    rig.no_plaintext();
    let offline = rig.stop().await;
    let dead = rig.dead_letters().await;
    let wall = began.elapsed();

    assert!(generator.refused() > 0, "the journal was never full");
    assert_eq!(rig.kills(), kills);
    for destination in rig.destinations() {
        let sink = destination.kind.sink();
        assert!(
            dead.iter().any(|letter| letter["sink"] == sink),
            "{sink}: no dead letter stayed"
        );
        assert!(destination.retried > 0, "{sink}: no dead letter was retried");
    }
    let sent = generator.sent();
    let summary = check(&rig, &sent, &live, &offline, &dead);
    rig.no_plaintext();
    println!("{summary}\n{}\nwall time {wall:.1?}", generator.told());
}

/// Compares everything with the events sent; returns the figures.
fn check(rig: &Rig, sent: &generator::Sent, live: &Status, offline: &Status, dead: &[Value]) -> String {
    // Live and from the files, the same numbers.
    for (name, sink) in &live.sinks {
        let stopped = &offline.sinks[name];
        assert_eq!(
            (sink.journalled, sink.delivered, sink.pending, sink.letters.kept),
            (
                stopped.journalled,
                stopped.delivered,
                stopped.pending,
                stopped.letters.kept
            ),
            "{name}"
        );
        assert_eq!(
            (&sink.filtered, &sink.rejected, &sink.expired),
            (&stopped.filtered, &stopped.rejected, &stopped.expired),
            "{name}"
        );
        let ends: u64 = [&sink.filtered, &sink.rejected, &sink.expired]
            .iter()
            .flat_map(|codes| codes.values())
            .sum();
        assert_eq!(sink.journalled, sink.delivered + ends, "{name}: {sink:#?}");
        for lost in ["journal_unreadable", "journal_file_missing"] {
            assert!(!sink.rejected.contains_key(lost), "{sink:#?}");
        }
    }
    assert!(live.sums_close && offline.sums_close, "{live:#?}\n{offline:#?}");
    let source = &live.sources["shop"];
    assert_eq!(source.journalled, offline.sources["shop"].journalled);
    // The archive, which nothing is filtered for, has everything that was journalled.
    let archive = rig.archive();
    assert_eq!(archive.distinct(), source.journalled);
    assert!(
        archive.cut() <= rig.kills(),
        "{} lines of the archive are cut",
        archive.cut()
    );
    for number in sent.acknowledged() {
        assert!(archive.has(number), "{number} is not in the archive");
    }
    assert!(archive.numbers().all(|number| sent.was_sent(number)));
    let told: String = rig
        .destinations()
        .iter()
        .map(|destination| check_destination(rig, destination, sent, live, dead))
        .collect();
    let known: usize = rig
        .destinations()
        .iter()
        .map(|destination| of_sink(destination, dead).count())
        .sum();
    assert_eq!(dead.len(), known);
    format!(
        "{} events sent, {} acknowledged, {} given up unacknowledged{told}\nsource: {} journalled, {} known already, \
         refused {:?}",
        sent.len(),
        sent.acknowledged().count(),
        sent.given_up(),
        source.journalled,
        source.duplicate,
        source.refused,
    )
}

fn of_sink<'d>(destination: &Destination, dead: &'d [Value]) -> impl Iterator<Item = &'d Value> {
    let sink = destination.kind.sink();
    dead.iter().filter(move |letter| letter["sink"] == sink)
}

/// Compares a vendor's events with the events sent; returns the figures.
fn check_destination(
    rig: &Rig,
    destination: &Destination,
    sent: &generator::Sent,
    live: &Status,
    dead: &[Value],
) -> String {
    let name = destination.kind.sink();
    let (source, sink, there) = (&live.sources["shop"], &live.sinks[name], &destination.tally);
    assert_eq!(sink.journalled, source.journalled + destination.retried, "{name}");

    // Dead letters: as many as were rejected and not taken out again.
    let rejected: u64 = sink.rejected.values().sum();
    let mut dead_ids = BTreeSet::new();
    let mut reasons = BTreeMap::<&str, u64>::new();
    for letter in of_sink(destination, dead) {
        *reasons.entry(letter["reason"].as_str().unwrap()).or_default() += 1;
        let fresh = dead_ids.insert(events::number(letter["message_id"].as_str().unwrap()));
        assert!(fresh, "two dead letters of one event: {letter}");
    }
    assert_eq!(dead_ids.len() as u64, rejected - destination.retried, "{sink:#?}");
    assert_eq!(sink.letters.kept, dead_ids.len() as u64, "{name}");
    let expired: u64 = sink.expired.values().sum();
    assert_eq!(expired, 0, "{name}");

    let (mut orders, mut others, mut both) = (0, 0, 0);
    for number in sent.acknowledged() {
        let (is_there, is_buried) = (there.has(number), dead_ids.contains(&number));
        if !is_order(number) {
            others += 1;
            assert!(!is_there && !is_buried, "{name}: {number}");
            continue;
        }
        orders += 1;
        assert!(
            is_there || is_buried,
            "{name}: {number} was acknowledged and is nowhere"
        );
        both += u64::from(is_there && is_buried);
    }
    let filtered: u64 = sink.filtered.values().sum();
    let known_others = rig
        .archive()
        .numbers()
        .filter(|number| !is_order(*number))
        .count() as u64;
    assert_eq!(filtered, known_others, "{name}");
    assert!(filtered >= others);
    // Nothing came from nowhere.
    assert!(there.numbers().all(|number| sent.was_sent(number)), "{name}");

    format!(
        "\n{name}: {orders} orders acknowledged, {others} filtered, {} there, dead letters {reasons:?} ({both} of them of \
         copies), retried from dead letters {}\n{name}, duplicates: {}",
        there.distinct(),
        destination.retried,
        rig.explain(destination),
    )
}

/// Waits until `ask` says yes, longer than anything should take even on a slow machine.
async fn wait_for<F: Future<Output = bool>>(what: &str, seconds: u64, mut ask: impl FnMut() -> F) {
    let end = Instant::now() + Duration::from_secs(seconds);
    while !ask().await {
        assert!(Instant::now() < end, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Runs a command of the binary to its end, which must be a good one; gives its standard output.
async fn output(arguments: &[&str], variables: &[(String, String)]) -> String {
    let exit = run(arguments, variables).await;
    assert_eq!(exit.code, Some(0), "{arguments:?}: {exit:?}");
    exit.stdout
}
