//! URLs, paths and queries without personal data and secrets.

use super::decode::{ROUNDS, decoded};
use super::forms::{SHORTEST_RANDOM, find_email, has_phone, is_phone, is_random, is_token};
use super::keys::{Meaning, meaning};
use super::removed::{Removed, Scrubbed};

/// Schemes of addresses that are personal as a whole, each with the kind of its data.
const PERSONAL_SCHEMES: [(&str, Removed); 15] = [
    ("mailto:", Removed::EMAIL),
    ("tel:", Removed::PHONE),
    ("callto:", Removed::PHONE),
    ("facetime:", Removed::PHONE),
    ("facetime-audio:", Removed::PHONE),
    ("sms:", Removed::PHONE),
    ("smsto:", Removed::PHONE),
    ("mms:", Removed::PHONE),
    ("whatsapp:", Removed::PHONE),
    ("viber:", Removed::PHONE),
    ("sip:", Removed::USERINFO),
    ("sips:", Removed::USERINFO),
    ("xmpp:", Removed::USERINFO),
    ("im:", Removed::USERINFO),
    ("skype:", Removed::USERINFO),
];

/// Schemes before whose host any number of slashes may stand, by the URL standard of WHATWG ("special schemes").
const SPECIAL_SCHEMES: [&str; 5] = ["https:", "http:", "ftp:", "wss:", "ws:"];

/// Slashes, as browsers read them.
const SLASHES: [char; 2] = ['/', '\\'];

/// Characters behind the host of a URL.
const SLASHES_AND_MARKS: [char; 4] = ['/', '\\', '?', '#'];

/// The beginnings of secrets that are recognised under any key: the keys with which a web shop shows an order to a guest.
const SECRET_BEGINNINGS: [&str; 1] = ["wc_order_"];

/// Takes personal data and secrets out of a URL: the user before the host, and each part of path, query and fragment that is
/// or holds an e-mail address, is a phone number, or has a personal or secret key. `None` if there is nothing to take out.
///
/// ```
/// use signalbox_core::privacy::scrub_url;
///
/// let scrubbed = scrub_url("https://s.example/thanks?email=ada%40example.com&page=2").unwrap();
/// assert_eq!(scrubbed.text, "https://s.example/thanks?page=2");
/// assert_eq!(scrubbed.removed.to_string(), "an e-mail address");
/// assert_eq!(scrub_url("https://s.example/shoes?utm_source=ads&size=42"), None);
/// ```
#[inline]
pub fn scrub_url(url: &str) -> Option<Scrubbed> {
    if is_bare(url) {
        return None;
    }
    scrub_parts(url)
}

/// Returns true for a web address of plain parts, none of them a long step with a digit or a pair with a key that has a meaning:
/// nothing in it must go. Most are.
fn is_bare(url: &str) -> bool {
    let Some(rest) = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"))
    else {
        return false;
    };
    let bytes = rest.as_bytes();
    let (mut start, mut at, mut in_query, mut key) = (0, 0, false, None);
    loop {
        let mut rest_of_part = bytes[at..].iter();
        at += rest_of_part
            .position(|byte| !PLAIN[usize::from(*byte)])
            .unwrap_or(bytes.len() - at);
        let (part, mark) = (&rest[start..at], bytes.get(at));
        if begins_as_secret(part.as_bytes()) {
            return false;
        }
        match (in_query, mark) {
            (false, None | Some(b'/' | b'?')) => {
                // A long step may be a token under a word such as `reset`.
                if part.len() >= SHORTEST_RANDOM && part.bytes().any(|byte| byte.is_ascii_digit()) {
                    return false;
                }
                in_query = mark == Some(&b'?');
            }
            (true, Some(b'=')) if key.is_none() => key = Some(part),
            (true, None | Some(b'&')) => {
                let (key, value) = key.take().map_or((part, ""), |key| (key, part));
                if found_by_key(key, value).is_some() {
                    return false;
                }
            }
            _ => return false,
        }
        if mark.is_none() {
            return true;
        }
        at += 1;
        start = at;
    }
}

/// Splits a pair of a query into its key and its value, which may be missing.
#[inline]
fn split_pair(pair: &str) -> (&str, &str) {
    let sign = pair.bytes().position(|byte| byte == b'=');
    match sign {
        Some(sign) => (&pair[..sign], &pair[sign + 1..]),
        None => (pair, ""),
    }
}

