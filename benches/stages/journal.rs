//! The journal on disk: the cost of keeping an event. It works on its own threads, so these figures are the CPU time
//! of all threads of this program, the system's part of writing included; making the events is left out.
//!
//! How long a commit takes is a matter of the disk, so it is printed beside the disk's own time for as many bytes, and
//! held to nothing.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use criterion::{BatchSize, Throughput};
use rustix::time::{ClockId, clock_gettime};
use signalbox_core::{Event, JournalKey};
use signalbox_journal::{Commit, DiskJournal, DiskOptions, Log, Progress, Read, Reader, Start, Subscription};
use signalbox_journal::{Keys, encode_frame, seal_frames};
use tokio::runtime::Runtime;

use crate::ingest::{Bodies, take};
use crate::support::{CpuCriterion, corpus, cpu_time, parse};

/// Events of an append, and so of a frame: appends come one after the other.
const FRAME: usize = 100;
/// Sinks that read.
const READERS: usize = 3;
/// Events after which a reader says how far it is: as many as a request to Pinterest may hold.
const SETTLED_TOGETHER: u64 = 1000;

/// Measures the time that all threads of this program were on a processor.
pub(crate) struct Stopwatch {
    start: Duration,
    left_out: Duration,
}

impl Stopwatch {
    pub(crate) fn start() -> Stopwatch {
        Stopwatch {
            start: all_threads(),
            left_out: Duration::ZERO,
        }
    }

    /// Does the unmeasured work, on this thread alone.
    pub(crate) fn leave_out<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let start = cpu_time();
        let made = work();
        self.left_out += cpu_time() - start;
        made
    }

    pub(crate) fn spent(&self) -> Duration {
        all_threads() - self.start - self.left_out
    }
}

fn all_threads() -> Duration {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec as u32)
}

/// A runtime of two threads, as many as the machine of the figures has cores.
pub(crate) fn runtime() -> Runtime {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    runtime.unwrap_or_else(|error| panic!("{error}"))
}

/// A journal as the router has it, but that nothing is kept for replay, so that the files it fills are deleted.
pub(crate) fn open(folder: &Path) -> DiskJournal {
    let options = DiskOptions {
        retain: Duration::ZERO,
        ..DiskOptions::new(folder)
    };
    DiskJournal::open(options).unwrap_or_else(|error| panic!("{error}"))
}

/// A journal with its sinks at work.
struct Bench {
    journal: DiskJournal,
    readers: Vec<Arc<AtomicU64>>,
    bodies: Bodies,
    appended: u64,
    // Deleted after the rest is gone.
    _folder: tempfile::TempDir,
}

impl Bench {
    async fn with_readers(count: usize) -> Bench {
        let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
        let journal = open(folder.path());
        let mut readers = Vec::new();
        for number in 0..count {
            let shop = Subscription::new(["shop"], Start::Beginning);
            let reader = journal.reader(&format!("sink-{number}"), &shop).await;
            let (reader, _) = reader.unwrap_or_else(|error| panic!("{error}"));
            let settled = Arc::<AtomicU64>::default();
            readers.push(settled.clone());
            tokio::spawn(read(reader, settled));
        }
        Bench {
            journal,
            readers,
            bodies: Bodies::of(FRAME),
            appended: 0,
            _folder: folder,
        }
    }

    /// The events of the next append, as the HTTP source makes them.
    fn events(&mut self) -> Vec<Event> {
        take(self.bodies.next().as_bytes())
    }

    async fn append(&mut self, events: Vec<Event>) {
        let stored = self.journal.append(events).await.map(|fates| fates.len());
        assert_eq!(stored.unwrap_or_else(|error| panic!("{error}")), FRAME);
        self.appended += FRAME as u64;
    }

