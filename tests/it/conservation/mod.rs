//! The oracle of the whole project: under kills, refusals, full disks and reloads, every event
//! that was acknowledged reaches its destinations, is counted as filtered, or is a dead letter; nothing is corrupt,
//! every second copy has a cause, and the sums close.
//!
//! Short as part of the tests. Long:
//! `CONSERVATION_EVENTS=200000 CONSERVATION_KILLS=20 cargo test -p signalbox --test it conservation -- --nocapture`;
//! `CONSERVATION_SEED` gives another order of things.

mod damage;
mod generator;
mod rig;
mod schedule;
mod tally;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::Value;
use signalbox_admin::Status;

use crate::support::process::run;
use generator::{Generator, is_order};
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
    assert!(
        !dead.is_empty() && rig.retried() > 0,
        "no dead letter stayed, or none was retried"
    );
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
    let (source, pinterest) = (&live.sources["shop"], &live.sinks["pinterest"]);
    assert_eq!(source.journalled, offline.sources["shop"].journalled);
    assert_eq!(pinterest.journalled, source.journalled + rig.retried());

    // Dead letters: as many as were rejected and not taken out again.
    let rejected: u64 = pinterest.rejected.values().sum();
    assert_eq!(dead.len() as u64, rejected - rig.retried(), "{pinterest:#?}");
    assert_eq!(pinterest.letters.kept, dead.len() as u64);
    let mut dead_ids = BTreeSet::new();
    for letter in dead {
        assert!(
            letter["sink"] == "pinterest" && letter["reason"].is_string(),
            "{letter}"
        );
        let fresh = dead_ids.insert(generator::number(letter["message_id"].as_str().unwrap()));
        assert!(fresh, "two dead letters of one event: {letter}");
    }
    let expired: u64 = pinterest.expired.values().sum();
    assert_eq!(expired, 0);

    // The archive, which nothing is filtered for, has everything that was journalled.
    let archive = rig.archive();
    assert_eq!(archive.distinct(), source.journalled);
    let (mut orders, mut others, mut both) = (0, 0, 0);
    for number in sent.acknowledged() {
        assert!(archive.has(number), "{number} is not in the archive");
        if !is_order(number) {
            others += 1;
            assert!(
                !rig.pinterest().has(number) && !dead_ids.contains(&number),
                "{number}"
            );
            continue;
        }
        orders += 1;
        let (there, buried) = (rig.pinterest().has(number), dead_ids.contains(&number));
        assert!(there || buried, "{number} was acknowledged and is nowhere");
        both += u64::from(there && buried);
    }
    let filtered: u64 = pinterest.filtered.values().sum();
    let known_others = archive.numbers().filter(|number| !is_order(*number)).count() as u64;
    assert_eq!(filtered, known_others);
    assert!(filtered >= others);
    // Nothing came from nowhere.
    for tally in [archive, rig.pinterest()] {
        assert!(tally.numbers().all(|number| sent.was_sent(number)));
    }

    let copies = rig.explain();
    let mut reasons = BTreeMap::<&str, u64>::new();
    for letter in dead {
        *reasons.entry(letter["reason"].as_str().unwrap()).or_default() += 1;
    }
    format!(
        "{} events sent, {} acknowledged ({orders} orders, {others} filtered), {} given up unacknowledged; \
         Pinterest has {}, dead letters {reasons:?} ({both} of them of copies), retried from dead letters {}\nduplicates at Pinterest: {copies}\nsource: {} journalled, {} known already, refused {:?}",
        sent.len(),
        sent.acknowledged().count(),
        sent.given_up(),
        rig.pinterest().distinct(),
        rig.retried(),
        source.journalled,
        source.duplicate,
        source.refused,
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
