//! The members of the request, in their order.

use signalbox_conversions::encode::{PersonalField, PlainKey, Wire};
use signalbox_conversions::field::Row;
use signalbox_conversions::{key, personal, placed_wires, wires};
use signalbox_segment::schema::FieldType;

use crate::fields::{self, APP_DATA, EVENT, USER_DATA};

/// The personal fields, which begin the user data.
pub(crate) const PERSONAL: &[PersonalField] = personal!(USER_DATA);
const PLAIN_ROWS: &[Row] = USER_DATA.split_at(PERSONAL.len()).1;
/// The members of the user data that are sent as they are.
pub(crate) const PLAIN: &[Wire] = wires!(PLAIN_ROWS);

/// The external ids where they are not hashed.
const PLAIN_EXTERNAL_IDS: &[Row] = &[Row::own(key!("external_id"), "External ID", FieldType::String)];
pub(crate) const PLAIN_EXTERNAL_ID: PlainKey = PlainKey::of(PLAIN_EXTERNAL_IDS, "external_id");

const EXTINFO_ROWS: &[Row] = APP_DATA.split_at(4).1;
/// The sixteen places of `extinfo`.
pub(crate) const EXTINFO: &[Wire] = wires!(EXTINFO_ROWS);

/// The event that another one adds to.
pub(crate) const ORIGINAL_EVENT: &[Wire] = wires!(fields::ORIGINAL_EVENT);

/// A product.
pub(crate) const CONTENT: &[Wire] = wires!(fields::CONTENT);

/// The members of `custom_data` that have a field each, with their places in the payload.
pub(crate) const CUSTOM_DATA: &[(usize, Wire)] = placed_wires!(EVENT);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_cut_where_they_should_be() {
        let keys = |wires: &[Wire]| wires.iter().map(|wire| wire.key.name()).collect::<Vec<_>>();
        assert_eq!(PERSONAL.len(), 11);
        assert_eq!((PLAIN.len(), PLAIN[0].key.name()), (17, "client_ip_address"));
        let extinfo = keys(EXTINFO);
        assert_eq!(
            (extinfo.len(), extinfo[0], extinfo[15]),
            (16, "version", "deviceTimezone")
        );
        let custom: Vec<&str> = CUSTOM_DATA.iter().map(|(_, wire)| wire.key.name()).collect();
        assert_eq!((custom[0], custom.last()), ("currency", Some(&"status")));
        assert!(!custom.contains(&"test_event_code"));
    }
}
