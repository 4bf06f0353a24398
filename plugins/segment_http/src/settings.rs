//! Checked settings that requests are answered by.

use std::time::Duration;

use ipnet::IpNet;

use crate::analytics_js::AnalyticsJs;
use crate::keys::WriteKeys;
use crate::options::UnknownKey;
use crate::sdk_settings::{ConsentConfig, Protocol};

/// The settings of [`crate::SegmentHttpConfig`] that requests are answered by, parsed and checked.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) keys: WriteKeys,
    pub(crate) unknown_key: UnknownKey,
    /// Proxies whose forwarding headers are believed.
    pub(crate) proxies: Vec<IpNet>,
    pub(crate) public_host: Option<String>,
    pub(crate) public_protocol: Option<Protocol>,
    pub(crate) http_config: bool,
    pub(crate) consent: Option<ConsentConfig>,
    pub(crate) analytics_js: Option<AnalyticsJs>,
    pub(crate) read_timeout: Duration,
}
