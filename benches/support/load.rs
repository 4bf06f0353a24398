//! Loads for the real program, a fresh process for each, and what is measured of it.

use std::borrow::Cow;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use signalbox_core::JournalKey;
use signalbox_testkit::NatsCluster;
use tempfile::TempDir;

use crate::rig::{self, Client, Rig, Router};
use crate::support::corpus;

/// One row of the table.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// The journal's kind: `"disk"`, `"memory"`, or `"nats"` for three servers of its own.
    pub(crate) journal: &'static str,
    /// Deduplication: ids are known for a day, which takes memory for each, or not at all.
    pub(crate) deduplicates: bool,
    /// True if the journal has a key.
    pub(crate) sealed: bool,
    /// The events of which the history keeps records; sums alone without them, and with a memory journal nothing.
    pub(crate) history: Option<&'static str>,
    /// Goes into the source's table.
    pub(crate) through: &'static str,
    /// The vendors of the sinks.
    pub(crate) sinks: &'static [Vendor],
    /// Events in a request; 1 means single calls.
    pub(crate) batch: usize,
    pub(crate) gzip: bool,
    /// True if the vendors are reached over HTTPS.
    pub(crate) secure: bool,
    pub(crate) connections: usize,
    /// Events a second that clients send at most; as fast as they are answered if there is none.
    pub(crate) pace: Option<usize>,
    /// Number of cores for the router.
    pub(crate) cores: Option<usize>,
    /// The percentage of a core that a thread of this process takes meanwhile, without touching memory.
    pub(crate) beside: u64,
    /// Divisor of the number of events asked for.
    pub(crate) share: usize,
}

/// A vendor's sink: its settings, with `{rig}` in place of the stand-in's address and scheme.
pub(crate) type Vendor = &'static str;

pub(crate) const PINTEREST: Vendor = r#"
type = "pinterest_conversions"
base_url = "{rig}/v5"
ad_account_id = "549755885175"
conversion_token = "bench-token"
"#;
pub(crate) const META: Vendor = r#"
type = "meta_conversions"
base_url = "{rig}"
pixel_id = "1203948576120394"
access_token = "bench-token"
"#;
pub(crate) const TIKTOK: Vendor = r#"
type = "tiktok_events"
base_url = "{rig}"
pixel_code = "C4WILDROSE0HOME00001"
access_token = "bench-token"
"#;

pub(crate) const PLAIN: Row = Row {
    name: "batches of 100",
    journal: "disk",
    deduplicates: true,
    sealed: false,
    history: None,
    through: "",
    sinks: &[PINTEREST],
    batch: 100,
    gzip: false,
    secure: false,
    connections: 16,
    pace: None,
    cores: None,
    beside: 0,
    share: 1,
};
fn config(row: &Row, listen: &str, rig: &str, folder: &Path, servers: Option<&NatsCluster>) -> String {
    let mut text = format!("[journal]\ntype = \"{}\"\n", row.journal);
    match (row.journal, servers) {
        (_, Some(servers)) => text.push_str(&format!(
            "servers = {:?}\nmonitor = {:?}\ncache = {:?}\nmax_bytes = \"1GB\"\n",
            servers.urls(),
            servers.monitors(),
            folder.join("cache"),
        )),
        ("disk", _) => text.push_str(&format!("path = {:?}\n", folder.join("journal"))),
        _ => {}
    }
    if !row.deduplicates {
        text.push_str("dedup_window = \"0s\"\n");
    }
    if row.sealed {
        let key = JournalKey::new([7; 32]).to_text();
        text.push_str(&format!("key = {key:?}\n"));
    } else if servers.is_some() {
        text.push_str("plain = true\n");
    }
    text.push_str(&format!(
        r#"
[sources.shop]
type = "segment_http"
listen = "{listen}"
write_keys = ["bench-key"]
{}
"#,
        row.through
    ));
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

/// The columns of the table. The last two belong to NATS servers: their CPU time, all together, and the bytes of an event in
/// the stream of one.
pub(crate) const COLUMNS: [&str; 11] = [
    "events",
    "CPU us/ev",
    "history",
    "events/s",
    "p50 ms",
    "p99 ms",
    "peak MB",
    "start ms",
    "start CPU",
    "servers",
    "bytes/ev",
];

/// The figures of a row, in the order of [`COLUMNS`].
pub(crate) struct Measured {
    figures: [f64; COLUMNS.len()],
    /// Resident after each tenth of the events was delivered.
    pub(crate) memory: Vec<f64>,
}

impl Measured {
    /// The median of each figure.
    pub(crate) fn median(runs: &[Measured]) -> Measured {
        let figures = std::array::from_fn(|column| {
            let mut values: Vec<f64> = runs.iter().map(|run| run.figures[column]).collect();
            values.sort_unstable_by(f64::total_cmp);
            values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
        });
        Measured {
            figures,
            memory: Vec::new(),
        }
    }
}

impl std::fmt::Display for Measured {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (name, figure) in COLUMNS.iter().zip(self.figures) {
            match *name {
                _ if figure.is_nan() => write!(f, "{:>10}", "-")?,
                "events" | "events/s" | "start CPU" | "bytes/ev" => write!(f, "{figure:>10.0}")?,
                _ => write!(f, "{figure:>10.2}")?,
            }
        }
        Ok(())
    }
}

