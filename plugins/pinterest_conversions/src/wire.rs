//! The members of the request, in their order.

use signalbox_conversions::encode::{PersonalField, PlainKey, Wire};
use signalbox_conversions::field::{Kind, Row};
use signalbox_conversions::{personal, wires};

use crate::fields::{self, EVENT, USER_DATA};

pub(crate) const CUSTOM_DATA: &[Wire] = wires!(fields::CUSTOM_DATA);
pub(crate) const CONTENT: &[Wire] = wires!(fields::CONTENT);
pub(crate) const APP_INFO: &[Wire] = wires!(fields::APP_INFO);
pub(crate) const DEVICE_INFO: &[Wire] = wires!(fields::DEVICE_INFO);

/// The flat fields of the legacy format.
pub(crate) const LEGACY: &[Wire] = &{
    let mut wires = [CONTENT[0]; count_flat(EVENT)];
    let (mut row, mut at) = (0, 0);
    while row < EVENT.len() {
        if is_flat(&EVENT[row]) {
            wires[at] = Wire::of(&EVENT[row]);
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

/// The personal fields. `client_ip_address` and `client_user_agent` stand before the last.
pub(crate) const PERSONAL: &[PersonalField] = personal!(USER_DATA);

pub(crate) const CLIENT_IP_ADDRESS: PlainKey = PlainKey::of(USER_DATA, "client_ip_address");
pub(crate) const CLIENT_USER_AGENT: PlainKey = PlainKey::of(USER_DATA, "client_user_agent");
pub(crate) const CLICK_ID: PlainKey = PlainKey::of(USER_DATA, "click_id");
pub(crate) const PARTNER_ID: PlainKey = PlainKey::of(USER_DATA, "partner_id");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SPEC;

    #[test]
    fn must_be_sent_is_never_stripped() {
        for name in [
            "wifi",
            "advertiser_tracking_enabled",
            "item_brand_id",
            "device_brand",
            "np",
            "timezone_abbr",
        ] {
            assert_eq!(SPEC.strippable(name), Some(name));
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
            assert_eq!(SPEC.strippable(name), None, "{name}");
        }
    }

    #[test]
    fn members_stand_in_the_order_in_which_they_are_written() {
        let keys = |field: &str| -> Vec<&str> {
            let fields = SPEC.field(field).and_then(|field| field.properties);
            fields.unwrap().iter().map(|field| field.key).collect()
        };
        let written = |table: &[Wire]| -> Vec<&str> {
            let contents = |wire: &&Wire| wire.kind != Kind::Contents;
            table
                .iter()
                .filter(contents)
                .map(|wire| wire.key.name())
                .collect()
        };
        assert_eq!(keys("custom_data_2"), written(CUSTOM_DATA));
        assert_eq!(keys("custom_data").split_last().unwrap().1, written(CUSTOM_DATA));
        assert_eq!(keys("contents"), written(CONTENT));
        assert_eq!(keys("app_info"), written(APP_INFO));
        assert_eq!(keys("device_info"), written(DEVICE_INFO));
        let mut people: Vec<&str> = PERSONAL.iter().map(|personal| personal.member).collect();
        people.splice(11..11, ["client_ip_address", "client_user_agent"]);
        people.extend(["click_id", "partner_id"]);
        assert_eq!(keys("user_data"), people);
    }
}
