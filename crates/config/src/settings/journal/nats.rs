//! The checks of a journal on NATS.

use signalbox_core::BuildError;

use super::JournalSettings;

/// Longest prefix.
const LONGEST_PREFIX: usize = 32;

/// Returns the faults of the keys that only a journal on NATS has.
pub(super) fn faults(settings: &JournalSettings) -> Vec<BuildError> {
    let mut faults = Vec::new();
    if settings.servers.is_empty() {
        // The key itself is not in the file.
        let fault = BuildError::new("type", "a journal on NATS needs the addresses of its servers");
        faults.push(
            fault.help(
                "set servers = [\"nats://n1:4222\", \"nats://n2:4222\", \"nats://n3:4222\"] in [journal]",
            ),
        );
    }
    faults.extend(settings.connection().faults());
    faults.extend(prefix(settings.prefix.as_deref()));
    for (n, address) in settings.monitor.iter().enumerate() {
        faults.extend(address_fault(address).map(|fault| {
            BuildError::new(format!("monitor.{n}"), fault).help("write it like \"http://n1:8222\"")
        }));
    }
    if settings.plain == Some(true) && !settings.key.is_empty() {
        let fault = BuildError::new("plain", "the journal has a key, so nothing lies in plain");
        faults.push(fault.help("take one of the two out"));
    }
    faults
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

/// Tells why a text is no address of a server's monitoring. Never repeats the text.
fn address_fault(address: &str) -> Option<&'static str> {
    let rest = address
        .strip_prefix("http://")
        .or_else(|| address.strip_prefix("https://"));
    let Some(rest) = rest else {
        return Some("must begin with http:// or https://");
    };
    if rest.contains('@') {
        return Some("must not hold a user or a password");
    }
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '?' | '#' | ',');
    let host = rest.split('/').next().unwrap_or_default();
    let is_address = !host.is_empty() && !host.starts_with(':') && !rest.contains(odd);
    (!is_address).then_some("is no address: expected a host, and a port behind ':'")
}
