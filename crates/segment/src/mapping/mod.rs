//! Segment's mapping directives ("mapping-kit"), which turn an event into a destination's payload.
//!
//! A mapping is JSON in which objects like `{"@path": "$.properties.total"}` stand for values taken from the event.
//! [`Mapping::compile`] checks it once, reports all mistakes together in Segment's own words, and makes a plan;
//! [`Mapping::resolve`] runs the plan on an event and builds new values only, in a bump arena. The behaviour is that of
//! Segment's open-source actions-core 3.170; the recorded cases in `tests/vectors` hold it.
//!
//! ```
//! use bumpalo::Bump;
//! use signalbox_core::Document;
//! use signalbox_segment::mapping::Mapping;
//! use signalbox_segment::value::Numbers;
//!
//! let mapping = Mapping::compile(&serde_json::json!({
//!     "order": { "@path": "$.properties.order_id" },
//!     "who": { "@if": {
//!         "exists": { "@path": "$.userId" },
//!         "then": { "@path": "$.userId" },
//!         "else": { "@path": "$.anonymousId" }
//!     } },
//!     "items": { "@arrayPath": ["$.properties.products", { "id": { "@path": "$.sku" } }] }
//! }))?;
//! let event = Document::parse(
//!     r#"{"userId":"u1","properties":{"order_id":"O-1","products":[{"sku":"S-1"},{"sku":"S-2"}]}}"#,
//! )?;
//!
//! let arena = Bump::new(); // one per thread; reset() after each event
//! let payload = mapping.resolve(event.root(), &arena)?;
//! let mut body = Vec::new();
//! payload.write_json(&mut body, Numbers::Source);
//! assert_eq!(body, br#"{"order":"O-1","who":"u1","items":[{"id":"S-1"},{"id":"S-2"}]}"#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! All directives are supported. Segment reaches
//! JavaScript prototype members (`$.constructor`); here paths reach own members, array indices and `length` only.
//!
//! Modules, from the bottom: `plan` and `eval` (the compiled form and its evaluation), `check`, `compile` and `lint`
//! (walks over the JSON), `directives` (one file each, with a registry).

mod check;
mod compile;
mod directive;
mod directives;
mod error;
pub(crate) mod eval;
mod limits;
mod lint;
mod outline;
pub(crate) mod plan;
mod slots;

pub(crate) use directives::reads;
pub use error::{CompileError, MappingError, MappingErrorKind, RuntimeError};
pub use limits::{MAX_DEPTH, MAX_TEXT};
pub use lint::MappingWarning;
pub use outline::outline;

use crate::schema::Field;
use crate::value::{Type, Value, ValuePath};
use bumpalo::Bump;
use eval::Eval;
use plan::{Expr, Object, Scope};
use serde_json::Value as Json;

/// A checked and compiled mapping.
#[derive(Debug)]
pub struct Mapping {
    pub(crate) plan: Scope,
    /// The field table that the payload is laid out for; empty before.
    pub(crate) fields: &'static [Field<'static>],
    /// Slots of the caller's own paths; see [`Mapping::looking_up`].
    looked_up: Box<[usize]>,
    warnings: Vec<MappingWarning>,
}

/// The values that a mapping's paths lead to in one event.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    payload: Value<'a>,
    slots: &'a [Value<'a>],
    looked_up: &'a [usize],
}

impl<'a> Found<'a> {
    /// Returns the value of a path given to [`Mapping::looking_up`], by the path's index there.
    pub fn at(&self, path: usize) -> Value<'a> {
        let slot = self.looked_up.get(path);
        slot.and_then(|slot| self.slots.get(*slot)).copied().into()
    }
}

impl Mapping {
    /// Checks a mapping and compiles it.
    ///
    /// # Errors
    /// All mistakes that Segment's validation finds, in document order and in its words. As at Segment, mistakes in
    /// directives inside raw arrays fail at evaluation.
    pub fn compile(mapping: &Json) -> Result<Mapping, CompileError> {
        check::depth(mapping)?;
        let rewritten = compile::rewrite_root(mapping)?;
        check::mapping(&rewritten, directives::REGISTRY.check)?;
        Ok(Mapping {
            plan: compile::scope(&rewritten, directives::REGISTRY),
            fields: &[],
            looked_up: Box::default(),
            warnings: lint::lint(&rewritten, directives::lint),
        })
    }

    /// Adds the caller's paths to the mapping's walk, since many are equal or share prefixes; see [`Found::at`].
    pub fn looking_up(mut self, paths: &[ValuePath]) -> Mapping {
        let mut slots = std::mem::take(&mut self.plan.slots);
        self.looked_up = paths.iter().map(|path| slots.slot(path)).collect();
        self.plan.slots = slots.finish();
        self
    }

    /// Looks up all paths in an event.
    ///
    /// # Errors
    /// The event is not an object.
    pub fn look<'a>(
        &'a self,
        event: impl Into<Value<'a>>,
        arena: &'a Bump,
    ) -> Result<Found<'a>, RuntimeError> {
        let payload = event.into();
        match payload.type_of() {
            Type::Object => Ok(self.find(payload, arena)),
            other => Err(RuntimeError::not_an_object(other)),
        }
    }

    fn find<'a>(&'a self, payload: Value<'a>, arena: &'a Bump) -> Found<'a> {
        Found {
            payload,
            slots: self.plan.slots.fill(payload, arena),
            looked_up: &self.looked_up,
        }
    }

    /// Returns the members of a payload laid out for these fields, and their evaluation; `None` for any other layout.
    pub(crate) fn members_for<'a>(
        &'a self,
        fields: &[Field<'_>],
        found: Found<'a>,
        arena: &'a Bump,
    ) -> Option<(Eval<'a>, &'a Object)> {
        let same = std::ptr::eq(self.fields.as_ptr().cast(), fields.as_ptr());
        match &self.plan.expr {
            Expr::Object(object) if same && object.members.len() == fields.len() => {
                Some((Eval::new(found.payload, found.slots, arena), object))
            }
            _ => None,
        }
    }

    /// Returns warnings about misleading parts.
    pub fn warnings(&self) -> &[MappingWarning] {
        &self.warnings
    }

    /// Maps an event to a payload. Absent members are left out, absent array elements stay.
    ///
    /// # Errors
    /// The event is not an object, or a directive met a value it cannot use; the first such error ends the mapping.
    pub fn resolve<'a>(
        &'a self,
        event: impl Into<Value<'a>>,
        arena: &'a Bump,
    ) -> Result<Value<'a>, RuntimeError> {
        self.run(self.look(event, arena)?, arena, None)
    }

    /// Maps as [`Mapping::resolve`] does, but leaves out and reports a top-level field that fails.
    ///
    /// # Errors
    /// The event is not an object, or the mapping as a whole is one directive, which failed.
    pub fn resolve_leniently<'a>(
        &'a self,
        event: impl Into<Value<'a>>,
        arena: &'a Bump,
        failed: &mut Vec<RuntimeError>,
    ) -> Result<Value<'a>, RuntimeError> {
        self.run(self.look(event, arena)?, arena, Some(failed))
    }

    pub(crate) fn run<'a>(
        &'a self,
        found: Found<'a>,
        arena: &'a Bump,
        failed: Option<&mut Vec<RuntimeError>>,
    ) -> Result<Value<'a>, RuntimeError> {
        Eval::new(found.payload, found.slots, arena).top(&self.plan.expr, failed)
    }
}

#[cfg(test)]
mod tests;
