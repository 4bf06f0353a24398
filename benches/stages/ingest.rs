//! A `/v1/batch` body of a hundred events to events, as the HTTP source does it, without its sockets; and on to the
//! journal on disk, until they may be acknowledged.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use criterion::Throughput;
use flate2::write::GzEncoder;
use flate2::{Compression, Decompress, FlushDecompress, Status};
use signalbox_core::{Event, Outlet};
use signalbox_runtime::running::Running;
use signalbox_segment::ingest::{Endpoint, MAX_BATCH_BYTES, Origin, Reception, decode, split};
use signalbox_segment::time::Millis;
use tokio::sync::oneshot;

use crate::journal::{Stopwatch, open, runtime};
use crate::pipeline::with_sinks;
use crate::support::CpuCriterion;
use crate::support::corpus;

const BATCH: usize = 100;

/// Bodies of batches, no event of which comes twice: the journal takes an id only once.
pub(crate) struct Bodies {
    bodies: Vec<String>,
    number: usize,
}

impl Bodies {
    /// Bodies of a number of events.
    pub(crate) fn of(batch: usize) -> Bodies {
        let texts = corpus::events();
        Bodies {
            bodies: texts.chunks_exact(batch).map(corpus::batch).collect(),
            number: 0,
        }
    }

    /// The next body: the same events, but for the start of their ids.
    pub(crate) fn next(&mut self) -> String {
        const BEFORE: &str = r#""messageId":""#;
        let start = format!("{BEFORE}{:08x}", self.number);
        let body = &self.bodies[self.number % self.bodies.len()];
        self.number += 1;
        let mut renamed = String::with_capacity(body.len());
        for (i, part) in body.split(BEFORE).enumerate() {
            if i == 0 {
                renamed.push_str(part);
            } else {
                renamed.push_str(&start);
                renamed.push_str(&part[start.len() - BEFORE.len()..]);
            }
        }
        renamed
    }
}

pub(crate) fn take(body: &[u8]) -> Vec<Event> {
    let reception = Reception {
        source: "shop".into(),
        received: Millis(corpus::RECEIVED),
        origin: Origin::Unknown,
        ip: Some([198, 51, 100, 7].into()),
        user_agent: Some("bench"),
        live: true,
    };
    let text = decode(body).unwrap_or_default();
    let envelope = split(text, Endpoint::Batch).unwrap_or_else(|reason| panic!("{reason}"));
    assert_eq!(envelope.write_key().as_deref(), Some("bench-key"));
    envelope
        .events(&reception)
        .into_iter()
        .filter_map(Result::ok)
        .collect()
}

/// A body as it is sent.
fn wire(body: &str, gzip: bool) -> Vec<u8> {
    if !gzip {
        return body.into();
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let packed = encoder.write_all(body.as_bytes()).and_then(|()| encoder.finish());
    packed.unwrap_or_default()
}

fn receive(wire: &[u8], gzip: bool) -> Vec<Event> {
    if !gzip {
        return take(wire);
    }
    // As the source does it: in one go, since the last bytes tell how much it becomes.
    let told = wire
        .last_chunk()
        .map_or(0, |told| u32::from_le_bytes(*told) as usize);
    let mut body = Vec::with_capacity(told.min(MAX_BATCH_BYTES) + 1);
    let inflated = Decompress::new_gzip(15).decompress_vec(wire, &mut body, FlushDecompress::None);
    assert!(matches!(inflated, Ok(Status::StreamEnd)));
    take(&body)
}

pub(crate) fn batch(c: &mut CpuCriterion) {
    let plain = corpus::batch(&corpus::orders(BATCH));
    let packed = wire(&plain, true);
    assert_eq!(receive(&packed, true).len(), BATCH);

    let mut group = c.benchmark_group("ingest of 100");
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("plain", |b| b.iter(|| take(plain.as_bytes())));
    group.bench_function("gzip", |b| b.iter(|| receive(&packed, true)));
    group.bench_function("of it: split alone", |b| {
        b.iter(|| {
            split(&plain, Endpoint::Batch)
                .map(|envelope| envelope.len())
                .unwrap_or_default()
        });
    });
    group.finish();
}

/// Time from a body to its answer, through the runtime's intake: CPU time of all threads.
pub(crate) fn durable(c: &mut CpuCriterion) {
    let runtime = runtime();
    let mut group = c.benchmark_group("ingest of 100 to disk, all threads");
    group.throughput(Throughput::Elements(BATCH as u64));
    for (name, gzip) in [("plain", false), ("gzip", true)] {
        let mut router = runtime.block_on(Router::start());
        group.bench_function(name, |b| {
            b.iter_custom(|batches| runtime.block_on(router.take_in(batches, gzip)));
        });
        runtime.block_on(router.running.stop(Duration::from_secs(1)));
    }
    group.finish();
}

/// A pipeline without sinks.
struct Router {
    running: Running,
    outlet: Outlet,
    bodies: Bodies,
    // Deleted after the rest is gone.
    _folder: tempfile::TempDir,
}

impl Router {
    async fn start() -> Router {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
        let (door, outlet) = oneshot::channel();
        let pipeline = with_sinks(0, door);
        let ledger = Running::ledger_of(&pipeline);
        let journal = Arc::new(open(folder.path()));
        let started = Running::start(pipeline, journal, ledger, None, Arc::default()).await;
        Router {
            running: started.unwrap_or_else(|error| panic!("{error}")),
            outlet: outlet.await.unwrap_or_else(|error| panic!("{error}")),
            bodies: Bodies::of(BATCH),
            _folder: folder,
        }
    }

    /// CPU time of a number of batches.
    async fn take_in(&mut self, batches: u64, gzip: bool) -> Duration {
        // Packing takes ten times as long as unpacking and would leave the processor's cache full of it.
        let packed = (0..batches)
            .filter(|_| gzip)
            .map(|_| wire(&self.bodies.next(), gzip));
        let mut packed = packed.collect::<Vec<_>>().into_iter();
        let mut stopwatch = Stopwatch::start();
        for _ in 0..batches {
            let body = stopwatch.leave_out(|| packed.next().unwrap_or_else(|| self.bodies.next().into()));
            let fates = self.outlet.send(receive(&body, gzip)).await;
            assert_eq!(fates.map(|fates| fates.len()), Ok(BATCH));
        }
        stopwatch.spent()
    }
}
