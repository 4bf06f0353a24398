//! A `/v1/batch` body of a hundred events to events, as the HTTP source does it, without its sockets.

use std::io::{Read, Write};

use criterion::Throughput;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use signalbox_core::Event;
use signalbox_segment::ingest::{Endpoint, MAX_BATCH_BYTES, Origin, Reception, decode, split};
use signalbox_segment::time::Millis;

use crate::support::CpuCriterion;
use crate::support::corpus;

const BATCH: usize = 100;

fn take(body: &[u8]) -> Vec<Event> {
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

pub(crate) fn batch(c: &mut CpuCriterion) {
    let plain = corpus::batch(&corpus::orders(BATCH));
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let packed = encoder
        .write_all(plain.as_bytes())
        .and_then(|()| encoder.finish())
        .unwrap_or_default();
    assert_eq!(take(plain.as_bytes()).len(), BATCH);

    let mut group = c.benchmark_group("ingest of 100");
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("plain", |b| b.iter(|| take(plain.as_bytes())));
    group.bench_function("gzip", |b| {
        b.iter(|| {
            let mut body = Vec::with_capacity(plain.len());
            let _ = GzDecoder::new(&packed[..])
                .take(MAX_BATCH_BYTES as u64 + 1)
                .read_to_end(&mut body);
            take(&body)
        });
    });
    group.bench_function("of it: split alone", |b| {
        b.iter(|| {
            split(&plain, Endpoint::Batch)
                .map(|envelope| envelope.len())
                .unwrap_or_default()
        });
    });
    group.finish();
}
