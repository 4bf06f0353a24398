//! Segment's languages: the whole default mapping of `Checkout`, and a trigger of three clauses.

use std::hint::black_box;

use criterion::Throughput;
use signalbox_segment::fql::Trigger;
use signalbox_segment::mapping::Mapping;

use crate::support::CpuCriterion;
use crate::support::{corpus, naive, parse};

pub(crate) fn mapping(c: &mut CpuCriterion) {
    let mut group = c.benchmark_group("mapping");
    group.throughput(Throughput::Elements(1));
    group.bench_function("compile", |b| {
        b.iter(|| Mapping::compile(&black_box(naive::mapping())).map(drop));
    });
    group.finish();
}

pub(crate) fn trigger(c: &mut CpuCriterion) {
    let text = r#"type = "track" and event = "Order Completed" and properties.total >= 100"#;
    let events: Vec<_> = corpus::orders(1_000).iter().map(|text| parse(text)).collect();
    let mut group = c.benchmark_group("trigger of three clauses");
    group.throughput(Throughput::Elements(1));
    group.bench_function("read", |b| b.iter(|| Trigger::parse(black_box(text)).map(drop)));
    let trigger = Trigger::parse(text).unwrap_or_else(|error| panic!("{error}"));
    group.throughput(Throughput::Elements(events.len() as u64));
    group.bench_function("ask", |b| {
        b.iter(|| {
            events
                .iter()
                .filter(|event| trigger.matches(event.root()))
                .count()
        });
    });
    group.finish();
}
