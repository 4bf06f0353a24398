//! The values of a request, with the hashes under which events may hold them.

use std::sync::LazyLock;

use signalbox_core::{Event, Flow, Receipt, Transform};
use signalbox_journal::{Subject, Wanted};

use super::VALUES;
use crate::dead_letters::hasher;
use crate::delivery::guard;

/// Hashes by all rules of `hash_pii`; `None` if the plugin is not linked.
static HASHER: LazyLock<Option<Box<dyn Transform>>> = LazyLock::new(hasher);

/// Takes the values of a request.
///
/// # Errors
/// A sentence that names the number of the value, never the value.
pub fn wanted(subject: Subject, values: &[String]) -> Result<Vec<Wanted>, String> {
    let given = values
        .iter()
        .enumerate()
        .filter(|(_, value)| !value.trim().is_empty());
    let mut all: Vec<Wanted> = Vec::new();
    for (at, value) in given {
        let one = Wanted::new(subject, value).map_err(|why| format!("value {} {why}", at + 1))?;
        if !all.contains(&one) {
            all.push(one);
        }
    }
    match all.len() {
        0 => return Err(format!("there is no {} to erase", subject.name())),
        count if count > VALUES => {
            return Err(format!(
                "{count} values are too many at once; give at most {VALUES}"
            ));
        }
        _ => {}
    }
    for one in &mut all {
        let hashes = hashes(one);
        one.add_hashes(hashes);
    }
    Ok(all)
}

/// Lists the hashes that `hash_pii` makes of a value, by all rules.
pub(crate) fn hashes(wanted: &Wanted) -> Vec<String> {
    let value = wanted.value();
    let payload = match wanted.subject() {
        Subject::Email => serde_json::json!({ "traits": { "email": value } }),
        Subject::Phone => serde_json::json!({ "traits": { "phone": value } }),
        Subject::UserId => serde_json::json!({ "userId": value }),
        Subject::AnonymousId | Subject::MessageId => return Vec::new(),
    };
    let receipt = Receipt {
        source: "".into(),
        received_at: 0,
    };
    let Some(hasher) = &*HASHER else { return Vec::new() };
    let Ok(mut event) = Event::parse(&payload.to_string(), receipt) else {
        return Vec::new();
    };
    let flow = guard("transform_panicked", || hasher.apply(&mut event));
    if flow != Ok(Flow::Pass) {
        return Vec::new();
    }
    let listed = event.facts().hashed.iter().flat_map(|hashed| &hashed.hashes);
    let mut hashes: Vec<String> = listed.map(ToString::to_string).collect();
    let in_payload = ["traits.email", "traits.phone", "userId"].map(signalbox_core::Path::new);
    for path in &in_payload {
        hashes.extend(event.get(path).and_then(|node| node.as_str()).map(str::to_owned));
    }
    hashes
}
