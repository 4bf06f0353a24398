//! Answers to yes-or-no questions, as forms, consent banners, tag managers and SDKs write them.

use crate::json::{Kind, Node};

/// The answer to a yes-or-no question such as `adTrackingEnabled`, an opt-out or a consent category.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Yes: `true`, `1`, `yes`, `on`, `granted` and the like.
    Yes,
    /// No: `false`, `0`, `no`, `off`, `denied`, `restricted` and the like.
    No,
    /// Null, a blank text, an empty list, or the user was not asked yet (`notDetermined` of iOS).
    Missing,
    /// A value that answers nothing, such as `maybe`, `2` or an object.
    Unknown,
}

/// Words for yes, in lower case and without blanks, dashes and underscores.
#[rustfmt::skip]
const YES: [&str; 21] = [
    "true", "t", "1", "1.0", "yes", "y", "on", "granted", "grant", "allowed", "allow", "allowall", "authorized",
    "authorised", "accepted", "accept", "agreed", "enabled", "optin", "optedin", "given",
];

/// Words for no, in the same form.
#[rustfmt::skip]
const NO: [&str; 31] = [
    "false", "f", "0", "0.0", "no", "n", "off", "denied", "deny", "disallowed", "disallow", "restricted", "unauthorized",
    "unauthorised", "notauthorized", "notauthorised", "notgranted", "notallowed", "declined", "decline", "rejected",
    "reject", "refused", "refuse", "disabled", "optout", "optedout", "withdrawn", "revoked", "blocked", "notgiven",
];

/// Words for a question without an answer yet.
const UNANSWERED: [&str; 2] = ["notdetermined", "undetermined"];

/// Length of the longest word.
const LONGEST: usize = 13;

impl Answer {
    /// Reads a text. Letter case, blanks, dashes and underscores do not count.
    pub fn of_text(text: &str) -> Answer {
        let mut word = [0; LONGEST];
        let mut len = 0;
        let kept = |c: &char| !(c.is_whitespace() || matches!(c, '-' | '_' | '\u{200b}' | '\u{feff}'));
        for c in text.chars().filter(kept) {
            let (Some(place), true) = (word.get_mut(len), c.is_ascii()) else {
                return Answer::Unknown;
            };
            *place = c.to_ascii_lowercase() as u8;
            len += 1;
        }
        let is_one_of = |words: &[&str]| words.iter().any(|known| known.as_bytes() == &word[..len]);
        match len {
            // A dash alone is a text, and says nothing.
            0 if text.contains(['-', '_']) => Answer::Unknown,
            0 => Answer::Missing,
            _ if is_one_of(&YES) => Answer::Yes,
            _ if is_one_of(&NO) => Answer::No,
            _ if is_one_of(&UNANSWERED) => Answer::Missing,
            _ => Answer::Unknown,
        }
    }

    /// Reads a number: one is yes, zero is no.
    pub fn of_number(number: f64) -> Answer {
        match number {
            1.0 => Answer::Yes,
            0.0 => Answer::No,
            _ => Answer::Unknown,
        }
    }

    /// Reads a value of an event: a boolean, a number, a text, or a list of one of these.
    pub fn of(node: Node<'_>) -> Answer {
        match node.kind() {
            Kind::Null => Answer::Missing,
            Kind::Bool => Answer::from(node.as_bool() == Some(true)),
            Kind::Number => {
                let number = node.number_text().and_then(|text| text.parse().ok());
                number.map_or(Answer::Unknown, Answer::of_number)
            }
            Kind::String => Answer::of_text(node.as_str().unwrap_or_default()),
            Kind::Object => Answer::Unknown,
            Kind::Array => {
                let mut items = node.items();
                match (items.next(), items.next()) {
                    (None, _) => Answer::Missing,
                    (Some(only), None) if only.kind() != Kind::Array => Answer::of(only),
                    _ => Answer::Unknown,
                }
            }
        }
    }

    /// Returns true for yes, false for no, `None` if there is neither.
    pub fn as_bool(self) -> Option<bool> {
        match self {
            Answer::Yes => Some(true),
            Answer::No => Some(false),
            Answer::Missing | Answer::Unknown => None,
        }
    }
}

impl From<bool> for Answer {
    fn from(yes: bool) -> Answer {
        if yes { Answer::Yes } else { Answer::No }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Document;

    #[test]
    fn answers_are_read_in_every_spelling() {
        for (json, answer) in [
            ("true", Answer::Yes),
            ("1", Answer::Yes),
            ("1.0", Answer::Yes),
            ("\" Yes \"", Answer::Yes),
            ("\"GRANTED\"", Answer::Yes),
            ("\"opted in\"", Answer::Yes),
            ("[\"on\"]", Answer::Yes),
            ("false", Answer::No),
            ("0", Answer::No),
            ("\"N\"", Answer::No),
            ("\"\\u00a0off\\u200b\"", Answer::No),
            ("\"opt-out\"", Answer::No),
            ("\"Not Authorized\"", Answer::No),
            ("\"restricted\"", Answer::No),
            ("[false]", Answer::No),
            ("null", Answer::Missing),
            ("\" \"", Answer::Missing),
            ("[]", Answer::Missing),
            ("[null]", Answer::Missing),
            ("\"notDetermined\"", Answer::Missing),
            ("\"not_determined\"", Answer::Missing),
            ("\"maybe\"", Answer::Unknown),
            ("\"unknown\"", Answer::Unknown),
            ("\"-\"", Answer::Unknown),
            ("\"да\"", Answer::Unknown),
            ("\"a text that is longer than any word\"", Answer::Unknown),
            ("2", Answer::Unknown),
            ("-1", Answer::Unknown),
            ("[true,true]", Answer::Unknown),
            ("[[true]]", Answer::Unknown),
            ("{}", Answer::Unknown),
        ] {
            assert_eq!(
                Answer::of(Document::parse(json).unwrap().root()),
                answer,
                "{json}"
            );
        }
    }

    #[test]
    fn every_word_fits_the_buffer() {
        for word in YES.iter().chain(&NO).chain(&UNANSWERED) {
            assert!(word.len() <= LONGEST, "{word}");
            assert_ne!(Answer::of_text(word), Answer::Unknown, "{word}");
        }
    }
}
