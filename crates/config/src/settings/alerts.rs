//! `[alerts]`

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_core::{BuildError, HumanDuration, Secret};

use super::Table;

/// Messages about trouble to a webhook, one for each change. Without this table there are none.
#[derive(Clone, Debug, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertSettings {
    /// URL that takes the messages as POSTs, such as that of an incoming webhook of Slack or Mattermost. Treated as a
    /// secret, since such URLs are one. Required.
    pub webhook: Secret,
    /// Bearer token of the requests: visible ASCII characters. Default: none.
    pub token: Option<Secret>,
    /// Name of this router in the messages. Default: `"Signalbox"`.
    pub name: Option<String>,
    /// Age of a sink's oldest pending event above which the sink lags, at least `"1m"`. Default: `"30m"`.
    pub lag: Option<HumanDuration>,
    /// Share of a sink's events of the last 15 minutes, between 0 and 1, above which rejected ones are reported. Default: `0.01`.
    pub share_rejected: Option<f64>,
    /// Time before the end of a certificate, of a source or of the admin address, from which on it is reported. Default: `"14d"`.
    pub certificate: Option<HumanDuration>,
}

impl AlertSettings {
    /// Returns the default limits, without a webhook that could be sent to.
    #[must_use]
    pub fn usual() -> AlertSettings {
        AlertSettings {
            webhook: Secret::new(String::new()),
            token: None,
            name: None,
            lag: None,
            share_rejected: None,
            certificate: None,
        }
    }

    /// Returns the name of the router.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_deref().unwrap_or("Signalbox")
    }

    /// Returns the age above which a sink lags.
    #[must_use]
    pub fn lag(&self) -> Duration {
        self.lag.map_or(Duration::from_secs(1_800), |lag| lag.0)
    }

    /// Returns the share of rejected events that is reported when it is exceeded.
    #[must_use]
    pub fn share_rejected(&self) -> f64 {
        self.share_rejected.unwrap_or(0.01)
    }

    /// Returns the time before the end of a certificate.
    #[must_use]
    pub fn certificate(&self) -> Duration {
        let default = Duration::from_secs(14 * 24 * 3_600);
        self.certificate.map_or(default, |time| time.0)
    }
}

impl Table for AlertSettings {
    const NAME: &'static str = "alerts";

    fn faults(&self) -> Vec<BuildError> {
        let webhook = url_fault(self.webhook.expose()).map(|message| BuildError::new("webhook", message));
        let token = self.token.as_ref().map(Secret::expose);
        let token =
            token.filter(|token| token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()));
        let token = token.map(|_| {
            BuildError::new(
                "token",
                "must be of visible ASCII characters, without spaces, and not empty",
            )
        });
        let name = self.name.as_ref();
        let name = name.filter(|name| name.trim().is_empty() || name.chars().any(char::is_control));
        let name = name.map(|_| {
            BuildError::new(
                "name",
                "must not be empty or hold a line break or control character",
            )
        });
        let lag = self.lag.filter(|lag| lag.0 < Duration::from_secs(60));
        let lag = lag.map(|_| BuildError::new("lag", "must be at least 1m"));
        let share = self.share_rejected.filter(|share| !(0.0..1.0).contains(share));
        let share = share.map(|_| BuildError::new("share_rejected", "must be at least 0 and below 1"));
        [webhook, token, name, lag, share].into_iter().flatten().collect()
    }
}

/// Tells why a text is no URL that requests can be sent to. Never repeats the text.
fn url_fault(url: &str) -> Option<&'static str> {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    let Some(rest) = rest else {
        return Some("expected a URL that begins with https:// or http://");
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if host.contains('@') {
        return Some("the URL must not hold a user name or password; use 'token'");
    }
    if host.is_empty() || host.starts_with(':') || url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Some("not a URL; expected one such as \"https://hooks.example.com/services/…\"");
    }
    rest.contains('#')
        .then_some("the URL must not end in a fragment (\"#…\")")
}
