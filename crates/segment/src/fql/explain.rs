//! Explains a trigger's answer to an event, clause by clause, in a pass beside evaluation, which does not pay for it.

use super::Trigger;
use super::ast::Condition;
use super::eval::Program;
use crate::value::{Type, Value};
use signalbox_core::{Clause, Standing};

/// Longest value that an explanation shows, in characters.
const SHOWN: usize = 200;

impl Trigger {
    /// Explains the answer to an event: every clause with its result and the value that it looks at, even clauses that
    /// evaluation skips because an earlier one decides.
    pub fn explain<'a>(&self, event: impl Into<Value<'a>>) -> Clause {
        clause(&self.tree, &self.program, event.into())
    }
}

fn clause(condition: &Condition, program: &Program, event: Value<'_>) -> Clause {
    let holds = || program.holds(event).unwrap_or(false);
    match (condition, program) {
        (Condition::Group { any, children }, Program::All(programs) | Program::Any(programs)) => {
            let clauses = children.iter().zip(programs);
            let clauses = clauses
                .map(|(child, program)| clause(child, program, event))
                .collect();
            let holds = holds();
            match any {
                true => Clause::Any { holds, clauses },
                false => Clause::All { holds, clauses },
            }
        }
        (Condition::Test { field, .. }, Program::Test(lookup, _)) => {
            let found = lookup.of(event);
            Clause::Test {
                holds: holds(),
                text: condition.to_string(),
                path: field.event_path(),
                found: standing(found),
                value: shown(found),
            }
        }
        (Condition::Test { .. }, _) => Clause::Never {
            text: format!("{condition} names no key below its root; reaching it makes the trigger fail"),
        },
        _ => Clause::Never {
            text: "an empty group; reaching it makes the trigger fail".to_owned(),
        },
    }
}

fn standing(value: Value<'_>) -> Standing {
    match value.type_of() {
        Type::Undefined => Standing::Absent,
        Type::Null => Standing::Null,
        Type::Boolean => Standing::Boolean,
        Type::Number => Standing::Number,
        Type::String => Standing::Text,
        Type::Array => Standing::List,
        Type::Object => Standing::Object,
    }
}

/// Returns a scalar as a person reads it.
fn shown(value: Value<'_>) -> Option<String> {
    let mut text = String::new();
    match value.type_of() {
        Type::Boolean | Type::Number | Type::String => value.write_text(&mut text).ok()?,
        _ => return None,
    }
    if let Some((at, _)) = text.char_indices().nth(SHOWN) {
        text.truncate(at);
        text.push('…');
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use signalbox_core::Document;

    fn explain(trigger: &str, event: &str) -> Clause {
        let trigger = Trigger::parse(trigger).unwrap();
        trigger.explain(Document::parse(event).unwrap().root())
    }

    fn tests(clause: &Clause) -> Vec<(bool, String, Standing, Option<String>)> {
        match clause {
            Clause::All { clauses, .. } | Clause::Any { clauses, .. } => {
                clauses.iter().flat_map(tests).collect()
            }
            Clause::Test {
                holds,
                path,
                found,
                value,
                ..
            } => vec![(*holds, path.clone(), *found, value.clone())],
            Clause::Never { text } => vec![(false, text.clone(), Standing::Absent, None)],
        }
    }

    #[test]
    fn every_clause_tells_its_result_and_what_it_looks_at() {
        let clause = explain(
            r#"type = "track" and (properties.total > 5 or contains(event, "Sale")) and context.ip != null"#,
            r#"{"type":"page","event":"Big Sale","properties":{"total":"7"},"context":{"ip":null}}"#,
        );
        assert!(!clause.holds());
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            tests(&clause),
            [
                (false, "type".to_owned(), Standing::Text, text("page")),
                // Only a number can be greater than a number.
                (false, "properties.total".to_owned(), Standing::Text, text("7")),
                (true, "event".to_owned(), Standing::Text, text("Big Sale")),
                (false, "context.ip".to_owned(), Standing::Null, None),
            ]
        );
        let Clause::All { clauses, .. } = &clause else {
            panic!("{clause:?}")
        };
        assert!(
            matches!(&clauses[1], Clause::Any { holds: true, .. }),
            "{clauses:?}"
        );
        assert!(matches!(&clauses[2], Clause::Test { text, .. } if text == "context.ip != null"));
    }

    #[test]
    fn absent_values_lists_and_objects_are_told_apart() {
        for (event, found) in [
            ("{}", Standing::Absent),
            (r#"{"properties":{"x":[1]}}"#, Standing::List),
            (r#"{"properties":{"x":{}}}"#, Standing::Object),
            (r#"{"properties":{"x":false}}"#, Standing::Boolean),
            // A falsy value on the way is the result, as at Segment.
            (r#"{"properties":0}"#, Standing::Number),
        ] {
            let clause = explain("properties.x = true", event);
            assert_eq!(tests(&clause)[0].2, found, "{event}");
        }
    }

    #[test]
    fn parts_that_fail_are_named_and_long_values_cut() {
        let clause = explain("type = \"a\" or (x = 1)", r#"{"type":"b"}"#);
        assert!(!clause.holds());
        assert!(tests(&clause)[1].1.starts_with("an empty group"), "{clause:?}");
        let long = "é".repeat(300);
        let clause = explain("userId = \"x\"", &format!("{{\"userId\":\"{long}\"}}"));
        assert_eq!(
            tests(&clause)[0].3.as_deref(),
            Some(&*format!("{}…", "é".repeat(200)))
        );
    }

    const TRIGGERS: [&str; 9] = [
        r#"type = "track" and event = "A""#,
        r#"type = "track" or event != "A""#,
        r#"properties.n >= 3 and (properties.n < 9 or properties.b = true)"#,
        r#"!contains(event, "A") and match(event, "B*")"#,
        r#"context.x = null or traits.y != null"#,
        r#"type = "track" or (nothing = 1)"#,
        r#"(nothing = 1) or type = "track""#,
        r#"properties.b = false and name = "n""#,
        r#"properties.n != 4"#,
    ];

    proptest! {
        #[test]
        fn the_explanation_agrees_with_the_evaluation(
            trigger in prop::sample::select(TRIGGERS.to_vec()),
            kind in prop::sample::select(vec!["\"track\"", "\"page\"", "null", "7"]),
            event in prop::sample::select(vec!["\"A\"", "\"BA\"", "{}", "\"\""]),
            n in prop::sample::select(vec!["3", "4", "\"8\"", "null", "[]", "1e3"]),
            b in prop::sample::select(vec!["true", "false", "\"true\"", "0"]),
        ) {
            let event = format!(r#"{{"type":{kind},"event":{event},"properties":{{"n":{n},"b":{b}}}}}"#);
            let document = Document::parse(&event).unwrap();
            let trigger = Trigger::parse(trigger).unwrap();
            prop_assert_eq!(trigger.explain(document.root()).holds(), trigger.matches(document.root()));
        }
    }
}
