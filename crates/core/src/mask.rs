//! Masks the configured secrets in texts from outside: a destination may echo a request.
//!
//! Every [`Secret`](crate::Secret) registers itself here when it is created. The mask finds a secret in plain text,
//! percent-encoded, escaped as in JSON, and in base64 of either alphabet, also as a part of the encoded text (`Basic
//! base64(user:password)`).

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{PoisonError, RwLock};

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD};
use memchr::memmem;

/// Minimum length of a masked secret, in bytes: shorter ones are words that occur anywhere.
const SHORTEST: usize = 8;
/// The text that replaces a secret.
const MASK: &str = "[secret]";

/// The forms in which one secret may appear.
#[derive(PartialEq, Eq)]
struct Needle {
    plain: String,
    /// Its base64 after 0, 1 and 2 other bytes, without the characters that depend on its neighbours.
    encoded: Vec<String>,
}

/// All secrets registered so far. Those of replaced configurations stay: their tokens may still be valid.
static KNOWN: RwLock<Vec<Needle>> = RwLock::new(Vec::new());

/// Registers a secret, and those parts of it that a destination may know separately: the words of a header (`Bearer
/// TOKEN`), the path of an address.
pub(crate) fn note(secret: &str) {
    let path = secret
        .split_once("://")
        .and_then(|(_, rest)| rest.find('/').and_then(|at| rest.get(at..)));
    // PEM and credentials have explanations and headings between the lines that are secret.
    let armoured = secret.contains("-----BEGIN ");
    let plain = |part: &str| armoured && !secret.lines().any(|line| line.trim() == part);
    let words = secret.split_whitespace().filter(|word| !plain(word));
    for part in words.chain([secret.trim()]).chain(path) {
        if part.chars().count() < SHORTEST {
            continue;
        }
        let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
        if known.iter().any(|needle| needle.plain == part) {
            continue;
        }
        drop(known);
        let needle = Needle {
            plain: part.to_owned(),
            encoded: encoded(part.as_bytes()),
        };
        KNOWN.write().unwrap_or_else(PoisonError::into_inner).push(needle);
    }
}

fn encoded(secret: &[u8]) -> Vec<String> {
    let mut all = Vec::new();
    for before in 0..3 {
        let padded = [&[0; 3][..before], secret].concat();
        // Each character has 6 bits. Characters that share bits with the bytes before or after are left out.
        let inner = (before * 8).div_ceil(6)..padded.len() * 8 / 6;
        for engine in [BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE_NO_PAD] {
            let text = engine.encode(&padded);
            let text = text.get(inner.clone()).unwrap_or_default().to_owned();
            if !all.contains(&text) {
                all.push(text);
            }
        }
    }
    all
}

/// Returns the text with `[secret]` in place of every configured secret of at least eight characters.
pub fn mask(text: &str) -> Cow<'_, str> {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut view = View::of(text);
    loop {
        for needle in known.iter() {
            found.extend(view.find(needle));
        }
        match view.decoded() {
            Some(decoded) => view = decoded,
            None => break,
        }
    }
    drop(known);
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    found.sort_by_key(|range| range.start);
    let mut masked = String::with_capacity(text.len());
    let mut at = 0;
    for range in found {
        if range.start >= at {
            masked.push_str(text.get(at..range.start).unwrap_or_default());
            masked.push_str(MASK);
        }
        at = at.max(range.end);
    }
    masked.push_str(text.get(at..).unwrap_or_default());
    Cow::Owned(masked)
}

/// A decoded text, with the position of each byte in the original.
struct View<'a> {
    bytes: Cow<'a, [u8]>,
    /// The position of each byte in the original; `None` if nothing was decoded, so that positions are the same.
    places: Option<Vec<Range<usize>>>,
}

