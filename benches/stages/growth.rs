//! How the cost of an event grows.

use criterion::{BenchmarkId, Throughput};
use signalbox_core::Record;

use crate::support::CpuCriterion;
use crate::support::pipeline::{body, pinterest, record};
use crate::support::{corpus, parse};

pub(crate) fn payload(c: &mut CpuCriterion) {
    const EVENTS: usize = 64;
    let sink = pinterest();
    for (what, make) in [
        (
            "payload of products",
            corpus::with_products as fn(usize, usize) -> Vec<String>,
        ),
        ("payload nobody maps", corpus::with_properties),
    ] {
        let mut group = c.benchmark_group(what);
        group.throughput(Throughput::Elements(EVENTS as u64));
        for kilobytes in [1, 2, 4, 8, 16, 32] {
            let texts = make(kilobytes * 1024, EVENTS);
            group.bench_function(BenchmarkId::from_parameter(format!("{kilobytes} KB")), |b| {
                b.iter(|| {
                    let records: Vec<Record> =
                        texts.iter().map(|text| record(&*sink, &parse(text))).collect();
                    body(&records)
                });
            });
        }
        group.finish();
    }
}

/// Sinks that keep pace share one parse: each further one adds its own mapping.
pub(crate) fn sinks(c: &mut CpuCriterion) {
    const EVENTS: usize = 1_000;
    let texts = corpus::orders(EVENTS);
    let mut group = c.benchmark_group("sinks sharing a parse");
    group.throughput(Throughput::Elements(EVENTS as u64));
    for count in [1, 2, 3] {
        let sinks: Vec<_> = (0..count).map(|_| pinterest()).collect();
        group.bench_function(BenchmarkId::from_parameter(count), |b| {
            b.iter(|| {
                for text in &texts {
                    let event = parse(text);
                    sinks.iter().for_each(|sink| drop(record(&**sink, &event)));
                }
            });
        });
    }
    group.finish();
}
