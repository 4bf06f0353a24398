//! The settings of the source as written in the configuration, and their checks.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_core::{
    BuildContext, BuildError, BuildErrors, Built, HumanDuration, Source, SourceConfig, SourceDeclarations,
    register_plugin,
};

use crate::analytics_js::AnalyticsJs;
use crate::keys::{WriteKey, WriteKeys};
use crate::options::UnknownKey;
use crate::sdk_settings::{ConsentConfig, Protocol, is_host};
use crate::settings::Settings;
use crate::source::SegmentHttp;
use crate::tls::TlsConfig;
use crate::trusted_headers::TrustedHeaders;

/// Settings of a `segment_http` source.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SegmentHttpConfig {
    /// Address and port to listen on. Default `127.0.0.1:8080`: this machine only. SDKs that insist on HTTPS need
    /// `tls`, or a proxy in front.
    #[serde(default = "default_listen")]
    pub listen: String,

    /// The write keys that may send, at least one; each a text, or a table with `key` and more settings.
    pub write_keys: Vec<WriteKey>,

    /// Answer to a request with an unknown key, or without one: `reject` (default) answers 401, so that the mistake is
    /// seen; `drop` answers 200 as Segment does, and the events are lost.
    #[serde(default)]
    pub unknown_key: UnknownKey,

    /// Proxies whose `X-Forwarded-For`, `Forwarded` and `X-Forwarded-Proto` are believed, as addresses or networks
    /// (`10.0.0.0/8`). Default none: the peer's own address is the client's.
    #[serde(default)]
    pub trusted_proxies: Vec<String>,

    /// Headers of trusted proxies that tell the visitor's country and region, such as `CF-IPCountry` and
    /// `CloudFront-Viewer-Country`. They fill `context.location` of events from browsers and apps where it is absent.
    /// Default none.
    #[serde(default)]
    pub trusted_headers: Vec<String>,

    /// True to keep the click ids of ad platforms for requests of browsers: the cookies `_epik`, `_fbc`, `_fbp`, `ttclid`
    /// and `_ttp`, and the ids in the page's address, in `context.click_ids`; and to take the `Referer` for the page if the
    /// SDK sent none. No other cookie is read. It adds identifiers to events, so see that your users' consent covers it.
    /// Default false.
    #[serde(default)]
    pub click_ids: bool,

    /// The host under which SDKs reach this source, with a port if it is not the usual one: `events.example.com`,
    /// for the settings that SDKs fetch. Default: the `Host` of the SDK's request.
    #[serde(default)]
    pub public_host: Option<String>,

    /// Protocol by which SDKs reach this source: `https` or `http`. Default: `https` if `public_host` or `tls` is set,
    /// else the protocol of the request for the settings.
    #[serde(default)]
    pub public_protocol: Option<Protocol>,

    /// True to send SDKs the settings of retries (`httpConfig`); without them Kotlin and Swift ignore Retry-After.
    /// Default true.
    #[serde(default = "default_http_config")]
    pub http_config: bool,

    /// Consent categories for the settings that SDKs fetch. Default: none.
    #[serde(default)]
    pub consent: Option<ConsentConfig>,

    /// The browser library to serve at `/analytics.js/v1/{write key}/analytics.min.js`: the path of `standalone.js`
    /// from the npm package `@segment/analytics-next`, its parts (`*.bundle.*.js`) beside it. Read once, at the
    /// start. Default: none is served.
    #[serde(default)]
    pub analytics_js: Option<String>,

    /// HTTPS instead of HTTP, and HTTP/2 with it. Default: HTTP.
    #[serde(default)]
    pub tls: Option<TlsConfig>,

    /// Time limit of a request's head, of its body, of an idle connection, of sending without completing a request, and
    /// of leaving answers unread. Default `30s`.
    #[serde(default = "default_read_timeout")]
    pub read_timeout: HumanDuration,

    /// Connections at once, each with a body of half a megabyte at most. When no place is left, the oldest connection
    /// without a request under way, of the address that has most, is closed for the next one. With HTTP/2 also
    /// requests at once. Default 800, below the 1,024 open files that systems allow a process by default.
    #[serde(default = "default_max_connections")]
    pub max_connections: usize,

    /// Connections at once from one address (IPv6: from one /64 network); more are closed. Trusted proxies have no
    /// such limit. Default: no limit, since many users can share an address.
    #[serde(default)]
    pub max_connections_per_address: Option<usize>,
}

