//! Checks that no two listeners of a pipeline want the same address.

use std::net::{IpAddr, SocketAddr};

use signalbox_config::{Diagnostic, LoadedConfig};

use super::warnings::Declared;

/// Returns an error for each listener whose address an earlier one has. Port 0 stands for any free port.
pub(super) fn errors(config: &LoadedConfig, declared: &Declared) -> Vec<Diagnostic> {
    let admin = config
        .admin
        .as_ref()
        .map(|admin| ("admin".to_owned(), admin.listen));
    let sources = config.sources.iter().filter_map(|entry| {
        let address = declared.listeners.get(&entry.name)?;
        Some((format!("sources.{}", entry.name), *address))
    });
    let listeners: Vec<(String, SocketAddr)> = sources.chain(admin).collect();
    let mut told = Vec::new();
    for (index, (path, address)) in listeners.iter().enumerate() {
        let mut before = listeners.iter().take(index);
        if let Some((other, _)) = before.find(|(_, other)| clash(*other, *address)) {
            let message = format!("{other} listens on this address already");
            let help = "give one of the two another port";
            let path = format!("{path}.listen");
            told.push(config.origin.diagnostic(&path, message, Some(help.to_owned())));
        }
    }
    told
}

/// Returns true for two addresses that no system gives to two sockets. An unspecified address stands for all of its kind.
fn clash(one: SocketAddr, other: SocketAddr) -> bool {
    let (a, b): (IpAddr, IpAddr) = (one.ip().to_canonical(), other.ip().to_canonical());
    let same_kind = a.is_ipv4() == b.is_ipv4();
    let covers = a == b || same_kind && (a.is_unspecified() || b.is_unspecified());
    one.port() != 0 && one.port() == other.port() && covers
}
