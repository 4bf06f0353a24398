//! The address of the client that sent a request.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use ipnet::IpNet;

/// The client's address: the peer's own, or, if that is a trusted proxy, the first hop of `X-Forwarded-For`.
pub(crate) fn client_ip(peer: SocketAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let peer = peer.ip().to_canonical();
    if !is_trusted(peer, trusted) {
        return peer;
    }
    headers
        .get_all("x-forwarded-for")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .find_map(hop)
        .unwrap_or(peer)
}

/// The address that answers for a request: the peer's own or, if that is a trusted proxy, the last hop of
/// `X-Forwarded-For` that is not a trusted proxy. The sender may have made up the hops before it.
pub(crate) fn sender_ip(peer: SocketAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let peer = peer.ip().to_canonical();
    if !is_trusted(peer, trusted) {
        return peer;
    }
    let forwarded = headers.get_all("x-forwarded-for");
    let values = forwarded.iter().rev().filter_map(|value| value.to_str().ok());
    let mut hops = values.flat_map(|value| value.rsplit(',')).map_while(hop);
    hops.find(|hop| !is_trusted(*hop, trusted)).unwrap_or(peer)
}

/// Headers by which proxies tell the address of their client.
const FORWARDING: [&str; 7] = [
    "x-forwarded-for",
    "forwarded",
    "x-real-ip",
    "cf-connecting-ip",
    "true-client-ip",
    "fastly-client-ip",
    "x-client-ip",
];

/// Returns the name of the first header by which a proxy tells the address of its client.
pub(crate) fn forwarding_header(headers: &HeaderMap) -> Option<&'static str> {
    FORWARDING.into_iter().find(|name| headers.contains_key(*name))
}

/// True if this address, in its canonical form, belongs to a trusted proxy.
pub(crate) fn is_trusted(peer: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&peer))
}

/// Reads an address as proxies write it, some with a port.
fn hop(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    text.parse()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
        .map(|ip: IpAddr| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_trusted_proxies_are_believed() {
        let ip = |peer: &str, forwarded: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append("x-forwarded-for", value.parse().unwrap());
            }
            let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
            client_ip(peer.parse().unwrap(), &headers, &trusted).to_string()
        };
        assert_eq!(ip("192.0.2.1:5", &["203.0.113.7"]), "192.0.2.1");
        assert_eq!(ip("10.0.0.1:5", &[]), "10.0.0.1");
        assert_eq!(
            ip("10.0.0.1:5", &["203.0.113.7, 198.51.100.1", "10.2.2.2"]),
            "203.0.113.7"
        );
        assert_eq!(
            ip("[::ffff:10.0.0.1]:5", &["unknown, 203.0.113.7:4711"]),
            "203.0.113.7"
        );
        assert_eq!(ip("[fd00::1]:5", &["[2001:db8::1]:443"]), "2001:db8::1");
        assert_eq!(ip("10.0.0.1:5", &["unknown"]), "10.0.0.1");
    }

    #[test]
    fn a_sender_cannot_make_up_its_address() {
        let ip = |peer: &str, forwarded: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append("x-forwarded-for", value.parse().unwrap());
            }
            let trusted = ["10.0.0.0/8".parse().unwrap()];
            sender_ip(peer.parse().unwrap(), &headers, &trusted).to_string()
        };
        assert_eq!(ip("192.0.2.1:5", &["203.0.113.7"]), "192.0.2.1");
        assert_eq!(
            ip("10.0.0.1:5", &["1.1.1.1, 203.0.113.7", "10.2.2.2"]),
            "203.0.113.7"
        );
        assert_eq!(ip("10.0.0.1:5", &["1.1.1.1, made up"]), "10.0.0.1");
        assert_eq!(ip("10.0.0.1:5", &[]), "10.0.0.1");
    }
}