fn default_listen() -> String {
    "127.0.0.1:8080".to_owned()
}

fn default_http_config() -> bool {
    true
}

fn default_read_timeout() -> HumanDuration {
    HumanDuration::from_secs(30)
}

fn default_max_connections() -> usize {
    800
}

impl SegmentHttpConfig {
    /// Checks the settings, without opening anything.
    ///
    /// # Errors
    /// Every setting that does not fit.
    pub fn prepare(&self) -> Result<SegmentHttp, BuildErrors> {
        let mut errors = Vec::new();
        let listen = self.listen.parse::<SocketAddr>();
        if listen.is_err() {
            errors.push(
                BuildError::new("listen", "not an address with a port")
                    .help("write it like \"127.0.0.1:8080\", or \"0.0.0.0:8080\" for all interfaces"),
            );
        }
        let keys = WriteKeys::prepare(&self.write_keys, &mut errors);
        let mut proxies = Vec::new();
        for (i, text) in self.trusted_proxies.iter().enumerate() {
            match network(text) {
                Some(network) => proxies.push(network),
                None => errors.push(
                    BuildError::new(format!("trusted_proxies.{i}"), "neither an address nor a network")
                        .help("write it like \"10.0.0.0/8\", \"192.0.2.7\" or \"fd00::/8\""),
                ),
            }
        }
        let has_proxies = !self.trusted_proxies.is_empty();
        let trusted_headers = TrustedHeaders::prepare(&self.trusted_headers, has_proxies, &mut errors);
        if self.public_host.as_deref().is_some_and(|host| !is_host(host)) {
            errors.push(
                BuildError::new("public_host", "not a host, or more than a host")
                    .help("write it like \"events.example.com\", without https:// and path"),
            );
        }
        let tls = self.tls.as_ref().map(TlsConfig::prepare).transpose();
        let tls = tls.map_err(|error| errors.push(error)).unwrap_or_default();
        let analytics_js = self.analytics_js.as_deref().map(AnalyticsJs::read).transpose();
        let analytics_js = analytics_js
            .map_err(|error| errors.push(error))
            .unwrap_or_default();
        if self.read_timeout.0.is_zero() {
            errors.push(BuildError::new("read_timeout", "must be longer than nothing"));
        }
        if self.max_connections == 0 {
            errors.push(BuildError::new("max_connections", "must be at least 1"));
        }
        if self.max_connections_per_address == Some(0) {
            errors.push(BuildError::new(
                "max_connections_per_address",
                "must be at least 1",
            ));
        }
        match listen {
            Ok(listen) if errors.is_empty() => Ok(SegmentHttp {
                listen,
                tls,
                // Tokio's semaphore has an upper bound.
                max_connections: self.max_connections.min(1 << 20),
                max_per_address: self.max_connections_per_address,
                settings: Settings {
                    keys,
                    unknown_key: self.unknown_key,
                    proxies,
                    trusted_headers: (!self.trusted_headers.is_empty()).then_some(trusted_headers),
                    click_ids: self.click_ids,
                    public_host: self.public_host.clone(),
                    public_protocol: self.public_protocol,
                    http_config: self.http_config,
                    consent: self.consent.clone(),
                    analytics_js,
                    read_timeout: self.read_timeout.0,
                },
            }),
            _ => Err(errors),
        }
    }
}

