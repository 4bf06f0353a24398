//! The real program, from HTTP in to HTTP out on loopback: its CPU time per event, how fast it acknowledges, how much
//! memory it takes.
//!
//! ```text
//! cargo bench -p signalbox --bench e2e                     # all rows, about a minute
//! cargo bench -p signalbox --bench e2e -- --events 500000  # more of each
//! cargo bench -p signalbox --bench e2e -- --row gzip       # the rows whose name holds this
//! cargo bench -p signalbox --bench e2e -- --long           # a million events, memory as they pass
//! cargo bench -p signalbox --bench e2e -- --cluster        # a journal on three NATS servers beside one on disk
//! cargo bench -p signalbox --bench e2e -- --turns 5        # the rows five times by turns, and their medians
//! cargo bench -p signalbox --bench e2e -- --order          # the functions that a router uses; see support/order.rs
//! ```
//! A fresh process for each row. Clients and the stand-in for Pinterest run in this process, whose CPU time is not
//! counted; they share the machine with the router, so its throughput is a lower bound and its latency an upper one.
//! The NATS servers run here, too, and their CPU time stands in a column of its own.

#[path = "support/mod.rs"]
mod support;

#[path = "support/rig.rs"]
mod rig;

#[path = "support/load.rs"]
mod load;

#[path = "support/order.rs"]
mod order;

#[path = "support/names.rs"]
mod names;

use load::{COLUMNS, META, Measured, PINTEREST, PLAIN, Row, TIKTOK, measure};
use signalbox_testkit::NatsCluster;

static ROWS: [Row; 20] = [
    PLAIN,
    Row {
        name: "batches of 100, with records in the history",
        history: Some("all"),
        ..PLAIN
    },
    // The part of a core that the history's thread takes in the row before; the difference is what its records cost the others.
    Row {
        name: "batches of 100, beside a program that takes a third of a core",
        beside: 35,
        ..PLAIN
    },
    Row {
        name: "batches of 100, 5,000 events a second, with records in the history",
        history: Some("all"),
        pace: Some(5_000),
        share: 8,
        ..PLAIN
    },
    Row {
        name: "batches of 100, gzip",
        gzip: true,
        share: 2,
        ..PLAIN
    },
    Row {
        name: "batches of 100, HTTPS to Pinterest",
        secure: true,
        share: 2,
        ..PLAIN
    },
    Row {
        name: "batches of 100, opt-out and hash_pii",
        through: r#"through = ["opt_out", "hash"]"#,
        share: 2,
        ..PLAIN
    },
    Row {
        name: "batches of 100, two sinks",
        sinks: &[PINTEREST; 2],
        share: 2,
        ..PLAIN
    },
    Row {
        name: "batches of 100, three sinks",
        sinks: &[PINTEREST; 3],
        ..PLAIN
    },
    Row {
        name: "batches of 100, three vendors",
        sinks: &[PINTEREST, META, TIKTOK],
        ..PLAIN
    },
    // The target for memory leaves the table of known ids, which is a setting, out.
    Row {
        name: "batches of 100, three sinks, no ids",
        sinks: &[PINTEREST; 3],
        deduplicates: false,
        ..PLAIN
    },
    Row {
        name: "batches of 100, three sinks, no ids, with records in the history",
        sinks: &[PINTEREST; 3],
        deduplicates: false,
        history: Some("all"),
        ..PLAIN
    },
    Row {
        name: "batches of 100, one core",
        cores: Some(1),
        share: 2,
        ..PLAIN
    },
    Row {
        name: "batches of 100, memory journal",
        journal: "memory",
        share: 2,
        ..PLAIN
    },
    Row {
        name: "batches of 250",
        batch: 250,
        share: 2,
        ..PLAIN
    },
    Row {
        name: "batches of 10",
        batch: 10,
        share: 2,
        ..PLAIN
    },
    Row {
        name: "single calls",
        batch: 1,
        share: 8,
        ..PLAIN
    },
    Row {
        name: "batches of 100, 30,000 events a second",
        pace: Some(30_000),
        ..PLAIN
    },
    Row {
        name: "batches of 100, 5,000 events a second",
        pace: Some(5_000),
        share: 8,
        ..PLAIN
    },
    Row {
        name: "single calls, 1,000 a second",
        batch: 1,
        pace: Some(1_000),
        share: 40,
        ..PLAIN
    },
];

