//! The address of the client that sent a request.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use ipnet::IpNet;
use signalbox_conversions::client::is_public;
use signalbox_http::server::{X_FORWARDED_FOR, forwarding_hop as hop, is_trusted};

/// The client's address: the peer's own, or, if that is a trusted proxy, the first public hop of `X-Forwarded-For` or,
/// without that header, of `Forwarded`; the first hop if none is public. Proxies of companies tell the private address of the
/// visitor's computer before their own.
pub(crate) fn client_ip(peer: SocketAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let peer = peer.ip().to_canonical();
    if !is_trusted(peer, trusted) {
        return peer;
    }
    let values = |name| {
        let values = headers.get_all(name).into_iter();
        values.filter_map(|value| value.to_str().ok())
    };
    let found = if headers.contains_key(X_FORWARDED_FOR) {
        let hops = values(X_FORWARDED_FOR).flat_map(|value| value.split(','));
        first_public(hops.filter_map(hop))
    } else {
        let parameters = values("forwarded").flat_map(|value| value.split([',', ';']));
        first_public(parameters.filter_map(forwarded_for))
    };
    found.unwrap_or(peer)
}

/// Returns the first public address, or the first one if none is.
fn first_public(mut hops: impl Iterator<Item = IpAddr>) -> Option<IpAddr> {
    let first = hops.next()?;
    if is_public(first) {
        return Some(first);
    }
    hops.find(|hop| is_public(*hop)).or(Some(first))
}

/// Reads the parameter `for` of `Forwarded` (RFC 7239); `None` of others, and of hidden addresses such as `for=_secret`.
fn forwarded_for(parameter: &str) -> Option<IpAddr> {
    let (name, value) = parameter.split_once('=')?;
    let is_for = name.trim().eq_ignore_ascii_case("for");
    is_for.then(|| hop(value.trim().trim_matches('"'))).flatten()
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
        assert_eq!(ip("[fd00::1]:5", &["[2001:db8::1]"]), "2001:db8::1");
        assert_eq!(ip("10.0.0.1:5", &["unknown"]), "10.0.0.1");
        assert_eq!(
            ip("10.0.0.1:5", &["192.168.1.20, 203.0.113.7, 198.51.100.1"]),
            "203.0.113.7"
        );
        assert_eq!(ip("10.0.0.1:5", &["192.168.1.20, 172.16.0.3"]), "192.168.1.20");
    }

    #[test]
    fn forwarded_counts_without_the_older_header() {
        let ip = |headers: &[(&'static str, &'static str)]| {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(*name, value.parse().unwrap());
            }
            client_ip(
                "10.0.0.1:5".parse().unwrap(),
                &map,
                &["10.0.0.0/8".parse().unwrap()],
            )
            .to_string()
        };
        for (value, expected) in [
            ("for=203.0.113.7;proto=https, for=198.51.100.1", "203.0.113.7"),
            ("proto=https; For=\"[2001:db8::1]:443\"", "2001:db8::1"),
            ("for=\"[2001:db8::1]\"", "2001:db8::1"),
            ("for=unknown, for=203.0.113.7:80", "203.0.113.7"),
            ("for=_hidden", "10.0.0.1"),
            ("by=203.0.113.7", "10.0.0.1"),
        ] {
            assert_eq!(ip(&[("forwarded", value)]), expected, "{value}");
        }
        // A proxy that sets the older header may pass on a `Forwarded` that the client made up.
        assert_eq!(
            ip(&[
                ("forwarded", "for=203.0.113.9"),
                ("x-forwarded-for", "203.0.113.7")
            ]),
            "203.0.113.7"
        );
    }
}
