//! The real program, from HTTP in to HTTP out on loopback: its CPU time per event, how fast it acknowledges, how much
//! memory it takes.
//!
//! ```text
//! cargo bench -p signalbox --bench e2e                     # all rows, about a minute
//! cargo bench -p signalbox --bench e2e -- --events 500000  # more of each
//! cargo bench -p signalbox --bench e2e -- --row gzip       # the rows whose name holds this
//! cargo bench -p signalbox --bench e2e -- --long           # a million events, memory as they pass
//! ```
//! A fresh process for each row. Clients and the stand-in for Pinterest run in this process, whose CPU time is not
//! counted; they share the machine with the router, so its throughput is a lower bound and its latency an upper one.

#[path = "support/mod.rs"]
mod support;

#[path = "support/rig.rs"]
mod rig;

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use rig::{Client, Rig, Router};
use support::corpus;

/// One row of the table.
#[derive(Clone, Copy)]
struct Row {
    name: &'static str,
    /// The journal's kind.
    journal: &'static str,
    /// Deduplication: ids are known for a day, which takes memory for each, or not at all.
    deduplicates: bool,
    /// The events of which the history keeps records; sums alone without them, and with a memory journal nothing.
    history: Option<&'static str>,
    /// Goes into the source's table.
    through: &'static str,
    /// The vendors of the sinks.
    sinks: &'static [Vendor],
    /// Events in a request; 1 means single calls.
    batch: usize,
    gzip: bool,
    connections: usize,
    /// Events a second that clients send at most; as fast as they are answered if there is none.
    pace: Option<usize>,
    /// Number of cores for the router.
    cores: Option<usize>,
    /// Divisor of the number of events asked for.
    share: usize,
}

/// A vendor's sink: its settings, with `{rig}` in place of the stand-in's address.
type Vendor = &'static str;

const PINTEREST: Vendor = r#"
type = "pinterest_conversions"
base_url = "http://{rig}/v5"
ad_account_id = "549755885175"
conversion_token = "bench-token"
"#;
const META: Vendor = r#"
type = "meta_conversions"
base_url = "http://{rig}"
pixel_id = "1203948576120394"
access_token = "bench-token"
"#;
const TIKTOK: Vendor = r#"
type = "tiktok_events"
base_url = "http://{rig}"
pixel_code = "C4WILDROSE0HOME00001"
access_token = "bench-token"
"#;

const PLAIN: Row = Row {
    name: "batches of 100",
    journal: "disk",
    deduplicates: true,
    history: None,
    through: "",
    sinks: &[PINTEREST],
    batch: 100,
    gzip: false,
    connections: 16,
    pace: None,
    cores: None,
    share: 1,
};
static ROWS: [Row; 17] = [
    PLAIN,
    Row {
        name: "batches of 100, with records in the history",
        history: Some("all"),
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

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let is = |name: &str| arguments.iter().any(|argument| argument == name);
    let after = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)
    };
    // Without `--bench` cargo only asks whether this still runs.
    let (rows, default) = match (is("--long"), is("--bench")) {
        (true, _) => (&LONG[..], 1_000_000),
        (false, true) => (&ROWS[..], 150_000),
        (false, false) => (&ROWS[..], 1_600),
    };
    let events: usize = after("--events")
        .and_then(|text| text.parse().ok())
        .unwrap_or(default);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let runtime = runtime.unwrap_or_else(|error| panic!("{error}"));
    println!(
        "{:<60} {:>8} {:>9} {:>9} {:>9} {:>8} {:>8} {:>8} {:>8} {:>9}",
        "per row a fresh process",
        "events",
        "CPU us/ev",
        "history",
        "events/s",
        "p50 ms",
        "p99 ms",
        "peak MB",
        "start ms",
        "start CPU",
    );
    // Those whose name holds this, or the one whose name it is.
    let asked = |row: &&Row| match after("--row") {
        Some(name) if rows.iter().any(|row| row.name == *name) => row.name == *name,
        Some(part) => row.name.contains(part.as_str()),
        None => true,
    };
    for row in rows.iter().filter(asked) {
        let measured = runtime.block_on(measure(*row, events / row.share));
        println!("{:<60} {measured}", row.name);
        if is("--long") {
            let memory = measured.memory.iter().map(|kb| format!("{:.0}", kb / 1024.0));
            println!(
                "  MB resident after each tenth: {}",
                memory.collect::<Vec<_>>().join(" ")
            );
        }
    }
}

