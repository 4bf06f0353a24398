//! Compiled mappings, and the drafts they are compiled from.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value as Json};
use signalbox_core::{Event, Node};
use signalbox_segment::fql;
use signalbox_segment::mapping::{CompileError, Mapping};
use signalbox_segment::value::ValuePath;

use crate::field::Derives;
use crate::presets::{Listens, Preset};
use crate::sources::Sources;
use crate::spec::{Compat, Spec, set};

/// The condition that an event must meet for a mapping.
#[derive(Debug)]
pub enum Trigger {
    /// The events of a preset.
    Preset(Listens),
    /// A condition in Segment's language.
    Fql(fql::Trigger),
}

/// The parts of an event that presets look at; read once for all of them.
pub(crate) struct Call<'a> {
    root: Node<'a>,
    kind: &'a str,
    event: Option<&'a str>,
}

impl<'a> Call<'a> {
    #[inline]
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
    /// Returns true if it listens to this event.
    pub fn matches(&self, event: &Event) -> bool {
        self.fires(&Call::of(event))
    }

    #[inline]
    pub(crate) fn fires(&self, call: &Call<'_>) -> bool {
        match self {
            Trigger::Fql(trigger) => trigger.matches(call.root),
            Trigger::Preset(Listens::Page) => call.kind == "page",
            Trigger::Preset(Listens::Screen) => call.kind == "screen",
            Trigger::Preset(Listens::Track(name)) => call.event == Some(name) && call.kind == "track",
            Trigger::Preset(Listens::Event(name)) => call.event == Some(name),
            Trigger::Preset(Listens::Nothing) => false,
        }
    }
}

/// A mapping that is being put together: the mappings of its fields, and the values that are derived beside them.
#[derive(Debug, Clone)]
pub struct Draft {
    /// The vendor.
    pub spec: &'static Spec,
    /// The preset that the mapping begins from.
    pub preset: Option<&'static Preset>,
    /// The rules to follow.
    pub compat: Compat,
    /// The mappings of the fields.
    pub fields: Map<String, Json>,
    /// The values derived where the mapping leaves a field empty.
    pub derives: Derives,
}

impl Draft {
    /// Begins with the defaults of a preset, or those of a mapping made from scratch.
    pub fn new(spec: &'static Spec, preset: Option<&'static Preset>, compat: Compat) -> Draft {
        Draft {
            spec,
            preset,
            compat,
            fields: spec.default_mapping(preset, compat),
            derives: spec.derives(preset, compat),
        }
    }

    /// Begins with a whole mapping, to which nothing is added.
    pub fn whole(
        spec: &'static Spec,
        preset: Option<&'static Preset>,
        compat: Compat,
        fields: Map<String, Json>,
    ) -> Draft {
        Draft {
            spec,
            preset,
            compat,
            fields,
            derives: Derives::NONE,
        }
    }

    /// Puts the mapping of a field in place of its default, or removes it. Then nothing is derived for the field.
    pub fn set(&mut self, path: &str, value: Option<Json>) {
        self.derives = self.spec.without(self.derives, path);
        set(&mut self.fields, path, value);
    }

    /// Returns true if Segment's destination does not know the field in this preset, and its rules are followed.
    pub(crate) fn is_absent(&self, path: &str) -> bool {
        let field = path.split('.').next().unwrap_or_default();
        let absent = self.preset.map_or(&[][..], |preset| preset.absent);
        self.compat == Compat::Segment && absent.contains(&field)
    }

    /// Compiles the mapping.
    ///
    /// # Errors
    /// Every mistake in its directives.
    pub fn compile(&self, name: &str, trigger: Trigger) -> Result<CompiledMapping, CompileError> {
        let mut fields = self.fields.clone();
        fields.retain(|field, _| !self.is_absent(field));
        Ok(CompiledMapping {
            name: name.into(),
            preset: self.preset,
            trigger,
            planned: Arc::new(Planned::new(self.spec, self.preset, self.compat, fields.clone())?),
            derives: self.derives,
            fields: Some(Box::new(fields)),
        })
    }
}

