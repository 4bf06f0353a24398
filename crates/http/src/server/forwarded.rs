//! The words of proxies about the requests that they pass on.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use ipnet::IpNet;

/// The address that answers for a request: the peer's own or, if that is a trusted proxy, the last hop of
/// `X-Forwarded-For` that is not a trusted proxy. The sender may have made up the hops before it.
pub fn sender_ip(peer: SocketAddr, headers: &HeaderMap, trusted: &[IpNet]) -> IpAddr {
    let peer = peer.ip().to_canonical();
    if !is_trusted(peer, trusted) {
        return peer;
    }
    let forwarded = headers.get_all(X_FORWARDED_FOR);
    // A value that is no text may end with a true hop, and what stands before it may be made up.
    let values = forwarded.iter().rev().map(|value| value.as_bytes());
    let mut hops = values
        .flat_map(|value| value.rsplit(|byte| *byte == b','))
        .map_while(|hop| forwarding_hop(std::str::from_utf8(hop).ok()?));
    hops.find(|hop| !is_trusted(*hop, trusted)).unwrap_or(peer)
}

/// The header of most proxies for the addresses of a request's way.
pub const X_FORWARDED_FOR: &str = "x-forwarded-for";

/// Headers by which proxies tell the address of their client.
const FORWARDING: [&str; 7] = [
    X_FORWARDED_FOR,
    "forwarded",
    "x-real-ip",
    "cf-connecting-ip",
    "true-client-ip",
    "fastly-client-ip",
    "x-client-ip",
];

/// Returns the name of the first header by which a proxy tells the address of its client.
pub fn forwarding_header(headers: &HeaderMap) -> Option<&'static str> {
    FORWARDING.into_iter().find(|name| headers.contains_key(*name))
}

/// True if this address, in its canonical form, belongs to a trusted proxy.
pub fn is_trusted(peer: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&peer))
}

/// Reads an address as proxies write it, some with a port, some in brackets.
pub fn forwarding_hop(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let in_brackets = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    text.parse()
        .ok()
        .or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
        .or_else(|| in_brackets().map(IpAddr::V6))
        .map(|ip: IpAddr| ip.to_canonical())
}

/// Returns true if the proxy before this server got the request by HTTPS: the last value of `X-Forwarded-Proto` or, without that
/// header, `proto` of the last element of `Forwarded`. Earlier values may be made up by the client. Counts only for a trusted proxy.
#[must_use]
pub fn forwarded_over_https(headers: &HeaderMap) -> bool {
    let last = |name| {
        let value = headers.get_all(name).into_iter().next_back()?;
        Some(value.to_str().unwrap_or_default().rsplit(',').next()?.trim())
    };
    let protocol = last("x-forwarded-proto").or_else(|| {
        let parameters = last("forwarded")?.split(';');
        let pairs = parameters.filter_map(|parameter| parameter.split_once('='));
        let mut protocols = pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case("proto"));
        protocols.next().map(|(_, value)| value.trim().trim_matches('"'))
    });
    protocol.is_some_and(|protocol| protocol.eq_ignore_ascii_case("https"))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_sender_cannot_make_up_its_address() {
        let bytes = |peer: &str, forwarded: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append("x-forwarded-for", HeaderValue::from_bytes(value).unwrap());
            }
            let trusted = ["10.0.0.0/8".parse().unwrap(), "2001:db8:1::/48".parse().unwrap()];
            sender_ip(peer.parse().unwrap(), &headers, &trusted).to_string()
        };
        let ip = |peer: &str, forwarded: &[&str]| {
            let forwarded: Vec<&[u8]> = forwarded.iter().map(|value| value.as_bytes()).collect();
            bytes(peer, &forwarded)
        };
        assert_eq!(ip("192.0.2.1:5", &["203.0.113.7"]), "192.0.2.1");
        assert_eq!(
            ip("10.0.0.1:5", &["1.1.1.1, 203.0.113.7", "10.2.2.2"]),
            "203.0.113.7"
        );
        assert_eq!(ip("10.0.0.1:5", &["1.1.1.1, made up"]), "10.0.0.1");
        assert_eq!(ip("10.0.0.1:5", &[]), "10.0.0.1");
        assert_eq!(
            bytes("10.0.0.1:5", &[b"1.1.1.1", b"\xff, 203.0.113.7"]),
            "203.0.113.7"
        );
        assert_eq!(bytes("10.0.0.1:5", &[b"1.1.1.1", b"\xff"]), "10.0.0.1");
        for written in [
            "2001:db8::7",
            "[2001:db8::7]",
            "[2001:db8::7]:443",
            " 2001:DB8:0::7 ",
        ] {
            let both = format!("1.1.1.1, {written}, 2001:db8:1::2");
            assert_eq!(ip("[2001:db8:1::1]:5", &[&both]), "2001:db8::7", "{written}");
        }
        assert_eq!(ip("10.0.0.1:5", &["[203.0.113.7]"]), "10.0.0.1");
    }

    #[test]
    fn only_the_last_hop_says_how_the_request_came() {
        let https = |headers: &[(&'static str, &'static str)]| {
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(*name, value.parse().unwrap());
            }
            forwarded_over_https(&map)
        };
        for headers in [
            &[("x-forwarded-proto", "https")][..],
            &[("x-forwarded-proto", "http, HTTPS")],
            &[("x-forwarded-proto", "http"), ("x-forwarded-proto", "https")],
            &[("forwarded", "for=192.0.2.1;proto=https")],
            &[(
                "forwarded",
                "for=192.0.2.1;proto=http, For=10.0.0.1; Proto=\"https\"",
            )],
        ] {
            assert!(https(headers), "{headers:?}");
        }
        for headers in [
            &[][..],
            &[("x-forwarded-proto", "http")],
            &[("x-forwarded-proto", "https, http")],
            &[("x-forwarded-proto", "https"), ("x-forwarded-proto", "http")],
            &[("x-forwarded-proto", "")],
            &[("x-forwarded-proto", "http"), ("forwarded", "proto=https")],
            &[("forwarded", "proto=https, for=10.0.0.1;proto=http")],
            &[("forwarded", "proto=https, for=10.0.0.1")],
        ] {
            assert!(!https(headers), "{headers:?}");
        }
    }
}
