//! Conditions under which a user counts as opted out.

use signalbox_core::{Answer, Event, Kind, Node, OptOutSignal, Path, Signalled, Warning};

use crate::reasons;

/// One way to tell.
#[derive(Debug)]
pub(crate) enum Condition {
    /// The value at a path reads as yes (or, for a question put the other way round, as no).
    Is(Path, bool),
    /// The value at a path is, or lists, this text (in lower case).
    Equals(Path, String),
    /// A consent category is not granted.
    Consent(String),
    /// A signal says so.
    Signal(OptOutSignal),
}

/// The decision of a condition about an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decision {
    OptedOut,
    /// The user did not opt out, or the event holds no answer.
    No,
    /// The answer cannot be understood.
    Unreadable,
}

impl Condition {
    pub(crate) fn decision(&self, event: &Event) -> Decision {
        match self {
            Condition::Is(path, wanted) => match event.get(path).map_or(Answer::Missing, Answer::of) {
                Answer::Unknown => Decision::Unreadable,
                answer if answer.as_bool() == Some(*wanted) => Decision::OptedOut,
                _ => Decision::No,
            },
            Condition::Equals(path, text) => event.get(path).map_or(Decision::No, |node| equals(node, text)),
            Condition::Consent(category) => consent(event, category),
            Condition::Signal(signal) => match signal.read(event) {
                Signalled::OptedOut => Decision::OptedOut,
                Signalled::No | Signalled::Nothing => Decision::No,
                Signalled::Unreadable { .. } => Decision::Unreadable,
            },
        }
    }

    /// The warning about an answer that cannot be read.
    pub(crate) fn unreadable(&self, event: &Event) -> Warning {
        match self {
            Condition::Signal(signal) => match signal.read(event) {
                Signalled::Unreadable { path, why } => reasons::unreadable_signal(signal.name(), &path, &why),
                _ => reasons::unreadable(signal.name()),
            },
            _ => reasons::unreadable(&self.path()),
        }
    }

    /// Where it looks, for warnings.
    fn path(&self) -> String {
        match self {
            Condition::Is(path, _) | Condition::Equals(path, _) => path.to_string(),
            Condition::Consent(category) => format!("context.consent.categoryPreferences.{category}"),
            Condition::Signal(signal) => signal.name().to_owned(),
        }
    }
}

/// Compares a text, or each of a list (an array, or joined by commas). Nesting is bounded by the document's.
fn equals(node: Node<'_>, wanted: &str) -> Decision {
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
        Kind::Object => return Decision::Unreadable,
        Kind::Array => {
            let mut decision = Decision::No;
            for item in node.items() {
                match equals(item, wanted) {
                    Decision::OptedOut => return Decision::OptedOut,
                    Decision::Unreadable => decision = Decision::Unreadable,
                    Decision::No => {}
                }
            }
            return decision;
        }
    };
    if matches { Decision::OptedOut } else { Decision::No }
}

/// Segment's rule: a category that is not among the preferences is not granted; without preferences, nothing was asked.
fn consent(event: &Event, category: &str) -> Decision {
    let preferences = event
        .root()
        .get("context")
        .and_then(|context| context.get("consent"))
        .and_then(|consent| consent.get("categoryPreferences"));
    let Some(preferences) = preferences.filter(|node| !node.is_null()) else {
        return Decision::No;
    };
    if preferences.kind() != Kind::Object {
        return Decision::Unreadable;
    }
    match preferences.get(category).map_or(Answer::Missing, Answer::of) {
        Answer::Yes => Decision::No,
        Answer::No | Answer::Missing => Decision::OptedOut,
        Answer::Unknown => Decision::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use signalbox_core::Receipt;

    use super::*;

    fn decision(condition: &Condition, value: &str) -> Decision {
        let receipt = Receipt {
            source: "site".into(),
            received_at: 0,
        };
        let text = format!(r#"{{"context":{{"consent":{value}}},"v":{value}}}"#);
        condition.decision(&Event::parse(&text, receipt).unwrap())
    }

    #[test]
    fn booleans_in_every_spelling() {
        let is = |wanted| Condition::Is(Path::new("v"), wanted);
        for (value, yes, no) in [
            ("true", Decision::OptedOut, Decision::No),
            ("\" Yes \"", Decision::OptedOut, Decision::No),
            ("1", Decision::OptedOut, Decision::No),
            ("\"1\"", Decision::OptedOut, Decision::No),
            ("\"ON\"", Decision::OptedOut, Decision::No),
            ("false", Decision::No, Decision::OptedOut),
            ("0", Decision::No, Decision::OptedOut),
            ("\"n\"", Decision::No, Decision::OptedOut),
            ("null", Decision::No, Decision::No),
            ("\" \"", Decision::No, Decision::No),
            ("\"maybe\"", Decision::Unreadable, Decision::Unreadable),
            ("2", Decision::Unreadable, Decision::Unreadable),
            ("[true]", Decision::OptedOut, Decision::No),
            ("[true, true]", Decision::Unreadable, Decision::Unreadable),
            ("\"denied\"", Decision::No, Decision::OptedOut),
            ("{}", Decision::Unreadable, Decision::Unreadable),
        ] {
            assert_eq!(decision(&is(true), value), yes, "{value}");
            assert_eq!(decision(&is(false), value), no, "{value}");
        }
        assert_eq!(
            decision(&Condition::Is(Path::new("other"), true), "1"),
            Decision::No
        );
    }

    #[test]
    fn texts_alone_and_in_lists() {
        let equals = Condition::Equals(Path::new("v"), "ldp".into());
        for (value, expected) in [
            ("\"LDP\"", Decision::OptedOut),
            ("\"other, ldp\"", Decision::OptedOut),
            ("[\"x\", \"LDP\", {}]", Decision::OptedOut),
            ("\"LDPX\"", Decision::No),
            ("true", Decision::No),
            ("null", Decision::No),
            ("[]", Decision::No),
            ("{}", Decision::Unreadable),
            ("[\"x\", {}]", Decision::Unreadable),
        ] {
            assert_eq!(decision(&equals, value), expected, "{value}");
        }
        assert_eq!(
            decision(&Condition::Equals(Path::new("v"), "2".into()), "2"),
            Decision::OptedOut
        );
        assert_eq!(
            decision(&Condition::Equals(Path::new("v"), "false".into()), "false"),
            Decision::OptedOut
        );
    }

    #[test]
    fn consent_as_segment_reads_it() {
        let consent = Condition::Consent("ads.us".into());
        for (value, expected) in [
            ("null", Decision::No),
            ("{}", Decision::No),
            (r#"{"categoryPreferences":null}"#, Decision::No),
            (r#"{"categoryPreferences":{"ads.us":true}}"#, Decision::No),
            (r#"{"categoryPreferences":{"ads.us":false}}"#, Decision::OptedOut),
            (r#"{"categoryPreferences":{"ads.us":null}}"#, Decision::OptedOut),
            (r#"{"categoryPreferences":{}}"#, Decision::OptedOut),
            (
                r#"{"categoryPreferences":{"ads.us":"perhaps"}}"#,
                Decision::Unreadable,
            ),
            (r#"{"categoryPreferences":[]}"#, Decision::Unreadable),
        ] {
            assert_eq!(decision(&consent, value), expected, "{value}");
        }
    }
}
