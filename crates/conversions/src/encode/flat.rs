//! Payloads whose fields stand at the top level, though the request has them in several objects: the fields of each object,
//! with their places in the payload.

use super::members::NO_PLACE;
use super::wire::{PersonalField, Wire, personal};
use crate::field::{Kind, Row};

/// Returns the hashed rows with their places, as a constant.
#[macro_export]
macro_rules! placed_personal {
    ($rows:expr) => {
        const { &$crate::encode::placed_personal::<{ $crate::encode::count_hashed($rows) }>($rows) }
    };
}

/// Returns the rows that are written by their kind, and not hashed, with their places, as a constant.
#[macro_export]
macro_rules! placed_wires {
    ($rows:expr) => {
        const { &$crate::encode::placed_wires::<{ $crate::encode::count_wires($rows) }>($rows) }
    };
}

/// Defines the type `Places`: the index of each of these fields in a table, [`NO_PLACE`] if the table lacks it.
#[macro_export]
macro_rules! places {
    ($($field:ident),* $(,)?) => {
        #[derive(Debug)]
        pub(crate) struct Places { $(pub(crate) $field: usize),* }

        impl Places {
            /// Finds the fields in a table.
            pub(crate) const fn of(fields: &[signalbox_segment::schema::Field<'_>]) -> Places {
                Places { $($field: $crate::encode::place_if_any(fields, stringify!($field))),* }
            }
        }
    };
}

/// Returns the hashed rows with their places. `N` is their number ([`count_hashed`](super::count_hashed)).
pub const fn placed_personal<const N: usize>(rows: &[Row]) -> [(usize, PersonalField); N] {
    let fields: [PersonalField; N] = personal(rows);
    let mut placed = [(NO_PLACE, fields[0]); N];
    let (mut row, mut at) = (0, 0);
    while row < rows.len() {
        if matches!(rows[row].kind, Kind::Hashed(_)) {
            placed[at] = (row, fields[at]);
            at += 1;
        }
        row += 1;
    }
    placed
}

/// Returns the rows that are written by their kind, and not hashed, with their places. `N` is their number
/// ([`count_wires`]).
pub const fn placed_wires<const N: usize>(rows: &[Row]) -> [(usize, Wire); N] {
    let mut placed = [(NO_PLACE, Wire::of(&rows[0])); N];
    let (mut row, mut at) = (0, 0);
    while row < rows.len() {
        if is_wire(&rows[row]) {
            placed[at] = (row, Wire::of(&rows[row]));
            at += 1;
        }
        row += 1;
    }
    placed
}

const fn is_wire(row: &Row) -> bool {
    !matches!(row.kind, Kind::Own | Kind::Hashed(_) | Kind::Plain(_))
}

/// Returns the number of rows that are written by their kind, and not hashed.
pub const fn count_wires(rows: &[Row]) -> usize {
    let (mut row, mut count) = (0, 0);
    while row < rows.len() {
        count += is_wire(&rows[row]) as usize;
        row += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use signalbox_segment::schema::FieldType;

    use super::*;
    use crate::personal::Field;
    use crate::{fields, key};

    const ROWS: &[Row] = &[
        Row::own(key!("event"), "Event", FieldType::String),
        Row::hashed("mail", "Mail", key!("email"), Field::Email),
        Row::member(key!("value"), "Value", Kind::Number),
        Row::plain(key!("city"), "City", Field::City),
        Row::member(key!("ids"), "Ids", Kind::Texts),
    ];

    places!(event, value, absent);

    #[test]
    fn fields_are_found_by_their_kind_and_name() {
        let personal = placed_personal!(ROWS);
        assert_eq!(
            personal.map(|(place, field)| (place, field.member)),
            [(1, "mail")]
        );
        let wires = placed_wires!(ROWS);
        assert_eq!(
            wires.map(|(place, wire)| (place, wire.key.name())),
            [(2, "value"), (4, "ids")]
        );
        let places = Places::of(fields!(ROWS));
        assert_eq!((places.event, places.value, places.absent), (0, 2, NO_PLACE));
    }
}
