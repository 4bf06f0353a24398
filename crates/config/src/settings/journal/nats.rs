//! The checks of a journal on NATS.

use std::net::IpAddr;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_core::{BuildError, Secret};

use super::JournalSettings;

/// `tls` of a journal on NATS.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NatsTls {
    /// PEM file with the authorities that may sign the servers' certificates. Default: those of the system.
    pub ca: Option<PathBuf>,
    /// PEM file with the router's own certificate, for servers that ask for one. Default: none.
    pub certificate: Option<PathBuf>,
    /// PEM file with the private key of `certificate`. Default: none.
    pub key: Option<PathBuf>,
}

/// Longest prefix.
const LONGEST_PREFIX: usize = 32;

/// Returns the faults of the keys that only a journal on NATS has.
pub(super) fn faults(settings: &JournalSettings) -> Vec<BuildError> {
    let mut faults = Vec::new();
    if settings.servers.is_empty() {
        let fault = BuildError::new("type", "a journal on NATS needs the addresses of its servers");
        faults.push(
            fault.help(
                "set servers = [\"nats://n1:4222\", \"nats://n2:4222\", \"nats://n3:4222\"] in [journal]",
            ),
        );
    }
    for (n, address) in settings.servers.iter().enumerate() {
        let fault = url_fault(address, &["nats://", "tls://"], "nats:// or tls://");
        faults.extend(fault.map(|fault| {
            BuildError::new(format!("servers.{n}"), fault).help(
                "write it like \"nats://n1:4222\"; 'credentials', 'user' and 'password', 'token' or 'nkey' hold the identity",
            )
        }));
    }
    faults.extend(identity(settings));
    if let Some(tls) = &settings.tls
        && tls.certificate.is_some() != tls.key.is_some()
    {
        let (there, missing) = match tls.certificate {
            Some(_) => ("certificate", "key"),
            None => ("key", "certificate"),
        };
        faults.push(BuildError::new(
            format!("tls.{there}"),
            format!("needs '{missing}' beside it"),
        ));
    }
    faults.extend(prefix(settings.prefix.as_deref()));
    for (n, address) in settings.monitor.iter().enumerate() {
        let fault = url_fault(address, &["http://", "https://"], "http:// or https://");
        faults.extend(fault.map(|fault| {
            BuildError::new(format!("monitor.{n}"), fault).help("write it like \"http://n1:8222\"")
        }));
    }
    if settings.plain == Some(true) && !settings.key.is_empty() {
        let fault = BuildError::new("plain", "the journal has a key, so nothing lies in plain");
        faults.push(fault.help("take one of the two out"));
    }
    faults
}

/// Returns a fault if the settings name two identities, or a half of one.
fn identity(settings: &JournalSettings) -> Vec<BuildError> {
    let given = [
        ("credentials", settings.credentials.is_some()),
        ("user", settings.user.is_some()),
        ("token", settings.token.is_some()),
        ("nkey", settings.nkey.is_some()),
    ];
    let mut given = given
        .into_iter()
        .filter_map(|(key, is_given)| is_given.then_some(key));
    let mut faults = Vec::new();
    if let (Some(first), Some(second)) = (given.next(), given.next()) {
        let fault = BuildError::new(second, format!("'{first}' is the router's identity already"));
        faults.push(fault.help("take one of the two out"));
    }
    match (&settings.user, &settings.password) {
        (Some(_), None) => faults.push(BuildError::new("user", "needs 'password' beside it")),
        (None, Some(_)) => faults.push(BuildError::new("password", "needs 'user' beside it")),
        _ => {}
    }
    let empty = [
        ("credentials", &settings.credentials),
        ("password", &settings.password),
        ("token", &settings.token),
        ("nkey", &settings.nkey),
    ];
    for (key, secret) in empty {
        if secret.as_ref().is_some_and(Secret::is_empty) {
            faults.push(BuildError::new(key, "must not be empty"));
        }
    }
    faults
}

/// Returns the warnings about them.
pub(super) fn doubts(settings: &JournalSettings) -> Vec<BuildError> {
    let in_plain = settings.tls.is_none() && settings.servers.iter().any(|server| is_plain_and_far(server));
    let secret = [("password", &settings.password), ("token", &settings.token)]
        .into_iter()
        .find(|(_, secret)| secret.is_some());
    let doubt = secret.filter(|_| in_plain).map(|(key, _)| {
        BuildError::new(key, "goes over the network in plain to servers without TLS")
            .help("begin the addresses in 'servers' with tls://, or use 'credentials' or 'nkey', which never travel")
    });
    doubt.into_iter().collect()
}

/// True for an address without TLS on another machine.
fn is_plain_and_far(server: &str) -> bool {
    let Some(host) = server.strip_prefix("nats://") else {
        return false;
    };
    let host = host.trim_end_matches('/');
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = |address: IpAddr| address.to_canonical().is_loopback();
    host != "localhost" && !host.parse().is_ok_and(is_loopback)
}

fn prefix(prefix: Option<&str>) -> Option<BuildError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let prefix = prefix?;
    let fault = match prefix {
        "" => "must not be empty",
        _ if !prefix.bytes().all(fits) => "may hold letters (a to z), digits, '-' and '_' only",
        _ if prefix.len() > LONGEST_PREFIX => "must not be longer than 32 characters",
        _ => return None,
    };
    Some(
        BuildError::new("prefix", fault)
            .help("it begins the names of streams and subjects; \"sbx\" is the default"),
    )
}

/// Tells why a text is no address of a server. Never repeats the text.
fn url_fault(url: &str, schemes: &[&str], told: &str) -> Option<String> {
    let Some(rest) = schemes.iter().find_map(|scheme| url.strip_prefix(scheme)) else {
        return Some(format!("expected an address that begins with {told}"));
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains('@') {
        return Some("the address must not hold a user name, a password or a token".to_owned());
    }
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | '?' | '#' | ',');
    if rest.is_empty() || rest.starts_with(':') || rest.contains(odd) {
        return Some("no address of a server: expected a host, and a port behind ':'".to_owned());
    }
    None
}
