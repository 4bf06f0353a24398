//! Who opted out.

use signalbox_core::{Event, Kind, Node, Path};

/// One way to tell.
#[derive(Debug)]
pub(crate) enum Condition {
    /// The value at a path reads as yes (or, for a question put the other way round, as no).
    Is(Path, bool),
    /// The value at a path is, or lists, this text (in lower case).
    Equals(Path, String),
    /// A consent category is not granted.
    Consent(String),
}

/// What a condition says about an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    OptedOut,
    /// Not opted out, or nothing was said.
    No,
    /// Something was said that cannot be understood.
    Unreadable,
}

impl Condition {
    pub(crate) fn answer(&self, event: &Event) -> Answer {
        match self {
            Condition::Is(path, wanted) => match event.get(path).map_or(Reading::Nothing, yes_or_no) {
                Reading::Says(said) if said == *wanted => Answer::OptedOut,
                Reading::Says(_) | Reading::Nothing => Answer::No,
                Reading::Unreadable => Answer::Unreadable,
            },
            Condition::Equals(path, text) => event.get(path).map_or(Answer::No, |node| equals(node, text)),
            Condition::Consent(category) => consent(event, category),
        }
    }

    /// Where it looks, for warnings.
    pub(crate) fn path(&self) -> String {
        match self {
            Condition::Is(path, _) | Condition::Equals(path, _) => path.to_string(),
            Condition::Consent(category) => format!("context.consent.categoryPreferences.{category}"),
        }
    }
}

enum Reading {
    Says(bool),
    Nothing,
    Unreadable,
}

/// Reads the spellings that forms, spreadsheets and SDKs have for a boolean.
fn yes_or_no(node: Node<'_>) -> Reading {
    let text = match node.kind() {
        Kind::Null => return Reading::Nothing,
        Kind::Bool => return Reading::Says(node.as_bool() == Some(true)),
        Kind::Array | Kind::Object => return Reading::Unreadable,
        Kind::Number => node.number_text(),
        Kind::String => node.as_str(),
    };
    let text = text.unwrap_or_default().trim();
    let is_one_of = |words: &[&str]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    if text.is_empty() {
        Reading::Nothing
    } else if is_one_of(&["true", "t", "yes", "y", "on", "1"]) {
        Reading::Says(true)
    } else if is_one_of(&["false", "f", "no", "n", "off", "0"]) {
        Reading::Says(false)
    } else {
        Reading::Unreadable
    }
}

/// Compares a text, or each of a list (an array, or joined by commas). Nesting is bounded by the document's.
fn equals(node: Node<'_>, wanted: &str) -> Answer {
    let same = |text: &str| text.trim().to_lowercase() == wanted;
    let any = |text: &str| same(text) || text.split(',').any(same);
    let matches = match node.kind() {
        Kind::Null => false,
        Kind::Bool => same(if node.as_bool() == Some(true) {
            "true"
        } else {
            "false"
        }),
        Kind::Number => node.number_text().is_some_and(same),
        Kind::String => node.as_str().is_some_and(any),
        Kind::Object => return Answer::Unreadable,
        Kind::Array => {
            let mut answer = Answer::No;
            for item in node.items() {
                match equals(item, wanted) {
                    Answer::OptedOut => return Answer::OptedOut,
                    Answer::Unreadable => answer = Answer::Unreadable,
                    Answer::No => {}
                }
            }
            return answer;
        }
    };
    if matches { Answer::OptedOut } else { Answer::No }
}

