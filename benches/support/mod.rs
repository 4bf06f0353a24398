//! Helpers of the benches: the same events and the same pipeline everywhere, so that their figures compare.

// Each bench is a separate program and uses a part of this.
#![allow(dead_code)]

pub(crate) mod corpus;
pub(crate) mod naive;
pub(crate) mod pipeline;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use criterion::Criterion;
use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use rustix::time::{ClockId, clock_gettime};
use signalbox_core::{Event, Receipt};

/// Criterion over CPU time, held to a few seconds for each figure: the whole set runs in about three minutes, and the
/// ratios that count are between figures of one run.
pub(crate) type CpuCriterion = Criterion<CpuTime>;

/// See [`CpuCriterion`].
pub(crate) fn criterion() -> CpuCriterion {
    // glibc gives memory at the top of its heap back to the system, again and again if a bench fills it to just the
    // threshold, which then costs page faults (3 us an event were seen) that a program at work does not have. It keeps
    // twice as much as the largest piece that was ever given back alone.
    drop(std::hint::black_box(Vec::<u8>::with_capacity(30 << 20)));
    Criterion::default()
        .with_measurement(CpuTime)
        .sample_size(20)
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_millis(1500))
}

/// The time this thread was on a processor: what else runs on the machine costs it nothing but cache.
pub(crate) struct CpuTime;

/// This thread's CPU time so far.
pub(crate) fn cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec.unsigned_abs(), now.tv_nsec as u32)
}

impl Measurement for CpuTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        cpu_time()
    }

    fn end(&self, start: Duration) -> Duration {
        cpu_time() - start
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        value.as_nanos() as f64
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        WallTime.formatter()
    }
}

/// Parses an event as the journal's reader does.
pub(crate) fn parse(text: &str) -> Event {
    // Shared by all events of a source, as at intake.
    static SHOP: LazyLock<Arc<str>> = LazyLock::new(|| "shop".into());
    let receipt = Receipt {
        source: Arc::clone(&SHOP),
        received_at: corpus::RECEIVED,
    };
    Event::parse(text, receipt).unwrap_or_else(|error| panic!("{error}"))
}
