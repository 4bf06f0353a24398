//! Growth of the cost of an event.

use criterion::{BenchmarkId, Throughput};
use signalbox_core::{Event, Prepared, Record};

use crate::support::CpuCriterion;
use crate::support::pipeline::{PLAIN, body, build, pinterest, record};
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

/// Costs of a mapping that fires, of one whose trigger does not match, and of one that listens to another event.
pub(crate) fn mappings(c: &mut CpuCriterion) {
    const EVENTS: usize = 500;
    let events: Vec<Event> = corpus::orders(EVENTS).iter().map(|text| parse(text)).collect();
    let fires = r#"type = "track" and event = "Order Completed" and properties.total > 0"#;
    let asked = r#"type = "track" and event = "Order Completed" and properties.total < 0"#;
    for (what, counts, presets, trigger, records) in [
        ("mappings that fire", &[1, 2, 4, 8][..], "none", fires, 1),
        ("mappings asked in vain", &[0, 16, 64], "all", asked, 0),
        (
            "mappings of another event",
            &[0, 16, 64],
            "all",
            r#"type = "track" and event = "Lead""#,
            0,
        ),
    ] {
        let mut group = c.benchmark_group(what);
        group.throughput(Throughput::Elements(EVENTS as u64));
        for count in counts {
            let mut text = format!("{PLAIN}presets = \"{presets}\"\n");
            for number in 0..*count {
                // From scratch, as a preset stands only once.
                text.push_str(&format!(
                    "[[sinks.pinterest.mappings]]\nname = \"{number}\"\ntrigger = '{trigger}'\n\
                     fields = {{ event_name = \"checkout\" }}\n"
                ));
            }
            let sink = build(&text).sinks.remove(0).stage.sink;
            let wanted = usize::from(presets == "all") + records * count;
            group.bench_function(BenchmarkId::from_parameter(count), |b| {
                b.iter(|| {
                    for event in &events {
                        match sink.prepare(event) {
                            Prepared::Mapped(results) => assert_eq!(results.len(), wanted),
                            other => panic!("{other:?}"),
                        }
                    }
                });
            });
        }
        group.finish();
    }
}

/// Events that go in one request, from their bytes to its bytes.
pub(crate) fn batches(c: &mut CpuCriterion) {
    let sink = pinterest();
    let mut group = c.benchmark_group("events in a batch");
    for count in [1, 10, 100, 1_000] {
        let texts = corpus::orders(count);
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::from_parameter(count), |b| {
            b.iter(|| {
                let records: Vec<Record> = texts.iter().map(|text| record(&*sink, &parse(text))).collect();
                body(&records)
            });
        });
    }
    group.finish();
}
