//! Percent-encoding, taken off.

use std::borrow::Cow;

/// Most rounds of decoding: a URL inside of a URL is encoded twice, one inside of that three times.
pub(super) const ROUNDS: usize = 3;

/// Returns the text with one round of percent-encoding taken off; `None` if it holds none. Bytes that are no UTF-8 become
/// replacement characters.
pub(super) fn decoded(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let mut at = memchr::memchr(b'%', bytes)?;
    let mut out: Vec<u8> = Vec::with_capacity(bytes.len());
    out.extend_from_slice(bytes.get(..at)?);
    let mut changed = false;
    while let Some(byte) = bytes.get(at) {
        let pair = bytes.get(at + 1..at + 3).filter(|_| *byte == b'%');
        let value = pair.and_then(|pair| Some(hex(pair[0])? << 4 | hex(pair[1])?));
        match value {
            Some(value) => {
                out.push(value);
                changed = true;
                at += 3;
            }
            None => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    changed.then(|| match String::from_utf8_lossy(&out) {
        Cow::Borrowed(text) => text.to_owned(),
        Cow::Owned(text) => text,
    })
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_round_comes_off() {
        for (text, expected) in [
            ("a%40b", Some("a@b")),
            ("a%2540b", Some("a%40b")),
            ("%E2%82%AC", Some("€")),
            ("%ff", Some("\u{fffd}")),
            ("100%", None),
            ("%zz%4", None),
            ("é%4%41", Some("é%4A")),
            ("plain", None),
        ] {
            assert_eq!(decoded(text).as_deref(), expected, "{text}");
        }
    }
}
