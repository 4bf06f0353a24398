//! What a delivery driver records as it happens: latencies and ages, once a batch.

use std::sync::Arc;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{BoundHistogram, Histogram};

/// The histograms of one sink. Cheap to clone; all other numbers of a sink are read from its ledger.
///
/// Ages go through an instrument bound to the sink's label, since looking labels up for each value costs five times
/// as much as recording it.
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

    /// Meters that record nothing, for tests and for `dry-run`.
    #[must_use]
    pub fn none() -> SinkMeters {
        SinkMeters(None)
    }

    /// One request: how long it took in seconds, and what came of it. The outcome becomes a label: one of the few
    /// words that `docs/operations.md` lists.
    pub fn request(&self, seconds: f64, outcome: &'static str) {
        if let Some(meters) = &self.0 {
            meters.request.record(
                at_least_zero(seconds),
                &[meters.sink.clone(), KeyValue::new("outcome", outcome)],
            );
        }
    }

    /// The ages of the events of one batch's delivered records, in seconds. An event from the future counts as new.
    pub fn event_ages(&self, ages: &[f64]) {
        if let Some(meters) = &self.0 {
            ages.iter().for_each(|age| meters.age.record(at_least_zero(*age)));
        }
    }
}

/// A clock set back must not spoil a histogram's sum, nor must what is no number.
fn at_least_zero(seconds: f64) -> f64 {
    if seconds.is_finite() {
        seconds.max(0.0)
    } else {
        0.0
    }
}
