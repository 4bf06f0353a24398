//! An action: a mapping and the schema its payload must fit, run as one.
//!
//! Both modules lie below this one, so that a schema needs no mapping.

mod layout;
mod mapped;

use crate::mapping::{Found, Mapping, RuntimeError};
use crate::schema::{Coerced, Field, Leniency, Schema};
use bumpalo::Bump;

impl Mapping {
    /// Lays the payload out for a [`Schema`] of these fields, which then finds each value by its index. The payload
    /// stays equal: an absent member becomes undefined, which counts as absent everywhere.
    pub fn arranged_for(mut self, fields: &'static [Field<'static>]) -> Mapping {
        layout::arrange(&mut self.plan.expr, fields);
        self.fields = fields;
        self
    }
}

impl Schema<'static> {
    /// Evaluates a mapping and coerces its payload. The result equals [`Mapping::resolve_leniently`] followed by
    /// [`Schema::coerce`] with [`Leniency::PerField`]; for a mapping laid out for the fields
    /// ([`Mapping::arranged_for`]) one walk does both.
    ///
    /// # Errors
    /// The mapping as a whole is one directive, which failed.
    pub fn coerce_mapped<'a>(
        &self,
        mapping: &'a Mapping,
        found: Found<'a>,
        arena: &'a Bump,
        failed: &mut Vec<RuntimeError>,
    ) -> Result<Coerced<'a>, RuntimeError> {
        if let Some(parts) = mapping.members_for(self.fields(), found, arena) {
            return mapped::coerce(&self.members, parts, arena, failed);
        }
        let payload = mapping.run(found, arena, Some(failed))?;
        Ok(self.coerce(payload, arena, Leniency::PerField))
    }
}
