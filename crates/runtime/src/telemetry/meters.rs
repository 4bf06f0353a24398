//! Histograms that a delivery driver records once a batch: latencies and ages.

use std::sync::Arc;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{BoundHistogram, Histogram};

/// The histograms of one sink. Cheap to clone; all other numbers of a sink are read from its ledger.
///
/// Ages use an instrument bound to the sink's label, since looking labels up for each value costs five times as much as
/// recording it.
#[derive(Clone, Debug)]
pub struct SinkMeters(Option<Arc<Meters>>);

#[derive(Debug)]
struct Meters {
    sink: KeyValue,
    request: Histogram<f64>,
    age: BoundHistogram<f64>,
}

impl SinkMeters {
    pub(super) fn new(sink: &str, request: Histogram<f64>, age: &Histogram<f64>) -> SinkMeters {
        let sink = KeyValue::new("sink", sink.to_owned());
        let age = age.bind(std::slice::from_ref(&sink));
        SinkMeters(Some(Arc::new(Meters { sink, request, age })))
    }

    /// Returns meters that record nothing, for tests and for `dry-run`.
    #[must_use]
    pub fn none() -> SinkMeters {
        SinkMeters(None)
    }

    /// Records the duration of one request in seconds and its outcome. The outcome becomes a label: one of the few words
    /// that `docs/operations.md` lists.
    pub fn request(&self, seconds: f64, outcome: &'static str) {
        if let Some(meters) = &self.0 {
            meters.request.record(
                at_least_zero(seconds),
                &[meters.sink.clone(), KeyValue::new("outcome", outcome)],
            );
        }
    }

    /// Records the ages in seconds of a batch's delivered events. An event from the future counts as new.
    pub fn event_ages(&self, ages: &[f64]) {
        if let Some(meters) = &self.0 {
            ages.iter().for_each(|age| meters.age.record(at_least_zero(*age)));
        }
    }
}

/// Replaces negative values, as of a clock set back, and NaN by 0: they would spoil a histogram's sum.
fn at_least_zero(seconds: f64) -> f64 {
    if seconds.is_finite() {
        seconds.max(0.0)
    } else {
        0.0
    }
}
