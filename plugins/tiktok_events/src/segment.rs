//! `compat = "segment"`: the JSON values Segment's three destinations send, weak points included.

use std::borrow::Cow;

use signalbox_conversions::encode::{
    Object, PersonalField, UserData, Wire, null_context, segment_member, segment_members, segment_value,
};
use signalbox_conversions::field::Kind;
use signalbox_conversions::personal::rules::{Reading, Rules, SEGMENT_TIKTOK, Step};
use signalbox_conversions::personal::segment::{SegmentHash, hash};
use signalbox_conversions::personal::{Field, normalise};
use signalbox_conversions::{Refusal, Resolved, Written, key, reasons};
use signalbox_core::Node;
use signalbox_http::Url;
use signalbox_segment::time::js_date;
use signalbox_segment::value::{Value, js_text_to_number, js_trim};

use crate::options::{EventSource, TikTok};
use crate::payload::Payload;
use crate::reasons as own;
use crate::wire::{
    AD, APP_INFO, ATT_STATUS, CONTENT, HASHED_IDS, IDFV, IP, LEAD, LEAD_ID, LOCALE, PLACES, TRAVEL, TTCLID,
    TTP, USER_AGENT, VEHICLE, ZIP_CODE,
};

/// Android's advertising id, which Segment's destination trims and hashes in the letter case given.
static GAID: Rules = Rules::new(
    "segment-tiktok",
    Reading::HashOrClean,
    &[(Field::MobileAdId, &[Step::AsGiven])],
);

