//! Reasons for filtering, rejecting, retrying and holding.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::escape::is_obeyed;
use crate::mask;

/// A stable code for machines (metric label, dead letter search) and a sentence for people.
///
/// The sentence never holds personal data: it names paths and kinds, not values. Text of a vendor must pass
/// [`Reason::from_vendor`], which blanks possibly personal parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    code: Cow<'static, str>,
    message: String,
}

/// The code of events that no mapping of a sink listens to. Their names are counted.
pub const NO_TRIGGER_MATCHED: &str = "no_trigger_matched";

impl Reason {
    /// Creates a reason of Signalbox. Codes are lower-case words joined by `_` and never change once released.
    pub fn new(code: &'static str, message: impl Into<String>) -> Reason {
        Reason {
            code: Cow::Borrowed(code),
            message: message.into(),
        }
    }

    /// Recreates a reason from storage, whose code is not a literal of this program.
    pub fn restored(code: String, message: String) -> Reason {
        Reason {
            code: Cow::Owned(code),
            message,
        }
    }

    /// Creates a reason that quotes a vendor: shortened to 300 characters, with e-mail addresses, long digit runs,
    /// hashes and quoted values blanked by [`redact`].
    pub fn from_vendor(code: &'static str, lead: &str, words: &str) -> Reason {
        let words = redact(words);
        Reason::new(
            code,
            if words.is_empty() {
                lead.to_owned()
            } else {
                format!("{lead}: {words}")
            },
        )
    }

    /// Returns the stable code.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Returns the sentence.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

/// Maximum length of a quoted message, in characters.
const KEPT: usize = 300;

/// Makes a vendor's message safe to show. [Masks](crate::mask()) the configured secrets; replaces by `…` any word that
/// [may be an e-mail address](may_be_address), any run of seven or more digits (phones, ids) and of 32 or more letters
/// and digits (hashes, tokens); replaces characters that a terminal would execute by spaces.
pub fn redact(words: &str) -> String {
    // Masks before the text is cut, since a cut could leave a part of a secret.
    let short: String = mask(words)
        .chars()
        .take(KEPT)
        .map(|c| if is_obeyed(c) { ' ' } else { c })
        .collect();
    let mut out = String::with_capacity(short.len());
    for word in short.split_inclusive(char::is_whitespace) {
        let bare = word.trim_end();
        let digits = bare.bytes().filter(u8::is_ascii_digit).count();
        let longest = bare
            .split(|c: char| !c.is_alphanumeric())
            .map(str::len)
            .max()
            .unwrap_or(0);
        if may_be_address(bare) || digits >= 7 || longest >= 32 {
            out.push('…');
            out.push_str(&word[bare.len()..]);
        } else {
            out.push_str(word);
        }
    }
    out.trim().to_owned()
}

/// Returns true if a word may be an e-mail address: it holds an at sign, full-width and percent-encoded ones included.
pub fn may_be_address(word: &str) -> bool {
    if word.contains(['@', '\u{ff20}', '\u{fe6b}']) {
        return true;
    }
    if !word.contains('%') {
        return false;
    }
    let mut word = word.to_ascii_lowercase();
    // A word that was encoded twice has an encoded percent sign.
    while word.contains("%25") {
        word = word.replace("%25", "%");
    }
    ["%40", "%ef%bc%a0", "%ef%b9%ab"]
        .iter()
        .any(|sign| word.contains(sign))
}

/// A remark about a record that was sent all the same: a detail left out, a value in doubt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// Stable code, as for [`Reason`].
    pub code: Cow<'static, str>,
    /// Path of the field concerned, for instance `custom_data.contents[1].item_price`.
    pub path: String,
    /// A sentence without personal data.
    pub message: String,
}

impl Warning {
    /// Creates a warning about a field.
    pub fn new(code: &'static str, path: impl Into<String>, message: impl Into<String>) -> Warning {
        Warning {
            code: Cow::Borrowed(code),
            path: path.into(),
            message: message.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vendor_words_lose_personal_data() {
        let words = "event 3: 'ada@example.com' or +44 20 79460123 or 0x5e884898da28047151d0e56f8dc62927736 is not valid\nno";
        assert_eq!(redact(words), "event 3: … or +44 20 … or … is not valid no");
        assert_eq!(
            redact("'external_id' is not in sha256 hashed format"),
            "'external_id' is not in sha256 hashed format"
        );
        assert_eq!(redact("\"a@b\",555-123-4567"), "…");
        assert!(redact(&"é".repeat(1000)).chars().count() <= KEPT);
    }

    #[test]
    fn vendor_words_lose_what_a_terminal_would_obey() {
        assert_eq!(
            redact("no\u{1b}[2J \u{202e}token\u{2066}here\u{9b}31m\u{61c}now\u{200f}"),
            "no [2J  token here 31m now"
        );
    }

    #[test]
    fn addresses_are_recognised_in_every_spelling() {
        for word in [
            "ada@example.com",
            "x-ada%40example.com",
            "ada%2540example.com",
            "ada%252540example.com",
            "ada\u{ff20}example.com",
            "ada\u{fe6b}example.com",
            "ada%EF%BC%A0example.com",
            "ada%ef%b9%abexample.com",
        ] {
            assert!(may_be_address(word), "{word}");
            assert_eq!(redact(word), "…", "{word}");
        }
        for word in ["order-40", "100%", "a%20b", "%", "é%4"] {
            assert!(!may_be_address(word), "{word}");
        }
    }
}