/// The bytes in the stream of events of a server.
async fn stream_bytes(servers: &NatsCluster) -> f64 {
    let view = servers.monitor(0, "/jsz?accounts=true&streams=true").await;
    let streams = view.map(|view| view["account_details"][0]["stream_detail"].clone());
    let streams = streams.iter().filter_map(|streams| streams.as_array()).flatten();
    let mut events =
        streams.filter(|stream| stream["name"].as_str().is_some_and(|name| name.ends_with("_EV")));
    let bytes = events.next().and_then(|stream| stream["state"]["bytes"].as_f64());
    bytes.unwrap_or(f64::NAN)
}

/// The real program.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_signalbox");

/// Runs a row's load with a number of events.
pub(crate) async fn measure(row: Row, events: usize) -> Measured {
    run(Command::new(PROGRAM), row, events).await.measured
}

/// The figures of a load, and its router, which still runs.
pub(crate) struct Run {
    pub(crate) measured: Measured,
    pub(crate) router: Router,
    /// Its NATS servers and its files, which end after it.
    _servers: Option<NatsCluster>,
    _folder: TempDir,
}

/// Runs a row's load with a router that a command starts.
pub(crate) async fn run(mut command: Command, row: Row, events: usize) -> Run {
    let rig = Rig::start(row.secure).await;
    let servers = match row.journal {
        "nats" => Some(NatsCluster::start(3).await),
        _ => None,
    };
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap_or_else(|error| panic!("{error}"));
    let file = folder.path().join("pipeline.toml");
    let listen = rig::free_address();
    let config = config(&row, &listen, &rig.url, folder.path(), servers.as_ref());
    std::fs::write(&file, config).unwrap_or_else(|error| panic!("{error}"));
    if let Some(certificate) = &rig.certificate {
        let path = folder.path().join("certificate.pem");
        std::fs::write(&path, certificate).unwrap_or_else(|error| panic!("{error}"));
        // In place of the system's certificates.
        command.env("SSL_CERT_FILE", path);
    }
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
    let router = Router::start(command, &file, row.cores);
    Client::connect(&listen).await.post(&first).await;
    let (start, start_cpu) = (started.elapsed(), router.cpu_time());
    // The same work once before, so that one-time set-up does not count.
    load.post(1..warm).await;
    rig.received(warm * row.batch * row.sinks.len()).await;

    let of_servers = || -> Duration {
        let processes = servers.iter().flat_map(NatsCluster::processes);
        processes.map(rig::cpu_time_of_process).sum()
    };
    let (cpu, history, at_servers, began) = (
        router.cpu_time(),
        router.cpu_time_of_thread("history"),
        of_servers(),
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
    let beside = Beside::start(row.beside);
    let (mut acks, memory) = tokio::join!(load.post(warm..end), watched);
    drop(beside);
    acks.sort_unstable();
    let took = began.elapsed();
    let events = (acks.len() * row.batch) as f64;
    let each = |time: Duration| time.as_secs_f64() * 1e6 / events;
    let ack = |share: f64| {
        let at = (acks.len() as f64 * share) as usize;
        acks.get(at.min(acks.len() - 1))
            .map_or(f64::NAN, |ack| ack.as_secs_f64() * 1e3)
    };
    let (at_servers, stored) = match &servers {
        Some(servers) => (
            each(of_servers() - at_servers),
            stream_bytes(servers).await / (end * row.batch) as f64,
        ),
        None => (f64::NAN, f64::NAN),
    };
    let measured = Measured {
        figures: [
            events,
            each(router.cpu_time() - cpu),
            each(router.cpu_time_of_thread("history") - history),
            events / took.as_secs_f64(),
            ack(0.5),
            ack(0.99),
            router.memory_kb("VmHWM:") / 1024.0,
            start.as_secs_f64() * 1e3,
            start_cpu.as_secs_f64() * 1e3,
            at_servers,
            stored,
        ],
        memory,
    };
    Run {
        measured,
        router,
        _servers: servers,
        _folder: folder,
    }
}

/// A thread that takes a part of a core, until it is dropped.
struct Beside(Arc<AtomicBool>);

impl Beside {
    /// Starts a thread that takes these hundredths of a core; none for 0.
    fn start(percent: u64) -> Option<Beside> {
        const TURN: Duration = Duration::from_millis(10);
        let work = TURN * u32::try_from(percent).ok().filter(|percent| *percent > 0)? / 100;
        let done = Arc::new(AtomicBool::new(false));
        let beside = Beside(done.clone());
        std::thread::spawn(move || {
            while !done.load(Relaxed) {
                let begin = Instant::now();
                while begin.elapsed() < work {
                    std::hint::black_box(begin);
                }
                std::thread::sleep(TURN - work);
            }
        });
        Some(beside)
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
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