/// The only app events that Segment's destination takes.
const APP_EVENTS: &str = "AchieveLevel AddPaymentInfo AddToCart AddToWishlist Checkout CompleteTutorial CreateGroup CreateRole \
    GenerateLead InAppADClick InAppADImpr InstallApp JoinGroup LaunchAPP LoanApplication LoanApproval \
    LoanDisbursal Login Purchase Rate Registration Search SpendCredits StartTrial Subscribe \
    UnlockAchievement ViewContent";

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
    let event = resolved.event;
    let payload = Payload::of(vendor, resolved.payload);
    if null_context(event.root()) {
        return Err(reasons::segment_crash().into());
    }
    let places = &payload.layout.places;
    // In JavaScript a text has a method `trim`, which the default mapping finds in place of the vehicle's trim.
    let properties = event.root().get("properties").and_then(Node::as_str);
    let vehicle = payload.at(places.vehicle_fields).is_defined();
    if vehicle && properties.is_some_and(|text| !text.is_empty()) {
        return Err(own::segment::method().into());
    }
    let source = match payload.text(places.event_source) {
        Some("crm") => EventSource::Crm,
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
    // An opt-out that TikTok would ignore follows the policy in both modes.
    let fact = event.facts().limited_data_processing.is_some();
    let limited = fact || payload.at(places.limited_data_use).as_bool() == Some(true);
    if limited && !source.has_limited_data_use() {
        vendor.on_unsupported.settle(own::opt_out_unsupported)?;
    }

    let event_name = payload.text(places.event).unwrap_or_default();
    out.text(key!("event"), event_name);
    // Segment takes the moment of delivery for a missing one. The receipt's moment is the same but for the queue, and it stays when
    // the event is encoded again: a retry must not make another event of it.
    let received = event.receipt().received_at.div_euclid(1000);
    let time = payload.text(places.timestamp);
    match time.map_or(Some(received), |text| {
        Some(js_date::parse(text)?.instant.seconds())
    }) {
        Some(seconds) => out.integer(key!("event_time"), seconds),
        None => out.raw(key!("event_time"), "null"),
    }
    let event_id = payload.text(places.event_id);
    out.text_if_any(key!("event_id"), event_id);
    out.object(key!("user"), true, |out| writer.user(&mut UserData::new(out)));
    out.object(key!("properties"), true, |out| writer.properties(out));
    writer.rest(out);
    out.flag(key!("limited_data_use"), limited);
    let code = test_event_code.filter(|_| source == EventSource::Offline);
    out.text_if_any(key!("test_event_code"), code);
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
            EventSource::Web => {}
            EventSource::Crm => requires("lead_fields")?,
            EventSource::App if APP_EVENTS.split(' ').all(|name| name != event) => {
                return Err(own::segment::event_name().into());
            }
            EventSource::App => {
                requires("att_status")?;
                let of_shop = matches!(event, "AddToCart" | "AddToWishlist" | "Checkout" | "Purchase");
                if of_shop || event == "Subscribe" {
                    requires("contents")?;
                }
                if of_shop || event == "ViewContent" {
                    let worth = ["content_type", "currency", "value"];
                    worth.into_iter().try_for_each(requires)?;
                    let mut contents = self.payload.at(places.contents).items();
                    if contents.any(|item| item.get("content_id").is_falsy()) {
                        return Err(own::segment::content_id().into());
                    }
                }
            }
            EventSource::Offline => {
                let mut personal = self.payload.layout.personal.iter();
                if personal.all(|(place, _)| self.payload.at(*place).array_len() == 0) {
                    return Err(own::segment::no_identifier().into());
                }
            }
        }
        Ok(())
    }

    fn user(&mut self, out: &mut UserData<'_, '_>) {
        let (payload, source) = (self.payload, self.source);
        let places = &payload.layout.places;
        for (place, personal) in payload.layout.personal {
            let value = payload.at(*place);
            // A name is one text, and an empty one if nothing is mapped.
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
            EventSource::Web | EventSource::Crm => {
                let address = payload.at(places.address);
                for (key, field) in PLACES {
                    let text = address.get(key.name()).as_str().unwrap_or_default();
                    let plain = normalise(field, &SEGMENT_TIKTOK, text, self.text).is_ok();
                    out.plain(key, if plain { self.text } else { "" });
                }
                self.hash_text(out, &ZIP_CODE, address.get(ZIP_CODE.member));
            }
            EventSource::Offline => {}
        }
        out.plain_if_any(TTCLID, self.ttclid().as_deref());
        out.plain_if_any(LEAD_ID, payload.text(places.lead_id));
        out.plain_if_any(TTP, payload.text(places.ttp));
        out.plain_if_any(IP, payload.text(places.ip));
        out.plain_if_any(USER_AGENT, payload.text(places.user_agent));
        out.plain_if_any(LOCALE, payload.text(places.locale));
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

    /// Returns the click id: with web events, an empty one in the page's address hides the mapped one.
    fn ttclid(&self) -> Option<Cow<'a, str>> {
        let places = &self.payload.layout.places;
        let mapped = self.payload.text(places.ttclid).map(Cow::Borrowed);
        let url = self.payload.text(places.url).and_then(|url| Url::parse(url).ok());
        let of_url = url.as_ref().and_then(|url| {
            let mut pairs = url.query_pairs();
            pairs.find_map(|(name, id)| (name == "ttclid").then(|| Cow::<str>::Owned(id.into_owned())))
        });
        match (&of_url, &mapped, self.source) {
            (_, Some(_), EventSource::Offline) => mapped,
            (Some(id), None, _) if id.is_empty() => None,
            _ => of_url.or(mapped),
        }
    }

    fn device(&mut self, out: &mut UserData<'_, '_>) {
        let places = &self.payload.layout.places;
        let details = self.payload.at(places.device_details);
        let text = |key: &str| details.get(key).as_str().filter(|text| !text.is_empty());
        let is = |platform: &str| text("device_type").is_some_and(|kind| kind.eq_ignore_ascii_case(platform));
        let (ios, [idfa, gaid]) = (is("ios"), HASHED_IDS);
        let rules = match (ios, is("android")) {
            (true, _) => Some((idfa, &SEGMENT_TIKTOK)),
            (_, true) => Some((gaid, &GAID)),
            _ => None,
        };
        let id = js_trim(self.payload.text(places.advertising_id).unwrap_or_default());
        if let Some((personal, rules)) = rules
            && let Ok(hash) = hash(Field::MobileAdId, rules, id, self.text)
            && !hash.is_blank()
        {
            out.hashed_text(personal.key, &hash);
        }
        out.plain_if_any(IDFV, text("device_id").filter(|_| ios));
        let status = match self.payload.text(places.att_status) {
            Some("AUTO") => {
                let enabled = details.get("ad_tracking_enabled").as_bool();
                Some(tracking_status(ios, text("device_version"), enabled))
            }
            mapped => mapped,
        };
        out.plain_if_any(ATT_STATUS, status);
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
        let (places, web) = (&payload.layout.places, self.source == EventSource::Web);
        let (travel, vehicle) = (
            payload.at(places.travel_fields),
            payload.at(places.vehicle_fields),
        );
        match payload.text(places.event_spec_type).filter(|_| web) {
            Some("travel_fields") => segment_members(out, TRAVEL, travel, |_, _| true),
            Some("vehicle_fields") => {
                segment_members(out, VEHICLE, vehicle, |wire, _| wire.kind != Kind::Own);
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
                array.object(true, |out| segment_members(out, CONTENT, item, sends));
            }
        });
    }

    /// Writes the objects beside user and properties.
    fn rest(&self, out: &mut Object<'_>) {
        let places = &self.payload.layout.places;
        let sends = |wire: &Wire, value: Value<'_>| {
            let always = matches!(wire.key.name(), "app_id" | "lead_id");
            always || value.as_bool().is_some() || !value.is_falsy()
        };
        let mut object = |key, table, place| {
            let value = self.payload.at(place);
            out.object(key, true, |out| segment_members(out, table, value, sends));
        };
        if self.source == EventSource::App {
            object(key!("app"), APP_INFO, places.app);
            object(key!("ad"), AD, places.ad);
            return;
        }
        let lead = self.payload.at(places.lead_fields).get("lead_id");
        if self.source == EventSource::Crm && lead.as_str().is_some() {
            object(key!("lead"), LEAD, places.lead_fields);
        }
        out.object(key!("page"), self.source == EventSource::Offline, |out| {
            out.text_if_any(key!("url"), self.payload.text(places.url));
            out.text_if_any(key!("referrer"), self.payload.text(places.referrer));
        });
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
    if let Some(least) = number("preferred_price_range_min")
        && let Some(most) = number("preferred_price_range_max")
    {
        segment_value(out, key!("preferred_price_range"), Value::Array(&[least, most]));
    }
}

/// Returns the status of tracking that follows from a device's facts. iOS asks the user since version 14.
pub(crate) fn tracking_status(ios: bool, version: Option<&str>, enabled: Option<bool>) -> &'static str {
    match enabled {
        _ if !ios || version.is_some_and(is_before_14) => "NOT_APPLICABLE",
        Some(true) => "AUTHORIZED",
        Some(false) => "DENIED",
        None => "NOT_DETERMINED",
    }
}

/// Compares a version with 14.0.0 as Segment does: parts that are no numbers are neither less nor equal.
fn is_before_14(version: &str) -> bool {
    let mut parts = version.split('.').map(js_text_to_number);
    let [major, minor, patch] = [0; 3].map(|_| parts.next().unwrap_or(0.0));
    major < 14.0 || major == 14.0 && (minor < 0.0 || minor == 0.0 && patch < 0.0)
}
