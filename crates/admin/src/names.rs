//! Names and origins: which names the admin address answers to, and which origins are its own.

use std::net::{IpAddr, SocketAddr};

use axum::extract::Request;
use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{HeaderValue, Uri};

/// The names that the address answers to.
#[derive(Debug)]
pub(crate) struct Names {
    listen: String,
    hosts: Vec<String>,
}

impl Names {
    pub(crate) fn new(listen: SocketAddr, hosts: &[String]) -> Names {
        Names {
            listen: listen.to_string(),
            hosts: hosts.iter().map(|host| plain_name(host)).collect(),
        }
    }

    /// True if every name that a request gives its host is one of this address's.
    pub(crate) fn include_those_of(&self, request: &Request) -> bool {
        names(request).all(|name| self.include(name))
    }

    /// True if `authority` is an IP address or one of this address's names.
    fn include(&self, authority: &str) -> bool {
        if authority == self.listen {
            return true;
        }
        let Some((host, _)) = host_and_port(authority) else {
            return false;
        };
        let address = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(&host);
        address.parse::<IpAddr>().is_ok() || host == "localhost" || self.hosts.contains(&host)
    }
}

/// Lists every name that a request gives its host.
fn names(request: &Request) -> impl Iterator<Item = &str> {
    let of_target = request.uri().authority().map(Authority::as_str);
    // A header that is not text cannot be one of our names.
    let of_header = request
        .headers()
        .get(HOST)
        .map(|host| host.to_str().unwrap_or(""));
    of_target.into_iter().chain(of_header)
}

/// True if an origin is the address that the request itself goes to.
pub(crate) fn is_own(origin: &HeaderValue, request: &Request) -> bool {
    let Some(origin) = origin.to_str().ok().and_then(|origin| origin.parse::<Uri>().ok()) else {
        return false;
    };
    let usual = match origin.scheme_str() {
        Some("http") => 80,
        Some("https") => 443,
        _ => return false,
    };
    let place = |authority: &str| {
        let (host, port) = host_and_port(authority)?;
        Some((host, port.unwrap_or(usual)))
    };
    let Some(origin) = origin.authority().and_then(|origin| place(origin.as_str())) else {
        return false;
    };
    let mut names = names(request).peekable();
    names.peek().is_some() && names.all(|name| place(name).as_ref() == Some(&origin))
}

/// Splits `host` or `host:port`; `None` if anything else is in it. [`Authority`] alone accepts a user's name before the
/// host, and letters between the bracket of an address and its port.
fn host_and_port(authority: &str) -> Option<(String, Option<u16>)> {
    let parsed = authority.parse::<Authority>().ok()?;
    let port = match authority.strip_prefix(parsed.host())? {
        "" => None,
        rest => Some(rest.strip_prefix(':')?.parse().ok()?),
    };
    Some((plain_name(parsed.host()), port))
}

/// Normalises a host name for comparison: lower case, without a trailing dot.
fn plain_name(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn ours() -> Names {
        Names::new("127.0.0.1:9464".parse().unwrap(), &["Ops.Example.".to_owned()])
    }

    #[test]
    fn addresses_and_listed_names_are_answered_to() {
        for name in [
            "127.0.0.1:9464",
            "10.1.2.3",
            "[::1]:9464",
            "[2001:db8::1]",
            "LocalHost:1",
            "localhost.",
            "ops.example:443",
        ] {
            assert!(ours().include(name), "{name}");
        }
        for name in [
            "evil.example:9464",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "evil.example#127.0.0.1",
            "ops.example.evil.example",
            "2130706433",
            "127.1",
            "[::1].evil.example",
            "[::1].evil.example:9464",
            "[::1]evil.example",
            "evil@127.0.0.1",
            "evil.example:27465@127.0.0.1",
            "localhost@evil.example",
            "127.0.0.1:",
            "127.0.0.1:x",
            "",
            "a b",
        ] {
            assert!(!ours().include(name), "{name}");
        }
    }

    #[test]
    fn only_the_own_origin_is_no_foreign_one() {
        let is_own = |origin: &'static str, host: &str| {
            let request = Request::get("/status")
                .header(HOST, host)
                .body(Body::empty())
                .unwrap();
            is_own(&HeaderValue::from_static(origin), &request)
        };
        assert!(is_own("http://127.0.0.1:9464", "127.0.0.1:9464"));
        assert!(is_own("https://ops.example", "OPS.example"));
        assert!(is_own("http://localhost:80", "localhost"));
        for origin in [
            "null",
            "",
            "http://127.0.0.1:9465",
            "http://localhost:9464",
            "http://evil.example",
            "http://evil@127.0.0.1:9464",
            "http://[::1].evil.example",
            "file://127.0.0.1:9464",
        ] {
            assert!(!is_own(origin, "127.0.0.1:9464"), "{origin}");
        }
    }
}