fn network(text: &str) -> Option<IpNet> {
    text.parse()
        .ok()
        .or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

#[typetag::deserialize(name = "segment_http")]
impl SourceConfig for SegmentHttpConfig {
    fn build(&self, _: &BuildContext) -> Result<Built<dyn Source>, BuildErrors> {
        let tls = self.tls.as_ref().and_then(TlsConfig::exposed);
        Ok(Built::source(self.prepare()?)
            .warnings(tls.into_iter().collect())
            .declares(SourceDeclarations {
                named_sinks: self.named_sinks(),
                listen: self.listen.parse().ok(),
            }))
    }
}

impl SegmentHttpConfig {
    /// The sinks that write keys name, each with the path of its setting.
    fn named_sinks(&self) -> Vec<(String, String)> {
        let mut named = Vec::new();
        for (place, key) in self.write_keys.iter().enumerate() {
            for (i, sink) in key.0.sinks.iter().flatten().enumerate() {
                named.push((format!("write_keys.{place}.sinks.{i}"), sink.clone()));
            }
        }
        named
    }
}

register_plugin!(
    Source,
    SegmentHttpConfig,
    "segment_http",
    "Events from Segment SDKs, over Segment's HTTP Tracking API."
);

#[cfg(test)]
mod tests {
    use super::*;

    fn config(settings: serde_json::Value) -> SegmentHttpConfig {
        serde_json::from_value(settings).unwrap()
    }

    #[test]
    fn every_setting_that_does_not_fit_is_told() {
        let bad = config(serde_json::json!({
            "listen": "8080",
            "write_keys": [],
            "trusted_proxies": ["10.0.0.0/8", "proxy", "192.0.2.1"],
            "trusted_headers": ["cf-ipcountry", "X-Forwarded-For"],
            "public_host": "https://events.example.com",
            "tls": {"certificate": "/nowhere/certificate.pem", "key": "/nowhere/key.pem"},
            "analytics_js": "/nowhere/standalone.js",
            "read_timeout": "0s",
            "max_connections": 0,
            "max_connections_per_address": 0,
        }));
        let paths: Vec<_> = bad
            .prepare()
            .err()
            .unwrap()
            .into_iter()
            .map(|error| error.path)
            .collect();
        assert_eq!(
            paths,
            [
                "listen",
                "write_keys",
                "trusted_proxies.1",
                "trusted_headers.1",
                "public_host",
                "tls.certificate",
                "analytics_js",
                "read_timeout",
                "max_connections",
                "max_connections_per_address",
            ]
        );
        assert!(config(serde_json::json!({"write_keys": ["k"]})).prepare().is_ok());
        let unproxied = config(serde_json::json!({"write_keys": ["k"], "trusted_headers": ["CF-IPCountry"]}));
        assert_eq!(unproxied.prepare().err().unwrap()[0].path, "trusted_headers");
    }

    #[test]
    fn debug_shows_no_key() {
        let config = config(serde_json::json!({"write_keys": ["sekret", {"key": "sekret2"}]}));
        assert!(!format!("{config:?}").contains("sekret"));
        assert!(!format!("{:?}", config.prepare().unwrap()).contains("sekret"));
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_may_read_is_named() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key.pem");
        std::fs::write(&key, "").unwrap();
        let tls = serde_json::json!({"certificate": "/c.pem", "key": key});
        let config = config(serde_json::json!({"write_keys": ["k"], "tls": tls}));
        for (mode, told) in [(0o644, 1), (0o600, 0)] {
            std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
            let warnings: Vec<_> = config
                .tls
                .as_ref()
                .and_then(TlsConfig::exposed)
                .into_iter()
                .collect();
            assert_eq!(warnings.len(), told, "{warnings:?}");
            let named = |warning: &BuildError| {
                warning.path == "tls.key" && warning.message.contains(&format!("chmod go= {}", key.display()))
            };
            assert!(warnings.iter().all(named), "{warnings:?}");
        }
    }

    #[test]
    fn sinks_are_named_with_their_place() {
        let config = config(serde_json::json!({"write_keys": ["k", {"key": "l", "sinks": ["a", "b"]}]}));
        assert_eq!(
            config.named_sinks(),
            [
                ("write_keys.1.sinks.0".to_owned(), "a".to_owned()),
                ("write_keys.1.sinks.1".to_owned(), "b".to_owned()),
            ]
        );
    }
}
