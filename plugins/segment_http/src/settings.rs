//! Checked settings that requests are answered by.

use std::time::Duration;

use ipnet::IpNet;

use crate::analytics_js::AnalyticsJs;
use crate::keys::WriteKeys;
use crate::options::UnknownKey;
use crate::sdk_settings::{ConsentConfig, Protocol};
use crate::trusted_headers::TrustedHeaders;

/// The settings of [`crate::SegmentHttpConfig`] that requests are answered by, parsed and checked.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) keys: WriteKeys,
    pub(crate) unknown_key: UnknownKey,
    /// Proxies whose forwarding headers are believed.
    pub(crate) proxies: Vec<IpNet>,
    /// Headers of these proxies that tell the visitor's place; `None` if there are none.
    pub(crate) trusted_headers: Option<TrustedHeaders>,
    /// True to keep click ids.
    pub(crate) click_ids: bool,
    pub(crate) public_host: Option<String>,
    pub(crate) public_protocol: Option<Protocol>,
    pub(crate) http_config: bool,
    pub(crate) consent: Option<ConsentConfig>,
    pub(crate) analytics_js: Option<AnalyticsJs>,
    pub(crate) read_timeout: Duration,
}
