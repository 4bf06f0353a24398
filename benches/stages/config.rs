//! Reading a pipeline file, and writing the schema of all that may stand in one.

use signalbox_config::{self as config, ProcessEnvironment};

use crate::support::CpuCriterion;
use crate::support::pipeline::{IN_SERIES, build};

pub(crate) fn load(c: &mut CpuCriterion) {
    let mut group = c.benchmark_group("config");
    group.bench_function("load", |b| {
        b.iter(|| config::load("bench.toml", IN_SERIES, &ProcessEnvironment).is_ok());
    });
    group.bench_function("load and build", |b| b.iter(|| build(IN_SERIES)));
    group.bench_function("schema", |b| b.iter(config::schema));
    group.finish();
}
