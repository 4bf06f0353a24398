//! `tls` of `[admin]`

use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_core::{BuildError, HumanDuration};

/// A certificate and its key.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminTls {
    /// PEM file with the certificate, followed by those of the authorities between it and a root. The commands trust exactly
    /// this certificate, under any name. Required.
    pub certificate: PathBuf,
    /// PEM file with the certificate's private key. Required.
    pub key: PathBuf,
    /// Interval at which the files are checked; new contents apply to new connections. A broken pair is logged, and the last good
    /// one stays in use. Default: `"10s"`.
    pub check_every: Option<HumanDuration>,
}

impl AdminTls {
    /// Returns the interval at which the files are checked.
    #[must_use]
    pub fn check_every(&self) -> Duration {
        self.check_every.map_or(Duration::from_secs(10), |every| every.0)
    }

    pub(super) fn fault(&self) -> Option<BuildError> {
        let never = self.check_every.is_some_and(|every| every.0.is_zero());
        never.then(|| BuildError::new("tls.check_every", "must be longer than nothing"))
    }

    /// Returns a warning if users other than the owner may use the key.
    pub(super) fn doubt(&self) -> Option<BuildError> {
        use std::os::unix::fs::MetadataExt as _;
        let mode = std::fs::metadata(&self.key).ok()?.mode();
        signalbox_core::exposed(&self.key, mode).map(|told| BuildError::new("tls.key", told))
    }
}
