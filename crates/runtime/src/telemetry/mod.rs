//! Metrics by OpenTelemetry: as text for Prometheus, and to a collector if one is configured.
//!
//! An export reads the counters from the [`Ledger`], so telemetry adds no work per event; only latencies and ages are
//! recorded as they happen, once a batch ([`SinkMeters`]). There is no global state: each [`Telemetry`] has a provider and a
//! registry.

mod meters;
mod metrics;
mod otlp;
mod paths;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{AsyncInstrument, Histogram, Meter, MeterProvider};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use prometheus::{Registry, TextEncoder};
use signalbox_config::TelemetrySettings;
use signalbox_journal::SOURCE;

pub use self::meters::SinkMeters;
pub use self::metrics::oldest_pending_age;
use self::metrics::{METRICS, Metric, MetricKind, Process, Reading, SinkView};
use self::paths::Paths;
pub use self::paths::warning_key;
use crate::ledger::{Ledger, LetterLedger, SinkLedger, SourceLedger};

/// The version that telemetry and status report.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The metrics of a running pipeline. End it by [`Telemetry::shutdown`]: dropping it does the same, but blocks.
pub struct Telemetry {
    provider: SdkMeterProvider,
    registry: Registry,
    request: Histogram<f64>,
    age: Histogram<f64>,
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Telemetry")
    }
}

impl Telemetry {
    /// Sets up metrics over a ledger, which must have all its components. Works inside and outside an async runtime;
    /// nothing is sent before the first interval has passed.
    ///
    /// # Errors
    /// A sentence about the OTLP endpoint if it cannot be used.
    pub fn new(settings: &TelemetrySettings, ledger: &Ledger) -> Result<Telemetry, String> {
        let process = Arc::new(Process {
            started: unix_seconds(),
            journal: ledger.letters.clone(),
            history: ledger.history.clone(),
            ..Process::default()
        });
        let registry = Registry::new();
        let reader = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .scope_info_enabled(false)
            .build()
            .map_err(|error| format!("metrics cannot be set up: {error}"))?;
        let mut provider = SdkMeterProvider::builder()
            .with_resource(resource())
            .with_reader(reader);
        if let Some(address) = &settings.otlp_endpoint {
            let exporter = otlp::exporter(otlp::endpoint(address)?, Arc::clone(&process))?;
            provider = provider.with_reader(
                PeriodicReader::builder(exporter)
                    .with_interval(settings.interval.0)
                    .build(),
            );
        }
        let provider = provider.build();
        let meter = provider.meter("signalbox");
        let read_from = Arc::new(ReadFrom::new(process, ledger));
        for metric in METRICS {
            observe(&meter, metric, &read_from);
        }
        let request = histogram(&meter, metrics::REQUEST_DURATION);
        let age = histogram(&meter, metrics::EVENT_AGE);
        Ok(Telemetry {
            provider,
            registry,
            request,
            age,
        })
    }

    /// Returns all metrics in the Prometheus text format.
    #[must_use]
    pub fn prometheus_text(&self) -> String {
        TextEncoder::new()
            .encode_to_string(&self.registry.gather())
            .unwrap_or_else(|error| {
                tracing::error!(%error, "metrics cannot be written as text");
                String::new()
            })
    }

    /// Returns the meters for the delivery driver of a sink.
    #[must_use]
    pub fn sink_meters(&self, sink: &str) -> SinkMeters {
        SinkMeters::new(sink, self.request.clone(), &self.age)
    }

    /// Exports a last time and ends, within `within` at most: a dead collector must not delay the end of the process.
    /// Afterwards [`Telemetry::prometheus_text`] is empty.
    ///
    /// # Errors
    /// A sentence when the last export failed or did not end in time.
    pub async fn shutdown(&self, within: Duration) -> Result<(), String> {
        let provider = self.provider.clone();
        let (done, wait) = tokio::sync::oneshot::channel();
        // A separate thread, not of the runtime's pool: the runtime waits for its pool when it ends.
        std::thread::spawn(move || {
            // The receiver may have been dropped after a time-out.
            let _ = done.send(provider.shutdown());
        });
        match tokio::time::timeout(within, wait).await {
            Ok(Ok(Ok(()))) => Ok(()),
            Ok(Ok(Err(error))) => {
                let error = signalbox_core::redact(&error.to_string());
                Err(format!(
                    "the last metrics did not reach the OTLP collector: {error}"
                ))
            }
            Ok(Err(_)) => Err("telemetry could not be ended".to_owned()),
            Err(_) => Err("the OTLP collector did not take the last metrics in time".to_owned()),
        }
    }
}

