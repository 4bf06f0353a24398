//! The settings of a sandbox.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

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
    /// The only conversion token taken. Default: any that is not empty.
    pub token: Option<String>,
    /// The only ad account there is. Default: any of up to 18 digits.
    pub ad_account_id: Option<String>,
    /// Refuse `advertiser_tracking_enabled` and `contents[].item_brand_id`, which are sent to Pinterest in production
    /// though its OpenAPI description 5.23.0 does not list them. Default: false.
    pub strict_openapi: bool,
}

impl Default for SandboxConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            allow_remote: false,
            capture: None,
            token: None,
            ad_account_id: None,
            strict_openapi: false,
        }
    }
}

/// The token is not shown.
impl fmt::Debug for SandboxConfig {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SandboxConfig")
            .field("listen", &self.listen)
            .field("allow_remote", &self.allow_remote)
            .field("capture", &self.capture)
            .field("token", &self.token.as_ref().map(|_| "[redacted]"))
            .field("ad_account_id", &self.ad_account_id)
            .field("strict_openapi", &self.strict_openapi)
            .finish()
    }
}
