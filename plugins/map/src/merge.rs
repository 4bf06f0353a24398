//! Two trees written as one.

use std::collections::HashMap;

use signalbox_core::json::write_json_string;
use signalbox_segment::value::{Numbers, Value};

/// Most members that are searched one by one.
const FEW: usize = 16;

/// Writes the object `under` with the object `over` laid over it: objects in both are merged likewise, everything else
/// of `over` replaces what stands there. Members keep the order of `under`, new ones come last. Linear, and not deeper
/// than the shallower of the two.
pub(crate) fn write_merged(under: Value<'_>, over: Value<'_>, out: &mut Vec<u8>) {
    let mut over = Over::of(over);
    out.push(b'{');
    let mut first = true;
    for (key, value) in under.members() {
        write_key(key, &mut first, out);
        match over.take(key) {
            Some(above) if above.is_object() && value.is_object() => write_merged(value, above, out),
            above => above.unwrap_or(value).write_json(out, Numbers::Source),
        }
    }
    for (key, value) in over.left() {
        write_key(key, &mut first, out);
        value.write_json(out, Numbers::Source);
    }
    out.push(b'}');
}

fn write_key(key: &str, first: &mut bool, out: &mut Vec<u8>) {
    if !std::mem::take(first) {
        out.push(b',');
    }
    write_json_string(key, out);
    out.push(b':');
}

/// The members that are laid over, each taken once.
struct Over<'a> {
    members: Vec<Option<(&'a str, Value<'a>)>>,
    /// Where each key stands, if there are many.
    places: Option<HashMap<&'a str, usize>>,
}

impl<'a> Over<'a> {
    fn of(object: Value<'a>) -> Over<'a> {
        let members: Vec<_> = object.members().map(Some).collect();
        let places = (members.len() > FEW).then(|| {
            let keys = members.iter().flatten().map(|(key, _)| *key);
            keys.enumerate().map(|(at, key)| (key, at)).collect()
        });
        Over { members, places }
    }

    fn take(&mut self, key: &str) -> Option<Value<'a>> {
        let at = match &self.places {
            Some(places) => *places.get(key)?,
            None => self
                .members
                .iter()
                .position(|member| member.is_some_and(|(name, _)| name == key))?,
        };
        self.members.get_mut(at)?.take().map(|(_, value)| value)
    }

    fn left(self) -> impl Iterator<Item = (&'a str, Value<'a>)> {
        self.members.into_iter().flatten()
    }
}
