//! The real program, from HTTP in to HTTP out on loopback: its CPU time per event, how fast it acknowledges, how much
//! memory it takes.
//!
//! ```text
//! cargo bench -p signalbox --bench e2e                     # all rows, about a minute
//! cargo bench -p signalbox --bench e2e -- --events 500000  # more of each
//! ```
//! A fresh process for each row. Clients and the stand-in for Pinterest run in this process, whose CPU time is not
//! counted; they share the machine with the router, so its throughput is a lower bound and its latency an upper one.

#[path = "support/mod.rs"]
mod support;

#[path = "support/rig.rs"]
mod rig;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use rig::{Client, Rig};
use support::corpus;

/// One row of the table.
struct Row {
    name: &'static str,
    /// Goes into the source's table.
    through: &'static str,
    /// Sinks, all of them Pinterest's.
    sinks: usize,
    /// Events in a request; 1 means single calls.
    batch: usize,
    gzip: bool,
    connections: usize,
    /// Of the events asked for, one in so many: single calls cost more.
    share: usize,
}

const PLAIN: Row = Row {
    name: "batches of 100",
    through: "",
    sinks: 1,
    batch: 100,
    gzip: false,
    connections: 16,
    share: 1,
};
static ROWS: [Row; 6] = [
    PLAIN,
    Row {
        name: "batches of 100, gzip",
        gzip: true,
        ..PLAIN
    },
    Row {
        name: "batches of 100, opt-out and hash_pii",
        through: r#"through = ["opt_out", "hash"]"#,
        ..PLAIN
    },
    Row {
        name: "batches of 100, three sinks",
        sinks: 3,
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
];

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let at = arguments.iter().position(|argument| argument == "--events");
    let asked = at.and_then(|at| arguments.get(at + 1)?.parse().ok());
    // Without `--bench` cargo only asks whether this still runs.
    let full = arguments.iter().any(|argument| argument == "--bench");
    let events: usize = asked.unwrap_or(if full { 200_000 } else { 1_600 });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let runtime = runtime.unwrap_or_else(|error| panic!("{error}"));
    println!(
        "{:<38} {:>8} {:>9} {:>9} {:>8} {:>8} {:>8} {:>8}",
        "per row a fresh process",
        "events",
        "CPU us/ev",
        "events/s",
        "p50 ms",
        "p99 ms",
        "RSS MB",
        "start ms"
    );
    for row in &ROWS {
        let measured = runtime.block_on(measure(row, events / row.share));
        println!("{:<38} {measured}", row.name);
    }
}

/// The router's process; it is killed when dropped.
struct Router(Child);

impl Drop for Router {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn config(row: &Row, listen: &str, rig: &str) -> String {
    let mut text = format!(
        r#"
[journal]
type = "memory"
[sources.shop]
type = "segment_http"
listen = "{listen}"
write_keys = ["bench-key"]
{}
"#,
        row.through
    );
    if !row.through.is_empty() {
        text.push_str(
            r#"
[transforms.opt_out]
type = "limited_data_processing"
opted_out = [{ path = "properties.do_not_sell" }]
[transforms.hash]
type = "hash_pii"
"#,
        );
    }
    for sink in 0..row.sinks {
        text.push_str(&format!(
            r#"
[sinks.pinterest_{sink}]
type = "pinterest_conversions"
inputs = ["shop"]
base_url = "http://{rig}/v5"
ad_account_id = "549755885175"
conversion_token = "bench-token"
batch.max_wait = "200ms"
"#
        ));
    }
    text
}

/// What was measured of a row.
struct Measured {
    events: usize,
    cpu: Duration,
    took: Duration,
    /// Sorted.
    acks: Vec<Duration>,
    peak_kb: u64,
    start: Duration,
}

impl std::fmt::Display for Measured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ack = |share: f64| {
            let at = (self.acks.len() as f64 * share) as usize;
            self.acks
                .get(at.min(self.acks.len() - 1))
                .map_or(f64::NAN, |ack| ack.as_secs_f64() * 1e3)
        };
        write!(
            f,
            "{:>8} {:>9.2} {:>9.0} {:>8.2} {:>8.2} {:>8.1} {:>8.1}",
            self.events,
            self.cpu.as_secs_f64() * 1e6 / self.events as f64,
            self.events as f64 / self.took.as_secs_f64(),
            ack(0.5),
            ack(0.99),
            self.peak_kb as f64 / 1024.0,
            self.start.as_secs_f64() * 1e3,
        )
    }
}

