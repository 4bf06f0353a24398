//! `compat = "tiktok"`: wrong values are left out with a warning, values that are there are used, nothing is invented.

use std::num::NonZeroU32;

use signalbox_conversions::encode::{Object, TextKind, UserData, list};
use signalbox_conversions::field::{Derive, Kind};
use signalbox_conversions::{Parent, Refusal, Resolved, Written, key, money, reasons, usable_text};
use signalbox_core::Warning;
use signalbox_segment::value::Value;

use crate::options::{EventSource, TikTok};
use crate::payload::{Payload, trimmed};
use crate::wire::{AD, APP_INFO, CONTENT, LEAD, TRAVEL, VEHICLE};
use crate::{derive, events, reasons as own, segment};

/// A record under construction.
pub(crate) struct RecordBuilder<'a, 'b> {
    pub(crate) vendor: &'b TikTok,
    pub(crate) resolved: Resolved<'a, 'b>,
    pub(crate) payload: Payload<'a>,
    pub(crate) source: EventSource,
}

pub(crate) fn write<'a>(
    vendor: &TikTok,
    resolved: Resolved<'a, '_>,
    out: &mut Object<'_>,
) -> Result<Written<'a>, Refusal> {
    let payload = Payload::of(vendor, resolved.payload);
    let source = match payload.trimmed(payload.layout.places.event_source) {
        Some("crm") => EventSource::Crm,
        Some("web") => EventSource::Web,
        _ => vendor.event_source,
    };
    let builder = RecordBuilder {
        vendor,
        resolved,
        payload,
        source,
    };
    builder.event(out)
}