impl<'a> View<'a> {
    fn of(text: &'a str) -> View<'a> {
        View {
            bytes: text.as_bytes().into(),
            places: None,
        }
    }

    fn place(&self, at: usize) -> Option<Range<usize>> {
        match &self.places {
            Some(places) => places.get(at).cloned(),
            None => Some(at..at + 1),
        }
    }

    /// Finds the positions of a secret in the original.
    fn find<'b>(&'b self, needle: &'b Needle) -> impl Iterator<Item = Range<usize>> + 'b {
        let plain = memmem::find_iter(&self.bytes, &needle.plain).map(|at| at..at + needle.plain.len());
        let encoded = needle.encoded.iter().flat_map(|part| {
            memmem::find_iter(&self.bytes, part).map(|at| self.run_around(at..at + part.len()))
        });
        plain.chain(encoded).filter_map(|range| {
            let (first, last) = (self.place(range.start)?, self.place(range.end.checked_sub(1)?)?);
            Some(first.start..last.end)
        })
    }

    /// Returns the whole base64 text around a part of it.
    fn run_around(&self, part: Range<usize>) -> Range<usize> {
        let is_base64 = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(byte);
        let before = self
            .bytes
            .iter()
            .take(part.start)
            .rev()
            .take_while(|byte| is_base64(byte))
            .count();
        let behind = self
            .bytes
            .iter()
            .skip(part.end)
            .take_while(|byte| is_base64(byte))
            .count();
        part.start - before..part.end + behind
    }

    /// Returns the text without percent-encoding and JSON escapes; `None` if it has neither.
    fn decoded(&self) -> Option<View<'static>> {
        memchr::memchr2(b'%', b'\\', &self.bytes)?;
        let mut bytes = Vec::with_capacity(self.bytes.len());
        let mut places = Vec::with_capacity(self.bytes.len());
        let mut rest: &[u8] = &self.bytes;
        while let Some(&first) = rest.first() {
            let escape = unescape(rest);
            let length = escape.as_ref().map_or(1, |(_, length)| *length);
            let at = self.bytes.len() - rest.len();
            let place = self.place(at)?.start..self.place(at + length - 1)?.end;
            let before = bytes.len();
            match escape {
                Some((decoded, _)) => bytes.extend(decoded),
                None => bytes.push(first),
            }
            places.extend(std::iter::repeat_n(place, bytes.len() - before));
            rest = rest.get(length..).unwrap_or_default();
        }
        (bytes.len() < self.bytes.len()).then(|| View {
            bytes: bytes.into(),
            places: Some(places),
        })
    }
}

