//! Judging a request body by the tables of [`super::schema`] and the rules over whole events.
//!
//! Two severities, as the crate's README lists them: a [`Refusal`] refuses the request as a whole (400), an error
//! of a [`Verdict`] fails one event. No message holds a value, only the paths and names of properties.

use std::fmt::Write as _;

use serde_json::value::RawValue;

use super::schema::{EVENT, Kind, Note, Shape};
use super::values::Finding;
use crate::json::{Members, Type};

/// The greatest number of events in a request.
pub(crate) const MAX_EVENTS: usize = 1000;

/// Most messages about one event, and characters of a property's name, in an answer.
const MAX_MESSAGES: usize = 5;
const MAX_NAME_CHARS: usize = 100;

/// Settings that make the sandbox stricter.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rules<'a> {
    /// Refuse the two properties Pinterest's description does not list.
    pub(crate) strict_openapi: bool,
    /// A property refused wherever it stands: the fault `unexpected_property`.
    pub(crate) unexpected_property: Option<&'a str>,
}

/// The reason why the whole request was refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The message of the 400.
    pub(crate) message: String,
    /// Number of events refused with it, as far as the request could be read.
    pub(crate) events: usize,
}

impl Refusal {
    fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            events: 0,
        }
    }
}

/// The findings about one event of a well-formed request.
#[derive(Debug)]
pub(crate) struct Verdict<'a> {
    /// The event as it stood in the body.
    pub(crate) raw: &'a str,
    pub(crate) error: Option<String>,
    pub(crate) warning: Option<String>,
    pub(crate) event_id: String,
    /// `event_name` and `event_id`, where Pinterest would deduplicate by them.
    pub(crate) dedup_key: Option<(String, String)>,
    /// `Some` if the event asks for Limited Data Processing: true if it can be applied.
    pub(crate) ldp: Option<bool>,
}

/// Judges a request body.
pub(crate) fn body<'a>(bytes: &'a [u8], rules: Rules<'_>) -> Result<Vec<Verdict<'a>>, Refusal> {
    let malformed = || Refusal::new("The request body is not valid JSON.");
    let root: &RawValue = serde_json::from_slice(bytes).map_err(|_| malformed())?;
    expect_type("the request body", Type::of(root), Type::Object)?;
    let Members(members) = serde_json::from_str(root.get()).map_err(|_| malformed())?;

    let mut data = None;
    for (name, raw) in members {
        if name != "data" {
            return Err(Refusal::new(unexpected(&name)));
        }
        if data.replace(raw).is_some() {
            return Err(Refusal::new("'data' is given more than once"));
        }
    }
    let data = data.ok_or_else(|| Refusal::new("'data' is a required property"))?;
    expect_type("'data'", Type::of(data), Type::Array)?;
    let events: Vec<&RawValue> = serde_json::from_str(data.get()).map_err(|_| malformed())?;
    if events.is_empty() || events.len() > MAX_EVENTS {
        let message = format!("'data' must hold 1 to {MAX_EVENTS} events, not {}", events.len());
        return Err(Refusal {
            message,
            events: events.len(),
        });
    }
    let count = events.len();
    let judged = events
        .into_iter()
        .enumerate()
        .map(|(index, raw)| event(index, raw, rules));
    judged.collect::<Result<_, _>>().map_err(|refusal| Refusal {
        events: count,
        ..refusal
    })
}

fn event<'a>(index: usize, raw: &'a RawValue, rules: Rules<'_>) -> Result<Verdict<'a>, Refusal> {
    let mut walk = Walk {
        rules,
        path: format!("data[{index}]"),
        ..Walk::default()
    };
    walk.root = walk.path.len();
    walk.object(raw, EVENT)?;
    walk.whole_event();
    let Walk {
        errors,
        warnings,
        facts,
        ..
    } = walk;
    let offline = facts.action_source == "offline";
    let dedup = !offline && !facts.event_name.is_empty() && !facts.event_id.is_empty();
    Ok(Verdict {
        raw: raw.get(),
        error: joined(&errors),
        warning: joined(&warnings),
        dedup_key: dedup.then(|| (facts.event_name, facts.event_id.clone())),
        event_id: facts.event_id,
        ldp: facts.ldp.then_some(facts.state && facts.country),
    })
}

