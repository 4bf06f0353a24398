//! `compat = "segment"`: the JSON values Segment's three destinations send, weak points included.

use signalbox_conversions::encode::{
    Object, PersonalField, PlainKey, UserData, Wire, null_context, segment_member, segment_value,
};
use signalbox_conversions::field::Kind;
use signalbox_conversions::personal::rules::{Reading, Rules, SEGMENT_TIKTOK, Step};
use signalbox_conversions::personal::segment::{SegmentHash, hash};
use signalbox_conversions::personal::{Dropped, Field, normalise};
use signalbox_conversions::{Refusal, Resolved, Written, key, reasons};
use signalbox_http::Url;
use signalbox_segment::time::js_date;
use signalbox_segment::value::{Value, js_text_to_number, js_trim};

use crate::options::{EventSource, TikTok};
use crate::payload::Payload;
use crate::reasons as own;
use crate::wire::{
    AD, APP_INFO, ATT_STATUS, CONTENT, HASHED_IDS, IDFV, IP, LEAD_ID, LOCALE, PLACES, TRAVEL, TTCLID, TTP,
    USER_AGENT, VEHICLE, ZIP_CODE,
};

/// Android's advertising id, which Segment's destination trims and hashes in the letter case given.
static GAID: Rules = Rules::new(
    "segment-tiktok",
    Reading::HashOrClean,
    &[(Field::MobileAdId, &[Step::AsGiven])],
);

/// The only app events that Segment's destination takes.
#[rustfmt::skip]
const APP_EVENTS: [&str; 27] = [
    "AchieveLevel", "AddPaymentInfo", "AddToCart", "AddToWishlist", "Checkout", "CompleteTutorial", "CreateGroup",
    "CreateRole", "GenerateLead", "InAppADClick", "InAppADImpr", "InstallApp", "JoinGroup", "LaunchAPP",
    "LoanApplication", "LoanApproval", "LoanDisbursal", "Login", "Purchase", "Rate", "Registration", "Search",
    "SpendCredits", "StartTrial", "Subscribe", "UnlockAchievement", "ViewContent",
];
/// App events for which Segment's destination requires contents.
const WITH_CONTENTS: [&str; 5] = ["AddToCart", "AddToWishlist", "Checkout", "Purchase", "Subscribe"];
/// App events whose contents need an id, and for which Segment's destination requires a value.
const OF_PRODUCTS: [&str; 5] = [
    "AddToCart",
    "AddToWishlist",
    "Checkout",
    "Purchase",
    "ViewContent",
];

/// An event under construction.
struct Writer<'a, 'b> {
    payload: Payload<'a>,
    source: EventSource,
    /// A buffer for one personal value.
    text: &'b mut String,
}

pub(crate) fn write<'a>(
    vendor: &TikTok,
    resolved: Resolved<'a, '_>,
    out: &mut Object<'_>,
) -> Result<Written<'a>, Refusal> {
    let Resolved { event, .. } = resolved;
    let payload = Payload {
        layout: vendor.layout(),
        value: resolved.payload,
    };
    if null_context(event.root()) {
        return Err(reasons::segment_crash().into());
    }
    let places = &payload.layout.places;
    let source = match payload.text(places.event_source) {
        Some("crm") => EventSource::Crm,
        _ if vendor.event_source == EventSource::Crm => EventSource::Web,
        _ => vendor.event_source,
    };
    let test_event_code = payload.text(places.test_event_code);
    let root_code = test_event_code.filter(|_| source != EventSource::Offline);
    let batch_key = vendor.batch_key(source, root_code)?;
    let mut writer = Writer {
        payload,
        source,
        text: resolved.text,
    };
    writer.check()?;

    let event_name = payload.text(places.event).unwrap_or_default();
    out.text(key!("event"), event_name);
    match payload.text(places.timestamp) {
        Some(text) => match js_date::parse(text) {
            Some(read) => out.integer(key!("event_time"), read.instant.seconds()),
            None => out.raw(key!("event_time"), "null"),
        },
        // Segment takes the moment of delivery. The receipt's moment is the same but for the queue, and it stays when the
        // event is encoded again: a retry must not make another event of it.
        None => out.integer(key!("event_time"), event.receipt().received_at.div_euclid(1000)),
    }
    let event_id = payload.text(places.event_id);
    if let Some(id) = event_id {
        out.text(key!("event_id"), id);
    }
    out.object(key!("user"), true, |out| writer.user(&mut UserData::new(out)));
    out.object(key!("properties"), true, |out| writer.properties(out));
    writer.rest(out);
    let fact = event.facts().limited_data_processing.is_some();
    let limited = fact || payload.at(places.limited_data_use).as_bool() == Some(true);
    out.flag(key!("limited_data_use"), limited);
    if let Some(code) = test_event_code.filter(|_| source == EventSource::Offline) {
        out.text(key!("test_event_code"), code);
    }
    Ok(Written {
        event_name,
        event_id: event_id.unwrap_or_default(),
        may_count_twice: event_id.is_none(),
        batch_key,
        ..Written::default()
    })
}

