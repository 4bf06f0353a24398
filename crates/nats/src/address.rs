//! The address of a server, as settings write it.

/// Checks the address of a server: `nats://HOST:PORT` or `tls://HOST:PORT`; the port may be left out.
///
/// # Errors
/// The fault and the remedy; never the address, which may hold a password.
pub(crate) fn check(text: &str) -> Result<(), (&'static str, &'static str)> {
    const FORM: &str = "write nats://HOST:4222, or tls://HOST:4222 for TLS";
    let rest = text
        .strip_prefix("nats://")
        .or_else(|| text.strip_prefix("tls://"));
    let Some(rest) = rest else {
        return Err(("must begin with nats:// or tls://", FORM));
    };
    if rest.contains('@') {
        return Err((
            "holds a user, a password or a token",
            "set `user` and `password`, `token`, `nkey` or `credentials` instead, which are kept secret",
        ));
    }
    if rest.contains(',') {
        return Err((
            "holds several servers",
            "write each as a text of the list: [\"nats://n1:4222\", \"nats://n2:4222\"]",
        ));
    }
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (host, port) = match rest.strip_prefix('[') {
        Some(bracketed) => {
            let Some((host, after)) = bracketed.split_once(']') else {
                return Err(("has a bracket that is not closed", "write nats://[::1]:4222"));
            };
            if host.parse::<std::net::Ipv6Addr>().is_err() {
                return Err(("has brackets around something that is no IPv6 address", FORM));
            }
            match after {
                "" => (host, None),
                _ => match after.strip_prefix(':') {
                    Some(port) => (host, Some(port)),
                    None => return Err(("has text after its host", FORM)),
                },
            }
        }
        None => match rest.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (rest, None),
        },
    };
    if port.is_some_and(|port| port.contains(':')) {
        return Err((
            "is ambiguous",
            "put an IPv6 address in brackets: nats://[::1]:4222",
        ));
    }
    let in_host = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '_' | ':');
    if host.is_empty() {
        return Err(("names no host", FORM));
    }
    if !host.chars().all(in_host) {
        return Err(("has a character that no host's name has", FORM));
    }
    let digits = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    match port {
        Some(port) if !digits(port) || port.parse::<u16>().unwrap_or(0) == 0 => {
            Err(("has a port that is no number from 1 to 65535", FORM))
        }
        _ => Ok(()),
    }
}

/// Returns true for an address of this machine, whose traffic crosses no network.
pub(crate) fn is_loopback(text: &str) -> bool {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let host = match rest.strip_prefix('[') {
        Some(bracketed) => bracketed.split(']').next().unwrap_or_default(),
        None => rest.split([':', '/']).next().unwrap_or_default(),
    };
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_servers() {
        for good in [
            "nats://n1",
            "nats://n1:4222",
            "tls://nats.example.com:4222/",
            "nats://10.0.0.1:1",
            "nats://[::1]:4222",
            "tls://[2001:db8::1]",
            "nats://nats_1.nats-headless:65535",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn what_is_no_address_is_told_without_it() {
        for (bad, wanted) in [
            ("", "must begin"),
            ("n1:4222", "must begin"),
            ("ws://n1", "must begin"),
            ("NATS://n1", "must begin"),
            ("nats://ann:secret@n1:4222", "holds a user"),
            ("nats://s3cr3t@n1", "holds a user"),
            ("nats://", "names no host"),
            ("nats://:4222", "names no host"),
            ("nats://n1:", "port"),
            ("nats://n1:0", "port"),
            ("nats://n1:65536", "port"),
            ("nats://n1:+42", "port"),
            ("nats://n1:4222/x", "port"),
            ("nats://n1/x", "character"),
            ("nats://n1:4222,nats://n2:4222", "several"),
            ("nats://n1,n2", "several"),
            ("nats://n 1", "character"),
            ("nats://::1", "ambiguous"),
            ("nats://::1:4222", "ambiguous"),
            ("nats://[::1", "bracket"),
            ("nats://[n1]:4222", "brackets"),
            ("nats://[::1]4222", "after its host"),
        ] {
            let (told, _) = check(bad).expect_err(bad);
            assert!(told.contains(wanted), "{bad}: {told}");
        }
    }

    #[test]
    fn loopback() {
        for near in ["nats://localhost", "nats://127.0.0.11:4222", "tls://[::1]:4222/"] {
            assert!(is_loopback(near), "{near}");
        }
        for far in [
            "nats://n1:4222",
            "nats://10.0.0.1",
            "nats://localhost.example.com",
        ] {
            assert!(!is_loopback(far), "{far}");
        }
    }
}
