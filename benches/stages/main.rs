//! The cost of each stage of an event's way, by Criterion. One program, since linking it takes longer than running it:
//! `cargo bench -p signalbox --bench stages -- FILTER` runs a part. Figures are events a second; docs/performance.md
//! names the figures to compare them with.

#[path = "../support/mod.rs"]
mod support;

mod config;
mod growth;
mod hashing;
mod ingest;
mod journal;
mod languages;
mod machine;
mod pipeline;
mod transform;

use criterion::{criterion_group, criterion_main};

criterion_group! {
    name = stages;
    config = support::criterion();
    targets =
        machine::yardsticks,
        transform::plain,
        transform::in_series,
        growth::payload,
        growth::sinks,
        growth::mappings,
        growth::batches,
        hashing::fields,
        languages::mapping,
        languages::trigger,
        config::load,
        ingest::batch,
        ingest::durable,
        journal::disk,
        journal::seal,
        pipeline::in_process
}
criterion_main!(stages);
