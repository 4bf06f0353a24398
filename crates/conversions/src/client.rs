//! Network addresses, user agents and pages of a person's device, and mapped opt-outs.
//!
//! Proxies, load balancers and shops write lists of addresses, ports, brackets and private addresses. A
//! public address identifies the device; a private one matches no person, or thousands. The ranges are those of the IANA registries of special-purpose addresses. Addresses for documentation (RFC 5737, RFC 3849) count as
//! public, since examples and tests use them and no device has one.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use signalbox_segment::placeholder;
use signalbox_segment::value::Value;

use crate::page;
use crate::reasons::wrong_form;
use crate::vendor::Resolved;

impl<'a> Resolved<'a, '_> {
    /// Returns the address of a web page, with a scheme and a host, or that of the field's first source that is one.
    pub fn page_address(&mut self, value: Value<'a>, field: &str) -> Option<&'a str> {
        let is_address = |url: &str| page::host(url).is_some();
        self.valid(trimmed(value), is_address, (field, "the address of a web page"))
    }

    /// Returns the address of the page before, which may be that of an app (`android-app://com.example`).
    pub fn referrer(&mut self, value: Value<'a>, field: &str) -> Option<&'a str> {
        let is_address = |url: &str| {
            let scheme = url.split_once("://").filter(|(_, rest)| !rest.is_empty());
            scheme.is_some_and(|(scheme, _)| scheme.starts_with(|c: char| c.is_ascii_alphabetic()))
        };
        self.valid(trimmed(value), is_address, (field, "the address of a page"))
    }

    /// Returns a mapped opt-out. One that cannot be read counts as an opt-out.
    pub fn opt_out(&self, value: Value<'_>, field: &str) -> Option<bool> {
        value
            .as_bool()
            .or_else(|| self.has_dropped(field).then_some(true))
    }

    /// Returns the public address of a mapped value. A value without one is left out with a warning about `path`.
    pub fn client_address(&mut self, value: Value<'a>, path: &str) -> Option<&'a str> {
        let text = trimmed(value)?;
        match public_address(text) {
            Some(Cow::Borrowed(address)) => Some(address),
            Some(Cow::Owned(address)) => Some(self.arena.alloc_str(&address)),
            None => {
                self.warnings
                    .push(wrong_form(path, "a public IPv4 or IPv6 address"));
                None
            }
        }
    }

    /// Returns the user agent of a mapped value, trimmed. A placeholder is left out with a warning about `path`.
    pub fn user_agent(&mut self, value: Value<'a>, path: &str) -> Option<&'a str> {
        let text = trimmed(value)?;
        if is_user_agent(text) {
            return Some(text);
        }
        self.warnings.push(wrong_form(path, "a user agent"));
        None
    }
}

/// Returns a text without the blanks around it, unless nothing is left.
pub fn trimmed<'a>(value: Value<'a>) -> Option<&'a str> {
    let text = value.as_str().map(str::trim);
    text.filter(|text| !text.is_empty())
}

/// Returns the first public address of a text such as `203.0.113.7`, `203.0.113.7, 10.0.0.1` or `[2001:db8::1]:443`, without
/// port, brackets and zone. An IPv4 address written as an IPv6 one (`::ffff:203.0.113.7`) comes out as IPv4. `None` if the
/// text holds no public address.
pub fn public_address(text: &str) -> Option<Cow<'_, str>> {
    let text = placeholder::trim(text);
    // Nearly all texts are one clean address.
    if let Ok(address) = text.parse() {
        return public_form(address, text);
    }
    let mut parts = text.split([',', ';', '|', ' ', '\t', '\n']).take(MOST_ADDRESSES);
    parts.find_map(|part| {
        let part = bare(part);
        public_form(part.parse().ok()?, part)
    })
}

/// Number of parts of a list that are looked at. A request does not pass more proxies than this.
const MOST_ADDRESSES: usize = 32;

/// Returns true for an address that can be the one of a person's device on the internet.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match embedded_v4(address) {
            Some(address) => is_public_v4(address),
            None => is_public_v6(address),
        },
    }
}

/// Returns true for the text of a user agent, and false for a blank or a placeholder such as `null` or `-`.
pub fn is_user_agent(text: &str) -> bool {
    /// Length in bytes from which on a text is no placeholder.
    const LONG: usize = 32;
    let text = placeholder::trim(text);
    text.len() >= LONG || text.contains(char::is_alphabetic) && placeholder::placeholder(text).is_none()
}

/// Returns the text to send for an address: the given one, or the IPv4 address inside of an IPv6 one. `None` if it is not
/// public.
fn public_form(address: IpAddr, text: &str) -> Option<Cow<'_, str>> {
    if !is_public(address) {
        return None;
    }
    let inside = match address {
        IpAddr::V4(_) => None,
        IpAddr::V6(address) => embedded_v4(address),
    };
    Some(inside.map_or(Cow::Borrowed(text), |inside| Cow::Owned(inside.to_string())))
}

