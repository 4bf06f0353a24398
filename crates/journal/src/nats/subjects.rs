//! Names of streams and subjects.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The characters of a token besides letters and digits.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'-');

/// The names of one journal in a cluster of servers.
#[derive(Debug, Clone)]
pub(crate) struct Subjects {
    prefix: String,
}

impl Subjects {
    /// Creates the names under a prefix (letters, digits, `-` and `_`).
    pub(crate) fn new(prefix: &str) -> Subjects {
        Subjects {
            prefix: prefix.to_owned(),
        }
    }

    /// Names a stream or bucket: `sbx_EV`.
    pub(crate) fn stream(&self, what: &str) -> String {
        format!("{}_{what}", self.prefix)
    }

    /// Joins the prefix and parts to a subject. Parts that are no tokens of a subject are percent-encoded with `=` as the sign,
    /// since a bucket's keys allow no `%`.
    pub(crate) fn subject(&self, parts: &[&str]) -> String {
        let mut subject = self.prefix.clone();
        for part in parts {
            subject.push('.');
            subject.push_str(&token(part));
        }
        subject
    }
}

impl Subjects {
    /// Splits a subject into its tokens behind the prefix; `None` if it does not begin with the prefix.
    pub(crate) fn parts<'a>(&self, subject: &'a str) -> Option<Vec<&'a str>> {
        let rest = subject.strip_prefix(self.prefix.as_str())?.strip_prefix('.')?;
        Some(rest.split('.').collect())
    }
}

/// Encodes text as one token of a subject or of a key in a bucket; empty text is `=`.
pub(crate) fn token(text: &str) -> String {
    if text.is_empty() {
        return "=".to_owned();
    }
    utf8_percent_encode(text, PLAIN).to_string().replace('%', "=")
}

/// Decodes a token; `None` if [`token`] did not make it.
pub(crate) fn text(token: &str) -> Option<String> {
    if token == "=" {
        return Some(String::new());
    }
    let encoded = token.replace('=', "%");
    let text = percent_encoding::percent_decode_str(&encoded)
        .decode_utf8()
        .ok()?;
    (self::token(&text) == token).then(|| text.into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_stand_under_the_prefix() {
        let names = Subjects::new("sbx");
        assert_eq!(names.stream("EV"), "sbx_EV");
        assert_eq!(
            names.subject(&["ev", "web.shop >*"]),
            "sbx.ev.web=2Eshop=20=3E=2A"
        );
        assert_eq!(text("=zz"), None);
    }

    proptest! {
        #[test]
        fn every_text_is_one_token_and_comes_back(any in ".*") {
            let token = token(&any);
            prop_assert!(!token.is_empty() && !token.contains(['.', '*', '>', ' ', '%']));
            prop_assert_eq!(text(&token), Some(any));
        }
    }
}
