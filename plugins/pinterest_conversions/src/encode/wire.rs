//! The field table as the encoders read it: the keys of the request in their order, with the form of their values.

use signalbox_conversions::personal::Field;

pub(crate) use crate::action::Kind;
use crate::action::fields::{
    APP_INFO as APP, CONTENT as PRODUCT, CUSTOM_DATA as CUSTOM, DEVICE_INFO as DEVICE, EVENT, USER_DATA,
};
use crate::action::{HashedKey, Row};
use signalbox_conversions::encode::Key;

/// A member of the request that is filled from a member of the mapped payload.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wire {
    /// The key in the request and in the mapping: they are the same outside of `user_data`.
    pub(crate) key: &'static Key,
    /// The form of the value.
    pub(crate) kind: Kind,
}

const fn wires<const N: usize>(rows: &[Row]) -> [Wire; N] {
    let first = Wire {
        key: rows[0].key,
        kind: rows[0].kind,
    };
    let mut wires = [first; N];
    let mut at = 0;
    while at < N {
        wires[at] = Wire {
            key: rows[at].key,
            kind: rows[at].kind,
        };
        at += 1;
    }
    wires
}

pub(crate) const CUSTOM_DATA: &[Wire] = &wires::<{ CUSTOM.len() }>(CUSTOM);
pub(crate) const CONTENT: &[Wire] = &wires::<{ PRODUCT.len() }>(PRODUCT);
pub(crate) const APP_INFO: &[Wire] = &wires::<{ APP.len() }>(APP);
pub(crate) const DEVICE_INFO: &[Wire] = &wires::<{ DEVICE.len() }>(DEVICE);

/// The flat fields of the legacy format.
pub(crate) const LEGACY: &[Wire] = &{
    let mut wires = [CONTENT[0]; count_flat(EVENT)];
    let (mut row, mut at) = (0, 0);
    while row < EVENT.len() {
        if is_flat(&EVENT[row]) {
            wires[at] = Wire {
                key: EVENT[row].key,
                kind: EVENT[row].kind,
            };
            at += 1;
        }
        row += 1;
    }
    wires
};

const fn is_flat(row: &Row) -> bool {
    matches!(row.kind, Kind::Text(_))
}

const fn count_flat(rows: &[Row]) -> usize {
    let (mut row, mut count) = (0, 0);
    while row < rows.len() {
        count += is_flat(&rows[row]) as usize;
        row += 1;
    }
    count
}

/// The most languages that Pinterest takes.
pub(crate) const MAX_LANGUAGES: usize = 100;

/// A personal field: its name in mappings, its key in the request, the rule that normalises it.
#[derive(Clone, Copy)]
pub(crate) struct Personal {
    pub(crate) member: &'static str,
    pub(crate) key: HashedKey,
    pub(crate) field: Field,
}

/// The personal fields, in the request's order. `client_ip_address` and `client_user_agent` stand before the last.
pub(crate) const PERSONAL: [Personal; count_hashed(USER_DATA)] = {
    let none = Personal {
        member: "",
        key: HashedKey::Em,
        field: Field::Email,
    };
    let mut personal = [none; count_hashed(USER_DATA)];
    let (mut row, mut at) = (0, 0);
    while row < USER_DATA.len() {
        if let Kind::Hashed(key, field) = USER_DATA[row].kind {
            personal[at] = Personal {
                member: USER_DATA[row].field.key,
                key,
                field,
            };
            at += 1;
        }
        row += 1;
    }
    personal
};

const fn count_hashed(rows: &[Row]) -> usize {
    let (mut row, mut count) = (0, 0);
    while row < rows.len() {
        count += matches!(rows[row].kind, Kind::Hashed(..)) as usize;
        row += 1;
    }
    count
}

/// Returns the property of this name if it can be left out of the request when Pinterest refuses it: everything optional
/// but `user_data`, which holds the identifiers, and `custom_data.opt_out_type`, which holds an opt-out.
pub(crate) fn strippable(name: &str) -> Option<&'static str> {
    /// Properties that settings fill, not mappings.
    const SETTINGS: [&str; 2] = ["partner_name", "np"];
    let rows = EVENT
        .iter()
        .flat_map(|row| std::iter::once(row).chain(row.members));
    let known = rows.filter(|row| row.strippable).map(|row| row.key.name());
    SETTINGS.into_iter().chain(known).find(|key| *key == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_must_be_sent_is_never_stripped() {
        for name in [
            "wifi",
            "advertiser_tracking_enabled",
            "item_brand_id",
            "device_brand",
            "np",
            "timezone_abbr",
        ] {
            assert_eq!(strippable(name), Some(name));
        }
        for name in [
            "event_name",
            "action_source",
            "event_time",
            "event_id",
            "user_data",
            "custom_data",
            "opt_out_type",
            "st",
            "country",
            "em",
            "client_ip_address",
            "",
            "colour",
            "data",
        ] {
            assert_eq!(strippable(name), None, "{name}");
        }
    }
}
