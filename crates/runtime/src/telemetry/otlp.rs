//! Sending metrics to an OpenTelemetry collector, by HTTP with protobuf.
//!
//! The SDK exports from a thread without an async runtime, where an async HTTP client panics and silently ends all
//! telemetry. So the client is a blocking one, always given explicitly (the exporter's default depends on the features that
//! other crates turn on), and failures are logged and counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use opentelemetry_otlp::{MetricExporter, Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;

use super::metrics::Process;

/// Time-out of an export.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Returns the metrics address of a collector: `/v1/metrics` is added if it is missing.
///
/// # Errors
/// The mistake in the address. Credentials are refused, since a message may show the address.
pub(super) fn endpoint(address: &str) -> Result<String, String> {
    let rest = address
        .strip_prefix("http://")
        .or_else(|| address.strip_prefix("https://"));
    let Some(rest) = rest.filter(|rest| !rest.starts_with('/') && !rest.is_empty()) else {
        return Err("the OTLP endpoint must be an address such as \"http://127.0.0.1:4318\"".to_owned());
    };
    if rest.contains(['@', '?', '#']) {
        return Err(
            "the OTLP endpoint must not hold a user, a password or a query; put credentials into the \
                    environment variable OTEL_EXPORTER_OTLP_HEADERS"
                .to_owned(),
        );
    }
    let address = address.trim_end_matches('/');
    Ok(if address.ends_with("/v1/metrics") {
        address.to_owned()
    } else {
        format!("{address}/v1/metrics")
    })
}

/// Creates an exporter to that address, whose failures are logged and counted.
pub(super) fn exporter(endpoint: String, process: Arc<Process>) -> Result<Watched, String> {
    // An error means that a provider is installed already; any will do.
    let _ = rustls::crypto::ring::default_provider().install_default();
    // Blocking clients must not be created on a thread that drives async tasks.
    let client = std::thread::spawn(|| {
        reqwest::blocking::Client::builder()
            .timeout(TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
    });
    let client = client
        .join()
        .map_err(|_| "the OTLP client could not be made".to_owned())?;
    let client = client.map_err(|error| format!("the OTLP client could not be made: {error}"))?;
    let inner = MetricExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(endpoint)
        .with_timeout(TIMEOUT)
        .build()
        .map_err(|_| "the OTLP endpoint is not a valid address".to_owned())?;
    Ok(Watched {
        inner,
        process,
        failing: AtomicBool::new(false),
    })
}

/// Logs the first failure of a series and its end. A collector may be down for days.
pub(super) struct Watched {
    inner: MetricExporter,
    process: Arc<Process>,
    failing: AtomicBool,
}

impl PushMetricExporter for Watched {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        let result = self.inner.export(metrics).await;
        match &result {
            Ok(()) => {
                self.process.exported.add(1);
                if self.failing.swap(false, Relaxed) {
                    tracing::info!("metrics reach the OTLP collector again");
                }
            }
            Err(error) => {
                self.process.exports_failed.add(1);
                if !self.failing.swap(true, Relaxed) {
                    let error = signalbox_core::redact(&error.to_string());
                    tracing::warn!(%error, "metrics do not reach the OTLP collector; trying on");
                }
            }
        }
        result
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.inner.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.inner.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.inner.temporality()
    }
}
