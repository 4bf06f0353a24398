//! Templates of subjects.

use std::borrow::Cow;

use signalbox_core::{BuildError, Event};

/// Longest value that a placeholder puts into a subject, in characters.
const LONGEST: usize = 100;

/// A subject with placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Source,
    Type,
    Event,
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// The fault, at the setting `subject`.
    pub(crate) fn parse(text: &str) -> Result<Template, BuildError> {
        let fault = |message: &str| BuildError::new("subject", message.to_owned());
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else {
                return Err(fault("has a { without a }").help("write {source}, {type} or {event}"));
            };
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(match name {
                "source" => Part::Source,
                "type" => Part::Type,
                "event" => Part::Event,
                _ => {
                    return Err(fault("has a placeholder that does not exist")
                        .help("the placeholders are {source}, {type} and {event}"));
                }
            });
            rest = after;
        }
        if rest.contains('}') {
            return Err(fault("has a } without a {").help("write {source}, {type} or {event}"));
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        let template = Template(parts);
        template
            .check()
            .map_err(|(message, help)| fault(message).help(help))?;
        Ok(template)
    }

    /// Checks the subject that any value makes: values hold no dots and are never empty.
    fn check(&self) -> Result<(), (&'static str, &'static str)> {
        let like = self.fill(|_| Cow::Borrowed("x"));
        if like.is_empty() {
            return Err(("is empty", "write for instance \"events.{source}\""));
        }
        if like.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err((
                "holds a blank or a control character",
                "use dots, letters and digits",
            ));
        }
        if like.split('.').any(str::is_empty) {
            return Err((
                "has an empty part before, between or after its dots",
                "write for instance \"events.{source}\"",
            ));
        }
        if like.contains(['*', '>']) {
            return Err((
                "holds a wildcard",
                "a message has one subject; write for instance \"events.{source}\"",
            ));
        }
        if like.starts_with('$') || like.starts_with("_INBOX.") {
            return Err((
                "belongs to the servers",
                "subjects of your own begin with neither $ nor _INBOX",
            ));
        }
        Ok(())
    }

    /// Makes the subject of an event.
    pub(crate) fn of(&self, event: &Event) -> String {
        self.fill(|part| {
            let value = match part {
                Part::Text(text) => return Cow::Borrowed(text.as_str()),
                Part::Source => &*event.receipt().source,
                Part::Type => event.event_type(),
                Part::Event => match event.root().get("event").and_then(|name| name.as_str()) {
                    Some(name) if event.event_type() == "track" => return Cow::Owned(token(name)),
                    _ => event.event_type(),
                },
            };
            Cow::Owned(token(value))
        })
    }

    fn fill<'t>(&'t self, value: impl Fn(&'t Part) -> Cow<'t, str>) -> String {
        let one = |part: &'t Part| match part {
            Part::Text(text) => Cow::Borrowed(text.as_str()),
            other => value(other),
        };
        self.0.iter().map(one).collect()
    }
}

/// Makes a value a part of a subject: blanks, dots, wildcards and control characters become `_`.
fn token(value: &str) -> String {
    let safe = |c: char| match c {
        '.' | '*' | '>' => '_',
        c if c.is_whitespace() || c.is_control() => '_',
        c => c,
    };
    let token: String = value.chars().take(LONGEST).map(safe).collect();
    if token.is_empty() { "_".to_owned() } else { token }
}

#[cfg(test)]
mod tests {
    use signalbox_core::Receipt;

    use super::*;

    fn subject(template: &str, event: &str) -> String {
        let receipt = Receipt {
            source: "my.shop".into(),
            received_at: 0,
        };
        let event = Event::parse(event, receipt).unwrap();
        Template::parse(template).unwrap().of(&event)
    }

    #[test]
    fn placeholders() {
        let track = r#"{"type":"track","event":"Order Completed"}"#;
        for (template, event, wanted) in [
            ("events", track, "events"),
            ("events.{source}", track, "events.my_shop"),
            ("{type}.{event}", track, "track.Order_Completed"),
            (
                "a{source}b.{event}",
                r#"{"type":"page","event":"x"}"#,
                "amy_shopb.page",
            ),
            (
                "e.{event}",
                r#"{"type":"track","event":"a.*.>\t\u0000b"}"#,
                "e.a______b",
            ),
            ("e.{event}", r#"{"type":"track","event":""}"#, "e._"),
            ("e.{event}", r#"{"type":"track"}"#, "e.track"),
            (
                "e.{event}",
                r#"{"type":"track","event":"Größe 購入"}"#,
                "e.Größe_購入",
            ),
        ] {
            assert_eq!(subject(template, event), wanted, "{template} of {event}");
        }
        let long = format!(r#"{{"type":"track","event":"{}"}}"#, "é".repeat(300));
        assert_eq!(subject("{event}", &long).chars().count(), LONGEST);
    }

    #[test]
    fn what_is_no_subject_is_told() {
        for (template, wanted) in [
            ("", "is empty"),
            ("a b", "a blank"),
            ("a\n", "a blank"),
            (".a", "an empty part"),
            ("a..b", "an empty part"),
            ("a.", "an empty part"),
            ("a.*", "a wildcard"),
            ("a.>", "a wildcard"),
            ("$JS.API.x", "belongs to the servers"),
            ("_INBOX.x", "belongs to the servers"),
            ("a.{source", "a { without"),
            ("a.source}", "a } without"),
            ("a.{userId}", "does not exist"),
            ("a.{}", "does not exist"),
        ] {
            let error = Template::parse(template).expect_err(template);
            assert!(error.message.contains(wanted), "{template}: {error}");
            assert!(error.help.is_some(), "{template}");
        }
    }
}
