//! Click and browser ids in the addresses of pages and in cookies.

use bumpalo::Bump;
use signalbox_segment::placeholder;
use signalbox_segment::value::Value;

use crate::encode::TextKind;
use crate::usable::says_something;

/// Returns a parameter of a query such as `?a=1&b=2`, with its percent signs decoded and trimmed; bytes that are no UTF-8
/// stay encoded. `None` if it is blank or not there. The question mark may be missing, and a fragment counts as the end. A
/// plus sign stays, as click ids may hold one.
#[inline]
pub fn query_parameter<'a>(query: &'a str, name: &str, arena: &'a Bump) -> Option<&'a str> {
    let mut rest = query.trim_start_matches('?');
    let value = loop {
        let end = rest.bytes().position(|byte| matches!(byte, b'&' | b'#'));
        let (pair, behind) = rest.split_at(end.unwrap_or(rest.len()));
        if let Some(value) = pair.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')) {
            break value;
        }
        rest = behind.strip_prefix('&')?;
    };
    let decoded = match value.bytes().any(|byte| byte == b'%') {
        true => {
            let decoded = percent_encoding::percent_decode_str(value).decode_utf8();
            decoded.map_or(value, |decoded| arena.alloc_str(&decoded))
        }
        false => value,
    };
    let value = placeholder::trim(decoded);
    (!value.is_empty()).then_some(value)
}

/// Returns a parameter of a URL's query, as [`query_parameter`] does.
#[inline]
pub fn url_parameter<'a>(url: &'a str, name: &str, arena: &'a Bump) -> Option<&'a str> {
    let mark = memchr::memchr2(b'?', b'#', url.as_bytes())?;
    query_parameter(url[mark..].strip_prefix('?')?, name, arena)
}

/// Returns a cookie of a `Cookie` header such as `a=1; b="2"`, without blanks and quotes around it. `None` if it is blank or
/// not there.
#[inline]
pub fn cookie<'a>(header: &'a str, name: &str) -> Option<&'a str> {
    let pairs = header.split(';').map(str::trim_start);
    let value = pairs
        .filter_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
        .next()?
        .trim();
    let inside = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    let value = inside.unwrap_or(value);
    (!value.is_empty()).then_some(value)
}

/// Returns a cookie of an object of cookies, or of the text of a `Cookie` header.
pub fn cookie_of<'a>(cookies: Value<'a>, name: &str) -> Option<&'a str> {
    match cookies {
        Value::Str(header) => cookie(header, name),
        cookies => cookies
            .get(name)
            .as_str()
            .map(str::trim)
            .filter(|value| !value.is_empty()),
    }
}

/// Returns the click id of this name in the query of a page, or of a page of the same site that led to it. Another site's
/// referrer tells of a click on its own ad. A placeholder is no id.
pub fn click_id<'a>(
    name: &str,
    url: Option<&'a str>,
    search: Option<&'a str>,
    referrer: Option<&'a str>,
    arena: &'a Bump,
) -> Option<&'a str> {
    let usable = |id: &&str| says_something(id, TextKind::Id);
    let of_referrer = || {
        let is_same = is_same_site(host(referrer?)?, host(url?)?);
        url_parameter(referrer?, name, arena).filter(|id| is_same && usable(id))
    };
    url.and_then(|url| url_parameter(url, name, arena).filter(usable))
        .or_else(|| query_parameter(search?, name, arena).filter(usable))
        .or_else(of_referrer)
}

/// Returns the text behind the scheme of an `http` or `https` URL.
fn behind_scheme(url: &str) -> Option<&str> {
    let (scheme, rest) = url.split_once("://")?;
    let is_web = scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http");
    is_web.then_some(rest)
}