/// A compiled mapping.
#[derive(Debug)]
pub struct CompiledMapping {
    /// Its name, which records carry.
    pub name: Arc<str>,
    /// The preset that the mapping begins from.
    pub preset: Option<&'static Preset>,
    /// The condition that an event must meet.
    pub trigger: Trigger,
    /// The mapping of the fields, and their sources.
    pub planned: Arc<Planned>,
    /// The values derived where the mapping leaves a field empty.
    pub derives: Derives,
    /// The mappings of the fields as they were compiled, for descriptions; `None` for a preset as it is when nothing is
    /// configured.
    pub(crate) fields: Option<Box<Map<String, Json>>>,
}

impl CompiledMapping {
    /// Returns a preset as it is when nothing is configured.
    ///
    /// # Errors
    /// None, as a test of each vendor holds; the type is that of [`Draft::compile`].
    pub fn of_preset(
        spec: &'static Spec,
        preset: &'static Preset,
        compat: Compat,
    ) -> Result<CompiledMapping, CompileError> {
        Ok(CompiledMapping {
            name: preset.name.into(),
            preset: Some(preset),
            trigger: Trigger::Preset(preset.listens),
            planned: of_preset(spec, preset, compat)?,
            derives: spec.derives(Some(preset), compat),
            fields: None,
        })
    }
}

/// A mapping laid out for the field table, and the sources of its fields.
#[derive(Debug)]
pub struct Planned {
    /// The mapping.
    pub mapping: Mapping,
    /// The sources of the fields that keep their default.
    pub sources: Sources,
}

impl Planned {
    fn new(
        spec: &Spec,
        preset: Option<&Preset>,
        compat: Compat,
        fields: Map<String, Json>,
    ) -> Result<Planned, CompileError> {
        let sources = Sources::of(spec, preset, compat, &fields);
        let mapping = Mapping::compile(&Json::Object(fields))?;
        let paths: Vec<ValuePath> = spec
            .paths()
            .chain(sources.paths())
            .map(ValuePath::of_template)
            .collect();
        Ok(Planned {
            mapping: mapping.arranged_for(spec.fields).looking_up(&paths),
            sources,
        })
    }
}

/// The presets of a vendor that have been compiled.
struct Compiled {
    spec: &'static Spec,
    compat: Compat,
    /// The defaults of the field table, which presets share.
    fields: Map<String, Json>,
    mappings: Vec<(&'static str, Arc<Planned>)>,
}

/// Returns a preset's mapping, compiled once in a process: every sink has the same ones, and compiling them took most of
/// the time to start.
fn of_preset(spec: &'static Spec, preset: &Preset, compat: Compat) -> Result<Arc<Planned>, CompileError> {
    static COMPILED: Mutex<Vec<Compiled>> = Mutex::new(Vec::new());
    let mut all = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    let is = |one: &Compiled| std::ptr::eq(one.spec, spec) && one.compat == compat;
    let at = all.iter().position(is).unwrap_or_else(|| {
        let mut fields = spec.default_mapping(None, compat);
        if compat == Compat::Vendor {
            spec.leave_out_other_formats(&mut fields);
        }
        all.push(Compiled {
            spec,
            compat,
            fields,
            mappings: Vec::new(),
        });
        all.len() - 1
    });
    let known = &mut all[at];
    if let Some((_, mapping)) = known.mappings.iter().find(|(name, _)| *name == preset.name) {
        return Ok(Arc::clone(mapping));
    }
    let mut fields = known.fields.clone();
    spec.lay_over(&mut fields, preset, compat);
    let mapping = Arc::new(Planned::new(spec, Some(preset), compat, fields)?);
    known.mappings.push((preset.name, Arc::clone(&mapping)));
    Ok(mapping)
}
