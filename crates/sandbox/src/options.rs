//! The settings of a sandbox.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use crate::vendor::Vendor;

/// The settings of a sandbox.
#[derive(Clone)]
pub struct SandboxConfig {
    /// Where it listens. Default: a free port of 127.0.0.1. Other than loopback addresses are refused unless
    /// `allow_remote` is set.
    pub listen: SocketAddr,
    /// Allow `listen` to be an address other machines can reach. Default: false, since the sandbox neither
    /// encrypts nor asks who changes its faults.
    pub allow_remote: bool,
    /// A file accepted events are appended to, one a line. Default: none.
    pub capture: Option<PathBuf>,
    /// The vendors that are played; the paths of others answer 404. Default: all.
    pub vendors: Vec<Vendor>,
    /// The only token taken, for each vendor that has none in `tokens`. Default: any that is not empty.
    pub token: Option<String>,
    /// The only token that a vendor takes. Default: none.
    pub tokens: BTreeMap<Vendor, String>,
    /// Pinterest's only ad account. Default: any of up to 18 digits.
    pub ad_account_id: Option<String>,
    /// Meta's only dataset. Default: any of 5 to 20 digits.
    pub pixel_id: Option<String>,
    /// TikTok's only event source. Default: any that is not empty.
    pub event_source_id: Option<String>,
    /// Names of events that the advertiser has defined at Pinterest, taken beside Pinterest's own. Default: none.
    pub custom_events: Vec<String>,
    /// Refuse `advertiser_tracking_enabled`, which is sent to Pinterest in production though its OpenAPI description 5.28.0
    /// does not list it. Default: false.
    pub strict_openapi: bool,
    /// Refuse properties that the pages of Meta and TikTok do not list, where they take them. Default: false.
    pub strict: bool,
    /// Take events of any age, for pipelines that are fed old ones: Meta refuses them after 7 days. Default: false.
    pub any_age: bool,
}

impl SandboxConfig {
    /// Returns the only token that the vendor takes.
    pub(crate) fn token(&self, vendor: Vendor) -> Option<&str> {
        self.tokens
            .get(&vendor)
            .or(self.token.as_ref())
            .map(String::as_str)
    }
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            allow_remote: false,
            capture: None,
            vendors: Vendor::ALL.to_vec(),
            token: None,
            tokens: BTreeMap::new(),
            ad_account_id: None,
            pixel_id: None,
            event_source_id: None,
            custom_events: Vec::new(),
            strict_openapi: false,
            strict: false,
            any_age: false,
        }
    }
}

/// Tokens are not shown.
impl fmt::Debug for SandboxConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SandboxConfig")
            .field("listen", &self.listen)
            .field("allow_remote", &self.allow_remote)
            .field("capture", &self.capture)
            .field("vendors", &self.vendors)
            .field("token", &self.token.as_ref().map(|_| "[redacted]"))
            .field("tokens", &self.tokens.keys())
            .field("ad_account_id", &self.ad_account_id)
            .field("pixel_id", &self.pixel_id)
            .field("event_source_id", &self.event_source_id)
            .field("custom_events", &self.custom_events)
            .field("strict_openapi", &self.strict_openapi)
            .field("strict", &self.strict)
            .field("any_age", &self.any_age)
            .finish()
    }
}