fn config(row: &Row, listen: &str, rig: &str, folder: &Path) -> String {
    let mut text = format!(
        r#"
[journal]
type = "{}"
{}
[sources.shop]
type = "segment_http"
listen = "{listen}"
write_keys = ["bench-key"]
{}
"#,
        row.journal,
        match row.journal {
            "disk" => format!(
                "path = {:?}\n{}",
                folder.join("journal"),
                if row.deduplicates {
                    ""
                } else {
                    "dedup_window = \"0s\""
                }
            ),
            _ => String::new(),
        },
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
    if let Some(events) = row.history {
        let path = folder.join("history");
        text.push_str(&format!("[history]\npath = {path:?}\nevents = {events:?}\n"));
    }
    for (number, vendor) in row.sinks.iter().enumerate() {
        text.push_str(&format!(
            "[sinks.sink_{number}]\ninputs = [\"shop\"]\nbatch.max_wait = \"200ms\"{}",
            vendor.replace("{rig}", rig)
        ));
    }
    text
}

/// The figures of a row.
struct Measured {
    events: usize,
    cpu: Duration,
    /// The part of the history's thread.
    history: Duration,
    took: Duration,
    /// Sorted.
    acks: Vec<Duration>,
    peak_kb: f64,
    /// Resident after each tenth of the events was delivered.
    memory: Vec<f64>,
    /// Time from the start of the process to the first event's answer.
    start: Duration,
    start_cpu: Duration,
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
            "{:>8} {:>9.2} {:>9.2} {:>9.0} {:>8.2} {:>8.2} {:>8.1} {:>8.1} {:>9.0}",
            self.events,
            self.cpu.as_secs_f64() * 1e6 / self.events as f64,
            self.history.as_secs_f64() * 1e6 / self.events as f64,
            self.events as f64 / self.took.as_secs_f64(),
            ack(0.5),
            ack(0.99),
            self.peak_kb / 1024.0,
            self.start.as_secs_f64() * 1e3,
            self.start_cpu.as_secs_f64() * 1e3,
        )
    }
}

async fn measure(row: Row, events: usize) -> Measured {
    let rig = Rig::start().await;
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap_or_else(|error| panic!("{error}"));
    let file = folder.path().join("pipeline.toml");
    let listen = rig::free_address();
    let config = config(&row, &listen, &rig.address, folder.path());
    std::fs::write(&file, config).unwrap_or_else(|error| panic!("{error}"));
    let bodies = Arc::new(bodies(&row));
    let first = request(&row, &listen, &bodies, 0);
    let warm = 1 + (events / 10).div_ceil(row.batch);
    let end = warm + events.div_ceil(row.batch);
    // Packing a request takes about as long as the router takes for it, on the same cores.
    let packed = (1..if row.gzip { end } else { 1 }).map(|number| request(&row, &listen, &bodies, number));
    let packed = Arc::new(packed.collect::<Vec<_>>());
    let load = Load {
        row,
        listen: listen.as_str().into(),
        bodies,
        packed,
    };

    let started = Instant::now();
    let router = Router::start(env!("CARGO_BIN_EXE_signalbox"), &file, row.cores);
    Client::connect(&listen).await.post(&first).await;
    let (start, start_cpu) = (started.elapsed(), router.cpu_time());
    // The same work once before, so that one-time set-up does not count.
    load.post(1..warm).await;
    rig.received(warm * row.batch * row.sinks.len()).await;

    let (cpu, history, began) = (
        router.cpu_time(),
        router.cpu_time_of_thread("history"),
        Instant::now(),
    );
    let passed = |tenth: usize| (warm + (end - warm) * tenth / 10) * row.batch * row.sinks.len();
    let watched = async {
        let mut memory = Vec::new();
        for tenth in 1..=10 {
            rig.received(passed(tenth)).await;
            memory.push(router.memory_kb("VmRSS:"));
        }
        memory
    };
    let (mut acks, memory) = tokio::join!(load.post(warm..end), watched);
    acks.sort_unstable();
    Measured {
        events: acks.len() * row.batch,
        cpu: router.cpu_time() - cpu,
        history: router.cpu_time_of_thread("history") - history,
        took: began.elapsed(),
        peak_kb: router.memory_kb("VmHWM:"),
        memory,
        start,
        start_cpu,
        acks,
    }
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

/// The requests for the router.
#[derive(Clone)]
struct Load {
    row: Row,
    listen: Arc<str>,
    bodies: Arc<Vec<String>>,
    /// The requests from number 1 on, if they are made beforehand.
    packed: Arc<Vec<Vec<u8>>>,
}

impl Load {
    /// Posts the requests of these numbers over the row's connections, each waiting for its answer; how long each
    /// waited.
    async fn post(&self, numbers: std::ops::Range<usize>) -> Vec<Duration> {
        let (first, began) = (numbers.start, Instant::now());
        let next = Arc::new(AtomicUsize::new(first));
        let mut clients = tokio::task::JoinSet::new();
        for _ in 0..self.row.connections {
            let (next, load) = (next.clone(), self.clone());
            clients.spawn(async move {
                let mut client = Client::connect(&load.listen).await;
                let mut acks = Vec::new();
                loop {
                    let number = next.fetch_add(1, Relaxed);
                    if number >= numbers.end {
                        return acks;
                    }
                    let request = load.request(number);
                    if let Some(pace) = load.row.pace {
                        let due = ((number - first) * load.row.batch) as f64 / pace as f64;
                        tokio::time::sleep_until((began + Duration::from_secs_f64(due)).into()).await;
                    }
                    acks.push(client.post(&request).await);
                }
            });
        }
        clients.join_all().await.concat()
    }

    fn request(&self, number: usize) -> Cow<'_, [u8]> {
        match self.packed.get(number - 1) {
            Some(packed) => packed.as_slice().into(),
            None => request(&self.row, &self.listen, &self.bodies, number).into(),
        }
    }
}
