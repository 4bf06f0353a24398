//! Judging a request's body by a vendor's tables and its rules over whole events.
//!
//! Two severities: a [`Refusal`] refuses the request as a whole, an error of a [`Verdict`] fails one event, or again the
//! whole request where the vendor takes all events or none. No message holds a value, only paths and names of properties.

pub(crate) mod facts;
pub(crate) mod schema;
pub(crate) mod values;
mod walk;

use serde_json::value::RawValue;

use self::facts::{Facts, Findings};
use self::schema::Shape;
pub(crate) use self::walk::{Strictness, unexpected};
use self::walk::{Walk, expect_type};
use crate::json::{Members, Type};

/// The greatest number of events in a request, the same for every vendor.
pub(crate) const MAX_EVENTS: usize = 1000;

/// A vendor's rules.
pub(crate) struct Rules<'a> {
    /// The properties of the body beside `data`.
    pub(crate) body: &'static Shape,
    /// The properties of one event.
    pub(crate) event: &'static Shape,
    pub(crate) strictness: Strictness<'a>,
    /// Judges the request as a whole, before its events.
    pub(crate) whole_request: &'a dyn Fn(&Facts) -> Result<(), Refusal>,
    /// Judges an event as a whole, by the facts of the body and its own.
    pub(crate) whole_event: &'a dyn Fn(&Facts, &Facts, &mut Findings) -> Remarks,
}

/// Remarks on an event for the counts.
#[derive(Debug, Default)]
pub(crate) struct Remarks {
    /// The values by which the vendor would deduplicate the event.
    pub(crate) dedup_key: Option<[String; 3]>,
    /// `Some` if the event asks for limited data processing: true if the vendor can apply it.
    pub(crate) ldp: Option<bool>,
}

/// The reason why the whole request was refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) message: String,
    /// Number of events refused with it, as far as the request could be read.
    pub(crate) events: usize,
    /// The place of the event that is to blame.
    pub(crate) index: Option<usize>,
    /// The vendor's code for this rule; at Meta a subcode. None: the code of an invalid parameter.
    pub(crate) code: Option<u32>,
}

impl Refusal {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            events: 0,
            index: None,
            code: None,
        }
    }

    /// Refuses a number of events without a reason, as the faults ask for it.
    pub(crate) fn without_reason(events: usize) -> Self {
        Self {
            events,
            ..Self::new("The request was refused.")
        }
    }

    /// Returns the message without the place of the event, for vendors that do not tell it.
    pub(crate) fn without_index(&self) -> String {
        let Some(index) = self.index else {
            return self.message.clone();
        };
        let place = format!("data[{index}]");
        self.message
            .replace(&format!("{place}."), "")
            .replace(&format!(" of '{place}'"), "")
            .replace(&format!("'{place}'"), "the event")
    }

    /// Returns the message with the place of the event.
    pub(crate) fn with_index(&self) -> String {
        match self.index {
            Some(index) => format!("data[{index}]: {}", self.without_index()),
            None => self.message.clone(),
        }
    }
}

/// The findings about one event of a well-formed request.
#[derive(Debug)]
pub(crate) struct Verdict<'a> {
    /// The event as it stood in the body.
    pub(crate) raw: &'a str,
    pub(crate) error: Option<String>,
    /// The vendor's code, if the error has a separate one.
    pub(crate) code: Option<u32>,
    pub(crate) warning: Option<String>,
    pub(crate) event_id: String,
    pub(crate) remarks: Remarks,
}

/// Judges a request's body, and notes in `facts` what stands beside its events.
pub(crate) fn body<'a>(
    bytes: &'a [u8],
    rules: &Rules<'_>,
    facts: &mut Facts,
) -> Result<Vec<Verdict<'a>>, Refusal> {
    let malformed = || Refusal::new("The request body is not valid JSON.");
    let root: &RawValue = serde_json::from_slice(bytes).map_err(|_| malformed())?;
    expect_type("the request body", Type::of(root), Type::Object)?;
    let Members(members) = serde_json::from_str(root.get()).map_err(|_| malformed())?;

    let mut data = None;
    let mut beside = Vec::with_capacity(members.len());
    for (name, raw) in members {
        if name != "data" {
            beside.push((name, raw));
        } else if data.replace(raw).is_some() {
            return Err(Refusal::new("'data' is given more than once"));
        }
    }
    let mut walk = Walk::new(rules.strictness, String::new());
    let walked = walk.members(beside, rules.body, false);
    *facts = walk.facts;
    walked?;
    if let (Some(message), _) = walk.found.texts() {
        return Err(Refusal::new(message));
    }
    let data = data.ok_or_else(|| Refusal::new("'data' is a required property"))?;
    expect_type("'data'", Type::of(data), Type::Array)?;
    let events: Vec<&RawValue> = serde_json::from_str(data.get()).map_err(|_| malformed())?;
    let count = events.len();
    let counted = |refusal| Refusal {
        events: count,
        ..refusal
    };
    (rules.whole_request)(facts).map_err(counted)?;
    if events.is_empty() || count > MAX_EVENTS {
        let message = format!("'data' must hold 1 to {MAX_EVENTS} events, not {count}");
        return Err(counted(Refusal::new(message)));
    }
    let judged = events.into_iter().enumerate().map(|(index, raw)| {
        event(index, raw, rules, facts).map_err(|refusal| Refusal {
            index: Some(index),
            ..refusal
        })
    });
    judged.collect::<Result<_, _>>().map_err(counted)
}

fn event<'a>(
    index: usize,
    raw: &'a RawValue,
    rules: &Rules<'_>,
    request: &Facts,
) -> Result<Verdict<'a>, Refusal> {
    let mut walk = Walk::new(rules.strictness, format!("data[{index}]"));
    walk.object(raw, rules.event, false)?;
    let Walk { facts, mut found, .. } = walk;
    let remarks = (rules.whole_event)(request, &facts, &mut found);
    let (error, warning) = found.texts();
    Ok(Verdict {
        raw: raw.get(),
        error,
        code: found.code,
        warning,
        event_id: facts.text("event_id").to_owned(),
        remarks,
    })
}
