//! The way from an event's bytes to its bytes in a request to Pinterest: as a whole, stage by stage, and the naive way.

use std::hint::black_box;

use bumpalo::Bump;
use criterion::Throughput;
use signalbox_core::{Event, Flow, Record, Transform};
use signalbox_segment::mapping::Mapping;

use crate::support::CpuCriterion;
use crate::support::pipeline::{IN_SERIES, META, TIKTOK, body, build, pinterest, record, sink_of};
use crate::support::{corpus, naive, parse};

/// Events in a request.
const BATCH: usize = 1_000;

pub(crate) fn plain(c: &mut CpuCriterion) {
    let texts = corpus::events();
    let sink = pinterest();
    let mapping = naive::mapping();
    for text in &texts {
        naive::agrees(&mapping, text, &record(&*sink, &parse(text)).bytes);
    }

    let mut group = c.benchmark_group("transform");
    group.throughput(Throughput::Elements(BATCH as u64));
    // A different thousand each time.
    let mut batches = texts.chunks(BATCH).cycle();
    let mut next = || batches.next().unwrap_or_default();
    group.bench_function("event bytes to request bytes", |b| {
        b.iter(|| {
            let records: Vec<Record> = next().iter().map(|text| record(&*sink, &parse(text))).collect();
            body(&records)
        });
    });
    for (vendor, table) in [("Meta", META), ("TikTok", TIKTOK)] {
        let sink = sink_of(table);
        group.bench_function(format!("event bytes to request bytes, {vendor}"), |b| {
            b.iter(|| {
                let records: Vec<Record> = next().iter().map(|text| record(&*sink, &parse(text))).collect();
                body(&records)
            });
        });
    }
    group.bench_function("event bytes to request bytes, naive", |b| {
        b.iter(|| {
            let records: Vec<Vec<u8>> = next().iter().map(|text| naive::record(&mapping, text)).collect();
            let body = records.join(&b","[..]);
            [b"{\"data\":[", body.as_slice(), b"]}"].concat()
        });
    });

    group.bench_function("of it: parse", |b| {
        b.iter(|| next().iter().for_each(|text| drop(black_box(parse(text)))));
    });
    let events: Vec<Event> = texts.iter().map(|text| parse(text)).collect();
    let mut batches = events.chunks(BATCH).cycle();
    let mut next = || batches.next().unwrap_or_default();
    let compiled = Mapping::compile(&naive::mapping()).unwrap_or_else(|error| panic!("{error}"));
    let mut arena = Bump::new();
    group.bench_function("of it: evaluate the mapping", |b| {
        b.iter(|| {
            for event in next() {
                arena.reset();
                let _ = black_box(compiled.resolve(event.root(), &arena));
            }
        });
    });
    group.bench_function("of it: all that makes a record of a parsed event", |b| {
        b.iter(|| {
            next()
                .iter()
                .for_each(|event| drop(black_box(record(&*sink, event))))
        });
    });
    let records: Vec<Record> = events[..BATCH]
        .iter()
        .map(|event| record(&*sink, event))
        .collect();
    group.bench_function("of it: records to a request", |b| b.iter(|| body(&records)));
    group.finish();
}

pub(crate) fn in_series(c: &mut CpuCriterion) {
    let texts = corpus::events();
    let mut pipeline = build(IN_SERIES);
    let transforms = std::mem::take(&mut pipeline.sources[0].transforms);
    let sink = pipeline.sinks.remove(0).stage.sink;
    let mut batches = texts.chunks(BATCH).cycle();
    let mut next = || batches.next().unwrap_or_default();

    let mut group = c.benchmark_group("transform in series");
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("bytes, opt-out, hash_pii, bytes, request bytes", |b| {
        b.iter(|| {
            let through = |text: &String| {
                let mut event = parse(text);
                apply(&transforms, &mut event);
                record(&*sink, &parse(&event.to_json()))
            };
            let records: Vec<Record> = next().iter().map(through).collect();
            body(&records)
        });
    });
    let events: Vec<Event> = texts[..BATCH].iter().map(|text| parse(text)).collect();
    for (name, transform) in ["limited_data_processing", "hash_pii"]
        .into_iter()
        .zip(&transforms)
    {
        group.bench_function(format!("of it: {name}"), |b| {
            b.iter_batched(
                || events.clone(),
                |mut events| {
                    for event in &mut events {
                        assert_eq!(transform.apply(event), Flow::Pass);
                    }
                    events
                },
                criterion::BatchSize::LargeInput,
            );
        });
    }
    group.finish();
}

fn apply(transforms: &[Box<dyn Transform>], event: &mut Event) {
    for transform in transforms {
        assert_eq!(transform.apply(event), Flow::Pass);
    }
}
