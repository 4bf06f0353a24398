//! The router without its edges: events handed to the outlet, through the journal and the delivery drivers, to sinks
//! that make Pinterest's records and deliver them nowhere. On one thread, so that time is CPU time.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use criterion::{BenchmarkId, Throughput};
use signalbox_core::{Event, Outlet, Path, Scalar, Source, SourceContext, SourceTask, StartError};
use signalbox_runtime::pipeline::{BuiltSink, Pipeline};
use signalbox_runtime::running::Running;
use tokio::sync::oneshot;

use crate::support::pipeline::{Accepting, PLAIN, build};
use crate::support::{CpuCriterion, cpu_time};
use crate::support::{corpus, parse};

/// Events a request of a client brings.
const REQUEST: usize = 100;
/// Requests in one measured round: together as many events as a request to Pinterest may hold.
const REQUESTS: usize = 10;

/// Gives its outlet away and waits for the end.
struct Door(oneshot::Sender<Outlet>);

#[async_trait]
impl Source for Door {
    async fn start(self: Box<Self>, context: SourceContext) -> Result<SourceTask, StartError> {
        let _ = self.0.send(context.outlet);
        Ok(Box::pin(async move {
            context.shutdown.cancelled().await;
            Ok(())
        }))
    }
}

/// The pipeline with a number of sinks, its edges replaced.
pub(crate) fn with_sinks(count: usize, door: oneshot::Sender<Outlet>) -> Pipeline {
    let mut pipeline = build(PLAIN);
    pipeline.sources[0].source = Box::new(Door(door));
    pipeline.sinks = (0..count)
        .map(|number| sink(&format!("pinterest-{number}")))
        .collect();
    pipeline
}

fn sink(name: &str) -> BuiltSink {
    let mut sink = build(PLAIN).sinks.remove(0);
    sink.options.name = name.into();
    sink.options.requests.calls = None;
    sink.options.batch.max_wait = Duration::from_millis(1);
    sink.stage.sink = Arc::new(Accepting(sink.stage.sink));
    sink
}

async fn round(running: &Running, outlet: &Outlet, requests: Vec<Vec<Event>>, wanted: u64) {
    for events in requests {
        let fates = outlet.send(events).await.map(|fates| fates.len());
        assert_eq!(fates, Ok(REQUEST));
    }
    while running
        .ledger()
        .sinks
        .values()
        .any(|sink| sink.delivered.get() < wanted)
    {
        // Idle, so it costs nothing.
        tokio::time::sleep(Duration::from_micros(500)).await;
    }
}

pub(crate) fn in_process(c: &mut CpuCriterion) {
    let texts = corpus::orders(REQUEST * REQUESTS);
    let events: Vec<Event> = texts.iter().map(|text| parse(text)).collect();
    let mut group = c.benchmark_group("pipeline in process");
    group.throughput(Throughput::Elements(events.len() as u64));
    // The disk journal takes its place here as a second parameter once it is there.
    for sinks in [1, 2, 3] {
        group.bench_function(BenchmarkId::new("memory journal, sinks", sinks), |b| {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.unwrap_or_else(|error| panic!("{error}"));
            b.iter_custom(|rounds| runtime.block_on(rounds_of(rounds, sinks, &events)));
        });
    }
    group.finish();
}

async fn rounds_of(rounds: u64, sinks: usize, events: &[Event]) -> Duration {
    let (door, outlet) = oneshot::channel();
    let pipeline = with_sinks(sinks, door);
    let ledger = Running::ledger_of(&pipeline);
    let journal = signalbox_runtime::journal::open(&pipeline.journal, &pipeline.dead_letters);
    let journal = journal.unwrap_or_else(|error| panic!("{error}"));
    let started = Running::start(pipeline, journal, ledger, None, Arc::default()).await;
    let mut running = started.unwrap_or_else(|error| panic!("{error}"));
    let outlet = outlet.await.unwrap_or_else(|error| panic!("{error}"));
    let mut spent = Duration::ZERO;
    for number in 1..=rounds {
        let requests = events
            .chunks(REQUEST)
            .map(|chunk| renamed(chunk, number))
            .collect();
        let start = cpu_time();
        round(&running, &outlet, requests, number * events.len() as u64).await;
        spent += cpu_time() - start;
    }
    running.stop(Duration::from_secs(1)).await;
    spent
}

/// The same events under other ids: the journal takes an id only once.
fn renamed(events: &[Event], round: u64) -> Vec<Event> {
    let path = Path::new("messageId");
    let rename = |event: &Event| {
        let mut event = event.clone();
        let id = format!("{}-{round}", event.message_id());
        event.set(&path, Scalar::String(&id));
        event
    };
    events.iter().map(rename).collect()
}
