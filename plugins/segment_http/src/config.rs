//! What users write.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_core::{
    BuildContext, BuildError, BuildErrors, Secret, Source, SourceConfig, Span, register_plugin,
};

use crate::auth::WriteKeys;
use crate::sdk_settings::PublicUrl;
use crate::source::SegmentHttp;

/// Settings of a `segment_http` source.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SegmentHttpConfig {
    /// Address and port to listen on. Default `127.0.0.1:8080`: this machine only. SDKs that insist on HTTPS need
    /// a proxy in front.
    #[serde(default = "default_listen")]
    pub listen: String,

    /// The write keys that may send, at least one.
    pub write_keys: Vec<Secret>,

    /// What a request with an unknown key, or none, gets: `reject` (default) answers 401, so that the mistake is
    /// seen; `drop` answers 200 as Segment does, and the events are gone.
    #[serde(default)]
    pub unknown_key: UnknownKey,

    /// Proxies whose `X-Forwarded-For` is believed, as addresses or networks (`10.0.0.0/8`). Default none: the
    /// peer's own address is the client's.
    #[serde(default)]
    pub trusted_proxies: Vec<String>,

    /// The address under which SDKs reach this source, such as `https://events.example.com`, for the settings
    /// that SDKs fetch. Default: the `Host` the SDK asked for, over plain HTTP.
    #[serde(default)]
    pub public_url: Option<String>,

    /// How long a request's head may take, how long its body may, and how long an idle connection is kept.
    /// Default `30s`.
    #[serde(default = "default_read_timeout")]
    pub read_timeout: Span,

    /// Connections at once, each with a body of half a megabyte at most; more wait to be accepted. Default 800,
    /// below the 1,024 open files that systems allow a process by default.
    #[serde(default = "default_max_connections")]
    pub max_connections: usize,
}

/// What to do with a write key that is not listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UnknownKey {
    /// Answer 401.
    #[default]
    Reject,
    /// Answer 200 and forget the events.
    Drop,
}

fn default_listen() -> String {
    "127.0.0.1:8080".to_owned()
}

fn default_read_timeout() -> Span {
    Span::from_secs(30)
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
        if self.write_keys.is_empty() {
            errors.push(
                BuildError::new("write_keys", "no write key, so no event could ever come in")
                    .help("list at least one key, the one your SDKs are set up with"),
            );
        }
        for (i, key) in self.write_keys.iter().enumerate() {
            if key.expose().trim().is_empty() {
                errors.push(BuildError::new(format!("write_keys.{i}"), "an empty write key"));
            }
        }
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
        let public_url = self.public_url.as_deref().map(PublicUrl::parse);
        if let Some(None) = public_url {
            errors.push(
                BuildError::new("public_url", "not an http(s) address without a path")
                    .help("write it like \"https://events.example.com\""),
            );
        }
        if self.read_timeout.0.is_zero() {
            errors.push(BuildError::new("read_timeout", "must be longer than nothing"));
        }
        if self.max_connections == 0 {
            errors.push(BuildError::new("max_connections", "must be at least 1"));
        }
        match listen {
            Ok(listen) if errors.is_empty() => Ok(SegmentHttp {
                listen,
                keys: WriteKeys::new(&self.write_keys),
                unknown_key: self.unknown_key,
                proxies,
                public_url: public_url.flatten(),
                read_timeout: self.read_timeout.0,
                // What tokio's semaphore can count.
                max_connections: self.max_connections.min(1 << 20),
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
    fn build(&self, _: &BuildContext) -> Result<Box<dyn Source>, BuildErrors> {
        Ok(Box::new(self.prepare()?))
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

    fn config(write_keys: &[&str]) -> SegmentHttpConfig {
        SegmentHttpConfig {
            listen: default_listen(),
            write_keys: write_keys.iter().map(|key| Secret::new(*key)).collect(),
            unknown_key: UnknownKey::default(),
            trusted_proxies: Vec::new(),
            public_url: None,
            read_timeout: default_read_timeout(),
            max_connections: default_max_connections(),
        }
    }

    #[test]
    fn every_setting_that_does_not_fit_is_told() {
        let mut bad = config(&[]);
        bad.listen = "8080".into();
        bad.trusted_proxies = vec!["10.0.0.0/8".into(), "proxy".into(), "192.0.2.1".into()];
        bad.public_url = Some("https://events.example.com/v1".into());
        bad.read_timeout = Span::from_secs(0);
        bad.max_connections = 0;
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
                "public_url",
                "read_timeout",
                "max_connections"
            ]
        );
        let empty = config(&["k", " "]).prepare().err().unwrap();
        assert_eq!(empty[0].path, "write_keys.1");
        assert!(config(&["k"]).prepare().is_ok());
    }

    #[test]
    fn debug_shows_no_key() {
        assert!(!format!("{:?}", config(&["sekret"])).contains("sekret"));
    }
}
