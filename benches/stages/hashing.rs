//! Normalising and hashing one value of each personal field.

use std::hint::black_box;

use criterion::Throughput;
use signalbox_conversions::personal::{Field, hash, rules::PINTEREST};
use signalbox_core::Sha256Hex;

use crate::support::CpuCriterion;

const VALUES: [(&str, Field, &str); 12] = [
    ("email", Field::Email, "Jane.Doe+shop@Example.com"),
    ("phone", Field::Phone, "+1 (415) 555-0132"),
    ("first name", Field::FirstName, "Jane"),
    ("last name, not ASCII", Field::LastName, "García López"),
    ("gender", Field::Gender, "Female"),
    ("date of birth", Field::DateOfBirth, "1990-02-03"),
    ("city, not ASCII", Field::City, "København"),
    ("state", Field::State, "California"),
    ("zip", Field::Zip, "10001-2345"),
    ("country", Field::Country, "United States"),
    ("external id", Field::ExternalId, "user-1005891"),
    (
        "advertising id",
        Field::MobileAdId,
        "9c00f861-f871-4288-a41d-7aed85f53767",
    ),
];

pub(crate) fn fields(c: &mut CpuCriterion) {
    let mut group = c.benchmark_group("hash");
    group.throughput(Throughput::Elements(1));
    group.bench_function("SHA-256 and hex alone", |b| {
        b.iter(|| Sha256Hex::of(black_box("jane.doe@example.com")))
    });
    let mut scratch = String::new();
    for (name, field, value) in VALUES {
        group.bench_function(name, |b| {
            b.iter(|| hash(black_box(field), &PINTEREST, black_box(value), &mut scratch));
        });
    }
    group.finish();
}
