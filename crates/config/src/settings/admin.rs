//! `[admin]`

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};
use signalbox_core::{BuildError, Secret};

use super::tls::AdminTls;
use super::tokens::{AdminToken, Role, token_faults};
use super::{JournalSettings, Table};

/// The address for operators: metrics, health, status.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminSettings {
    /// IP address and port to listen on, such as `"127.0.0.1:9090"`. An address that other machines can reach needs a
    /// `token`, here or in `tokens`. Required.
    #[serde(deserialize_with = "address")]
    #[schemars(schema_with = "address_schema")]
    pub listen: SocketAddr,
    /// Bearer token of the operator, who sees and does everything: visible ASCII characters. With it or `tokens`, every
    /// request must carry one. Default: none.
    pub token: Option<Secret>,
    /// Further tokens, each a table `[[admin.tokens]]`: one for each person or program, some of which may only read.
    /// Default: none.
    #[serde(default)]
    pub tokens: Vec<AdminToken>,
    /// HTTPS instead of HTTP, and HTTP/2 with it. Default: HTTP.
    pub tls: Option<AdminTls>,
    /// Host names, without a port, by which the address may be asked, such as `["signalbox.internal"]`. Other names get
    /// 421, since a page in a browser can make any name lead here (DNS rebinding); IP addresses, `localhost`, requests
    /// with a token, and `/health`, `/live` and `/ready` are always served. Default: none.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Proxies whose `X-Forwarded-For`, `X-Forwarded-Proto` and `Forwarded` are believed, as addresses or networks
    /// (`10.0.0.0/8`). Behind one, people can sign in if it says that they came by HTTPS. Default: none.
    #[serde(default)]
    pub trusted_proxies: Vec<String>,
    /// File of the audit log: a line of JSON for each act of an operator, with who, when and what. At 10 MB it is renamed to the
    /// name with `.1`, which replaces the one before. Default: the folder of the journal with its name and `-audit.jsonl`,
    /// so `"signalbox-journal-audit.jsonl"`; on NATS beside the cache, so `"signalbox-cache-audit.jsonl"`; memory journal: none.
    pub audit: Option<PathBuf>,
}

impl AdminSettings {
    /// Fills in the default path of the audit log, which is that of no other journal.
    pub(crate) fn beside(self, journal: &JournalSettings) -> AdminSettings {
        let default = || journal.beside("-audit.jsonl");
        AdminSettings {
            audit: self.audit.or_else(default),
            ..self
        }
    }

    /// Returns the networks of `trusted_proxies`; the check of the table names texts that are none.
    #[must_use]
    pub fn proxies(&self) -> Vec<IpNet> {
        self.trusted_proxies
            .iter()
            .filter_map(|text| network(text))
            .collect()
    }

    /// Returns true if a token lets its caller see everything.
    pub(crate) fn has_operator(&self) -> bool {
        self.token.is_some() || self.tokens.iter().any(|token| token.role == Role::Operator)
    }
}

impl Table for AdminSettings {
    const NAME: &'static str = "admin";

    fn faults(&self) -> Vec<BuildError> {
        let mut faults = Vec::new();
        if !self.hosts.iter().all(|host| is_host_name(host)) {
            let fault = BuildError::new("hosts", "expected names of hosts, such as \"signalbox.internal\"");
            faults.push(fault.help("leave out http://, port and path; IP addresses need not be listed"));
        }
        faults.extend(self.tls.as_ref().and_then(AdminTls::fault));
        for (n, text) in self.trusted_proxies.iter().enumerate() {
            if network(text).is_none() {
                let fault =
                    BuildError::new(format!("trusted_proxies.{n}"), "neither an address nor a network");
                faults.push(fault.help("write it like \"10.0.0.0/8\", \"192.0.2.7\" or \"fd00::/8\""));
            }
        }
        faults.extend(check_admin(self.listen, self.token.as_ref(), &self.tokens));
        faults
    }

    fn doubts(&self) -> Vec<BuildError> {
        let powerless = !self.tokens.is_empty() && !self.has_operator();
        let doubt = || {
            BuildError::new(
                "tokens",
                "no token may act: the router refuses retries, replays, erasures and reloads to all",
            )
            .help("give one the role \"operator\", or set admin.token")
        };
        let exposed = self.tls.as_ref().and_then(AdminTls::doubt);
        powerless.then(doubt).into_iter().chain(exposed).collect()
    }
}

/// Checks the admin address and its tokens, and returns all faults: other machines need a token, a token must be one that a
/// request can carry, and names and tokens must tell callers apart. Paths begin below `[admin]`.
#[must_use]
pub fn check_admin(listen: SocketAddr, token: Option<&Secret>, tokens: &[AdminToken]) -> Vec<BuildError> {
    let mut faults = token_faults(token, tokens);
    if token.is_none() && tokens.is_empty() && !listen.ip().to_canonical().is_loopback() {
        let fault = BuildError::new("listen", "an address that other machines can reach needs a token");
        faults.push(fault.help("set admin.token, for instance to \"${file:/path}\", or listen on 127.0.0.1"));
    }
    faults
}

fn network(text: &str) -> Option<IpNet> {
    let network = text.parse::<IpNet>().ok();
    network.or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}

/// True if this can be the name of a host, without a port.
fn is_host_name(host: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    !host.is_empty() && host.bytes().all(fits)
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    struct Address;
    impl de::Visitor<'_> for Address {
        type Value = SocketAddr;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an IP address with a port, such as \"127.0.0.1:9090\"")
        }
        fn visit_str<E: de::Error>(self, text: &str) -> Result<SocketAddr, E> {
            text.parse()
                .map_err(|_| E::invalid_value(de::Unexpected::Str(""), &self))
        }
    }
    deserializer.deserialize_str(Address)
}

fn address_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "examples": ["127.0.0.1:9090", "[::1]:9090"] })
}