impl<'a> Writer<'a, '_> {
    /// Makes the checks of the destinations that the field tables do not hold.
    fn check(&self) -> Result<(), Refusal> {
        let places = &self.payload.layout.places;
        let event = self.payload.text(places.event).unwrap_or_default();
        let requires = |field: &str| match self.payload.value.get(field).is_defined() {
            true => Ok(()),
            false => Err(Refusal::from(reasons::segment_requires(field))),
        };
        match self.source {
            EventSource::Web => Ok(()),
            EventSource::Crm => requires("lead_fields"),
            EventSource::App => {
                if !APP_EVENTS.contains(&event) {
                    return Err(own::segment::event_name().into());
                }
                if WITH_CONTENTS.contains(&event) {
                    requires("contents")?;
                }
                if OF_PRODUCTS.contains(&event) {
                    requires("content_type")?;
                    requires("currency")?;
                    requires("value")?;
                    let mut contents = self.payload.at(places.contents).items();
                    if contents.any(|item| item.get("content_id").is_falsy()) {
                        return Err(own::segment::content_id().into());
                    }
                }
                Ok(())
            }
            EventSource::Offline => {
                let mut personal = self.payload.layout.personal.iter();
                match personal.any(|(place, _)| self.payload.at(*place).array_len() > 0) {
                    true => Ok(()),
                    false => Err(own::segment::no_identifier().into()),
                }
            }
        }
    }

    fn user(&mut self, out: &mut UserData<'_, '_>) {
        let (payload, source) = (self.payload, self.source);
        let places = &payload.layout.places;
        for (place, personal) in payload.layout.personal {
            let value = payload.at(*place);
            // Rows of one value are texts of their own, and empty ones if nothing is mapped.
            if matches!(personal.field, Field::FirstName | Field::LastName) {
                self.hash_text(out, personal, value);
            } else if source != EventSource::App || value.array_len() > 0 {
                let texts = value.items().map(|item| item.as_str().unwrap_or_default());
                let hashes: Vec<SegmentHash<'_>> = texts
                    .filter_map(|text| self.hashed(personal.field, text))
                    .collect();
                out.hashed_even_if_empty(personal.key, &hashes);
            }
        }
        match source {
            EventSource::App => self.device(out),
            EventSource::Offline => {
                let mapped = payload.text(places.ttclid).map(str::to_owned);
                let ttclid = mapped.or_else(|| self.ttclid_of_url().filter(|id| !id.is_empty()));
                plain(out, TTCLID, ttclid.as_deref());
                plain(out, LEAD_ID, payload.text(places.lead_id));
            }
            EventSource::Web | EventSource::Crm => {
                let address = payload.at(places.address);
                for (key, field) in PLACES {
                    let text = address.get(key.name()).as_str().unwrap_or_default();
                    let plain = normalise(field, &SEGMENT_TIKTOK, text, self.text).is_ok();
                    out.plain(key, if plain { self.text } else { "" });
                }
                self.hash_text(out, &ZIP_CODE, address.get(ZIP_CODE.member));
                // An empty one in the address hides the mapped one, and is then sent.
                let (of_url, mapped) = (self.ttclid_of_url(), payload.text(places.ttclid));
                if mapped.is_some() || of_url.as_ref().is_some_and(|id| !id.is_empty()) {
                    plain(out, TTCLID, of_url.as_deref().or(mapped));
                }
            }
        }
        plain(out, TTP, payload.text(places.ttp));
        plain(out, IP, payload.text(places.ip));
        plain(out, USER_AGENT, payload.text(places.user_agent));
        plain(out, LOCALE, payload.text(places.locale));
    }

    /// Hashes a value; these rules have a hash, or a blank, for each.
    fn hashed<'t>(&mut self, field: Field, text: &'t str) -> Option<SegmentHash<'t>> {
        hash(field, &SEGMENT_TIKTOK, text, self.text).ok()
    }

    fn hash_text(&mut self, out: &mut UserData<'_, '_>, personal: &PersonalField, value: Value<'_>) {
        if let Some(hash) = self.hashed(personal.field, value.as_str().unwrap_or_default()) {
            out.hashed_text(personal.key, &hash);
        }
    }

    fn ttclid_of_url(&self) -> Option<String> {
        let url = Url::parse(self.payload.text(self.payload.layout.places.url)?).ok()?;
        let mut pairs = url.query_pairs();
        pairs
            .find(|(name, _)| name == "ttclid")
            .map(|(_, value)| value.into_owned())
    }

    fn device(&mut self, out: &mut UserData<'_, '_>) {
        let places = &self.payload.layout.places;
        let details = self.payload.at(places.device_details);
        let text = |key: &str| details.get(key).as_str().filter(|text| !text.is_empty());
        let platform = text("device_type").unwrap_or_default();
        let (ios, android) = (
            platform.eq_ignore_ascii_case("ios"),
            platform.eq_ignore_ascii_case("android"),
        );
        let [idfa, gaid] = HASHED_IDS else { return };
        let id = js_trim(self.payload.text(places.advertising_id).unwrap_or_default());
        let hashed: Result<_, Dropped> = match (ios, android) {
            (true, _) => hash(Field::MobileAdId, &SEGMENT_TIKTOK, id, self.text).map(|hash| (idfa, hash)),
            (_, true) => hash(Field::MobileAdId, &GAID, id, self.text).map(|hash| (gaid, hash)),
            _ => Err(Dropped::Empty),
        };
        if let Ok((personal, hash)) = hashed
            && !hash.is_blank()
        {
            out.hashed_text(personal.key, &hash);
        }
        if ios {
            plain(out, IDFV, text("device_id"));
        }
        let status = match self.payload.text(places.att_status) {
            Some("AUTO") => {
                let old = text("device_version").is_some_and(is_before_14);
                match details.get("ad_tracking_enabled").as_bool() {
                    _ if !ios || old => Some("NOT_APPLICABLE"),
                    Some(true) => Some("AUTHORIZED"),
                    Some(false) => Some("DENIED"),
                    None => Some("NOT_DETERMINED"),
                }
            }
            mapped => mapped,
        };
        plain(out, ATT_STATUS, status);
    }

    fn properties(&mut self, out: &mut Object<'_>) {
        let payload = self.payload;
        for (place, wire) in payload.layout.properties {
            let value = payload.at(*place);
            match wire.kind {
                Kind::Contents => self.contents(out, value),
                _ if self.source == EventSource::Offline && value.is_nullish() => {}
                _ => segment_member(out, wire, value),
            }
        }
        let spec_type = payload.at(payload.layout.places.event_spec_type).as_str();
        if self.source != EventSource::Web {
            return;
        }
        match spec_type {
            Some("travel_fields") => {
                let travel = payload.at(payload.layout.places.travel_fields);
                members(out, TRAVEL, travel, |_, _| true);
            }
            Some("vehicle_fields") => {
                let vehicle = payload.at(payload.layout.places.vehicle_fields);
                members(out, VEHICLE, vehicle, |wire, _| wire.kind != Kind::Own);
                pairs(out, vehicle);
            }
            _ => {}
        }
    }

    fn contents(&self, out: &mut Object<'_>, contents: Value<'a>) {
        let sends = |wire: &Wire, value: Value<'_>| match self.source {
            EventSource::App if wire.key.name() == "quantity" => value.as_number().is_some(),
            EventSource::App => !value.is_falsy(),
            EventSource::Offline => true,
            EventSource::Web | EventSource::Crm => !value.is_nullish(),
        };
        out.array(key!("contents"), true, |array| {
            for item in contents.items() {
                array.object(true, |out| members(out, CONTENT, item, sends));
            }
        });
    }

    /// Writes the objects beside user and properties.
    fn rest(&self, out: &mut Object<'_>) {
        let places = &self.payload.layout.places;
        if self.source == EventSource::App {
            let truthy = |_: &Wire, value: Value<'_>| !value.is_falsy();
            let app = self.payload.at(places.app);
            out.object(key!("app"), true, |out| {
                members(out, APP_INFO, app, |wire, value| {
                    wire.key.name() == "app_id" || truthy(wire, value)
                });
            });
            let ad = self.payload.at(places.ad);
            out.object(key!("ad"), true, |out| {
                members(out, AD, ad, |wire, value| {
                    value.as_bool().is_some() || truthy(wire, value)
                });
            });
            return;
        }
        out.object(key!("page"), self.source == EventSource::Offline, |out| {
            for (key, place) in [(key!("url"), places.url), (key!("referrer"), places.referrer)] {
                if let Some(text) = self.payload.text(place) {
                    out.text(key, text);
                }
            }
        });
        let lead = self.payload.at(places.lead_fields);
        if let (EventSource::Crm, Some(id)) = (self.source, lead.get("lead_id").as_str()) {
            out.object(key!("lead"), true, |out| {
                out.text(key!("lead_id"), id);
                let source = lead.get("lead_event_source");
                if !source.is_falsy() {
                    segment_value(out, key!("lead_event_source"), source);
                }
            });
        }
    }
}

