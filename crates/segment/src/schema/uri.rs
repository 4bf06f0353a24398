//! URIs after RFC 3986, by hand: one pass, no backtracking.

use super::format::ipv4;

/// A URI with a scheme.
pub(super) fn is_uri(text: &str) -> bool {
    let Some(rest) = after_scheme(text) else {
        return false;
    };
    let (hierarchy, tail) = split_tail(rest);
    !hierarchy.is_empty() && is_hierarchy(hierarchy) && is_tail(tail)
}

/// A URI, or one without scheme or without anything.
pub(super) fn is_reference(text: &str) -> bool {
    let with_scheme = after_scheme(text).is_some_and(|rest| {
        let (hierarchy, tail) = split_tail(rest);
        is_hierarchy(hierarchy) && is_tail(tail)
    });
    let (hierarchy, tail) = split_tail(text);
    with_scheme || (is_hierarchy(hierarchy) && is_tail(tail))
}

fn after_scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once(':')?;
    let letters = scheme
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
    (letters && scheme.starts_with(|c: char| c.is_ascii_alphabetic())).then_some(rest)
}

/// Cuts before the first `?` or `#`.
fn split_tail(text: &str) -> (&str, &str) {
    text.split_at(text.find(['?', '#']).unwrap_or(text.len()))
}

fn is_hierarchy(text: &str) -> bool {
    if let Some(rest) = text.strip_prefix("//") {
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        return is_authority(authority) && made_of(path, b":@/");
    }
    // A single slash may itself stand before an authority; as a path it allows the same and more.
    made_of(text, b":@/")
}

fn is_authority(text: &str) -> bool {
    let host_and_port = match text.split_once('@') {
        Some((user, rest)) if made_of(user, b":") => rest,
        Some(_) => return false,
        None => text,
    };
    let (host, port) = match host_and_port.strip_prefix('[') {
        Some(rest) => match rest.split_once(']') {
            Some((literal, after)) if is_ip_literal(literal) => ("", after),
            _ => return false,
        },
        None => host_and_port.split_at(host_and_port.find(':').unwrap_or(host_and_port.len())),
    };
    let port_fits = match port.strip_prefix(':') {
        Some(digits) => digits.bytes().all(|b| b.is_ascii_digit()),
        None => port.is_empty(),
    };
    port_fits && (ipv4(host) || made_of(host, b""))
}

fn is_ip_literal(text: &str) -> bool {
    if text.parse::<std::net::Ipv6Addr>().is_ok() {
        return true;
    }
    let Some(future) = text.strip_prefix(['v', 'V']) else {
        return false;
    };
    let Some((version, address)) = future.split_once('.') else {
        return false;
    };
    !version.is_empty()
        && version.bytes().all(|b| b.is_ascii_hexdigit())
        && !address.is_empty()
        && !address.contains('%')
        && made_of(address, b":")
}

fn is_tail(text: &str) -> bool {
    let (query, fragment) = text.split_at(text.find('#').unwrap_or(text.len()));
    let query = query.strip_prefix('?').unwrap_or(query);
    let fragment = fragment.strip_prefix('#').unwrap_or(fragment);
    made_of(query, b":@/?") && made_of(fragment, b":@/?")
}

/// Unreserved characters, sub-delimiters, percent escapes, and those of `also`.
fn made_of(text: &str, also: &[u8]) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'%' {
            let escape = bytes.get(at + 1..at + 3);
            if !escape.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
                return false;
            }
            at += 3;
        } else if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=".contains(&byte) || also.contains(&byte) {
            at += 1;
        } else {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uris_and_references() {
        for uri in [
            "https://ex.dk/a?b=1",
            "mailto:a@b.dk",
            "http://u:p@[::1]:80/x#f",
            "urn:a:b",
            "http://",
        ] {
            assert!(is_uri(uri), "{uri}");
        }
        for uri in [
            "/path",
            "http://æ.dk",
            "http://a b",
            "1a:b",
            "a:",
            "http://a:x/",
            "http://[zz]/",
            "http://a/%zz",
        ] {
            assert!(!is_uri(uri), "{uri}");
        }
        assert!(is_reference("#f") && is_reference("") && is_reference("a/b?c") && is_reference("//h/p"));
        assert!(!is_reference("x y"));
    }
}