/// Describes the sender of the metrics. Each instance has an id: without it, two routers that send to one collector would
/// overwrite each other's counters. `OTEL_RESOURCE_ATTRIBUTES` adds attributes.
fn resource() -> Resource {
    let name = std::env::var("OTEL_SERVICE_NAME")
        .ok()
        .filter(|name| !name.is_empty());
    let instance = format!("{:032x}", fastrand::u128(..));
    Resource::builder()
        .with_attribute(KeyValue::new(
            "service.name",
            name.unwrap_or_else(|| "signalbox".to_owned()),
        ))
        .with_attribute(KeyValue::new("service.version", VERSION))
        .with_attribute(KeyValue::new("service.instance.id", instance))
        .build()
}

fn unix_seconds() -> u64 {
    u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or(0)
}

/// The sources of the observable metrics, each component with its label ready.
struct ReadFrom {
    process: Arc<Process>,
    sources: Vec<(KeyValue, Arc<SourceLedger>)>,
    sinks: Vec<(KeyValue, Arc<SinkLedger>, Paths)>,
    letters: LetterLedger,
}

impl ReadFrom {
    fn new(process: Arc<Process>, ledger: &Ledger) -> ReadFrom {
        let label = |key, name: &Arc<str>| KeyValue::new(key, Arc::clone(name));
        ReadFrom {
            process,
            sources: ledger
                .sources
                .iter()
                .map(|(name, source)| (label("source", name), Arc::clone(source)))
                .collect(),
            letters: ledger.letters.clone(),
            sinks: ledger
                .sinks
                .iter()
                .map(|(name, sink)| (label("sink", name), Arc::clone(sink), Paths::default()))
                .collect(),
        }
    }

    fn read(&self, metric: &Metric, observer: &dyn AsyncInstrument<u64>) {
        let emit = |component: Option<&KeyValue>, value: u64, labels: &[(&'static str, &str)]| {
            let labels = labels
                .iter()
                .map(|(key, value)| KeyValue::new(*key, (*value).to_owned()));
            let attributes: Vec<KeyValue> = component.cloned().into_iter().chain(labels).collect();
            observer.observe(value, &attributes);
        };
        match &metric.read {
            Reading::Process(read) => read(&self.process, &mut |value, labels| emit(None, value, labels)),
            Reading::Source(read) => {
                for (name, source) in &self.sources {
                    read(source, &mut |value, labels| emit(Some(name), value, labels));
                }
            }
            Reading::Sink(read) | Reading::SinkDriven(read) => {
                let now = jiff::Timestamp::now().as_millisecond();
                let always = matches!(metric.read, Reading::Sink(_));
                let shown = self
                    .sinks
                    .iter()
                    .filter(|(_, sink, _)| always || sink.is_driven_here());
                for (name, sink, paths) in shown {
                    let view = SinkView {
                        ledger: sink,
                        paths,
                        now,
                    };
                    read(&view, &mut |value, labels| emit(Some(name), value, labels));
                }
            }
            Reading::SourceLetters(read) => {
                for (label, _) in &self.sources {
                    let letters = self.letters.of_component(&format!("{SOURCE}{}", label.value));
                    emit(Some(label), read(&letters), &[]);
                }
            }
            Reading::SinkLetters(read) => {
                for (label, _, _) in self.sinks.iter().filter(|(_, sink, _)| sink.is_driven_here()) {
                    emit(
                        Some(label),
                        read(&self.letters.of_component(&label.value.as_str())),
                        &[],
                    );
                }
            }
            Reading::Recorded(_) => {}
        }
    }
}

/// Registers a metric that is read from the ledger. The provider keeps the callback, so the instrument is dropped.
fn observe(meter: &Meter, metric: &'static Metric, read_from: &Arc<ReadFrom>) {
    let read_from = Arc::clone(read_from);
    let read = move |observer: &dyn AsyncInstrument<u64>| read_from.read(metric, observer);
    match metric.kind {
        MetricKind::Counter => {
            let builder = meter.u64_observable_counter(metric.name).with_unit(metric.unit);
            let _ = builder.with_description(metric.help).with_callback(read).build();
        }
        MetricKind::Gauge => {
            let builder = meter.u64_observable_gauge(metric.name).with_unit(metric.unit);
            let _ = builder.with_description(metric.help).with_callback(read).build();
        }
        MetricKind::Histogram => {}
    }
}

/// Creates a recorded metric.
fn histogram(meter: &Meter, name: &'static str) -> Histogram<f64> {
    let mut builder = meter.f64_histogram(name);
    if let Some(metric) = METRICS.iter().find(|metric| metric.name == name) {
        builder = builder.with_unit(metric.unit).with_description(metric.help);
        if let Reading::Recorded(bounds) = metric.read {
            builder = builder.with_boundaries(bounds.to_vec());
        }
    }
    builder.build()
}
