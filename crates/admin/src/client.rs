//! The client of a request: its address, and whether others can listen to the connection.

use std::net::IpAddr;

use axum::extract::Request;
use ipnet::IpNet;
use signalbox_http::server::{Peer, forwarded_over_https, forwarding_header, is_trusted, sender_ip};

/// The client of a request. Behind a trusted proxy it is the proxy's client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Client {
    /// Its address; `None` for a request that came by no connection.
    pub(crate) address: Option<IpAddr>,
    /// True if the request came by HTTPS, here or to a trusted proxy.
    pub(crate) secure: bool,
    /// The way of a request without HTTPS.
    pub(crate) way: Way,
}

/// The way of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// A program on this machine sent it.
    Local,
    /// A trusted proxy passed it on.
    TrustedProxy,
    /// A proxy that is not trusted passed it on, as its headers show.
    UnknownProxy,
    /// Another machine sent it.
    Network,
}

impl Client {
    /// Recognises the client of a request. Only the word of the last hop counts, since a client can make up the others.
    pub(crate) fn of(request: &Request, proxies: &[IpNet]) -> Client {
        let Some(peer) = request.extensions().get::<Peer>() else {
            return Client {
                address: None,
                secure: false,
                way: Way::Network,
            };
        };
        let (headers, address) = (request.headers(), peer.address.ip().to_canonical());
        let passed_on = forwarding_header(headers).is_some() || headers.contains_key("x-forwarded-proto");
        if passed_on && is_trusted(address, proxies) {
            return Client {
                address: Some(sender_ip(peer.address, headers, proxies)),
                secure: forwarded_over_https(headers),
                way: Way::TrustedProxy,
            };
        }
        Client {
            address: Some(address),
            secure: peer.secure,
            way: match address.is_loopback() {
                _ if passed_on => Way::UnknownProxy,
                true => Way::Local,
                false => Way::Network,
            },
        }
    }

    /// Returns true if the connection hides tokens and cookies from third parties.
    pub(crate) fn is_private(&self) -> bool {
        self.secure || self.way == Way::Local
    }

    /// Returns the address as the audit log has it.
    pub(crate) fn shown(&self) -> String {
        self.address
            .map_or_else(|| "unknown".to_owned(), |address| address.to_string())
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn client(peer: &str, secure: bool, headers: &[(&str, &str)]) -> Client {
        let mut request = Request::get("/");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let address = peer.parse().unwrap();
        let request = request
            .extension(Peer { address, secure })
            .body(Body::empty())
            .unwrap();
        Client::of(&request, &["10.0.0.0/8".parse().unwrap()])
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        let https = ("x-forwarded-proto", "https");
        let of_client = ("x-forwarded-for", "1.2.3.4, 203.0.113.7");
        for (peer, secure, headers, address, way, private) in [
            ("127.0.0.1:5", false, &[][..], "127.0.0.1", Way::Local, true),
            ("[::ffff:127.0.0.1]:5", false, &[], "127.0.0.1", Way::Local, true),
            ("[::1]:5", false, &[], "::1", Way::Local, true),
            ("192.0.2.1:5", false, &[], "192.0.2.1", Way::Network, false),
            ("192.0.2.1:5", true, &[], "192.0.2.1", Way::Network, true),
            (
                "192.0.2.1:5",
                false,
                &[https, of_client],
                "192.0.2.1",
                Way::UnknownProxy,
                false,
            ),
            // A proxy on this machine that is not listed passes on the requests of other machines.
            (
                "127.0.0.1:5",
                false,
                &[of_client],
                "127.0.0.1",
                Way::UnknownProxy,
                false,
            ),
            (
                "127.0.0.1:5",
                false,
                &[https],
                "127.0.0.1",
                Way::UnknownProxy,
                false,
            ),
            (
                "10.0.0.1:5",
                false,
                &[https, of_client],
                "203.0.113.7",
                Way::TrustedProxy,
                true,
            ),
            (
                "10.0.0.1:5",
                false,
                &[of_client],
                "203.0.113.7",
                Way::TrustedProxy,
                false,
            ),
            (
                "10.0.0.1:5",
                true,
                &[of_client],
                "203.0.113.7",
                Way::TrustedProxy,
                false,
            ),
            ("10.0.0.1:5", false, &[], "10.0.0.1", Way::Network, false),
            (
                "10.0.0.1:5",
                false,
                &[("forwarded", "for=203.0.113.7;proto=https")],
                "10.0.0.1",
                Way::TrustedProxy,
                true,
            ),
        ] {
            let found = client(peer, secure, headers);
            assert_eq!((&*found.shown(), found.way), (address, way), "{peer} {headers:?}");
            assert_eq!(found.is_private(), private, "{peer} {headers:?}");
        }
    }
}
