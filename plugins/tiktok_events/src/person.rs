//! The user: identifiers hashed, places and ids of clicks and devices plain.

use signalbox_conversions::device::{is_advertising_id, mobile_platform};
use signalbox_conversions::encode::UserData;
use signalbox_conversions::forms::{is_language_tag, is_uuid};
use signalbox_conversions::personal::Field;
use signalbox_conversions::reasons::wrong_form;

use crate::derive;
use crate::options::{EventSource, ExternalIdCase};
use crate::payload::trimmed;
use crate::segment::tracking_status;
use crate::wire::{
    ATT_STATUS, GAID, IDFA, IDFV, IP, LEAD_ID, LOCALE, PLACES, TTCLID, TTP, USER_AGENT, ZIP_CODE,
};
use crate::write::RecordBuilder;

impl<'a> RecordBuilder<'a, '_> {
    pub(crate) fn user(&mut self, out: &mut UserData<'_, '_>) {
        let places = &self.payload.layout.places;
        for (place, personal) in self.payload.layout.personal {
            let mut values = self.payload.at(*place);
            if personal.field == Field::ExternalId && self.vendor.external_id_case == ExternalIdCase::Lower {
                values = self.resolved.lower_case(values);
            }
            if !self.resolved.hash_personal(self.vendor, personal, values, "") {
                continue;
            }
            match (personal.field, self.resolved.hashes.as_slice()) {
                (Field::FirstName | Field::LastName, [name, ..]) => out.hashed_text(personal.key, name),
                (_, hashes) => out.hashed(personal.key, hashes),
            }
        }
        if matches!(self.source, EventSource::Web | EventSource::Crm) {
            self.address(out);
        }
        let ttclid = self.id_or("ttclid", places.ttclid, derive::TTCLID);
        let is_whole = |id: &str| id.chars().count() <= 1000;
        let ttclid = self.resolved.valid(
            ttclid,
            is_whole,
            ("ttclid", "a click id of at most 1,000 characters"),
        );
        out.plain_if_any(TTCLID, ttclid);
        out.plain_if_any(TTP, self.id_or("ttp", places.ttp, derive::TTP));
        let lead_id = self.payload.trimmed(places.lead_id);
        out.plain_if_any(
            LEAD_ID,
            self.resolved.valid(lead_id, |_| true, ("lead_id", "an id")),
        );
        if self.source == EventSource::App {
            self.device(out);
        }
        let ip = self.resolved.client_address(self.payload.at(places.ip), "ip");
        out.plain_if_any(IP, ip);
        let agent = self.payload.at(places.user_agent);
        out.plain_if_any(USER_AGENT, self.resolved.user_agent(agent, "user_agent"));
        self.locale(out);
    }

    fn address(&mut self, out: &mut UserData<'_, '_>) {
        let address = self.payload.at(self.payload.layout.places.address);
        for (key, field) in PLACES {
            let path = ["address.", key.name()].concat();
            if let Some(text) = self.resolved.normalise(field, address.get(key.name()), &path) {
                out.plain(key, text);
            }
        }
        let zip = address.get(ZIP_CODE.member);
        if self
            .resolved
            .hash_personal(self.vendor, &ZIP_CODE, zip, "address")
            && let Some(hash) = self.resolved.hashes.first()
        {
            out.hashed_text(ZIP_CODE.key, hash);
        }
    }

    /// Writes a locale such as `en_US` as a BCP 47 tag.
    fn locale(&mut self, out: &mut UserData<'_, '_>) {
        let locale = self.payload.trimmed(self.payload.layout.places.locale);
        let form = ("locale", "a BCP 47 language tag");
        let Some(locale) = self.resolved.valid(locale, is_language_tag, form) else {
            return;
        };
        self.resolved.text.clear();
        let tag = locale.chars().map(|c| if c == '_' { '-' } else { c });
        self.resolved.text.extend(tag);
        out.plain(LOCALE, self.resolved.text);
    }

    fn device(&mut self, out: &mut UserData<'_, '_>) {
        let places = &self.payload.layout.places;
        let details = self.payload.at(places.device_details);
        let text = |key: &str| trimmed(details.get(key));
        let derived = derive::platform(self.resolved.lookups);
        let platform = mobile_platform(text("device_type"), false, None).or(derived);
        let ios = platform == Some("ios");
        let id = self.payload.at(places.advertising_id);
        if let Some(text) = trimmed(id)
            && !derive::COMMON.is_untracked(&mut self.resolved, id, "advertising_id")
        {
            self.advertising_id(out, text, platform);
        }
        if ios {
            let form = ("device_details.device_id", "an IDFV");
            let idfv = self.resolved.valid(text("device_id"), is_uuid, form);
            out.plain_if_any(IDFV, idfv);
        }
        let mapped = self.payload.trimmed(places.att_status);
        let enabled = details.get("ad_tracking_enabled").as_bool();
        let by_facts = platform.map(|_| tracking_status(ios, text("device_version"), enabled));
        let told = derive::tracking_status(self.resolved.lookups);
        let told = told.filter(|_| by_facts != Some("NOT_APPLICABLE"));
        let status = mapped.filter(|status| *status != "AUTO").or(told).or(by_facts);
        out.plain_if_any(ATT_STATUS, status);
    }

    /// Writes the id plain: in upper case for iOS, in lower case for Android. A hash is passed on.
    fn advertising_id(&mut self, out: &mut UserData<'_, '_>, id: &str, platform: Option<&str>) {
        let (key, ios) = match platform {
            Some("ios") => (IDFA, true),
            Some(_) => (GAID, false),
            None => {
                let wanted = "usable without the device's type, ios or android";
                return self.resolved.warnings.push(wrong_form("advertising_id", wanted));
            }
        };
        let is_hash = id.len() == 64 && id.bytes().all(|b| b.is_ascii_hexdigit());
        let text = &mut *self.resolved.text;
        text.clear();
        text.push_str(id);
        match ios && !is_hash {
            true => text.make_ascii_uppercase(),
            false => text.make_ascii_lowercase(),
        }
        if is_hash || is_advertising_id(id) {
            out.plain(key, text);
        } else if !is_uuid(id) {
            self.resolved
                .warnings
                .push(wrong_form("advertising_id", "an advertising id"));
        }
    }
}