async fn measure(row: &'static Row, events: usize) -> Measured {
    let rig = Rig::start().await;
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let file = folder.path().join("pipeline.toml");
    let listen = rig::free_address();
    std::fs::write(&file, config(row, &listen, &rig.address)).unwrap_or_else(|error| panic!("{error}"));

    let started = Instant::now();
    let child = Command::new(env!("CARGO_BIN_EXE_signalbox"))
        .args(["run", "--config"])
        .arg(&file)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn();
    let mut router = Router(child.unwrap_or_else(|error| panic!("{error}")));
    let log = router.0.stderr.take().map(BufReader::new);
    // Read, lest the router waits for room in the pipe; shown where something is wrong.
    std::thread::spawn(move || {
        for line in log.into_iter().flat_map(BufRead::lines).map_while(Result::ok) {
            if line.contains("ERROR") || line.contains("WARN") {
                eprintln!("{line}");
            }
        }
    });
    let bodies = Arc::new(bodies(row));
    Client::connect(&listen)
        .await
        .post(&request(row, &listen, &bodies, 0))
        .await;
    let start = started.elapsed();
    // The same work once before, so that what is set up once does not count.
    let warm = 1 + (events / 10).div_ceil(row.batch);
    post(row, &listen, &bodies, 1..warm).await;
    rig.received(warm * row.batch * row.sinks).await;

    let (cpu, began) = (rig::cpu_time(router.0.id()), Instant::now());
    let end = warm + events.div_ceil(row.batch);
    let mut acks = post(row, &listen, &bodies, warm..end).await;
    let counted = acks.len() * row.batch;
    rig.received(end * row.batch * row.sinks).await;
    let measured = Measured {
        events: counted,
        cpu: rig::cpu_time(router.0.id()) - cpu,
        took: began.elapsed(),
        peak_kb: rig::peak_memory_kb(router.0.id()),
        start,
        acks: {
            acks.sort_unstable();
            acks
        },
    };
    drop(router);
    measured
}

/// The bodies of requests.
fn bodies(row: &Row) -> Vec<String> {
    let texts = corpus::events();
    let chunks = texts.chunks(row.batch);
    chunks
        .map(|events| {
            if row.batch == 1 {
                events.concat()
            } else {
                corpus::batch(events)
            }
        })
        .collect()
}

/// A request of a number. Its events are those of a body, but for the start of their ids, so that none comes twice.
fn request(row: &Row, listen: &str, bodies: &[String], number: usize) -> Vec<u8> {
    const BEFORE: &[u8] = br#""messageId":""#;
    let mut body = bodies[number % bodies.len()].clone().into_bytes();
    let ids: Vec<usize> = memchr::memmem::find_iter(&body, BEFORE)
        .map(|at| at + BEFORE.len())
        .collect();
    let start = format!("{number:08x}");
    for id in ids {
        body[id..id + start.len()].copy_from_slice(start.as_bytes());
    }
    rig::request(
        listen,
        if row.batch == 1 { "/v1/track" } else { "/v1/batch" },
        &body,
        row.gzip,
    )
}

/// Posts the requests of these numbers over the row's connections, each waiting for its answer; how long each waited.
async fn post(
    row: &'static Row,
    listen: &str,
    bodies: &Arc<Vec<String>>,
    numbers: std::ops::Range<usize>,
) -> Vec<Duration> {
    let next = Arc::new(AtomicUsize::new(numbers.start));
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..row.connections {
        let (next, bodies, listen) = (next.clone(), bodies.clone(), listen.to_owned());
        clients.spawn(async move {
            let mut client = Client::connect(&listen).await;
            let mut acks = Vec::new();
            loop {
                let number = next.fetch_add(1, Relaxed);
                if number >= numbers.end {
                    return acks;
                }
                acks.push(client.post(&request(row, &listen, &bodies, number)).await);
            }
        });
    }
    clients.join_all().await.concat()
}