/// Returns the host of an `http` or `https` URL, without user and port; `None` of any other text.
pub fn host(url: &str) -> Option<&str> {
    let rest = match url.strip_prefix("https://") {
        Some(rest) => rest,
        None => behind_scheme(url.trim())?,
    };
    let mut bytes = rest.bytes();
    let end = bytes.position(|byte| matches!(byte, b'/' | b'?' | b'#' | b'\\'));
    let authority = &rest[..end.unwrap_or(rest.len())];
    let user = authority.bytes().rposition(|byte| byte == b'@');
    let host = &authority[user.map_or(0, |sign| sign + 1)..];
    let (host, end) = match host.strip_prefix('[') {
        Some(address) => (address, b']'),
        None => (host, b':'),
    };
    let end = host.bytes().position(|byte| byte == end);
    let host = &host[..end.unwrap_or(host.len())];
    (!host.is_empty()).then_some(host)
}

/// Returns true if both hosts belong to one site: they are equal, or one is a subdomain of the other.
pub fn is_same_site(one: &str, other: &str) -> bool {
    let bare = |host: &str| host.trim_end_matches('.').to_ascii_lowercase();
    let (one, other) = (bare(one), bare(other));
    let (one, other) = (one.trim_start_matches("www."), other.trim_start_matches("www."));
    let below = |sub: &str, site: &str| sub.strip_suffix(site).is_some_and(|rest| rest.ends_with('.'));
    one == other || site_has_dot(other) && below(one, other) || site_has_dot(one) && below(other, one)
}

/// A top-level domain is no site.
fn site_has_dot(site: &str) -> bool {
    site.contains('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_stand_in_queries() {
        let arena = Bump::new();
        for (query, found) in [
            ("?click=abc&x=1", Some("abc")),
            ("x=1&click=abc#top", Some("abc")),
            ("?click=d%2Bj", Some("d+j")),
            ("click=a+b", Some("a+b")),
            ("?click=", None),
            ("?click=%", Some("%")),
            ("?click=%E4%BD", Some("%E4%BD")),
            ("?click=%20", None),
            ("?click= a%20", Some("a")),
            ("?notclick=abc", None),
            ("click", None),
            ("", None),
            ("?x=1#click=abc", None),
        ] {
            assert_eq!(query_parameter(query, "click", &arena), found, "{query}");
        }
        for (url, found) in [
            ("https://a.example/p?x=1&click=u", Some("u")),
            ("https://a.example/click=u", None),
            ("https://a.example/#?click=u", None),
            ("", None),
        ] {
            assert_eq!(url_parameter(url, "click", &arena), found, "{url}");
        }
    }

    #[test]
    fn ids_stand_in_cookies() {
        for (header, found) in [
            ("_id=a.1; b=2", Some("a.1")),
            ("b=2;_id=a=1 ", Some("a=1")),
            ("_id=\"a.1\"; b=2", Some("a.1")),
            ("_id=\"\"", None),
            ("x_id=1", None),
            ("_id=", None),
            ("_id", None),
            ("", None),
        ] {
            assert_eq!(cookie(header, "_id"), found, "{header}");
        }
    }

    #[test]
    fn urls_have_a_host() {
        for (url, found) in [
            ("https://shop.example/a?b", Some("shop.example")),
            ("HTTP://u:p@shop.example:8080", Some("shop.example")),
            ("https://[2001:db8::1]:443/", Some("2001:db8::1")),
            ("https://?x", None),
            ("mailto:a@shop.example", None),
            ("shop.example/a", None),
            ("", None),
        ] {
            assert_eq!(host(url), found, "{url}");
        }
    }

    #[test]
    fn sites_have_subdomains() {
        for (one, other, same) in [
            ("shop.example", "SHOP.example", true),
            ("www.shop.example", "shop.example", true),
            ("m.shop.example", "www.shop.example", true),
            ("shop.example", "checkout.shop.example", true),
            ("shop.example", "myshop.example", false),
            ("shop.example", "example", false),
            ("l.other.com", "shop.example", false),
        ] {
            assert_eq!(is_same_site(one, other), same, "{one} {other}");
            assert_eq!(is_same_site(other, one), same, "{other} {one}");
        }
    }
}
