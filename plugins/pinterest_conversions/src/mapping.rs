//! A mapping that is ready to run: what it listens to and what it makes of it.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde_json::{Map, Value as Json};
use signalbox_core::{Event, Node};
use signalbox_segment::fql;
use signalbox_segment::mapping::{CompileError, Mapping};

use crate::action::{self, Derives, EVENT, FIELDS, Listens, Preset};
use crate::encode::derive;
use crate::options::Compat;

/// What a mapping listens to.
#[derive(Debug)]
pub enum Trigger {
    /// As a preset does.
    Preset(Listens),
    /// As a condition in Segment's language says.
    Fql(fql::Trigger),
}

/// What presets look at in an event; read once for all of them.
pub(crate) struct Call<'a> {
    root: Node<'a>,
    kind: &'a str,
    event: Option<&'a str>,
}

impl<'a> Call<'a> {
    pub(crate) fn of(event: &'a Event) -> Call<'a> {
        let root = event.root();
        Call {
            root,
            kind: event.event_type(),
            event: root.get("event").and_then(Node::as_str),
        }
    }
}

impl Trigger {
    /// Whether it listens to this event.
    pub fn matches(&self, event: &Event) -> bool {
        self.fires(&Call::of(event))
    }

    pub(crate) fn fires(&self, call: &Call<'_>) -> bool {
        match self {
            Trigger::Fql(trigger) => trigger.matches(call.root),
            Trigger::Preset(Listens::Page) => call.kind == "page",
            Trigger::Preset(Listens::Track(name)) => call.event == Some(name) && call.kind == "track",
        }
    }
}

/// A compiled mapping.
#[derive(Debug)]
pub struct CompiledMapping {
    /// Its name, which records carry.
    pub(crate) name: Arc<str>,
    pub(crate) trigger: Trigger,
    pub(crate) mapping: Arc<Mapping>,
    /// What is derived where the mapping leaves a field empty.
    pub(crate) derives: Derives,
}

impl CompiledMapping {
    /// Compiles a mapping of fields.
    ///
    /// # Errors
    /// Every mistake in its directives.
    pub fn new(
        name: &str,
        trigger: Trigger,
        fields: &Map<String, Json>,
        derives: Derives,
    ) -> Result<CompiledMapping, CompileError> {
        Ok(CompiledMapping {
            name: name.into(),
            trigger,
            mapping: Arc::new(compiled(fields.clone())?),
            derives,
        })
    }

    /// A preset as it is when nothing is configured.
    ///
    /// # Errors
    /// None, as a test holds; the type is that of [`CompiledMapping::new`].
    pub fn of_preset(preset: &Preset, compat: Compat) -> Result<CompiledMapping, CompileError> {
        Ok(CompiledMapping {
            name: preset.name.into(),
            trigger: Trigger::Preset(preset.listens),
            mapping: of_preset(preset, compat)?,
            derives: match compat {
                Compat::Pinterest => Derives::ALL,
                Compat::Segment => Derives::NONE,
            },
        })
    }
}

fn compiled(fields: Map<String, Json>) -> Result<Mapping, CompileError> {
    let mapping = Mapping::compile(&Json::Object(fields))?;
    Ok(mapping.arranged_for(FIELDS).looking_up(&derive::paths()))
}

/// A preset's mapping, compiled once in a process: every sink has the same sixteen, and compiling them was most of
/// what a start took.
fn of_preset(preset: &Preset, compat: Compat) -> Result<Arc<Mapping>, CompileError> {
    static COMPILED: Mutex<Vec<(Preset, Compat, Arc<Mapping>)>> = Mutex::new(Vec::new());
    let mut known = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    let same = |(of, under, _): &&(Preset, Compat, _)| of == preset && *under == compat;
    if let Some((.., mapping)) = known.iter().find(same) {
        return Ok(Arc::clone(mapping));
    }
    let mut fields = what_presets_share(compat).clone();
    fields.insert("event_name".to_owned(), preset.event_name.into());
    let mapping = Arc::new(compiled(fields)?);
    known.push((*preset, compat, Arc::clone(&mapping)));
    Ok(mapping)
}

/// Presets differ in what they listen to and in the name they give it.
fn what_presets_share(compat: Compat) -> &'static Map<String, Json> {
    static SHARED: [OnceLock<Map<String, Json>>; 2] = [const { OnceLock::new() }; 2];
    SHARED[usize::from(compat == Compat::Segment)].get_or_init(|| {
        let mut fields = action::default_mapping(None, compat);
        if compat == Compat::Pinterest {
            leave_out_other_format(&mut fields);
        }
        fields
    })
}

/// Takes out what the chosen format never sends. (Segment maps and checks it all the same, and loses events by it.)
pub(crate) fn leave_out_other_format(fields: &mut Map<String, Json>) {
    let Some(chosen @ ("latest" | "legacy")) = fields.get("data_format").and_then(Json::as_str) else {
        return;
    };
    let chosen = chosen.to_owned();
    for row in EVENT {
        if row.format.is_some_and(|format| format != chosen) {
            fields.remove(row.field.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::PRESETS;
    use signalbox_core::Receipt;

    #[test]
    fn presets_share_all_but_a_name() {
        for compat in [Compat::Pinterest, Compat::Segment] {
            for preset in PRESETS {
                let mut whole = action::default_mapping(Some(preset), compat);
                if compat == Compat::Pinterest {
                    leave_out_other_format(&mut whole);
                }
                let mut shared = what_presets_share(compat).clone();
                assert!(!shared.contains_key("event_name"));
                shared.insert("event_name".to_owned(), preset.event_name.into());
                assert_eq!(shared, whole, "{}", preset.name);
                let (one, other) = (
                    of_preset(preset, compat).unwrap(),
                    of_preset(preset, compat).unwrap(),
                );
                assert!(Arc::ptr_eq(&one, &other));
            }
        }
        let of = |compat| of_preset(&PRESETS[0], compat).unwrap();
        assert!(!Arc::ptr_eq(&of(Compat::Pinterest), &of(Compat::Segment)));
    }

    #[test]
    fn presets_listen_as_their_triggers_say() {
        let receipt = Receipt {
            source: "test".into(),
            received_at: 0,
        };
        let names = PRESETS.iter().filter_map(|preset| match preset.listens {
            Listens::Track(name) => Some(name),
            Listens::Page => None,
        });
        let names: Vec<&str> = names.chain(["", "order completed", "Order Completed "]).collect();
        for preset in PRESETS {
            let trigger = fql::Trigger::parse(&preset.trigger()).unwrap();
            assert!(trigger.warnings().is_empty());
            let listens = Trigger::Preset(preset.listens);
            for kind in ["track", "page", "screen", "Track", "identify"] {
                for name in &names {
                    let json = serde_json::json!({ "type": kind, "event": name, "name": name }).to_string();
                    let event = Event::parse(&json, receipt.clone()).unwrap();
                    assert_eq!(listens.matches(&event), trigger.matches(event.root()), "{json}");
                }
            }
            let odd =
                Event::parse(r#"{"type":"track","event":["Order Completed"]}"#, receipt.clone()).unwrap();
            assert!(!listens.matches(&odd));
        }
    }
}
