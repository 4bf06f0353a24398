//! The transform.

use bumpalo::Bump;
use signalbox_core::{Document, Event, Flow, Node, Path, Reason, Transform, Warning};
use signalbox_segment::fql::Trigger;
use signalbox_segment::mapping::Mapping;
use signalbox_segment::settings::{failed_fields, with_arena};
use signalbox_segment::value::Value;

use crate::merge::write_merged;
use crate::options::Mode;
use crate::reasons::{self, TYPES};

/// Members that `replace` keeps unless they are mapped: the event's names, its times, and the sinks it may go to. The
/// consent in `context` stays, too.
const KEPT: [&str; 7] = [
    "messageId",
    "type",
    "timestamp",
    "originalTimestamp",
    "sentAt",
    "receivedAt",
    "integrations",
];

/// Reshapes events.
pub(crate) struct Map {
    pub(crate) trigger: Option<Trigger>,
    pub(crate) mapping: Option<Mapping>,
    pub(crate) mode: Mode,
    pub(crate) remove: Vec<Path>,
}

impl Transform for Map {
    fn apply(&self, event: &mut Event) -> Flow {
        if let Some(trigger) = &self.trigger
            && !trigger.matches(event.root())
        {
            return Flow::Pass;
        }
        let Some(mapping) = &self.mapping else {
            for path in &self.remove {
                event.remove(path);
            }
            return Flow::Pass;
        };
        let without = (!self.remove.is_empty()).then(|| {
            let mut document = event.document_mut().clone();
            for path in &self.remove {
                document.remove(path);
            }
            document
        });
        let mut notes = Vec::new();
        let made = with_arena(|arena| {
            let base = without.as_ref().map_or(event.root(), Document::root);
            self.made(mapping, event.root(), base, arena, &mut notes)
        });
        if !notes.is_empty() {
            event.facts_mut().warnings.append(&mut notes);
        }
        match made.and_then(|text| text.map(parsed).transpose()) {
            Ok(Some(document)) => event.replace_document(document),
            Ok(None) => {
                if let Some(document) = without {
                    *event.document_mut() = document;
                }
            }
            Err(reason) => return Flow::Rejected(reason),
        }
        Flow::Pass
    }
}

impl Map {
    /// The text of the event made of `event`, laid over `base`; `None`: the mapping makes nothing of it.
    fn made(
        &self,
        mapping: &Mapping,
        event: Node<'_>,
        base: Node<'_>,
        arena: &Bump,
        notes: &mut Vec<Warning>,
    ) -> Result<Option<Vec<u8>>, Reason> {
        let mut failed = Vec::new();
        let made = mapping
            .resolve_leniently(event, arena, &mut failed)
            .map_err(|error| reasons::failed(error.message()))?;
        notes.extend(failed_fields(&failed));
        if !made.is_object() {
            if self.mode == Mode::Replace {
                return Err(reasons::no_event());
            }
            if !made.is_nullish() {
                notes.push(reasons::nothing_to_merge());
            }
            return Ok(None);
        }
        let over = permitted(made, event, arena, notes);
        if over.is_empty() && self.mode == Mode::Merge {
            return Ok(None);
        }
        let under = match self.mode {
            Mode::Merge => Value::from(base),
            Mode::Replace => kept(event, over, arena),
        };
        let mut out = Vec::new();
        write_merged(under, Value::Object(over), &mut out);
        Ok(Some(out))
    }
}

fn parsed(text: Vec<u8>) -> Result<Document, Reason> {
    let text = String::from_utf8(text).map_err(|_| reasons::too_deep())?;
    Document::parse(&text).map_err(|_| reasons::too_deep())
}

type Members<'a> = &'a [(&'a str, Value<'a>)];

/// Returns the members of the result, but none that would remove the event's name or type, or hide its consent.
fn permitted<'a>(made: Value<'a>, event: Node<'a>, arena: &'a Bump, notes: &mut Vec<Warning>) -> Members<'a> {
    let mut members = bumpalo::collections::Vec::new_in(arena);
    members.extend(made.members().filter(|(key, value)| {
        let good = match *key {
            "messageId" => value.as_str().is_some_and(|text| !text.is_empty()),
            "type" => value.as_str().is_some_and(|text| TYPES.contains(&text)),
            "context" => value.is_object() || consent(event).is_none(),
            _ => true,
        };
        if !good {
            notes.push(reasons::kept(key));
        }
        good
    }));
    members.into_bump_slice()
}

/// The members that `replace` keeps of an event.
fn kept<'a>(event: Node<'a>, mapped: Members<'a>, arena: &'a Bump) -> Value<'a> {
    let mut members = bumpalo::collections::Vec::new_in(arena);
    for key in KEPT {
        if let Some(node) = event.get(key)
            && !mapped.iter().any(|(name, _)| *name == key)
        {
            members.push((key, Value::from(node)));
        }
    }
    if let Some(consent) = consent(event) {
        let context = arena.alloc_slice_copy(&[("consent", Value::from(consent))]);
        members.push(("context", Value::Object(context)));
    }
    Value::Object(members.into_bump_slice())
}

fn consent(event: Node<'_>) -> Option<Node<'_>> {
    event.get("context")?.get("consent")
}
