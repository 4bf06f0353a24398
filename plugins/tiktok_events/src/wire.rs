//! The members of the request, and where the payload of each kind of event source has them.

use signalbox_conversions::encode::{PersonalField, PlainKey, Wire};
use signalbox_conversions::field::Row;
use signalbox_conversions::personal::Field as Personal;
use signalbox_conversions::{Spec, fields, key, personal, placed_personal, placed_wires, places, wires};

use crate::fields::{self, ADDRESS, APP, OFFLINE, WEB};
use crate::groups;

pub(crate) const CONTENT: &[Wire] = wires!(fields::CONTENT);
pub(crate) const APP_INFO: &[Wire] = wires!(fields::APP_INFO);
pub(crate) const AD: &[Wire] = wires!(fields::AD);
pub(crate) const LEAD: &[Wire] = wires!(fields::LEAD);
pub(crate) const TRAVEL: &[Wire] = wires!(groups::TRAVEL);
pub(crate) const VEHICLE: &[Wire] = wires!(groups::VEHICLE);

/// Members of `user` that TikTok wants as they are.
pub(crate) const TTCLID: PlainKey = PlainKey::of(WEB, "ttclid");
pub(crate) const TTP: PlainKey = PlainKey::of(WEB, "ttp");
pub(crate) const IP: PlainKey = PlainKey::of(WEB, "ip");
pub(crate) const USER_AGENT: PlainKey = PlainKey::of(WEB, "user_agent");
pub(crate) const LOCALE: PlainKey = PlainKey::of(WEB, "locale");
pub(crate) const LEAD_ID: PlainKey = PlainKey::of(OFFLINE, "lead_id");
pub(crate) const ATT_STATUS: PlainKey = PlainKey::of(APP, "att_status");
pub(crate) const IDFV: PlainKey = PlainKey::of(DEVICE_IDS, "idfv");

/// Members of `user` that hold the address in plain normal form.
pub(crate) const PLACES: [(PlainKey, Personal); 3] = [
    (PlainKey::of(ADDRESS, "city"), Personal::City),
    (PlainKey::of(ADDRESS, "state"), Personal::State),
    (PlainKey::of(ADDRESS, "country"), Personal::Country),
];
/// The postal code, which is hashed.
pub(crate) const ZIP_CODE: PersonalField = personal!(ADDRESS)[0];

/// The advertising ids as they are.
pub(crate) const IDFA: PlainKey = PlainKey::of(DEVICE_IDS, "idfa");
pub(crate) const GAID: PlainKey = PlainKey::of(DEVICE_IDS, "gaid");

/// Members of `user` that are made of several fields.
const DEVICE_IDS: &[Row] = &[
    Row::hashed("advertising_id", "IDFA", key!("idfa"), Personal::MobileAdId),
    Row::hashed("advertising_id", "GAID", key!("gaid"), Personal::MobileAdId),
    Row::member(key!("idfv"), "IDFV", fields::ANY),
    Row::member(key!("idfa"), "IDFA", fields::ANY),
    Row::member(key!("gaid"), "GAID", fields::ANY),
];
/// The advertising ids as hashes, as Segment sends them: IDFA, GAID.
pub(crate) const HASHED_IDS: [PersonalField; 2] = signalbox_conversions::encode::personal(DEVICE_IDS);

// The places of fields in the payload, of all kinds of event sources.
places! {
    event, timestamp, event_id, limited_data_use, test_event_code, event_source, event_spec_type, address, ttclid,
    ttp, ip, user_agent, locale, url, referrer, contents, lead_fields, travel_fields, vehicle_fields, lead_id,
    advertising_id, att_status, device_details, app, ad
}

/// The form of the events of one kind of event source.
#[derive(Debug)]
pub(crate) struct Layout {
    pub(crate) spec: &'static Spec,
    pub(crate) places: Places,
    /// The hashed fields of the user, with their places.
    pub(crate) personal: &'static [(usize, PersonalField)],
    /// The fields of `properties`, with their places.
    pub(crate) properties: &'static [(usize, Wire)],
}

macro_rules! layout {
    ($spec:expr, $rows:expr) => {
        Layout {
            spec: $spec,
            places: Places::of(fields!($rows)),
            personal: placed_personal!($rows),
            properties: placed_wires!($rows),
        }
    };
}

pub(crate) static WEB_LAYOUT: Layout = layout!(&fields::WEB_SPEC, WEB);
pub(crate) static APP_LAYOUT: Layout = layout!(&fields::APP_SPEC, APP);
pub(crate) static OFFLINE_LAYOUT: Layout = layout!(&fields::OFFLINE_SPEC, OFFLINE);
