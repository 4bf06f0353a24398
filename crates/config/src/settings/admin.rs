//! `[admin]`

use std::net::SocketAddr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};
use signalbox_core::{BuildError, Secret};

use super::Table;

/// The address for operators: metrics, health, status.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminSettings {
    /// IP address and port to listen on, such as `"127.0.0.1:9090"`. An address that other machines can reach needs a
    /// `token`. Required.
    #[serde(deserialize_with = "address")]
    #[schemars(schema_with = "address_schema")]
    pub listen: SocketAddr,
    /// Bearer token that every request must carry: visible ASCII characters. Default: none.
    pub token: Option<Secret>,
    /// Host names, without a port, by which the address may be asked, such as `["signalbox.internal"]`. Other names get
    /// 421, since a page in a browser can make any name lead here (DNS rebinding); IP addresses, `localhost`, requests
    /// with the token, and `/health`, `/live` and `/ready` are always served. Default: none.
    #[serde(default)]
    pub hosts: Vec<String>,
}

impl Table for AdminSettings {
    const NAME: &'static str = "admin";

    fn faults(&self) -> Vec<BuildError> {
        let mut faults = Vec::new();
        if !self.hosts.iter().all(|host| is_host_name(host)) {
            let fault = BuildError::new("hosts", "expected names of hosts, such as \"signalbox.internal\"");
            faults.push(fault.help("leave out http://, port and path; IP addresses need not be listed"));
        }
        faults.extend(check_admin(self.listen, self.token.as_ref()).err());
        faults
    }
}

/// Checks the admin address and its token: other machines need a token, and a token must be one that a request can carry.
///
/// # Errors
/// The setting below `[admin]` that does not fit, and the remedy.
pub fn check_admin(listen: SocketAddr, token: Option<&Secret>) -> Result<(), BuildError> {
    match token {
        Some(token) if token.expose().trim().is_empty() => Err(BuildError::new("token", "must not be empty")),
        // A header cannot carry anything else, so no request could ever match.
        Some(token) if !token.expose().bytes().all(|byte| byte.is_ascii_graphic()) => Err(BuildError::new(
            "token",
            "may hold visible ASCII characters only, without spaces",
        )),
        Some(_) => Ok(()),
        None if listen.ip().to_canonical().is_loopback() => Ok(()),
        None => {
            let error = BuildError::new("listen", "an address that other machines can reach needs a token");
            Err(error.help("set admin.token, for instance to \"${file:/path}\", or listen on 127.0.0.1"))
        }
    }
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
