//! More routers deliver more: six sinks with a backlog, and routers with a share of a core each. What one router can do is
//! then a question of CPU, which further ones bring, and not of the destination, which is the same for all.

use std::time::{Duration, Instant};

use signalbox_sandbox::{Faults, Slow, Unavailable};

use crate::clients::{Clients, Sending};
use crate::ration::{Ration, used};
use crate::rig::{Options, Rig, Share, pinterest};
use crate::setting;

/// The sinks, each a rate group. By their names, three routers should drive two each, and two routers three.
const SINKS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
const ROUTERS: usize = 3;
/// Time in which the destination answers, in milliseconds.
const ANSWER: u64 = 20;
/// Events that wait for each sink at the beginning.
const BACKLOG: usize = 7_000;
/// Events of each sink that are delivered before the measurement.
const WARM: u64 = 10;
/// Three windows are measured with each number of routers, and the one in the middle counts.
const WINDOW: Duration = Duration::from_secs(3);
/// CPU time per second, of all routers, below which they have prepared what they hold of the backlog, and the seconds in a row for
/// which it must be as low: a router that has just taken a sink over has not begun.
const IDLE: (f64, u32) = (0.3, 3);

#[tokio::test(flavor = "multi_thread")]
async fn more_routers_deliver_more() {
    // While the destination is down, attempts are so rare that they cost next to no CPU. Busy routers are slow, but in time.
    let settings = "concurrency = 4\ncalls_per_minute = 5000\nbatch.max_events = 10\ntimeout = \"30s\"\n\
                    retry = { initial_backoff = \"2s\", max_backoff = \"2s\" }";
    let options = Options {
        share: Share::Whole,
        sinks: SINKS.map(|name| pinterest(name, settings)).concat(),
        ..Options::default()
    };
    let Some(mut rig) = Rig::start(options).await else {
        return;
    };
    rig.sandbox.set_faults(down());
    let clients = Clients::start(Sending {
        to: rig.listen(),
        per_second: 20_000,
        batch: 100,
        to_all: false,
    });
    rig.wait(60, "the backlog", async |_| {
        (clients.book().acknowledged.len() >= BACKLOG).then_some(())
    })
    .await;
    clients.stop().await;

    let percent = u32::try_from(setting("CLUSTER_PERCENT", 20)).unwrap();
    let mut rates = [0.0; ROUTERS];
    // From the most to one, since a router that stops hands its sinks over at once, and one that starts gets its share later.
    for count in (1..=ROUTERS).rev() {
        if let Some(router) = rig.routers.get_mut(count) {
            router.stop().await;
        }
        spread(&rig, count).await;
        idle(&rig, count).await;
        let rations = rig.routers[..count].iter();
        let rations: Vec<Ration> = rations
            .map(|router| Ration::start(router.id(), percent))
            .collect();
        rig.sandbox.set_faults(slow());
        warm(&rig).await;
        let rate = rate(&rig, count).await;
        rig.sandbox.set_faults(down());
        println!(
            "{count} routers with {percent} % of a core each, {}: {rate}",
            rations[0].told()
        );
        rates[count - 1] = rate.events;
    }
    let status = rig.routers[0].status().await.unwrap();
    let pending: Vec<u64> = SINKS.map(|name| status.sinks[name].pending).to_vec();
    assert!(
        pending.iter().all(|pending| *pending > 0),
        "the backlog is too small: {pending:?}"
    );
    assert!(rates[0] > 0.0, "{rates:?} {}", rig.shown().await);
    let (two, three) = (rates[1] / rates[0], rates[2] / rates[0]);
    println!("two routers deliver {two:.2} times what one does, three {three:.2} times");
    assert!(two >= 1.4, "{two:.2} {}", rig.shown().await);
    assert!(three >= 1.9, "{three:.2} {}", rig.shown().await);
}

fn down() -> Faults {
    Faults {
        unavailable: Some(Unavailable::always()),
        ..Faults::default()
    }
}

fn slow() -> Faults {
    Faults {
        slow: Some(Slow {
            delay_ms: ANSWER,
            ..Slow::always()
        }),
        ..Faults::default()
    }
}

/// Waits until each of the first routers drives as many sinks as the others.
async fn spread(rig: &Rig, count: usize) {
    rig.wait(90, "every router to drive its share of the sinks", async |rig| {
        for router in &rig.routers[..count] {
            let status = router.status().await?;
            let drives = SINKS
                .iter()
                .filter(|name| !status.sinks[**name].elsewhere)
                .count();
            if drives != SINKS.len() / count {
                return None;
            }
        }
        Some(())
    })
    .await
}

/// Returns the CPU time that the first routers have used, in seconds.
fn cpu(rig: &Rig, count: usize) -> f64 {
    let routers = rig.routers[..count].iter();
    routers.filter_map(|router| used(router.id())).sum()
}

/// Waits until the first routers have read and prepared as much of the backlog as they hold: what is measured after that are
/// deliveries.
async fn idle(rig: &Rig, count: usize) {
    let (mut at, mut before, mut quiet) = (Instant::now(), cpu(rig, count), 0);
    rig.wait(60, "the routers to have read the backlog", async |rig| {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let now = cpu(rig, count);
        let idle = (now - before) / at.elapsed().as_secs_f64() < IDLE.0;
        quiet = if idle { quiet + 1 } else { 0 };
        (at, before) = (Instant::now(), now);
        (quiet == IDLE.1).then_some(())
    })
    .await;
}

/// Waits until each sink delivers.
async fn warm(rig: &Rig) {
    let delivered = async || -> Option<[u64; SINKS.len()]> {
        let status = rig.routers[0].status().await?;
        Some(SINKS.map(|name| status.sinks[name].delivered))
    };
    let before = rig.wait(10, "a status", async |_| delivered().await).await;
    rig.wait(60, "deliveries of every sink", async |_| {
        let now = delivered().await?;
        let all = before.iter().zip(now).all(|(before, now)| now >= before + WARM);
        all.then_some(())
    })
    .await;
}

/// The deliveries and the CPU time of the routers, each per second.
struct Rate {
    events: f64,
    /// CPU time of all routers.
    cpu: f64,
}

impl std::fmt::Display for Rate {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(to, "{:.0} events/s with {:.2} s of CPU", self.events, self.cpu)
    }
}

/// Measures three windows, and returns the middle one.
async fn rate(rig: &Rig, count: usize) -> Rate {
    let mut rates = Vec::new();
    for _ in 0..3 {
        let (began, accepted, used) = (Instant::now(), rig.sandbox.counts().accepted, cpu(rig, count));
        tokio::time::sleep(WINDOW).await;
        let seconds = began.elapsed().as_secs_f64();
        rates.push(Rate {
            events: (rig.sandbox.counts().accepted - accepted) as f64 / seconds,
            cpu: (cpu(rig, count) - used) / seconds,
        });
    }
    println!(
        "{:?}",
        rates.iter().map(|rate| rate.events as u64).collect::<Vec<_>>()
    );
    rates.sort_by(|a, b| a.events.total_cmp(&b.events));
    rates.swap_remove(1)
}