/// A run long enough to show whether memory grows.
static LONG: [Row; 3] = [
    Row {
        name: "a million events, one sink",
        ..PLAIN
    },
    Row {
        name: "a million events, no deduplication",
        deduplicates: false,
        ..PLAIN
    },
    Row {
        name: "a million events, three sinks",
        sinks: &[PINTEREST; 3],
        ..PLAIN
    },
];

/// The same loads on both journals. The router has a core for itself, as in a cluster: servers and clients would otherwise take
/// the caches of its core, too.
static CLUSTER: [Row; 10] = by_journal([
    PLAIN,
    Row {
        name: "batches of 100, 5,000 events a second",
        pace: Some(5_000),
        share: 4,
        ..PLAIN
    },
    Row {
        name: "batches of 100, with a key",
        sealed: true,
        ..PLAIN
    },
    Row {
        name: "single calls, 64 connections",
        batch: 1,
        connections: 64,
        share: 4,
        ..PLAIN
    },
    Row {
        name: "single calls, 1,000 a second",
        batch: 1,
        pace: Some(1_000),
        share: 20,
        ..PLAIN
    },
]);

/// Each load on a disk and on NATS servers, one after the other.
const fn by_journal(loads: [Row; 5]) -> [Row; 10] {
    let mut rows = [PLAIN; 10];
    let mut at = 0;
    while at < rows.len() {
        rows[at] = Row {
            journal: if at % 2 == 0 { "disk" } else { "nats" },
            cores: Some(1),
            ..loads[at / 2]
        };
        at += 1;
    }
    rows
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let is = |name: &str| arguments.iter().any(|argument| argument == name);
    let after = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)
    };
    let number = |name: &str| after(name).and_then(|text| text.parse::<usize>().ok());
    // Without `--bench` cargo only asks whether this still runs.
    let (rows, default) = match (is("--cluster"), is("--long"), is("--bench")) {
        (true, ..) => (&CLUSTER[..], 150_000),
        (_, true, _) => (&LONG[..], 1_000_000),
        (.., true) => (&ROWS[..], 150_000),
        (.., false) => (&ROWS[..], 1_600),
    };
    if is("--order") {
        return order::run(is("--update"));
    }
    if is("--cluster") {
        if !NatsCluster::available() {
            return;
        }
        rig::leave_first_core();
    }
    let events = number("--events").unwrap_or(default);
    let turns = number("--turns").unwrap_or(if is("--cluster") { 5 } else { 1 });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let runtime = runtime.unwrap_or_else(|error| panic!("{error}"));
    println!(
        "{:<70}{}",
        "per row a fresh process",
        COLUMNS.map(|name| format!("{name:>10}")).concat()
    );
    // Those whose name holds this, or the one whose name it is.
    let asked = |row: &&Row| match after("--row") {
        Some(name) if rows.iter().any(|row| row.name == *name) => row.name == *name,
        Some(part) => row.name.contains(part.as_str()),
        None => true,
    };
    let mut all: Vec<(String, Vec<Measured>)> = rows
        .iter()
        .filter(asked)
        .map(|row| (format!("{}, {}", row.name, row.journal), Vec::new()))
        .collect();
    for _ in 0..turns {
        for (row, (name, runs)) in rows.iter().filter(asked).zip(&mut all) {
            let measured = runtime.block_on(measure(*row, events / row.share));
            println!("{name:<70}{measured}");
            if is("--long") {
                let memory = measured.memory.iter().map(|kb| format!("{:.0}", kb / 1024.0));
                println!(
                    "  MB resident after each tenth: {}",
                    memory.collect::<Vec<_>>().join(" ")
                );
            }
            runs.push(measured);
        }
    }
    if turns > 1 {
        println!("medians of {turns} turns");
        for (name, runs) in &all {
            println!("{name:<70}{}", Measured::median(runs));
        }
    }
}