impl<'a> RecordBuilder<'a, '_> {
    fn event(mut self, out: &mut Object<'_>) -> Result<Written<'a>, Refusal> {
        let (payload, places) = (self.payload, &self.payload.layout.places);
        let text = |place: usize| payload.trimmed(place);
        let event_name = events::current(text(places.event).ok_or_else(own::no_event_name)?);
        let (event_time, expires_at) = self.time()?;
        let event_id = text(places.event_id);
        if event_id.is_none() && self.vendor.require_event_id {
            return Err(own::no_event_id().into());
        }
        let batch_key = self.vendor.batch_key(self.source, text(places.test_event_code))?;
        let (url, lead) = (self.url()?, self.lead()?);
        let referrer = self.resolved.referrer(payload.at(places.referrer), "referrer");
        let limited_data_use = self.limited_data_use()?;
        if !events::suits(event_name, self.source) {
            return Err(own::unsupported_event(self.source).into());
        }

        out.text(key!("event"), event_name);
        out.integer(key!("event_time"), event_time);
        out.text_if_any(key!("event_id"), event_id);
        out.object(key!("user"), true, |out| self.user(&mut UserData::new(out)));
        out.object(key!("properties"), false, |out| self.properties(out));
        out.object(key!("page"), false, |out| {
            out.text_if_any(key!("url"), url);
            out.text_if_any(key!("referrer"), referrer);
        });
        out.object(key!("app"), false, |out| self.app(out));
        out.object(key!("ad"), false, |out| self.ad(out));
        if let Some(lead) = lead {
            let parent = Parent::Object("lead_fields");
            out.object(key!("lead"), true, |out| {
                self.resolved.members(self.vendor, out, LEAD, lead, parent);
            });
        }
        if let Some(limited) = limited_data_use {
            out.flag(key!("limited_data_use"), limited);
        }
        Ok(Written {
            event_name,
            event_id: event_id.unwrap_or_default(),
            may_count_twice: event_id.is_none(),
            batch_key,
            expires_at,
        })
    }

    /// Returns the mapped text of a field, or the one derived in its place.
    pub(crate) fn id_or(&mut self, field: &str, place: usize, derive: Derive) -> Option<&'a str> {
        let mapped = self.payload.trimmed(place);
        let mapped = self.resolved.valid(mapped, |_| true, (field, "an id"));
        mapped.or_else(|| self.resolved.derived(self.vendor, derive).as_str())
    }

    /// Returns the time of the event and the one from which on it is too old.
    fn time(&mut self) -> Result<(i64, Option<NonZeroU32>), Refusal> {
        let text = self.payload.at(self.payload.layout.places.timestamp).as_str();
        let (text, max_future) = (text.unwrap_or_default(), self.vendor.max_future);
        let time = self.resolved.event_time(text, "timestamp", max_future)?;
        let max_age = self.vendor.max_age;
        Ok((time, self.resolved.expires_at(time, max_age, own::too_old)?))
    }

    /// Returns the page's address, which web events need.
    fn url(&mut self) -> Result<Option<&'a str>, Refusal> {
        let url = self.payload.at(self.payload.layout.places.url);
        let url = self.resolved.page_address(url, "url");
        if url.is_none() && self.source == EventSource::Web {
            return Err(own::no_page_url().into());
        }
        Ok(url)
    }

    /// Returns the lead, whose id CRM events need and others do not have. Events of apps need the app's id.
    fn lead(&self) -> Result<Option<Value<'a>>, Refusal> {
        let has_id = |object: Value<'a>, key| {
            let id = trimmed(object.get(key));
            id.is_some_and(|id| usable_text(id, TextKind::Id).is_ok())
        };
        let places = &self.payload.layout.places;
        let (lead, app) = (self.payload.at(places.lead_fields), self.payload.at(places.app));
        match self.source {
            EventSource::Crm if has_id(lead, "lead_id") => Ok(Some(lead)),
            EventSource::Crm => Err(own::no_lead_id().into()),
            EventSource::App if !has_id(app, "app_id") => Err(own::no_app_id().into()),
            _ => Ok(None),
        }
    }

    /// Returns the flag of Limited Data Use. An opt-out that cannot be read counts as one. One of the device or of the consent
    /// counts even if the mapping says false.
    fn limited_data_use(&mut self) -> Result<Option<bool>, Refusal> {
        let place = self.payload.layout.places.limited_data_use;
        derive::ADVERTISING.tell_unknown(&mut self.resolved);
        let fact = self.resolved.event.facts().limited_data_processing.is_some();
        let derived = self.resolved.derived(self.vendor, derive::LIMITED_DATA_USE);
        let opted_out =
            fact || self.resolved.has_dropped("limited_data_use") || derived.as_bool() == Some(true);
        let mapped = || self.payload.at(place).as_bool();
        let limited = opted_out.then_some(true).or_else(mapped);
        if self.source.has_limited_data_use() {
            return Ok(limited);
        }
        if limited == Some(true) {
            self.vendor.on_unsupported.settle(own::opt_out_unsupported)?;
            self.resolved.warnings.push(Warning::new(
                "opt_out_unsupported",
                "limited_data_use",
                "sent without the opt-out, which TikTok does not know for events of this source",
            ));
        }
        Ok(None)
    }

    fn properties(&mut self, out: &mut Object<'_>) {
        let places = &self.payload.layout.places;
        let contents = self.payload.at(places.contents);
        let mut has_ids = list(contents)
            .iter()
            .any(|item| trimmed(item.get("content_id")).is_some());
        let without_money = self.has_unsupported_currency();
        for (place, wire) in self.payload.layout.properties {
            let value = match self.payload.at(*place) {
                Value::Str(text) if text.trim().is_empty() => Value::Undefined,
                value => value,
            };
            let value = self.resolved.or_derived(self.vendor, wire, value, Parent::Event);
            match (wire.kind, wire.key.name()) {
                (Kind::Contents, _) => {
                    let form = (wire.key, CONTENT);
                    self.resolved
                        .contents(self.vendor, out, form, contents, "contents");
                }
                // Written last, and only beside ids, whose kind it names.
                (_, "content_type") => {}
                (_, "currency" | "value") if without_money => {}
                (_, name) => {
                    has_ids |= name == "content_ids" && list(value).iter().any(|id| trimmed(*id).is_some());
                    self.resolved.member(out, wire, value, Parent::Event);
                }
            }
        }
        let content_type = self.payload.value.get("content_type").as_str();
        out.text_if_any(key!("content_type"), content_type.filter(|_| has_ids));
        self.details(out);
    }

    /// Returns true for a currency that TikTok's list does not have.
    fn has_unsupported_currency(&mut self) -> bool {
        let given = self.payload.value.get("currency");
        let code = self.resolved.currency(given, Parent::Event).as_str();
        let code = code.and_then(money::currency);
        let unsupported = code.is_some_and(|code| !events::CURRENCIES.contains(&code));
        if unsupported {
            self.resolved.warnings.push(own::unsupported_currency());
        }
        unsupported
    }

    /// Writes the fields of a journey or a vehicle, if the mapping asks for them.
    fn details(&mut self, out: &mut Object<'_>) {
        let places = &self.payload.layout.places;
        let (field, place, table) = match self.payload.trimmed(places.event_spec_type) {
            Some("travel_fields") => ("travel_fields", places.travel_fields, TRAVEL),
            Some("vehicle_fields") => ("vehicle_fields", places.vehicle_fields, VEHICLE),
            _ => return,
        };
        let object = self.payload.at(place);
        self.resolved
            .members(self.vendor, out, table, object, Parent::Object(field));
        segment::pairs(out, object);
    }

    fn app(&mut self, out: &mut Object<'_>) {
        let app = self.payload.at(self.payload.layout.places.app);
        self.resolved
            .members(self.vendor, out, APP_INFO, app, Parent::Object("app"));
        let is_number = |id: &str| id.bytes().all(|b| b.is_ascii_digit());
        if derive::platform(self.resolved.lookups) == Some("ios")
            && app.get("app_id").as_str().is_some_and(|id| !is_number(id))
        {
            self.resolved.warnings.push(own::app_id_of_ios());
        }
    }

    fn ad(&mut self, out: &mut Object<'_>) {
        let ad = self.payload.at(self.payload.layout.places.ad);
        for wire in AD {
            match (wire.kind, ad.get(wire.key.name())) {
                (Kind::Own, Value::Bool(flag)) => out.flag(wire.key, flag),
                (Kind::Number, Value::Number(share)) if !(0.0..=1.0).contains(&share.to_f64()) => {
                    let warning = reasons::wrong_form("ad.attribution_share", "a share from 0 to 1");
                    self.resolved.warnings.push(warning);
                }
                (Kind::Text(_), Value::Str(text)) if text.trim().is_empty() => {}
                (_, value) => self.resolved.member(out, wire, value, Parent::Object("ad")),
            }
        }
    }
}
