//! The settings of HTTPS.

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_core::{BuildError, HumanDuration};
use signalbox_http::server::Certificate;

/// A certificate and its key.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// PEM file with the certificate, followed by those of the authorities between it and a root. Required.
    pub certificate: String,

    /// PEM file with the certificate's private key. Required.
    pub key: String,

    /// Interval at which the files are checked; new contents apply to new connections, existing ones go on. A broken
    /// pair is logged and the last good one kept. Default `10s`.
    #[serde(default = "default_check_every")]
    pub check_every: HumanDuration,
}

fn default_check_every() -> HumanDuration {
    HumanDuration::from_secs(10)
}

impl TlsConfig {
    /// Returns a warning if users other than the owner may use the key.
    pub(crate) fn exposed(&self) -> Option<BuildError> {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            let there = std::fs::metadata(&self.key).ok()?;
            let told = signalbox_core::exposed(self.key.as_ref(), there.mode())?;
            Some(BuildError::new("tls.key", told))
        }
        #[cfg(not(unix))]
        None
    }

    /// Reads both files.
    pub(crate) fn prepare(&self) -> Result<Certificate, BuildError> {
        if self.check_every.0.is_zero() {
            return Err(BuildError::new("tls.check_every", "must be longer than nothing"));
        }
        Certificate::read(self.certificate.as_ref(), self.key.as_ref(), self.check_every.0)
            .map_err(|broken| BuildError::new(format!("tls.{}", broken.file), broken.message))
    }
}