/// Facts about an event for the rules over the whole of it.
#[derive(Default)]
struct Facts {
    event_name: String,
    event_id: String,
    action_source: String,
    em: bool,
    hashed_maids: bool,
    ip_address: bool,
    user_agent: bool,
    state: bool,
    country: bool,
    ldp: bool,
}

#[derive(Default)]
struct Walk<'r> {
    rules: Rules<'r>,
    /// Where the walk is, from `data[0]` on; `root` is the length of that first part.
    path: String,
    root: usize,
    errors: Vec<String>,
    warnings: Vec<String>,
    facts: Facts,
}

impl Walk<'_> {
    fn object(&mut self, raw: &RawValue, shape: &Shape) -> Result<(), Refusal> {
        self.expect(raw, Type::Object)?;
        let Members(members) = serde_json::from_str(raw.get()).map_err(|_| self.not_text())?;
        let mut seen = 0_u64;
        for (name, value) in members {
            let known = shape.iter().position(|field| field.name == name);
            let refused = self.rules.unexpected_property == Some(&name);
            let Some(index) =
                known.filter(|&index| !refused && (shape[index].published || !self.rules.strict_openapi))
            else {
                return Err(Refusal::new(unexpected(&name)));
            };
            let field = &shape[index];
            let length = self.path.len();
            self.path.push('.');
            self.path.push_str(field.name);
            if seen & (1 << index) != 0 {
                return Err(Refusal::new(format!("'{}' is given more than once", self.path)));
            }
            seen |= 1 << index;
            if !(field.nullable && Type::of(value) == Type::Null) {
                self.value(value, &field.kind, field.note)?;
            }
            self.path.truncate(length);
        }
        let missing = shape
            .iter()
            .enumerate()
            .find(|(i, field)| field.required && seen & (1 << i) == 0);
        match missing {
            Some((_, field)) => Err(Refusal::new(format!(
                "'{}' is a required property of '{}'",
                field.name, self.path
            ))),
            None => Ok(()),
        }
    }

    fn value(&mut self, raw: &RawValue, kind: &Kind, note: Option<Note>) -> Result<(), Refusal> {
        match kind {
            Kind::Object(shape) => self.object(raw, shape),
            Kind::Objects(shape) => {
                let items = self.items(raw)?;
                self.each(&items, |walk, item| walk.object(item, shape))
            }
            Kind::Texts(most, check) => {
                let items = self.items(raw)?;
                if items.len() > *most {
                    self.error(&format!("holds more than {most} items"));
                }
                self.each(&items, |walk, item| {
                    let text = walk.text(item)?;
                    walk.found(check(&text));
                    walk.note(note, text);
                    Ok(())
                })
            }
            Kind::Bool => self.expect(raw, Type::Boolean),
            Kind::Int(least, most) => {
                self.expect(raw, Type::Integer)?;
                // More digits than fit are a matter of range, not of type.
                if !raw
                    .get()
                    .parse::<i64>()
                    .is_ok_and(|number| (*least..=*most).contains(&number))
                {
                    self.error(&format!("is not between {least} and {most}"));
                }
                Ok(())
            }
            Kind::Text | Kind::Chars(_) | Kind::OneOf(_) | Kind::Checked(_) => {
                let text = self.text(raw)?;
                match kind {
                    Kind::Chars(most) if text.chars().count() > *most => {
                        self.error(&format!("is longer than {most} characters"));
                    }
                    Kind::OneOf(list) if !list.split(", ").any(|listed| listed == text) => {
                        self.error(&format!("is not one of {list}"));
                    }
                    Kind::Checked(check) => self.found(check(&text)),
                    _ => {}
                }
                self.note(note, text);
                Ok(())
            }
        }
    }

    fn items<'v>(&self, raw: &'v RawValue) -> Result<Vec<&'v RawValue>, Refusal> {
        self.expect(raw, Type::Array)?;
        serde_json::from_str(raw.get()).map_err(|_| self.not_text())
    }

    fn each(
        &mut self,
        items: &[&RawValue],
        mut judge: impl FnMut(&mut Self, &RawValue) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let length = self.path.len();
        for (index, item) in items.iter().enumerate() {
            // Writing to a String cannot fail.
            let _ = write!(self.path, "[{index}]");
            judge(self, item)?;
            self.path.truncate(length);
        }
        Ok(())
    }

    fn text(&self, raw: &RawValue) -> Result<String, Refusal> {
        self.expect(raw, Type::String)?;
        serde_json::from_str(raw.get()).map_err(|_| self.not_text())
    }

    fn expect(&self, raw: &RawValue, expected: Type) -> Result<(), Refusal> {
        match Type::of(raw) {
            found if found == expected => Ok(()),
            found => Err(wrong_type(&format!("'{}'", self.path), found, expected)),
        }
    }

    /// The one thing serde_json's skipping leaves unseen: half a surrogate pair.
    fn not_text(&self) -> Refusal {
        Refusal::new(format!("'{}' is not Unicode text", self.path))
    }

    fn found(&mut self, finding: Option<Finding>) {
        match finding {
            None => {}
            Some(Finding::Error(text)) => self.error(text),
            Some(Finding::Warning(text)) => {
                // Pinterest names a hashed field by its last part and without an index.
                let last = self.path.rsplit('.').next().unwrap_or_default();
                let name = last.split('[').next().unwrap_or_default();
                let message = format!("'{name}' {text}");
                if !self.warnings.contains(&message) {
                    push(&mut self.warnings, message);
                }
            }
        }
    }

    /// Fails the event for the value at the current path.
    fn error(&mut self, text: &str) {
        let path = self
            .path
            .get(self.root..)
            .unwrap_or_default()
            .trim_start_matches('.');
        let message = format!("'{path}' {text}");
        push(&mut self.errors, message);
    }

    fn note(&mut self, note: Option<Note>, text: String) {
        let facts = &mut self.facts;
        match note {
            None => {}
            Some(Note::EventName) => facts.event_name = text,
            Some(Note::EventId) => facts.event_id = text,
            Some(Note::ActionSource) => facts.action_source = text,
            Some(Note::Em) => facts.em |= !text.is_empty(),
            Some(Note::HashedMaids) => facts.hashed_maids |= !text.is_empty(),
            Some(Note::IpAddress) => facts.ip_address = !text.is_empty(),
            Some(Note::UserAgent) => facts.user_agent = !text.is_empty(),
            Some(Note::State) => facts.state |= !text.is_empty(),
            Some(Note::Country) => facts.country |= !text.is_empty(),
            Some(Note::OptOutType) => facts.ldp = text.split(',').any(|flag| flag.trim() == "LDP"),
        }
    }

    fn whole_event(&mut self) {
        let facts = &self.facts;
        if !(facts.em || facts.hashed_maids || facts.ip_address && facts.user_agent) {
            let rule =
                "'user_data' needs one of em, hashed_maids, or client_ip_address with client_user_agent";
            // First, since it tells most.
            self.errors.insert(0, rule.to_owned());
        }
    }
}

fn push(messages: &mut Vec<String>, message: String) {
    if messages.len() < MAX_MESSAGES {
        messages.push(message);
    }
}

fn joined(messages: &[String]) -> Option<String> {
    (!messages.is_empty()).then(|| messages.join("; "))
}

/// The message about a property that is not allowed.
pub(crate) fn unexpected(name: &str) -> String {
    let name: String = name.chars().take(MAX_NAME_CHARS).collect();
    format!("Additional properties are not allowed ('{name}' was unexpected)")
}

fn expect_type(what: &str, found: Type, expected: Type) -> Result<(), Refusal> {
    if found == expected {
        Ok(())
    } else {
        Err(wrong_type(what, found, expected))
    }
}

fn wrong_type(what: &str, found: Type, expected: Type) -> Refusal {
    Refusal::new(format!(
        "{what} is of type {}, expected {}",
        found.name(),
        expected.name()
    ))
}

#[cfg(test)]
mod tests;