/// Writes the members of an object that are to be sent.
fn members(
    out: &mut Object<'_>,
    table: &[Wire],
    object: Value<'_>,
    sends: impl Fn(&Wire, Value<'_>) -> bool,
) {
    for wire in table {
        let value = object.get(wire.key.name());
        if sends(wire, value) {
            segment_member(out, wire, value);
        }
    }
}

/// Writes the members of a vehicle that are made of two fields.
pub(crate) fn pairs(out: &mut Object<'_>, vehicle: Value<'_>) {
    let number = |key: &str| Some(vehicle.get(key)).filter(|value| value.as_number().is_some());
    let unit = vehicle.get("mileage_unit");
    if let Some(mileage) = number("mileage_value").filter(|_| unit.is_defined()) {
        out.object(key!("mileage"), true, |out| {
            segment_value(out, key!("unit"), unit);
            segment_value(out, key!("value"), mileage);
        });
    }
    let (least, most) = (
        number("preferred_price_range_min"),
        number("preferred_price_range_max"),
    );
    if let (Some(least), Some(most)) = (least, most) {
        segment_value(out, key!("preferred_price_range"), Value::Array(&[least, most]));
    }
}

pub(crate) fn plain(out: &mut UserData<'_, '_>, key: PlainKey, text: Option<&str>) {
    if let Some(text) = text {
        out.plain(key, text);
    }
}

/// Compares a version with 14.0.0 as Segment does: parts that are no numbers are neither less nor equal.
fn is_before_14(version: &str) -> bool {
    let mut parts = version.split('.').map(js_text_to_number);
    let [major, minor, patch] = [0; 3].map(|_| parts.next().unwrap_or(0.0));
    major < 14.0 || major == 14.0 && (minor < 0.0 || minor == 0.0 && patch < 0.0)
}