fn scrub_parts(url: &str) -> Option<Scrubbed> {
    let trimmed = url.trim_start();
    let starts_with = |scheme: &str| {
        let start = trimmed.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    };
    if !trimmed.starts_with("http")
        && let Some((_, removed)) = PERSONAL_SCHEMES.iter().find(|(scheme, _)| starts_with(scheme))
    {
        return Some(Scrubbed {
            text: String::new(),
            removed: *removed,
        });
    }
    Out::of(url, |out| {
        let host = authority_at(trimmed);
        let (before, authority) = url.split_at(url.len() - trimmed.len() + host);
        out.push(before);
        let rest = match host > 0 || has_user(trimmed) {
            true => out.authority(authority),
            false => authority,
        };
        out.tail(rest);
    })
}

/// Returns the byte at which a URL's host begins, with the user before it; 0 if it has none.
fn authority_at(url: &str) -> usize {
    let slashes = |from: usize| {
        let rest = url.get(from..).unwrap_or_default();
        rest.len() - rest.trim_start_matches(SLASHES).len()
    };
    let special = SPECIAL_SCHEMES.iter().find(|scheme| {
        let start = url.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    });
    if let Some(scheme) = special {
        return scheme.len() + slashes(scheme.len());
    }
    let slashes = memchr::memchr_iter(b'/', url.as_bytes());
    let double = slashes
        .into_iter()
        .find(|at| url.as_bytes().get(at + 1) == Some(&b'/'));
    if let Some(at) = double.filter(|at| is_authority(&url[..*at])) {
        return at + 2;
    }
    0
}

/// Returns the length of the authority that a text begins with.
fn authority_length(text: &str) -> usize {
    let mut bytes = text.bytes();
    let end = bytes.position(|byte| SLASHES_AND_MARKS.contains(&char::from(byte)));
    end.unwrap_or(text.len())
}

/// Returns true for what stands before the `//` of an authority: a scheme or nothing.
fn is_authority(before: &str) -> bool {
    let scheme = before.strip_suffix(':');
    let is_scheme = |scheme: &str| {
        scheme
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
    };
    before.is_empty() || scheme.is_some_and(is_scheme)
}

/// Returns true for `user:password@host`, which some write without a scheme.
fn has_user(url: &str) -> bool {
    let user = url[..authority_length(url)]
        .rsplit_once('@')
        .map(|(user, _)| user);
    user.is_some_and(|user| user.contains(':'))
}

/// Takes personal data and secrets out of a query such as `?a=1&b=2`; the question mark may be missing. `None` if there is
/// nothing to take out.
pub fn scrub_query(query: &str) -> Option<Scrubbed> {
    if memchr::memchr3(b'=', b'%', b'@', query.as_bytes()).is_none()
        && memchr::memchr3(b'+', b'(', 0xef, query.as_bytes()).is_none()
        && memchr::memchr2(b'_', b'J', query.as_bytes()).is_none()
    {
        return None;
    }
    Out::of(query, |out| {
        let (query, fragment) = split_at(query, b'#');
        match query.strip_prefix('?') {
            Some(rest) => out.marked("?", rest),
            None => out.pairs(query),
        }
        out.fragment(fragment);
    })
}

/// Takes personal data and secrets out of the path of a URL, which may have a query behind it. `None` if there is nothing to
/// take out.
#[inline]
pub fn scrub_path(path: &str) -> Option<Scrubbed> {
    scrub_url(path)
}

/// Splits a text before an ASCII character, which stays with the second part.
#[inline]
fn split_at(text: &str, at: u8) -> (&str, &str) {
    text.split_at(memchr::memchr(at, text.as_bytes()).unwrap_or(text.len()))
}

/// The text that stays.
struct Out {
    text: String,
    /// False while a first look finds out whether anything must go; the text stays empty then.
    writes: bool,
    removed: Removed,
}

impl Out {
    /// Returns what `write` leaves of a text; `None` if it removes nothing, as from most texts, which cost no allocation.
    fn of(text: &str, write: impl Fn(&mut Out)) -> Option<Scrubbed> {
        let mut out = Out {
            text: String::new(),
            writes: false,
            removed: Removed::NONE,
        };
        write(&mut out);
        if out.removed.is_empty() {
            return None;
        }
        out.writes = true;
        out.text.reserve(text.len());
        write(&mut out);
        let Out { text, removed, .. } = out;
        Some(Scrubbed { text, removed })
    }

