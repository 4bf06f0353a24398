//! The event's id where the user's mapping of it gives none.

use bumpalo::Bump;
use signalbox_core::{Event, Node, Warning};
use signalbox_segment::placeholder::is_placeholder;
use signalbox_segment::schema::{Coerced, FieldError, FieldErrorKind};
use signalbox_segment::value::Value;

use crate::sources::EVENT_ID;

/// Takes `messageId` for the event's id, with a warning, where the mapping gave nothing usable. Without an id the vendor
/// would refuse the event, or count its copies as further ones.
pub(crate) fn fall_back<'a>(
    coerced: &mut Coerced<'a>,
    place: Option<usize>,
    event: &'a Event,
    arena: &'a Bump,
    warnings: &mut Vec<Warning>,
) {
    let (Some(place), Value::Object(members)) = (place, coerced.value) else {
        return;
    };
    let mapped = members.get(place).and_then(|(_, id)| id.as_str());
    if mapped.is_some_and(|id| !is_placeholder(id)) {
        return;
    }
    let message_id = event.root().get("messageId").and_then(Node::as_str);
    let Some(message_id) = message_id.filter(|id| !is_placeholder(id)) else {
        return;
    };
    let members = arena.alloc_slice_copy(members);
    if let Some((_, id)) = members.get_mut(place) {
        *id = Value::Str(message_id);
    }
    coerced.value = Value::Object(members);
    coerced.errors.retain(|error| !is_about_id(error));
    let message = "the mapping gives no usable id, so `messageId` stands for it";
    warnings.push(Warning::new("event_id_fallback", EVENT_ID, message));
}

fn is_about_id(error: &FieldError) -> bool {
    let missing = error.kind == FieldErrorKind::Missing && error.path.is_empty();
    error.path == EVENT_ID || missing && error.message.ends_with(&format!("'{EVENT_ID}'."))
}