/// Decodes an escape at the beginning of a text; returns its meaning and its length.
fn unescape(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    let number = |from: usize, to: usize| {
        let digits = std::str::from_utf8(text.get(from..to)?).ok()?;
        let digits = digits
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit())
            .then_some(digits)?;
        u32::from_str_radix(digits, 16).ok()
    };
    match text {
        [b'%', ..] => Some((vec![u8::try_from(number(1, 3)?).ok()?], 3)),
        [b'\\', b'u', ..] => {
            let mut bytes = [0; 4];
            let decoded = char::from_u32(number(2, 6)?)?.encode_utf8(&mut bytes);
            Some((decoded.as_bytes().to_vec(), 6))
        }
        [b'\\', escaped @ (b'"' | b'\\' | b'/'), ..] => Some((vec![*escaped], 2)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Secret, redact};
    use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE};
    use proptest::prelude::*;

    #[test]
    fn every_form_in_which_a_header_comes_back() {
        let token = "pin?a-Zq/7~k>9";
        let _secret = Secret::new(token);
        let mut forms = vec![
            token.to_owned(),
            format!("Bearer {token}"),
            format!("x={token}&y=1"),
        ];
        forms.push("pin%3Fa-Zq%2F7%7Ek%3E9".to_owned());
        forms.push("pin%3fa-Zq%2f7~k%3e9".to_owned());
        forms.push("%70in%3Fa-Zq/7~k%3E9".to_owned());
        forms.push("pin%253Fa-Zq%252F7%257Ek%253E9".to_owned());
        forms.push(r"pin?a-Zq\/7~k>9".to_owned());
        forms.push(r"pin?a-Zq\u002f7~k\u003E9".to_owned());
        for around in ["", "Bearer ", "user:", "a:", "ab:", "Authorization: Bearer "] {
            for behind in ["", "\n", ", and more"] {
                let whole = format!("{around}{token}{behind}");
                forms.push(BASE64_STANDARD.encode(&whole));
                forms.push(BASE64_STANDARD_NO_PAD.encode(&whole));
                forms.push(BASE64_URL_SAFE.encode(&whole));
                forms.push(BASE64_URL_SAFE_NO_PAD.encode(&whole));
                forms.push(
                    BASE64_STANDARD
                        .encode(&whole)
                        .replace('=', "%3D")
                        .replace('+', "%2B")
                        .replace('/', "%2F"),
                );
            }
        }
        for form in forms {
            let text = format!("we got '{form}' from you");
            let masked = mask(&text);
            let expected = match form.as_str() {
                form if form.starts_with("Bearer ") => "we got 'Bearer [secret]' from you",
                form if form.starts_with("x=") => "we got 'x=[secret]&y=1' from you",
                _ => "we got '[secret]' from you",
            };
            assert_eq!(masked, expected, "{form}");
        }
        let innocent = "an event_time is too old: 100%25 of é, C:\\u, 50% off";
        assert_eq!(mask(innocent), innocent);
    }

    #[test]
    fn parts_of_headers_and_addresses() {
        let _header = Secret::new("Token  zq-part-of-a-header\n");
        let _address = Secret::new("https://hooks.example.com/services/T0/zq-path?k=1");
        let _short = Secret::new("zq-1234");
        assert_eq!(mask("no: zq-part-of-a-header"), "no: [secret]");
        assert_eq!(
            mask("POST /services/T0/zq-path?k=1 is gone"),
            "POST [secret] is gone"
        );
        assert_eq!(
            mask("hooks.example.com and zq-1234"),
            "hooks.example.com and zq-1234"
        );
        assert_eq!(mask("zq-part-of-a-headerzq-part-of-a-header"), "[secret][secret]");
    }

    #[test]
    fn words_around_an_armoured_secret_are_no_secrets() {
        let text = "-----BEGIN NATS USER JWT-----\neyJ0eXAi.eyJqdGki.c2lnbmVk\n------END NATS USER JWT------\n\n\
                    **** IMPORTANT ****\nNKEYs are sensitive and should be treated as secrets.\n\n\
                    -----BEGIN USER NKEY SEED-----\r\nSUAMASKMASKMASKMASK\r\n------END USER NKEY SEED------\n";
        let _secret = Secret::new(text);
        let told = "IMPORTANT: treated as secrets. -----BEGIN sensitive";
        assert_eq!(mask(told), told);
        assert_eq!(
            mask("seed SUAMASKMASKMASKMASK, eyJ0eXAi.eyJqdGki.c2lnbmVk"),
            "seed [secret], [secret]"
        );
    }

    #[test]
    fn no_cut_of_a_long_text_shows_a_part() {
        let _secret = Secret::new("zq-cut-where-it-ends");
        for before in 270..300 {
            let text = redact(&format!("{} zq-cut-where-it-ends", "a ".repeat(before / 2)));
            assert!(!text.contains("zq-"), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_secret_in_any_base64(secret in "[!-~]{8,60}", before in ".{0,9}", behind in ".{0,9}", url in any::<bool>()) {
            let _secret = Secret::new(secret.clone());
            let whole = format!("{before}{secret}{behind}");
            let engine = if url { BASE64_URL_SAFE } else { BASE64_STANDARD };
            let text = format!("<{}>", engine.encode(&whole));
            prop_assert_eq!(mask(&text), "<[secret]>");
            prop_assert!(!mask(&whole).contains(&secret));
        }
    }
}
