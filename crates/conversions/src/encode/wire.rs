//! The field table for the encoder: keys and the form of their values, without the schema's part.

use super::user_data::HashedKey;
use super::writer::Key;
use crate::field::{Derive, Kind, Row};
use crate::personal::Field as Personal;

/// A member of the request that is filled from a member of the mapped payload.
#[derive(Debug, Clone, Copy)]
pub struct Wire {
    /// The key in the request.
    pub key: &'static Key,
    /// The name in mappings.
    pub member: &'static str,
    /// The form of the value.
    pub kind: Kind,
    /// The value worked out from the event when the mapping leaves the field empty.
    pub derive: Option<Derive>,
    /// Segment's destination does not send it.
    pub vendor_only: bool,
    /// The texts that say nothing in it.
    pub text: TextKind,
}

/// The kinds of texts by what stands for a missing value in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TextKind {
    /// A title, a name, a search: words such as `unknown` may be meant.
    Free,
    /// An id: such words, and zeros, are none.
    Id,
    /// The id of a product, which may be zero.
    ProductId,
}

impl TextKind {
    /// Returns the kind by the name of a member.
    const fn of(name: &str) -> TextKind {
        const fn ends_with(name: &str, end: &str) -> bool {
            let (name, end) = (name.as_bytes(), end.as_bytes());
            let mut at = 0;
            while at < end.len() && at < name.len() && name[name.len() - 1 - at] == end[end.len() - 1 - at] {
                at += 1;
            }
            at == end.len()
        }
        match name.len() {
            2 if ends_with(name, "id") => TextKind::ProductId,
            _ if ends_with(name, "content_id") || ends_with(name, "content_ids") => TextKind::ProductId,
            _ if ends_with(name, "_id") || ends_with(name, "_ids") => TextKind::Id,
            _ => TextKind::Free,
        }
    }
}

impl Wire {
    /// Returns the member of a row.
    pub const fn of(row: &Row) -> Wire {
        Wire {
            key: row.key,
            member: row.field.key,
            kind: row.kind,
            derive: row.derive,
            vendor_only: row.vendor_only,
            text: TextKind::of(row.key.name()),
        }
    }
}

/// Returns the members of an object's rows, as a constant.
#[macro_export]
macro_rules! wires {
    ($rows:expr) => {
        const { &$crate::encode::wires::<{ $rows.len() }>($rows) }
    };
}

/// Returns the hashed rows, in their order, as a constant.
#[macro_export]
macro_rules! personal {
    ($rows:expr) => {
        const { &$crate::encode::personal::<{ $crate::encode::count_hashed($rows) }>($rows) }
    };
}

/// Returns the members of an object. The compiler refuses an `N` that is not the number of rows.
pub const fn wires<const N: usize>(rows: &[Row]) -> [Wire; N] {
    let mut wires = [Wire::of(&rows[0]); N];
    let mut at = 0;
    while at < rows.len() {
        wires[at] = Wire::of(&rows[at]);
        at += 1;
    }
    wires
}

/// A personal field: its name in mappings, its key in the request, the rule that normalises it.
#[derive(Debug, Clone, Copy)]
pub struct PersonalField {
    /// The name in mappings.
    pub member: &'static str,
    /// The key in the request.
    pub key: HashedKey,
    /// The rule that normalises it.
    pub field: Personal,
    /// The value worked out from the event when the mapping leaves the field empty.
    pub derive: Option<Derive>,
}

/// Returns the hashed rows, in their order. `N` is their number ([`count_hashed`]).
pub const fn personal<const N: usize>(rows: &[Row]) -> [PersonalField; N] {
    let none = PersonalField {
        member: "",
        key: HashedKey(rows[0].key),
        field: Personal::Email,
        derive: None,
    };
    let mut personal = [none; N];
    let (mut row, mut at) = (0, 0);
    while row < rows.len() {
        if let Kind::Hashed(field) = rows[row].kind {
            personal[at] = PersonalField {
                member: rows[row].field.key,
                key: HashedKey(rows[row].key),
                field,
                derive: rows[row].derive,
            };
            at += 1;
        }
        row += 1;
    }
    personal
}

/// Returns the number of hashed rows.
pub const fn count_hashed(rows: &[Row]) -> usize {
    let (mut row, mut count) = (0, 0);
    while row < rows.len() {
        count += matches!(rows[row].kind, Kind::Hashed(_)) as usize;
        row += 1;
    }
    count
}