/// Returns a part of a list without the name of the header `Forwarded`, quotes, brackets, port and zone.
fn bare(part: &str) -> &str {
    let part = match part.get(..4) {
        Some(name) if name.eq_ignore_ascii_case("for=") => &part[4..],
        _ => part,
    };
    let part = part.trim_matches(['"', '\'']);
    let part = match part.strip_prefix('[') {
        Some(inside) => inside.split(']').next().unwrap_or_default(),
        // One colon is a port's; an IPv6 address has more.
        None => match part.split_once(':') {
            Some((address, port)) if !port.contains(':') => address,
            _ => part,
        },
    };
    let part = part.split('%').next().unwrap_or_default();
    // Databases write the length of the network behind an address, which here is that of the address alone.
    let single = part.strip_suffix("/32").or_else(|| part.strip_suffix("/128"));
    single.unwrap_or(part)
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    match (a, b, c) {
        // This host, private networks, loopback.
        (0 | 10 | 127, ..) | (172, 16..=31, _) | (192, 168, _) => false,
        // Carrier-grade NAT, link-local, protocol assignments, benchmarks.
        (100, 64..=127, _) | (169, 254, _) | (192, 0, 0) | (198, 18..=19, _) => false,
        // Multicast, reserved, broadcast.
        _ => a < 224,
    }
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    match address.segments() {
        // Unspecified, loopback, and the rest of the block that holds them.
        [0, 0, 0, 0, ..] => false,
        // Discarded (RFC 6666), and NAT64 inside of one network (RFC 8215).
        [0x100, 0, 0, 0, ..] | [0x64, 0xff9b, 1, ..] => false,
        // Unique local, link-local, site-local, multicast.
        [first, ..] => !matches!(first >> 8, 0xfc | 0xfd | 0xff) && !matches!(first, 0xfe80..=0xfeff),
    }
}

/// Returns the IPv4 address inside of an IPv6 one: mapped (`::ffff:a.b.c.d`), compatible (`::a.b.c.d`), or translated by
/// NAT64 (`64:ff9b::a.b.c.d`).
fn embedded_v4(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [.., high, low] = address.segments();
    let inside = match address.segments() {
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => true,
        // `::` and `::1` are addresses of IPv6.
        [0, 0, 0, 0, 0, 0, ..] => high != 0,
        _ => false,
    };
    inside.then(|| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_public_address_counts() {
        for (text, found) in [
            ("203.0.113.57", "203.0.113.57"),
            (" 8.8.8.8\n", "8.8.8.8"),
            ("2001:db8::1", "2001:db8::1"),
            ("2A00:1450:4001::200E", "2A00:1450:4001::200E"),
            ("203.0.113.7, 10.0.0.1", "203.0.113.7"),
            ("203.0.113.7,198.51.100.2", "203.0.113.7"),
            ("10.0.0.5, 203.0.113.7", "203.0.113.7"),
            ("unknown, 203.0.113.7", "203.0.113.7"),
            ("203.0.113.7|10.0.0.1", "203.0.113.7"),
            ("\u{200b}203.0.113.7\u{a0}", "203.0.113.7"),
            ("203.0.113.7/32", "203.0.113.7"),
            ("2001:db8::1/128", "2001:db8::1"),
            ("203.0.113.7:443", "203.0.113.7"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("2001:db8::1%eth0", "2001:db8::1"),
            ("fe80::1%en0, 2001:db8::1", "2001:db8::1"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("::FFFF:cb00:7107", "203.0.113.7"),
            ("::203.0.113.7", "203.0.113.7"),
            ("64:ff9b::203.0.113.7", "203.0.113.7"),
            ("[::ffff:203.0.113.7]:8080", "203.0.113.7"),
            ("for=203.0.113.7;proto=https", "203.0.113.7"),
            ("For=\"[2001:db8::1]:4711\"", "2001:db8::1"),
            ("\"203.0.113.7\"", "203.0.113.7"),
            ("100.63.255.255", "100.63.255.255"),
            ("172.32.0.1", "172.32.0.1"),
        ] {
            assert_eq!(public_address(text).as_deref(), Some(found), "{text}");
        }
    }

    #[test]
    fn addresses_of_nobody_are_none() {
        for text in [
            "",
            " ",
            "unknown",
            "null",
            "-",
            "203.0.113",
            "203.0.113.0/24",
            "203.0.113.256",
            "203.0.113.7.example",
            "localhost",
            "10.0.0.5",
            "192.168.1.4",
            "172.17.0.1",
            "127.0.0.1",
            "0.0.0.0",
            "0.1.2.3",
            "169.254.1.1",
            "100.64.0.1",
            "192.0.0.8",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fec0::1",
            "fc00::1",
            "fd00::1",
            "ff02::1",
            "100::1",
            "64:ff9b:1::1",
            "::ffff:10.0.0.5",
            "::ffff:0:0",
            "::10.0.0.5",
            "64:ff9b::127.0.0.1",
            "10.0.0.5, 192.168.0.1",
            "[::1]:443",
            "10.0.0.5:80",
            "_hidden",
        ] {
            assert_eq!(public_address(text), None, "{text}");
        }
        let long = "10.0.0.1,".repeat(100_000) + "203.0.113.7";
        assert_eq!(public_address(&long), None);
    }

    #[test]
    fn user_agents_are_more_than_placeholders() {
        for text in [
            "Mozilla/5.0 (X11; Linux x86_64)",
            "okhttp/4.12",
            "curl/8",
            "Null Browser/1.0",
        ] {
            assert!(is_user_agent(text), "{text}");
        }
        for text in [
            "",
            " ",
            "-",
            "null",
            "undefined",
            "N/A",
            "none",
            "(not set)",
            "[object Object]",
            "Unknown",
            "0",
            "\u{2014}",
        ] {
            assert!(!is_user_agent(text), "{text}");
        }
    }
}
