//! Work that only third-party libraries do, so that figures of two machines can be compared.

use std::hint::black_box;

use criterion::Throughput;
use serde::de::IgnoredAny;

use crate::support::CpuCriterion;
use crate::support::corpus;

/// Events of the corpus that are gone through.
const EVENTS: usize = 1_000;

pub(crate) fn yardsticks(c: &mut CpuCriterion) {
    let texts = &corpus::events()[..EVENTS];
    let mut group = c.benchmark_group("machine");
    group.throughput(Throughput::Elements(EVENTS as u64));
    group.bench_function("serde_json looks at an event and keeps nothing", |b| {
        b.iter(|| {
            let good = |text: &&String| serde_json::from_str::<IgnoredAny>(text).is_ok();
            assert_eq!(texts.iter().filter(good).count(), EVENTS);
        });
    });
    group.bench_function("sha2 hashes a short text", |b| {
        b.iter(|| {
            for text in texts {
                black_box(<sha2::Sha256 as sha2::Digest>::digest(&text.as_bytes()[..24]));
            }
        });
    });
    group.finish();
}