    /// CPU time of a number of appends, until every sink has settled them.
    async fn frames(&mut self, count: u64) -> Duration {
        let mut stopwatch = Stopwatch::start();
        for _ in 0..count {
            let events = stopwatch.leave_out(|| self.events());
            self.append(events).await;
        }
        let behind = |settled: &Arc<AtomicU64>| settled.load(Ordering::Relaxed) < self.appended;
        while self.readers.iter().any(behind) {
            // Idle, so it costs next to nothing.
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        stopwatch.spent()
    }

    async fn close(self) {
        self.journal.close();
        self.journal.shutdown().await;
    }
}

/// A sink that settles every event it reads.
async fn read(mut reader: Box<dyn Reader>, settled: Arc<AtomicU64>) {
    let mut committed = 0;
    while let Read::Events(entries) = reader.next(1000).await {
        let Some(last) = entries.last() else { continue };
        let cursor = last.position + 1;
        if cursor - committed >= SETTLED_TOGETHER {
            committed = cursor;
            reader.commit(Commit {
                progress: Some(Progress {
                    cursor,
                    ..Progress::default()
                }),
                ..Commit::default()
            });
        }
        drop(entries);
        settled.store(cursor, Ordering::Relaxed);
    }
}

pub(crate) fn disk(c: &mut CpuCriterion) {
    let runtime = runtime();
    let mut group = c.benchmark_group("disk journal, frames of 100, all threads");
    group.throughput(Throughput::Elements(FRAME as u64));
    for (name, readers) in [
        ("append", 0),
        ("append, three readers, cursor commits, freeing", READERS),
    ] {
        let mut bench = runtime.block_on(Bench::with_readers(readers));
        group.bench_function(name, |b| {
            b.iter_custom(|frames| runtime.block_on(bench.frames(frames)));
        });
        runtime.block_on(bench.close());
    }
    group.finish();
    runtime.block_on(latency());
}

/// Number of timed commits: enough for a 99th percentile in a measured run, few in a trial run.
fn commits() -> usize {
    if std::env::args().any(|argument| argument == "--bench") {
        400
    } else {
        4
    }
}

/// Prints how long commits take, and the disk for the same bytes in turn with them.
async fn latency() {
    let mut bench = Bench::with_readers(READERS).await;
    let folder = tempfile::tempdir().unwrap_or_else(|error| panic!("{error}"));
    let mut file = File::create(folder.path().join("raw")).unwrap_or_else(|error| panic!("{error}"));
    let (mut ours, mut disk) = (Vec::new(), Vec::new());
    for _ in 0..commits() {
        let events = bench.events();
        let mut bytes = Vec::new();
        for event in &events {
            event.write_to(&mut bytes);
        }
        let start = Instant::now();
        bench.append(events).await;
        ours.push(start.elapsed());
        let start = Instant::now();
        let written = file.write_all(&bytes).and_then(|()| file.sync_data());
        disk.push(start.elapsed());
        written.unwrap_or_else(|error| panic!("{error}"));
    }
    bench.close().await;
    println!(
        "commits of a frame of {FRAME} (clock, not CPU): {}; write and fdatasync of the same bytes: {}",
        quantiles(ours),
        quantiles(disk)
    );
}

/// Median and 99th percentile.
fn quantiles(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let at = |share: usize| {
        let time = times.get(times.len() * share / 100).copied().unwrap_or_default();
        time.as_secs_f64() * 1e3
    };
    format!("p50 {:.2} ms, p99 {:.2} ms", at(50), at(99))
}

/// Encoding of frames, and the same with their encryption and the keyed hashes of ids: the difference is the cost of a key.
pub(crate) fn seal(c: &mut CpuCriterion) {
    const FRAMES: usize = 10;
    let keys = Keys::new(&[JournalKey::new([1; 32])]).ok().flatten();
    let keys = keys.unwrap_or_else(|| panic!("the cipher does not accept a key"));
    let events: Vec<Event> = corpus::orders(FRAMES * FRAME)
        .iter()
        .map(|text| parse(text))
        .collect();
    let commits = || events.chunks(FRAME).map(<[Event]>::to_vec).collect::<Vec<_>>();
    let mut group = c.benchmark_group("frames");
    group.throughput(Throughput::Elements((FRAMES * FRAME) as u64));
    group.bench_function("plain", |b| {
        let encode = |commits: Vec<Vec<Event>>| -> Vec<Vec<u8>> {
            commits
                .into_iter()
                .map(|events| encode_frame(0, events))
                .collect()
        };
        b.iter_batched(commits, encode, BatchSize::LargeInput);
    });
    group.bench_function("sealed", |b| {
        b.iter_batched(
            commits,
            |commits| seal_frames(&keys, commits).is_ok(),
            BatchSize::LargeInput,
        );
    });
    group.finish();
}