/// Segment's rule: a category that is not among the preferences is not granted; without preferences, nothing was asked.
fn consent(event: &Event, category: &str) -> Answer {
    let preferences = event
        .root()
        .get("context")
        .and_then(|context| context.get("consent"))
        .and_then(|consent| consent.get("categoryPreferences"));
    let Some(preferences) = preferences.filter(|node| !node.is_null()) else {
        return Answer::No;
    };
    if preferences.kind() != Kind::Object {
        return Answer::Unreadable;
    }
    match preferences.get(category).map_or(Reading::Nothing, yes_or_no) {
        Reading::Says(true) => Answer::No,
        Reading::Says(false) | Reading::Nothing => Answer::OptedOut,
        Reading::Unreadable => Answer::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use signalbox_core::Receipt;

    use super::*;

    fn answer(condition: &Condition, value: &str) -> Answer {
        let receipt = Receipt {
            source: "site".into(),
            received_at: 0,
        };
        let text = format!(r#"{{"context":{{"consent":{value}}},"v":{value}}}"#);
        condition.answer(&Event::parse(&text, receipt).unwrap())
    }

    #[test]
    fn booleans_in_every_spelling() {
        let is = |wanted| Condition::Is(Path::new("v"), wanted);
        for (value, yes, no) in [
            ("true", Answer::OptedOut, Answer::No),
            ("\" Yes \"", Answer::OptedOut, Answer::No),
            ("1", Answer::OptedOut, Answer::No),
            ("\"1\"", Answer::OptedOut, Answer::No),
            ("\"ON\"", Answer::OptedOut, Answer::No),
            ("false", Answer::No, Answer::OptedOut),
            ("0", Answer::No, Answer::OptedOut),
            ("\"n\"", Answer::No, Answer::OptedOut),
            ("null", Answer::No, Answer::No),
            ("\" \"", Answer::No, Answer::No),
            ("\"maybe\"", Answer::Unreadable, Answer::Unreadable),
            ("2", Answer::Unreadable, Answer::Unreadable),
            ("[true]", Answer::Unreadable, Answer::Unreadable),
            ("{}", Answer::Unreadable, Answer::Unreadable),
        ] {
            assert_eq!(answer(&is(true), value), yes, "{value}");
            assert_eq!(answer(&is(false), value), no, "{value}");
        }
        assert_eq!(answer(&Condition::Is(Path::new("other"), true), "1"), Answer::No);
    }

    #[test]
    fn texts_alone_and_in_lists() {
        let equals = Condition::Equals(Path::new("v"), "ldp".into());
        for (value, expected) in [
            ("\"LDP\"", Answer::OptedOut),
            ("\"other, ldp\"", Answer::OptedOut),
            ("[\"x\", \"LDP\", {}]", Answer::OptedOut),
            ("\"LDPX\"", Answer::No),
            ("true", Answer::No),
            ("null", Answer::No),
            ("[]", Answer::No),
            ("{}", Answer::Unreadable),
            ("[\"x\", {}]", Answer::Unreadable),
        ] {
            assert_eq!(answer(&equals, value), expected, "{value}");
        }
        assert_eq!(
            answer(&Condition::Equals(Path::new("v"), "2".into()), "2"),
            Answer::OptedOut
        );
        assert_eq!(
            answer(&Condition::Equals(Path::new("v"), "false".into()), "false"),
            Answer::OptedOut
        );
    }

    #[test]
    fn consent_as_segment_reads_it() {
        let consent = Condition::Consent("ads.us".into());
        for (value, expected) in [
            ("null", Answer::No),
            ("{}", Answer::No),
            (r#"{"categoryPreferences":null}"#, Answer::No),
            (r#"{"categoryPreferences":{"ads.us":true}}"#, Answer::No),
            (r#"{"categoryPreferences":{"ads.us":false}}"#, Answer::OptedOut),
            (r#"{"categoryPreferences":{"ads.us":null}}"#, Answer::OptedOut),
            (r#"{"categoryPreferences":{}}"#, Answer::OptedOut),
            (
                r#"{"categoryPreferences":{"ads.us":"perhaps"}}"#,
                Answer::Unreadable,
            ),
            (r#"{"categoryPreferences":[]}"#, Answer::Unreadable),
        ] {
            assert_eq!(answer(&consent, value), expected, "{value}");
        }
    }
}
