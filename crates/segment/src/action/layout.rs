//! Lays the objects of a mapping out like a field table, so that the schema finds each value by its index.

use crate::mapping::plan::{Expr, Object};
use crate::schema::{Field, FieldType};

/// Gives the object that fills these fields a member for each of them, in their order; members that no field names come
/// last. Lays out the branches of directives alike.
pub(super) fn arrange(expr: &mut Expr, fields: &'static [Field<'static>]) {
    match expr {
        Expr::Object(object) => members(object, fields),
        Expr::First(first) => arrange(&mut first.otherwise, fields),
        Expr::Coalesce(first, otherwise) => {
            arrange(first, fields);
            arrange(otherwise, fields);
        }
        Expr::If(parts) => {
            arrange(&mut parts.then, fields);
            arrange(&mut parts.otherwise, fields);
        }
        Expr::ArrayPath(parts) => {
            if let Some(shape) = &mut parts.shape {
                arrange(&mut shape.expr, fields);
            }
        }
        _ => {}
    }
}

fn members(object: &mut Object, fields: &'static [Field<'static>]) {
    let mut given = std::mem::take(&mut object.members).into_vec();
    let mut arranged = Vec::with_capacity(fields.len());
    for field in fields {
        let at = given.iter().position(|(key, _)| *key == field.key);
        let mut value = at.map_or(Expr::Undefined, |at| given.remove(at).1);
        if let (FieldType::Object, Some(fields)) = (field.kind, field.properties) {
            arrange(&mut value, fields);
        }
        arranged.push((field.key.into(), value));
    }
    arranged.append(&mut given);
    object.members = arranged.into_boxed_slice();
    object.laid_out = true;
}