    #[inline]
    fn push(&mut self, text: &str) {
        if self.writes {
            self.text.push_str(text);
        }
    }

    /// Writes a host without the user before it, and returns the text behind. With a user and no host, the next step of the
    /// path counts as the host, as browsers read it.
    fn authority<'t>(&mut self, mut rest: &'t str) -> &'t str {
        loop {
            let (authority, behind) = rest.split_at(authority_length(rest));
            let Some(sign) = memchr::memrchr(b'@', authority.as_bytes()) else {
                self.push(authority);
                return behind;
            };
            let host = &authority[sign + 1..];
            self.removed.add(Removed::USERINFO);
            self.push(host);
            if !host.is_empty() || !behind.starts_with(SLASHES) {
                return behind;
            }
            rest = behind.trim_start_matches(SLASHES);
        }
    }

    /// Writes path, query and fragment.
    fn tail(&mut self, tail: &str) {
        let (tail, fragment) = split_at(tail, b'#');
        let (path, query) = split_at(tail, b'?');
        self.path(path);
        if let Some(query) = query.strip_prefix('?') {
            self.marked("?", query);
        }
        self.fragment(fragment);
    }

    /// Writes a fragment, which may be a path with a query, as single-page applications have it.
    fn fragment(&mut self, fragment: &str) {
        let Some(inner) = fragment.strip_prefix('#') else {
            return;
        };
        if inner.contains('=') && !inner.contains('?') {
            return self.marked("#", inner);
        }
        let before = self.text.len();
        self.push("#");
        let (path, query) = split_at(inner, b'?');
        self.path(path);
        if let Some(query) = query.strip_prefix('?') {
            self.marked("?", query);
        }
        if self.text.len() == before + 1 && !inner.is_empty() {
            self.text.truncate(before);
        }
    }

    /// Writes the pairs of a query behind its mark, and neither if no pair stays.
    fn marked(&mut self, mark: &str, pairs: &str) {
        let before = self.text.len();
        self.push(mark);
        self.pairs(pairs);
        if self.text.len() == before + mark.len() && !pairs.is_empty() {
            self.text.truncate(before);
        }
    }

    /// Writes the pairs that stay, each but the first with the separator before it.
    fn pairs(&mut self, pairs: &str) {
        let (mut rest, mut separator, mut first) = (pairs, "", true);
        loop {
            let end = memchr::memchr2(b'&', b';', rest.as_bytes()).unwrap_or(rest.len());
            let (pair, behind) = rest.split_at(end);
            match found_in_pair(pair) {
                Some(kind) => self.removed.add(kind),
                None => {
                    self.push(if first { "" } else { separator });
                    self.push(pair);
                    first = false;
                }
            }
            // Pages escape the separator in links: `&amp;`.
            let length = if behind.starts_with("&amp;") { 5 } else { 1 };
            let Some((found, next)) = behind.split_at_checked(length) else {
                return;
            };
            (separator, rest) = (found, next);
        }
    }

    /// Writes the steps of a path that stay, each with the slash before it.
    fn path(&mut self, path: &str) {
        let mut before = "";
        let (mut start, ends) = (0, memchr::memchr_iter(b'/', path.as_bytes()));
        for (at, end) in ends.chain([path.len()]).enumerate() {
            let step = &path[start..end];
            start = end + 1;
            let (name, parameters) = split_at(step, b';');
            let found = found_in_step(name, before);
            before = name;
            if let Some(kind) = found {
                self.removed.add(kind);
                continue;
            }
            self.push(if at == 0 { "" } else { "/" });
            self.push(name);
            if let Some(parameters) = parameters.strip_prefix(';') {
                self.marked(";", parameters);
            }
        }
    }
}

/// Finds what must not stay in a step of a path; `before` is the step before it.
fn found_in_step(step: &str, before: &str) -> Option<Removed> {
    if step.len() < SHORTEST_RANDOM && is_plain(step.as_bytes()) {
        return None;
    }
    if step.contains('=')
        && let Some(kind) = found_in_pair(step)
    {
        return Some(kind);
    }
    found_in_value(step).or_else(|| {
        let is_secret = |step: &str| meaning(step).is_some_and(|key| key.meaning == Meaning::Secret);
        (is_random(step) && before.split(['-', '_']).any(is_secret)).then_some(Removed::SECRET)
    })
}

