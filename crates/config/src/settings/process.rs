//! `[telemetry]` and `[shutdown]`

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_core::{BuildError, HumanDuration};

use super::Table;

/// Where metrics are sent, besides `/metrics` of the admin address.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetrySettings {
    /// OTLP/HTTP endpoint of a collector, such as `"http://127.0.0.1:4318"`; `/v1/metrics` is added. Default: none, nothing
    /// is sent.
    pub otlp_endpoint: Option<String>,
    /// Time between two exports. Default: `"60s"`.
    pub interval: HumanDuration,
}

impl Default for TelemetrySettings {
    fn default() -> Self {
        Self {
            otlp_endpoint: None,
            interval: HumanDuration::from_secs(60),
        }
    }
}

impl Table for TelemetrySettings {
    const NAME: &'static str = "telemetry";

    fn faults(&self) -> Vec<BuildError> {
        let url = self.otlp_endpoint.as_deref();
        let scheme = |url: &str| url.starts_with("http://") || url.starts_with("https://");
        let endpoint = match url {
            Some(url) if !scheme(url) => Some("expected a URL that begins with http:// or https://"),
            // Logs would show it.
            Some(url) if url.contains('@') => Some("a user or password in the URL is not supported"),
            _ => None,
        };
        let endpoint = endpoint.map(|message| BuildError::new("otlp_endpoint", message));
        let interval =
            (self.interval.0.is_zero()).then(|| BuildError::new("interval", "must be longer than zero"));
        endpoint.into_iter().chain(interval).collect()
    }

    fn doubts(&self) -> Vec<BuildError> {
        let message = "has no effect without 'otlp_endpoint'";
        let doubt = (self.otlp_endpoint.is_none()).then(|| BuildError::new("interval", message));
        doubt.into_iter().collect()
    }
}

/// The end of the process.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ShutdownSettings {
    /// Time for which sinks may go on delivering after SIGTERM or SIGINT. Default: `"25s"`, which fits into the 30 s of
    /// Kubernetes.
    pub deadline: HumanDuration,
}

impl Default for ShutdownSettings {
    fn default() -> Self {
        Self {
            deadline: HumanDuration::from_secs(25),
        }
    }
}

impl Table for ShutdownSettings {
    const NAME: &'static str = "shutdown";
}