/// Finds what must not stay in a pair of a key and a value.
fn found_in_pair(pair: &str) -> Option<Removed> {
    let (key, value) = split_pair(pair);
    let (plain_key, plain_value) = (is_plain(key.as_bytes()), is_plain(value.as_bytes()));
    if !(plain_key && plain_value) {
        let found = found_in_value(value)
            .or_else(|| found_in_value(key))
            .or_else(|| has_phone_words(value).then_some(Removed::PHONE));
        if found.is_some() {
            return found;
        }
    }
    if value.is_empty() {
        return None;
    }
    match (!plain_key).then(|| decoded(key)).flatten() {
        Some(key) => found_by_key(&key, value),
        None => found_by_key(key, value),
    }
}

/// Returns true if a phone number is part of a value written as forms write it, with a plus sign for each blank.
fn has_phone_words(value: &str) -> bool {
    value.contains('+') && decoded(&value.replace('+', " ")).is_some_and(|text| has_phone(&text))
}

/// Finds a value that must not stay for its key.
fn found_by_key(key: &str, value: &str) -> Option<Removed> {
    // One-time codes of sign-ins are long; those of vouchers and promotions are words.
    if key.eq_ignore_ascii_case("code") {
        return is_random(value).then_some(Removed::SECRET);
    }
    let key = meaning(key)?;
    match (key.meaning, key.within) {
        (Meaning::Secret, _) => Some(Removed::SECRET),
        (Meaning::Street | Meaning::Zip, _) | (_, None) => Some(Removed::PERSONAL_KEY),
        // `?name=red-shoes`, `?city=paris` are those of a page.
        (_, Some(_)) => None,
    }
}

/// Finds what must not stay in a value, which may be encoded, and may be a URL or a query.
pub(super) fn found_in_value(value: &str) -> Option<Removed> {
    found_in_rounds(value, ROUNDS)
}

fn found_in_rounds(text: &str, rounds: usize) -> Option<Removed> {
    if is_plain(text.as_bytes()) {
        return None;
    }
    found_in_text(text).or_else(|| match rounds {
        0 => None,
        _ => found_in_rounds(&decoded(text)?, rounds - 1),
    })
}

/// Returns true for a text of letters, digits and the marks of identifiers that does not begin as a secret does: it has none of
/// the characters by which the other rules recognise a value.
#[inline]
pub(super) fn is_plain(text: &[u8]) -> bool {
    text.iter().all(|byte| PLAIN[usize::from(*byte)]) && !begins_as_secret(text)
}

/// Letters, digits and the marks of identifiers.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        let is_mark = matches!(byte, b'-' | b'_' | b'.' | b'~');
        plain[byte as usize] = byte.is_ascii_alphanumeric() || is_mark;
        byte += 1;
    }
    plain
};

#[inline]
fn begins_as_secret(text: &[u8]) -> bool {
    let begins = |start: &str| text.first() == start.as_bytes().first() && text.starts_with(start.as_bytes());
    begins("eyJ") || SECRET_BEGINNINGS.iter().any(|start| begins(start))
}

fn found_in_text(text: &str) -> Option<Removed> {
    if find_email(text).is_some() {
        return Some(Removed::EMAIL);
    }
    if is_phone(text) || text.contains(' ') && has_phone(text) {
        return Some(Removed::PHONE);
    }
    if is_token(text) || SECRET_BEGINNINGS.iter().any(|start| text.starts_with(start)) {
        return Some(Removed::SECRET);
    }
    if text.contains('@') && text.split("//").skip(1).any(has_user_at_start) {
        return Some(Removed::USERINFO);
    }
    if !text.contains('=') {
        return None;
    }
    // A URL or a query inside of the value.
    text.split(['?', '&', '#', ';']).find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        let value = value.trim_matches('=');
        if value.is_empty() {
            return None;
        }
        is_phone(value)
            .then_some(Removed::PHONE)
            .or_else(|| found_by_key(key, value))
    })
}

/// Returns true for the host of a URL, and what follows, with a user before it.
fn has_user_at_start(authority: &str) -> bool {
    authority[..authority_length(authority)]
        .rsplit_once('@')
        .is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
}

#[cfg(test)]
mod tests;
